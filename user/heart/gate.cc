#include "heart/gate.h"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "core/text.h"
#include "heart/boot_ns.h"
#include "heart/store.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"
#include "xb_gate.h"

namespace xbeat::heart {
namespace {

constexpr std::array<const char*, XB_GATE_COUNTERS_COUNT> kCounterNames = {
#define XB_GATE_COUNTER_NAME(name, text) text,
    XB_GATE_COUNTERS(XB_GATE_COUNTER_NAME)
#undef XB_GATE_COUNTER_NAME
};

/// Loopback has no address of its own, nor have tunnels: what they carry leaves by another device.
bool is_ethernet(const LinkInfo& device) {
    return std::any_of(device.mac.begin(), device.mac.end(), [](auto byte) { return byte != 0; });
}

/// The beat's own pair.
bool is_metronome(const LinkInfo& device) { return device.name.starts_with("xb-beat"); }

auto order_of(const IpAddress& address) { return std::tuple(address.family, address.bytes); }

}  // namespace

std::string_view to_string(GateKernel::Inbound inbound) {
    switch (inbound) {
        case GateKernel::Inbound::None:
            return "none";
        case GateKernel::Inbound::Xdp:
            return "xdp";
        case GateKernel::Inbound::Tc:
            return "tc";
    }
    return "?";
}

Result<std::vector<LinkInfo>> Gate::devices() {
    struct Free {
        void operator()(struct if_nameindex* list) const { ::if_freenameindex(list); }
    };
    const std::unique_ptr<struct if_nameindex, Free> list(::if_nameindex());
    if (!list) return sys::system_error("list the network devices");
    std::vector<LinkInfo> found;
    for (const struct if_nameindex* each = list.get(); each->if_index != 0; ++each) {
        const auto info = XB_TRY(netlink_.link(static_cast<int>(each->if_index)));
        if (info && is_ethernet(*info) && !is_metronome(*info)) found.push_back(*info);
    }
    if (found.size() > kGateNicsMax)
        return Error{
            .code = Code::Limit,
            .context = concat("there are ", found.size(),
                              " network devices; the gate stands on at most ", kGateNicsMax)};
    return found;
}

GateKernel::Want Gate::want_of(const LinkInfo& device) const {
    const auto& names = options_.interconnects;
    const bool is_interconnect = std::find(names.begin(), names.end(), device.name) != names.end();
    return is_interconnect ? GateKernel::Want::TcOnly : GateKernel::Want::XdpFirst;
}

GateNic Gate::arm(const LinkInfo& device) {
    GateNic nic{.interface = device.name,
                .ifindex = device.ifindex,
                .inbound = kernel_.inbound(device.ifindex),
                .outbound = kernel_.outbound(device.ifindex),
                .trouble = {}};
    if (nic.is_armed()) return nic;
    const auto attached = kernel_.attach(device.ifindex, want_of(device));
    if (!attached) nic.trouble = attached.error().context;
    nic.inbound = kernel_.inbound(device.ifindex);
    nic.outbound = kernel_.outbound(device.ifindex);
    if (!nic.is_armed() && nic.trouble.empty()) nic.trouble = "another program took its place";
    return nic;
}

Result<Gate> Gate::create(Options options) {
    GateKernel kernel = XB_TRY(GateKernel::open(
        {.pin_dir = options.pin_dir, .peers_max = options.peers_max, .peer = options.peer}));
    Gate gate(std::move(options), std::move(kernel), XB_TRY(Netlink::open()));
    for (const LinkInfo& device : XB_TRY(gate.devices())) {
        GateNic nic = gate.arm(device);
        if (!nic.is_armed())
            return Error{.code = Code::System,
                         .context = concat("the gate on ", nic.interface, ": ", nic.trouble)};
        gate.nics_.emplace(nic.ifindex, std::move(nic));
    }
    return gate;
}

Result<void> Gate::set_managed(const std::vector<IpAddress>& addresses) {
    if (addresses.size() > XB_MANAGED_MAX)
        return Error{
            .code = Code::Limit,
            .context = concat("there are ", addresses.size(), " managed addresses; at most ",
                              XB_MANAGED_MAX, " are possible")};
    const std::vector<IpAddress> before = XB_TRY(kernel_.managed());
    const auto has = [](const std::vector<IpAddress>& list, const IpAddress& address) {
        return std::find(list.begin(), list.end(), address) != list.end();
    };
    // Old ones first only if both do not fit together: the map has no more room than the limit.
    std::size_t room = XB_MANAGED_MAX - before.size();
    for (const IpAddress& address : before) {
        if (!has(addresses, address) && room < addresses.size()) XB_TRY(kernel_.remove(address));
    }
    for (const IpAddress& address : addresses) XB_TRY(kernel_.add(address));
    for (const IpAddress& address : before) {
        if (!has(addresses, address)) XB_TRY(kernel_.remove(address));
    }
    return {};
}

void Gate::set_exclusivity(Instant until) {
    publish(kernel_.control().exclusive_until_ns, ns_of(until));
}

Instant Gate::granted_until() const {
    const xb_peer* peer = kernel_.peer();
    return peer == nullptr ? Instant{} : instant_of(observe(peer->lease_until_ns));
}

void Gate::check(const std::function<void(const std::string&, const std::string&)>& callback) {
    const Result<std::vector<LinkInfo>> found = devices();
    if (!found) return callback("gate", found.error().context);
    std::map<int, GateNic> after;
    for (const LinkInfo& device : *found) {
        const auto known = nics_.find(device.ifindex);
        const std::string before = known == nics_.end() ? std::string() : known->second.trouble;
        GateNic nic = arm(device);
        if (nic.trouble != before) callback(nic.interface, nic.trouble);
        after.emplace(nic.ifindex, std::move(nic));
    }
    for (const auto& [ifindex, nic] : nics_) {
        if (after.contains(ifindex)) continue;
        kernel_.detach(ifindex);  // the device is gone; its pin is not
        if (!nic.trouble.empty()) callback(nic.interface, {});
    }
    nics_ = std::move(after);
}

void Gate::stop() {
    for (const auto& [ifindex, nic] : nics_) kernel_.detach(ifindex);
    nics_.clear();
    GateKernel::remove(options_.pin_dir);
}

GateStatus Gate::status() const {
    GateStatus status;
    for (const auto& [ifindex, nic] : nics_) status.nics.push_back(nic);
    const Result<std::vector<IpAddress>> managed = kernel_.managed();
    if (managed) status.managed = *managed;
    std::sort(status.managed.begin(), status.managed.end(),
              [](const IpAddress& a, const IpAddress& b) { return order_of(a) < order_of(b); });
    const xb_gate_control& control = kernel_.control();
    const std::uint64_t exclusive = observe(control.exclusive_until_ns);
    const xb_peer* peer = kernel_.peer();
    const std::uint64_t granted = peer == nullptr ? 0 : observe(peer->lease_until_ns);
    status.granted_until = instant_of(granted);
    status.exclusive_until = instant_of(exclusive);
    const auto now = static_cast<std::uint64_t>(sys::boot_now().time_since_epoch().count());
    status.is_open = xb_gate_is_open(granted, exclusive, now) != 0;
    status.passed_in = instant_of(observe(control.passed_in_ns));
    status.passed_out = instant_of(observe(control.passed_out_ns));
    for (std::size_t i = 0; i < kCounterNames.size(); i++)
        status.counters.push_back(
            {.name = kCounterNames.at(i), .value = observe(control.count[i])});
    status.adopted = kernel_.adopted();
    return status;
}

}  // namespace xbeat::heart
