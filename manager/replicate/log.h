// How far the log is durable, here and at the peer, and what to do when a write fails.
//
// Records are applied when they are made or received; the disk follows. This class only counts:
// which tickets are under way, up to where everything is on this disk, up to where the peer says
// so. A failed append leaves a hole; everything after it is worth nothing until a snapshot covers
// it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/id.h"
#include "core/result.h"

namespace xbeat::replicate {

class Log {
public:
    /// Everything up to `index` is on this disk already (loaded at start).
    void loaded(LogIndex index);

    void append_begun(Ticket ticket, LogIndex index);
    void snapshot_begun(Ticket ticket, LogIndex index);
    /// A write ended. True if the ticket was one of this log's.
    bool written(Ticket ticket, bool succeeded);

    /// Everything up to here is on this disk.
    [[nodiscard]] LogIndex durable() const { return durable_; }
    /// The first record that could not be written, if any: only a snapshot heals it.
    [[nodiscard]] std::optional<LogIndex> hole() const { return hole_; }
    [[nodiscard]] bool has_snapshot_under_way() const { return !snapshots_.empty(); }
    /// Records on this disk or on their way since the last snapshot.
    [[nodiscard]] std::size_t since_snapshot() const { return since_snapshot_; }

    /// What the peer has on its disk; forgotten when it stops being a member.
    void peer_durable(LogIndex index);
    void peer_unknown() { peer_durable_ = {}; }
    [[nodiscard]] LogIndex durable_at_peer() const { return peer_durable_; }

private:
    LogIndex durable_;
    LogIndex peer_durable_;
    LogIndex last_good_;  // newest append that succeeded
    LogIndex last_bad_;   // newest append that failed
    std::optional<LogIndex> hole_;
    std::size_t since_snapshot_ = 0;
    std::map<Ticket, LogIndex> appends_;
    std::map<Ticket, LogIndex> snapshots_;
};

}  // namespace xbeat::replicate
