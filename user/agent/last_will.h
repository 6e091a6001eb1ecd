// When a last will is carried out, and in which order: the judgement of xbeat-exec, without a
// system call.
//
// A daemon that hangs or has died cannot stop what its node may not run any more. The gate keeps
// the node silent, but processes and disks go on. So the daemon leaves its executor a will, and the
// executor looks about once a second: at the lease, in the maps that the gate itself reads, and at
// whether the daemon spoke since. Both have to be bad for the whole patience, in looks that follow
// each other: a machine that stood still and goes on has learned nothing yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/exec_protocol.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/lease_reading.h"

namespace xbeat::agent {

constexpr Duration kWillLook = std::chrono::seconds(1);  // from one look to the next
constexpr Duration kWillLateMax =
    3 * kWillLook;                         // a later one begins anew: this process stood still
constexpr std::size_t kWillParallel = 16;  // stops at one time

class WillWatch {
public:
    explicit WillWatch(Duration patience) : patience_(patience) {}

    /// The daemon gave a sign of life: from now on it counts anew.
    void heard() { bad_since_.reset(); }
    /// One look; true if the will is due. A lease that cannot be read (nothing) is no reason.
    [[nodiscard]] bool is_due(Instant now, const std::optional<heart::LeaseReading>& lease);

private:
    Duration patience_;
    std::optional<Instant> looked_at_;
    std::optional<Instant> bad_since_;
};

/// A will that is being carried out. A stop begins when all that it comes after have succeeded;
/// what follows a failed one is not tried. Stops are known by their places in the will.
class WillRun {
public:
    /// Code::Invalid, with the reason, for a will that breaks a rule of the protocol.
    [[nodiscard]] static Result<void> check(const Will& will);

    /// Requires: check() has passed.
    explicit WillRun(Will will);

    /// Stops that may begin now, in order; they count as running from here on. None after cease().
    [[nodiscard]] std::vector<std::uint32_t> take_ready();
    [[nodiscard]] const Spawn& stop(std::uint32_t place) const { return will_.stops[place].run; }
    /// `trouble`: why it failed; empty if it succeeded.
    void ended(std::uint32_t place, std::string trouble);
    /// No further stop begins: somebody else is in charge.
    void cease() { has_ceased_ = true; }

    [[nodiscard]] std::size_t running() const { return running_; }
    /// Nothing runs and nothing can begin.
    [[nodiscard]] bool is_settled() const;
    /// Every stop succeeded.
    [[nodiscard]] bool is_complete() const { return succeeded_ == will_.stops.size(); }
    /// The longest time-out of what runs; zero if nothing does.
    [[nodiscard]] Duration wait_max() const;
    /// What was stopped, what failed and what was not tried, in one line.
    [[nodiscard]] std::string summary() const;

private:
    enum class State : std::uint8_t { Waiting, Running, Succeeded, Failed };
    [[nodiscard]] bool may_begin(std::uint32_t place) const;

    Will will_;
    std::vector<State> states_;
    std::vector<std::string> troubles_;
    std::size_t running_ = 0;
    std::size_t succeeded_ = 0;
    bool has_ceased_ = false;
};

/// Why a stop that ended this way failed; empty if it succeeded.
[[nodiscard]] std::string trouble_of(const Reply& end);

/// The socket at which a successor of the daemon asks an executor that outlived its own.
[[nodiscard]] std::string will_socket(const std::string& run_dir);

}  // namespace xbeat::agent
