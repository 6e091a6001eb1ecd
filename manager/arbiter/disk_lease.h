// Exclusivity between two nodes that share nothing but a disk.
//
// Each node owns one block and only ever writes that one; it reads the other's. A block says
// whether its owner holds or wants the lease (the *flag*), for how long each write of it counts,
// and a number that grows with every write.
//
// Claim or renew: write the own flag with a new number, then read the other's block. The lease is
// ours, counted from before that write, if the other's flag is down, or is up but *silent*: the
// same number was there for the other's lease and a margin, counted by our clock from the end of
// the first read that showed it, and it is still the same in the read after our write.
//
// Why both cannot hold it: of two nodes that write first and read then, at least one reads the
// other's write. If A read B's flag down (or B's old block), B's write was not there yet, so B
// reads later than A wrote and finds A's flag up, with the number of A's newest write that counts.
// B is then only let past it if it has watched that very number for longer than A may use it. A
// renewal by A that B did not see was written after B's read, so A, who reads after writing, finds
// B's flag and does not count it. No compare-and-set is needed of the disk, nor that its writes are
// quick: only that a read shows every write that had ended before it began.
//
// If both find the other's flag and neither holds the lease yet, the node with the higher id takes
// its own down and is refused; the other one reads on until its deadline. Who holds it reads on as
// well, and is not refused before its time is over. One request to the disk at a time; a disk that
// hangs is found by the deadline and never makes a lease last longer.
//
// Pure: the host moves blocks (sealed and checked) and tells the time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "arbiter/arbiter.h"
#include "core/id.h"
#include "core/time.h"

namespace xbeat::arbiter {

constexpr Duration kDiskPollEvery = 1s;    // of the other's block, while nothing is asked
constexpr Duration kDiskRetryPause = 5ms;  // between two reads of a block that stands in the way

/// What one node's block says. All zeros: never written.
struct DiskBlock {
    std::uint64_t number = 0;  // another one at every write
    std::uint64_t life = 0;    // of the daemon that wrote it; for people
    bool is_up = false;        // its owner holds or wants the lease
    Duration lease{};          // how long each write with the flag counts

    friend bool operator==(const DiskBlock&, const DiskBlock&) = default;
};

/// A request to the disk.
struct DiskAccess {
    enum class Kind : std::uint8_t { ReadOwn, ReadOther, WriteOwn };
    Kind kind = Kind::ReadOwn;
    std::uint64_t id = 0;
    DiskBlock block;  // WriteOwn
};

enum class DiskTrouble : std::uint8_t {
    None,
    Failed,   // the kernel reported an error
    Damaged,  // the block is not what a node of this cluster wrote
};

class DiskLease {
public:
    struct Options {
        NodeId self;
        NodeId other;
        std::uint64_t life = 0;
    };

    explicit DiskLease(Options options) : options_(options) {}

    /// Puts a question; an open one ends as Unreachable. Exactly one answer each.
    void ask(const AskArbiter& question, Instant now);
    /// A request ended. `block` counts for a read without trouble.
    void done(std::uint64_t id, DiskTrouble trouble, const DiskBlock& block, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> wake_at() const;
    /// By when the open question is answered; nothing if none is open.
    [[nodiscard]] std::optional<Instant> question_deadline() const {
        return open_ ? std::optional(open_->deadline) : std::nullopt;
    }

    /// The next request, if there is one to be made now; at most one is under way.
    [[nodiscard]] std::optional<DiskAccess> take_access(Instant now);
    [[nodiscard]] std::vector<ArbiterAnswer> take_answers();

    /// When the disk last answered; nothing if it never did.
    [[nodiscard]] std::optional<Instant> answered() const { return answered_; }
    /// Since when a request has been under way; nothing if none is.
    [[nodiscard]] std::optional<Instant> waiting_since() const { return waiting_since_; }
    [[nodiscard]] DiskTrouble trouble() const { return trouble_; }
    /// Whether the other's flag is up, as last read.
    [[nodiscard]] bool is_other_up() const { return other_ && other_->block.is_up; }

private:
    enum class Step : std::uint8_t { Look, Raise, Check };
    struct Open {
        AskArbiter question;
        Instant deadline{};
        Step step = Step::Look;
        Instant raised{};  // before the write of the flag
    };
    struct Seen {
        DiskBlock block;
        Instant since{};  // the end of the first read that showed this number
    };

    void next(Instant now);
    void read(DiskAccess::Kind kind);
    void write(bool is_up, Duration lease);
    void got_own(DiskTrouble trouble, const DiskBlock& block, Instant now);
    void got_other(const DiskBlock& block, Instant now);
    void wrote();
    void check(Instant now);
    void both_want(Instant now);
    void expire(Instant now);
    void answer(Reply reply, std::string reason, NodeId holder = {}, Instant until = {});
    void refuse();
    [[nodiscard]] bool is_in_the_way(Instant now) const;

    Options options_;
    std::optional<DiskBlock> own_;  // as we last tried to write it or, after a start, read it
    std::optional<Seen> other_;
    std::optional<Open> open_;
    Instant held_until_{};     // by us, or by our former life: the flag stays up until then
    Instant granted_until_{};  // to this life, and not given back
    std::optional<DiskAccess> wanted_;
    std::optional<DiskAccess> under_way_;
    std::optional<Instant> waiting_since_;
    std::optional<Instant> answered_;
    Instant poll_at_{};
    Instant not_before_{};  // the next request, after one that led nowhere
    std::uint64_t accesses_ = 0;
    DiskTrouble trouble_ = DiskTrouble::None;
    std::vector<ArbiterAnswer> answers_;
};

}  // namespace xbeat::arbiter
