// What enforces the lease on this node: the gate on its NICs, and the watchdog as last resort.
//
// Carries out the manager's SetManaged, SetExclusivity and StopWatchdog, and tells it what the
// peer grants. With an arbiter that hands out no leases there is no gate, and one that an earlier
// daemon left is taken away. A gate that cannot be had is an error: without it a lease means
// nothing.
//
// Belongs to the manager's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/note.h"
#include "core/result.h"
#include "daemon/config.h"
#include "heart/gate.h"
#include "node/event.h"
#include "node/output.h"
#include "sys/fd.h"

namespace xbeat::daemon {

constexpr Duration kLeaseLookInterval = 1s;  // at least so often the manager is told
constexpr Duration kWatchdogFeed = 1s;       // shorter than any timeout a watchdog can have

class LeaseGuard {
public:
    /// Needs the heart. Errors: Unavailable if there is no heart in the kernel; System.
    [[nodiscard]] static Result<LeaseGuard> create(const Config& config,
                                                   const std::string& pin_dir);

    /// What the manager has to be told before its next event; nothing if it need not be.
    [[nodiscard]] std::optional<node::LeaseSeen> look(Instant now, bool is_wake);

    Result<void> set_managed(const node::SetManaged& managed);
    void set_exclusivity(const node::SetExclusivity& exclusivity);
    /// From now on the watchdog is not fed. Errors: NotFound if there is none.
    Result<void> stop_watchdog();

    /// While the manager's thread is well.
    void feed_watchdog(Instant now);
    /// Looks after the gate; what is wrong with it, in a sentence, or empty.
    [[nodiscard]] std::string check();
    enum class Gate : std::uint8_t { Goes, Stays };
    /// Clean end: the watchdog lets go. With Goes nothing is managed any more; with Stays the gate
    /// stays pinned on every NIC as it is, for a later daemon to take over.
    void stop(Gate gate);

    /// Nothing if leases are not used.
    [[nodiscard]] std::optional<heart::GateStatus> status() const;
    /// "none", "fed", "stopped".
    [[nodiscard]] std::string_view watchdog() const;

private:
    LeaseGuard() = default;

    std::optional<heart::Gate> gate_;
    NodeId peer_;
    bool was_valid_ = false;
    std::optional<Instant> told_at_;
    sys::Fd watchdog_;
    bool is_watchdog_stopped_ = false;
    std::optional<Instant> fed_at_;
    std::map<std::string, std::string> troubles_;  // by device
};

}  // namespace xbeat::daemon
