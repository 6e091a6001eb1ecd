#include "daemon/lease_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::daemon {
namespace {

// Source: linux/Documentation/watchdog/watchdog-api.rst: "V" before the close switches it off,
// unless it was built with `nowayout`.
constexpr char kFeed = '\0';
constexpr char kLetGo = 'V';

}  // namespace

Result<LeaseGuard> LeaseGuard::create(const Config& config, const std::string& pin_dir) {
    LeaseGuard guard;
    if (!config.watchdog.empty()) {
        guard.watchdog_ =
            sys::Fd(::open(config.watchdog.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        if (!guard.watchdog_.is_open())
            return sys::system_error(fmt::format("open the watchdog {}", config.watchdog));
    }
    guard.peer_ = config.peer();
    heart::Gate::Options options{.pin_dir = pin_dir, .peer = guard.peer_, .interconnects = {}};
    for (const LinkConfig& link : config.self_node().links)
        options.interconnects.push_back(link.interface);
    if (!arbiter::hands_out_leases(config.arbiter.kind)) {
        // A gate of before would never be opened again.
        if (::access((pin_dir + "/gate_control").c_str(), F_OK) == 0) {
            XB_TRY(heart::Gate::create(std::move(options))).stop();
        }
        return guard;
    }
    guard.gate_.emplace(XB_TRY(heart::Gate::create(std::move(options))));
    return guard;
}

std::optional<node::LeaseSeen> LeaseGuard::look(Instant now, bool is_wake) {
    if (!gate_ || peer_.value == 0) return std::nullopt;
    const Instant until = gate_->granted_until();
    const bool is_valid = until > now;
    const bool is_due = !told_at_ || now >= *told_at_ + kLeaseLookInterval;
    if (!is_wake && !is_due && is_valid == was_valid_) return std::nullopt;
    was_valid_ = is_valid;
    told_at_ = now;
    return node::LeaseSeen{.peer = peer_, .until = until};
}

Result<void> LeaseGuard::set_managed(const node::SetManaged& managed) {
    if (!gate_) return {};
    std::vector<heart::IpAddress> addresses;
    std::string wrong;
    for (const std::string& text : managed.addresses) {
        const auto address = heart::IpAddress::parse(text);
        if (address) {
            addresses.push_back(*address);
        } else {
            wrong += fmt::format("{}`{}`", wrong.empty() ? "" : ", ", text);
        }
    }
    XB_TRY(gate_->set_managed(addresses));
    if (wrong.empty()) return {};
    return Error{.code = Code::Invalid,
                 .context = fmt::format("not an IP address, so not under the gate: {}", wrong)};
}

void LeaseGuard::set_exclusivity(const node::SetExclusivity& exclusivity) {
    if (gate_) gate_->set_exclusivity(exclusivity.until);
}

Result<void> LeaseGuard::stop_watchdog() {
    is_watchdog_stopped_ = true;
    if (!watchdog_.is_open())
        return Error{.code = Code::NotFound,
                     .context =
                         "there is no watchdog: set `watchdog` in the configuration, or "
                         "reset this node by hand"};
    return {};
}

void LeaseGuard::feed_watchdog(Instant now) {
    if (!watchdog_.is_open() || is_watchdog_stopped_) return;
    if (fed_at_ && now < *fed_at_ + kWatchdogFeed) return;
    // A refusal needs no answer of ours: a watchdog that is not fed says it by itself.
    if (::write(watchdog_.get(), &kFeed, 1) == 1) fed_at_ = now;
}

std::string LeaseGuard::check() {
    if (!gate_) return {};
    gate_->check([this](const std::string& device, const std::string& reason) {
        if (reason.empty()) {
            troubles_.erase(device);
        } else {
            troubles_[device] = reason;
        }
    });
    std::string text;
    for (const auto& [device, reason] : troubles_)
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", device, reason);
    return text;
}

void LeaseGuard::stop(Gate gate) {
    if (gate_ && gate == Gate::Goes) gate_->stop();
    gate_.reset();
    if (!watchdog_.is_open() || is_watchdog_stopped_) return;
    if (::write(watchdog_.get(), &kLetGo, 1) != 1) return;
    watchdog_ = sys::Fd();
}

std::optional<heart::GateStatus> LeaseGuard::status() const {
    if (!gate_) return std::nullopt;
    return gate_->status();
}

std::string_view LeaseGuard::watchdog() const {
    if (is_watchdog_stopped_) return "stopped";
    return watchdog_.is_open() ? "fed" : "none";
}

}  // namespace xbeat::daemon
