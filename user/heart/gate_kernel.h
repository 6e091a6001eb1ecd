// The gate's programs and maps in the kernel: loading, pinning, adopting, attaching to a NIC.
//
// Pinned in the heart's folder: gate_control, gate_managed, the programs as gate_xdp, gate_ingress
// and gate_egress, and the XDP link of interface N as gate_link_N. The tc filters outlive the
// daemon by themselves. The programs read the heart's own map of peers, so the heart comes first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi/xb_gate_abi.h"
#include "core/id.h"
#include "core/result.h"
#include "heart/ip_address.h"
#include "heart/kernel.h"
#include "sys/fd.h"

namespace xbeat::heart {

class GateKernel {
public:
    /// How packets that come in are judged on a NIC.
    enum class Inbound : std::uint8_t { None, Xdp, Tc };
    enum class Want : std::uint8_t { XdpFirst, TcOnly };

    struct Options {
        std::string pin_dir;  // of the heart, which runs
        std::uint32_t peers_max = 0;
        NodeId peer{};  // whose grants count; 0: nobody's
    };

    /// Takes over the pinned gate, whose addresses and leases stay in force all the while, or makes
    /// one. Programs that differ from ours, or read the map of a heart that is no more, are
    /// replaced. Errors: Unavailable if no heart is pinned there; System.
    [[nodiscard]] static Result<GateKernel> open(const Options& options);
    /// Removes the pins; the filters of NICs are removed by detach().
    static void remove(const std::string& pin_dir);

    [[nodiscard]] bool adopted() const { return adopted_; }
    [[nodiscard]] xb_gate_control& control() const {
        return *static_cast<xb_gate_control*>(control_memory_.data());
    }
    [[nodiscard]] const xb_peer* peer() const;

    Result<void> add(const IpAddress& address);
    Result<void> remove(const IpAddress& address);
    /// In no order. Errors: System.
    [[nodiscard]] Result<std::vector<IpAddress>> managed() const;

    /// Both ways, in place of what is there of ours. Errors: System.
    Result<Inbound> attach(int ifindex, Want want);
    /// What of ours judges packets on that NIC now.
    [[nodiscard]] Inbound inbound(int ifindex) const;
    [[nodiscard]] bool outbound(int ifindex) const;
    void detach(int ifindex);

private:
    Result<void> open_or_make_maps(const Options& options);
    [[nodiscard]] bool programs_fit() const;
    Result<void> open_programs();
    Result<void> load_programs(std::uint32_t peers_max);
    Result<void> attach_filter(int ifindex, bool is_ingress) const;
    [[nodiscard]] Result<void> attach_xdp(int ifindex);

    std::string pin_dir_;
    sys::Fd peers_;
    sys::Fd control_;
    sys::Fd managed_;
    sys::Fd xdp_;
    sys::Fd ingress_;
    sys::Fd egress_;
    std::uint32_t xdp_id_ = 0;
    std::uint32_t ingress_id_ = 0;
    std::uint32_t egress_id_ = 0;
    std::map<int, sys::Fd> links_;  // XDP, by ifindex
    MappedArray control_memory_;
    MappedArray peers_memory_;
    NodeId peer_{};
    bool adopted_ = false;
};

}  // namespace xbeat::heart
