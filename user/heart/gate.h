// The gate of a node: without a lease, nothing leaves from or enters to its managed addresses.
//
// It stands on every Ethernet device of the node's network namespace, those that appear later
// included: an address may be put on any of them, and what is not managed passes untouched. It is
// pinned and outlives the daemon; the next one takes it over without a gap. See bpf/gate.bpf.c for
// what a packet is judged by, and docs/decisions for why the whole node is covered.
//
// Belongs to one thread, and to the network namespace in which create() was called.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/gate_kernel.h"
#include "heart/heart.h"
#include "heart/ip_address.h"
#include "heart/netlink.h"

namespace xbeat::heart {

constexpr std::size_t kGateNicsMax = 128;  // devices; further ones: Limit

struct GateNic {
    std::string interface;
    int ifindex = 0;
    GateKernel::Inbound inbound = GateKernel::Inbound::None;
    bool outbound = false;
    std::string trouble;  // why it is not armed; empty if it is, both ways

    [[nodiscard]] bool is_armed() const { return outbound && inbound != GateKernel::Inbound::None; }
};
/// "xdp", "tc", "none".
[[nodiscard]] std::string_view to_string(GateKernel::Inbound inbound);

struct GateStatus {
    std::vector<GateNic> nics;       // by ifindex
    std::vector<IpAddress> managed;  // sorted
    Instant granted_until{};         // by the peer's reflections; Instant{}: never
    Instant exclusive_until{};       // by the arbiter; Instant::max(): without end
    bool is_open = false;            // at the moment of the call
    Instant passed_in{};             // newest packet that was let through, either way
    Instant passed_out{};
    std::vector<Counter> counters;
    bool adopted = false;
};

class Gate {
public:
    struct Options {
        std::string pin_dir = "/run/xbeat/bpf";  // the heart's
        std::uint32_t peers_max = 32;            // the heart's
        NodeId peer{};                           // whose grants count; 0: nobody's
        std::vector<std::string> interconnects;  // their XDP place belongs to the heart
    };

    /// Arms every device. Errors: Unavailable without a heart in the kernel; System. A device that
    /// cannot be armed is an error: a gate with a hole is none.
    [[nodiscard]] static Result<Gate> create(Options options);

    /// These and no others are managed from now on; new ones first. Errors: Limit past
    /// XB_MANAGED_MAX, then nothing changes; System.
    Result<void> set_managed(const std::vector<IpAddress>& addresses);
    /// This node may serve until then, whatever the peer grants; Instant{} ends it, Instant::max()
    /// is without end. Errors: none; a plain store.
    void set_exclusivity(Instant until);
    /// What the peer granted: the value that the programs read.
    [[nodiscard]] Instant granted_until() const;

    /// Arms devices that are new and those that lost a program; calls `callback` with what is wrong
    /// or right again: the device's name, and the reason (empty: well again).
    void check(const std::function<void(const std::string&, const std::string&)>& callback);

    /// Clean end, after the last managed address has gone: takes everything away.
    void stop();

    [[nodiscard]] GateStatus status() const;

private:
    Gate(Options options, GateKernel kernel, Netlink netlink)
        : options_(std::move(options)), kernel_(std::move(kernel)), netlink_(std::move(netlink)) {}

    [[nodiscard]] Result<std::vector<LinkInfo>> devices();
    [[nodiscard]] GateKernel::Want want_of(const LinkInfo& device) const;
    GateNic arm(const LinkInfo& device);

    Options options_;
    GateKernel kernel_;
    Netlink netlink_;
    std::map<int, GateNic> nics_;
};

}  // namespace xbeat::heart
