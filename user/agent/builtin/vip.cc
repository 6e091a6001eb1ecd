#include "agent/builtin/vip.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/builtin/values.h"
#include "core/text.h"

namespace xbeat::agent::builtin {
namespace {

using heart::IpAddress;
using heart::LinkInfo;

constexpr int kRoundsMax = 100;
constexpr Duration kIntervalMin = std::chrono::milliseconds(10);
constexpr Duration kIntervalMax = std::chrono::seconds(60);
constexpr Duration kProbeWaitMax = std::chrono::seconds(10);
constexpr std::size_t kInterfaceBytesMax = 15;

Error invalid(std::string context) {
    return {.code = Code::Invalid, .context = std::move(context)};
}

// Where an address is to go, or where it is.
struct Place {
    LinkInfo link;
    InterfaceAddress address;
    bool is_present = false;
};

class VipRun final : public LocalRun {
public:
    VipRun(std::string action, Result<VipSettings> settings, VipTools& tools)
        : action_(std::move(action)), settings_(std::move(settings)), tools_(tools) {}
    ~VipRun() override { end_probe(); }

    Step begin(Instant now) override {
        if (!settings_) return Step::over(kOcfConfigured, settings_.error().context);
        if (action_ == "validate-all") return Step::over(kOcfSuccess);
        if (action_ == "start") return start(now);
        if (action_ == "stop") return stop();
        if (action_ == "monitor" || action_ == "status") return monitor();
        return Step::over(kOcfUnimplemented, concat("xbeat:VIP has no action ", action_));
    }

    Step resume(Instant now) override {
        const auto owner = tools_.announcer.claim(settings_->address, place_.link.mac);
        if (owner) {
            end_probe();
            return Step::over(kOcfGeneric, concat(name(), " is in use by ", to_string(*owner),
                                                  " on ", place_.link.name));
        }
        return now < probe_until_ ? wait() : take(now);
    }

    void abandon() override { end_probe(); }

private:
    [[nodiscard]] std::string name() const { return heart::to_string(settings_->address); }

    Step start(Instant now) {
        Result<Place> place = find_place();
        if (!place) return failed(place.error());
        place_ = *std::move(place);
        if (!place_.link.is_up) {
            return Step::over(kOcfGeneric, concat("interface ", place_.link.name, " is down"));
        }
        // A retried start and one after a restart of the daemon: it is ours already.
        if (place_.is_present) return announced(now);
        const bool can_ask = place_.link.mac != heart::MacAddress{};
        if (settings_->probe_wait == Duration::zero() || !can_ask) return take(now);
        is_probing_ = true;
        const Result<void> asked =
            tools_.announcer.probe(settings_->address, place_.link.ifindex, place_.link.mac);
        if (!asked) return failed(asked.error());
        probe_until_ = now + settings_->probe_wait;
        return wait();
    }

    Step wait() {
        Step step;
        step.fd = tools_.announcer.fd(settings_->address.family);
        step.wake_at = probe_until_;
        return step;
    }

    Step take(Instant now) {
        end_probe();
        const Result<void> added = tools_.addresses.add(place_.address);
        if (!added && added.error().code != Code::Exists) return failed(added.error());
        return announced(now);
    }

    Step announced(Instant now) {
        Step step = Step::over(kOcfSuccess);
        if (settings_->rounds == 0 || place_.link.mac == heart::MacAddress{}) return step;
        Announcement announcement{.address = settings_->address,
                                  .ifindex = place_.link.ifindex,
                                  .mac = place_.link.mac,
                                  .rounds_left = settings_->rounds - 1,
                                  .interval = settings_->round_interval,
                                  .next = now + settings_->round_interval};
        // The address is there and answers; a lost announcement is repaired by the next rounds.
        const Result<void> sent = tools_.announcer.announce(announcement);
        if (!sent) ++announcement.rounds_left;
        step.announce = announcement;
        return step;
    }

    Step stop() {
        Result<std::vector<InterfaceAddress>> present = where();
        if (!present) return failed(present.error());
        for (const InterfaceAddress& one : *present) {
            const Result<void> removed = tools_.addresses.remove(one);
            if (!removed && removed.error().code != Code::NotFound) return failed(removed.error());
        }
        Step step = Step::over(kOcfSuccess);
        step.hush = settings_->address;
        return step;
    }

    Step monitor() {
        // Every start is preceded by a probe of the manager: the time to get ready for it. If it
        // fails here, the start says so.
        [[maybe_unused]] const Result<void> ready =
            tools_.announcer.prepare(settings_->address.family);
        Result<std::vector<InterfaceAddress>> present = where();
        if (!present) return failed(present.error());
        if (present->empty()) return Step::over(kOcfNotRunning, concat(name(), " is not here"));
        Result<std::optional<LinkInfo>> link = tools_.links.link(present->front().ifindex);
        if (!link) return failed(link.error());
        if (!link->has_value()) return Step::over(kOcfNotRunning, concat(name(), " is not here"));
        if ((*link)->is_up && (*link)->has_carrier) return Step::over(kOcfSuccess);
        return Step::over(kOcfGeneric, concat("interface ", (*link)->name,
                                              (*link)->is_up ? " has no carrier" : " is down"));
    }

    // The entries of the address on the interface that was asked for, or on any.
    Result<std::vector<InterfaceAddress>> where() {
        std::vector<InterfaceAddress> all = XB_TRY(tools_.addresses.list());
        int ifindex = 0;
        if (!settings_->interface.empty()) {
            const std::optional<LinkInfo> link = XB_TRY(tools_.links.link(settings_->interface));
            ifindex = link ? link->ifindex : -1;
        }
        std::erase_if(all, [&](const InterfaceAddress& one) {
            return one.address != settings_->address || (ifindex != 0 && one.ifindex != ifindex);
        });
        return all;
    }

    Result<Place> find_place() {
        const std::vector<InterfaceAddress> all = XB_TRY(tools_.addresses.list());
        Place place;
        place.address.address = settings_->address;
        if (!settings_->interface.empty()) {
            const std::optional<LinkInfo> link = XB_TRY(tools_.links.link(settings_->interface));
            if (!link) {
                return Error{.code = Code::NotFound,
                             .context = concat("there is no interface ", settings_->interface)};
            }
            place.link = *link;
        }
        const InterfaceAddress* subnet = nullptr;
        for (const InterfaceAddress& one : all) {
            const bool fits = place.link.ifindex == 0 || one.ifindex == place.link.ifindex;
            if (one.address == settings_->address) {
                if (!fits) return invalid(concat(name(), " is on another interface already"));
                place.is_present = true;
                place.link.ifindex = one.ifindex;
            }
            // The most specific subnet, as a route would be chosen.
            if (fits && is_within(settings_->address, one) &&
                (subnet == nullptr || one.prefix > subnet->prefix)) {
                subnet = &one;
            }
        }
        if (place.link.name.empty()) XB_TRY(find_link(place, subnet));
        place.address.ifindex = place.link.ifindex;
        place.address.prefix = settings_->prefix.value_or(
            subnet != nullptr ? subnet->prefix
                              : static_cast<std::uint8_t>(settings_->address.size() * 8));
        if (!settings_->label.empty()) {
            place.address.label = concat(place.link.name, ':', settings_->label);
        }
        return place;
    }

    Result<void> find_link(Place& place, const InterfaceAddress* subnet) {
        if (place.link.ifindex == 0 && subnet == nullptr) {
            return invalid(concat("no interface has a subnet for ", name(), "; give `nic`"));
        }
        const int ifindex = place.link.ifindex != 0 ? place.link.ifindex : subnet->ifindex;
        const std::optional<LinkInfo> link = XB_TRY(tools_.links.link(ifindex));
        if (!link) return Error{.code = Code::NotFound, .context = "the interface has just gone"};
        place.link = *link;
        return {};
    }

    static Step failed(const Error& error) { return Step::over(kOcfGeneric, error.context); }

    void end_probe() {
        if (!is_probing_) return;
        is_probing_ = false;
        tools_.announcer.end_probe(settings_->address);
    }

    std::string action_;
    Result<VipSettings> settings_;
    VipTools& tools_;
    Place place_;
    bool is_probing_ = false;
    Instant probe_until_{};
};

}  // namespace

Result<std::unique_ptr<VipTools>> VipTools::create() {
    Addresses addresses = XB_TRY(Addresses::open());
    heart::Netlink links = XB_TRY(heart::Netlink::open());
    return std::make_unique<VipTools>(VipTools{std::move(addresses), std::move(links), {}});
}

Result<VipSettings> vip_settings(const Spawn& spawn) {
    VipSettings settings;
    const std::string_view ip = parameter(spawn, "ip");
    const std::optional<IpAddress> address = IpAddress::parse(ip);
    if (!address) return invalid(concat("parameter ip: \"", ip, "\" is not an address"));
    settings.address = *address;
    const auto bits = static_cast<std::int64_t>(address->size() * 8);
    if (const std::string_view text = parameter(spawn, "cidr_netmask"); !text.empty()) {
        const std::optional<std::int64_t> prefix = parse_integer(text);
        if (!prefix || *prefix < 1 || *prefix > bits) {
            return invalid(
                concat("parameter cidr_netmask: \"", text, "\" is not within 1 to ", bits));
        }
        settings.prefix = static_cast<std::uint8_t>(*prefix);
    }
    settings.interface = parameter(spawn, "nic");
    if (settings.interface.size() > kInterfaceBytesMax) {
        return invalid(concat("parameter nic: \"", settings.interface, "\" is too long"));
    }
    settings.label = parameter(spawn, "iflabel");
    if (settings.interface.size() + 1 + settings.label.size() > kInterfaceBytesMax) {
        return invalid(concat("parameter iflabel: \"", settings.label, "\" is too long"));
    }
    settings.rounds = static_cast<int>(
        XB_TRY(integer_parameter(spawn, "arp_count", {0, kRoundsMax, settings.rounds})));
    settings.round_interval = XB_TRY(duration_parameter(
        spawn, "arp_interval", {kIntervalMin, kIntervalMax, settings.round_interval}));
    settings.probe_wait = XB_TRY(duration_parameter(
        spawn, "probe_wait", {Duration::zero(), kProbeWaitMax, settings.probe_wait}));
    return settings;
}

std::unique_ptr<Run> make_vip_run(const Spawn& spawn, VipTools& tools) {
    return std::make_unique<VipRun>(spawn.action, vip_settings(spawn), tools);
}

}  // namespace xbeat::agent::builtin
