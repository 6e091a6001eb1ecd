#include "heart/backlog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "abi/xb_abi.h"
#include "core/text.h"
#include "heart/fnv.h"
#include "sys/fd.h"
#include "sys/system_error.h"
// Generated, and clang finds conversions in it that are not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "skel/backlog.skel.h"
#pragma GCC diagnostic pop

namespace xbeat::heart::backlog {
namespace {

struct DestroySkeleton {
    void operator()(backlog_bpf* skeleton) const { backlog_bpf::destroy(skeleton); }
};

constexpr std::array<const char*, 3> kPins = {"backlog_exit", "backlog_entry", "backlog_raise"};

std::string pin_path(const std::string& pin_dir, const char* name) {
    return concat(pin_dir, '/', name);
}

Result<void> attach_one(bpf_program* program, const std::string& pin) {
    bpf_link* link = ::bpf_program__attach(program);
    if (link == nullptr) return sys::system_error("attach to a softirq tracepoint");
    const int code = ::bpf_link__pin(link, pin.c_str());
    ::bpf_link__destroy(link);  // the pin holds it
    if (code != 0) return sys::system_error(concat("pin ", pin), -code);
    return {};
}

}  // namespace

std::uint32_t processors() {
    const int possible = ::libbpf_num_possible_cpus();
    return possible < 1 ? 1U : std::min(static_cast<std::uint32_t>(possible), XB_CPUS_MAX + 0U);
}

bool is_attached(const std::string& pin_dir) {
    return std::all_of(kPins.begin(), kPins.end(), [&](const char* name) {
        return sys::Fd(::bpf_obj_get(pin_path(pin_dir, name).c_str())).is_open();
    });
}

Result<void> attach(const std::string& pin_dir, int map) {
    remove(pin_dir);
    const std::unique_ptr<backlog_bpf, DestroySkeleton> object(backlog_bpf::open());
    if (!object) return sys::system_error("open the backlog's object");
    int code = ::bpf_map__reuse_fd(object->maps.xb_backlog, map);
    if (code != 0) return sys::system_error("share xb_backlog", -code);
    for (bpf_map* other = ::bpf_object__next_map(object->obj, nullptr); other != nullptr;
         other = ::bpf_object__next_map(object->obj, other)) {
        if (other != object->maps.xb_backlog) ::bpf_map__set_autocreate(other, false);
    }
    code = backlog_bpf::load(object.get());
    if (code != 0) return sys::system_error("load the backlog's programs", -code);
    // The end before the beginning: an entry whose end is not seen would look like work for ever.
    const std::array<bpf_program*, 3> programs = {object->progs.xb_backlog_exit,
                                                  object->progs.xb_backlog_entry,
                                                  object->progs.xb_backlog_raise};
    for (std::size_t i = 0; i < programs.size(); i++) {
        const Result<void> attached = attach_one(programs.at(i), pin_path(pin_dir, kPins.at(i)));
        if (attached) continue;
        remove(pin_dir);
        return attached.error();
    }
    return {};
}

void remove(const std::string& pin_dir) {
    // In the opposite order: who raises ends first.
    for (auto name = kPins.rbegin(); name != kPins.rend(); ++name) {
        ::unlink(pin_path(pin_dir, *name).c_str());
    }
}

std::uint64_t program_id(std::uint64_t hash) {
    std::size_t size = 0;
    const void* bytes = backlog_bpf::elf_bytes(&size);
    return fnv1a(hash, bytes, size);
}

}  // namespace xbeat::heart::backlog
