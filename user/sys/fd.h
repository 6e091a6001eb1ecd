// One owner for each descriptor. `Fd` closes once; a bare `int` is borrowed. Nobody calls close()
// elsewhere.
#pragma once

#include <unistd.h>

#include <utility>

namespace xbeat::sys {

class Fd {
public:
    Fd() = default;
    explicit Fd(int raw) : raw_(raw) {}
    Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        Fd closing(std::move(other));
        std::swap(raw_, closing.raw_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (raw_ >= 0) ::close(raw_);
    }

    [[nodiscard]] int get() const { return raw_; }
    [[nodiscard]] bool is_open() const { return raw_ >= 0; }

private:
    int raw_ = -1;
};

}  // namespace xbeat::sys
