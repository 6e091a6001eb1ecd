#include "heart/lease_reading.h"

#include <bpf/bpf.h>

#include "abi/xb_gate_abi.h"
#include "core/text.h"
#include "heart/boot_ns.h"
#include "heart/pins.h"
#include "sys/fd.h"
#include "xb_gate.h"

namespace xbeat::heart {
namespace {

// One element of a pinned array whose values must be as large as `Value`.
template <class Value>
Result<Value> read_pinned(const std::string& path, std::uint32_t key) {
    const sys::Fd map(::bpf_obj_get(path.c_str()));
    if (!map.is_open())
        return Error{.code = Code::NotFound, .context = concat(path, " is not pinned")};
    bpf_map_info facts{};
    std::uint32_t size = sizeof facts;
    const bool is_known = ::bpf_obj_get_info_by_fd(map.get(), &facts, &size) == 0;
    Value value{};
    if (!is_known || facts.value_size != sizeof value ||
        ::bpf_map_lookup_elem(map.get(), &key, &value) != 0) {
        return Error{.code = Code::Corrupt, .context = concat(path, " is of another kind")};
    }
    return value;
}

}  // namespace

bool LeaseReading::is_open(Instant now) const {
    return xb_gate_is_open(ns_of(granted_until), ns_of(exclusive_until), ns_of(now)) != 0;
}

Result<LeaseReading> read_lease(const std::string& pin_dir, NodeId peer) {
    const auto gate = XB_TRY(read_pinned<xb_gate_control>(concat(pin_dir, '/', kControlPin), 0));
    if (gate.abi_version != XB_GATE_ABI_VERSION)
        return Error{.code = Code::Corrupt, .context = "the pinned gate is of another version"};
    LeaseReading reading{.granted_until = {},
                         .exclusive_until = instant_of(gate.exclusive_until_ns)};
    if (peer.value != 0) {
        const auto entry =
            XB_TRY(read_pinned<xb_peer>(concat(pin_dir, '/', kPeersPin), peer.value));
        reading.granted_until = instant_of(entry.lease_until_ns);
    }
    return reading;
}

}  // namespace xbeat::heart
