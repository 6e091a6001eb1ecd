// The durable store of one simulated node: what is on the disk, and what is only on its way there.
//
// As the real store does it: writes are kept in order, those that wait are committed together and
// answered together, and a record that would leave a hole in the log is refused. When the power
// goes, a commit under way is there whole or not at all; a hostile disk may also leave the last
// record torn, which the checksums of the records have to notice.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/prng.h"
#include "node/event.h"
#include "node/output.h"
#include "tests/sim/agenda.h"

namespace xbeat::xsim {

class Disk {
public:
    explicit Disk(Prng prng) : prng_(prng), garbler_(prng) {}

    void queue(node::Write write) { waiting_.push_back(std::move(write)); }
    /// True if a commit may begin: something waits and none is under way.
    [[nodiscard]] bool can_begin() const { return !waiting_.empty() && under_way_.empty(); }
    /// Begins a commit of all that waits; returns how long it takes.
    Nanos begin();
    /// The commit ends. Answers to all its writes, in order.
    std::vector<node::Persisted> finish();

    /// The power goes. Returns how many writes were on their way.
    std::size_t lose_power();
    /// The daemon is killed: its thread dies with it. What was handed to the kernel stays.
    void lose_daemon() { (void)lose_power_softly(); }

    /// A disk replaced by an empty one.
    void wipe();
    void read_into(node::Started& started) const;
    /// True if a record was torn since the last time.
    [[nodiscard]] bool take_torn() { return std::exchange(has_torn_, false); }

    bool works = true;        // else every commit fails
    bool may_tear = false;    // hostile
    bool may_garble = false;  // and what a torn record has lost is something else, not nothing
    Nanos extra_latency = 0;  // on every sync
    Nanos usual_latency = 0;  // and what a boot does not mend

    /// Writes of the commit that is under way.
    [[nodiscard]] const std::vector<node::Write>& under_way() const { return under_way_; }
    [[nodiscard]] std::uint64_t commits() const { return commits_; }

private:
    std::size_t lose_power_softly();
    [[nodiscard]] Result<void> apply(const node::Write& write);

    void tear(std::string& record);

    Prng prng_;
    Prng garbler_;
    bool has_torn_ = false;
    std::string snapshot_;
    LogIndex snapshot_index_;
    std::map<LogIndex, std::string> log_;
    std::map<std::string, std::string> meta_;
    std::deque<node::Write> waiting_;
    std::vector<node::Write> under_way_;
    std::uint64_t commits_ = 0;
};

}  // namespace xbeat::xsim
