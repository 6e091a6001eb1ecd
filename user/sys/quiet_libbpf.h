// Keeps libbpf from writing to the terminal.
#pragma once

#include <bpf/libbpf.h>

namespace xbeat::sys {

/// While it lives, libbpf prints nothing: that a hook, filter or program is not there is an answer
/// to us, and why the kernel refused is told by the error. Not to be held by two threads at once.
class QuietLibbpf {
public:
    QuietLibbpf() : before_(::libbpf_set_print(nullptr)) {}
    QuietLibbpf(const QuietLibbpf&) = delete;
    QuietLibbpf& operator=(const QuietLibbpf&) = delete;
    ~QuietLibbpf() { ::libbpf_set_print(before_); }

private:
    libbpf_print_fn_t before_;
};

}  // namespace xbeat::sys
