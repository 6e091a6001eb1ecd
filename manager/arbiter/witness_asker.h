// The node's side of the witness: one question at a time, sent again until its deadline.
//
// The first datagram leaves at once; copies follow after 2, 4, 8 ... 50 ms, all alike, since the
// witness answers a copy as it answered the first. An answer counts only for the question that is
// open, by this life's number: what comes late, twice, out of order or from a former life is
// counted and dropped. An answer that names another version or another life of the witness is
// learned from, and the question is put anew.
//
// A granted lease is counted from the moment in which its question was first sent, so that the
// witness, which counts from the arrival, always gives it longer than its holder uses it.
//
// Pure: the host moves datagrams (tagged and checked) and tells the time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/id.h"
#include "core/time.h"
#include "wire/witness.h"

namespace xbeat::arbiter {

constexpr Duration kAskPauseMin = 2ms;   // until the first copy; doubling ...
constexpr Duration kAskPauseMax = 50ms;  // ... up to this
constexpr int kAskRoundsMax = 16;        // stale answers to one question; then it is given up

/// What became of a question.
enum class Finding : std::uint8_t {
    Told,         // Query: how it stands
    Granted,      // the lease is ours until `until`
    Held,         // it is `holder`'s, for `remaining` more
    Starting,     // the witness was started anew and grants nothing for `remaining` more
    Released,     // we do not hold it any more
    Unreachable,  // no answer before the deadline: it may be granted to us or to anybody
    Contested,    // others changed the lease faster than we could ask
    Superseded,   // another question took the place of this one
};

struct WitnessFinding {
    std::uint64_t id = 0;  // of the question
    wire::WitnessKind kind = wire::WitnessKind::Query;
    Finding finding = Finding::Unreachable;
    NodeId holder;
    NodeId last_holder;
    Instant asked{};        // when it was first sent
    Instant until{};        // Granted: how long the lease may be used, by our clock
    Duration remaining{};   // by the witness's clock, at its answer
    Duration round_trip{};  // of the answer, from the newest copy at the least
};

class WitnessAsker {
public:
    struct Options {
        std::uint64_t cluster = 0;  // as the witness knows it
        NodeId node;
        std::uint64_t life = 0;  // random, new at every start; never 0
    };
    struct Question {
        std::uint64_t id = 0;  // chosen by who asks; returned with the finding
        wire::WitnessKind kind = wire::WitnessKind::Query;
        Duration lease{};    // Claim only: clamped to what the witness gives
        Instant deadline{};  // no finding by then: Unreachable
    };
    /// What is known of the witness, for who looks.
    struct Knowledge {
        std::uint64_t witness_life = 0;  // 0: never heard
        std::uint64_t version = 0;
        std::optional<Instant> heard;  // the newest answer
        Duration round_trip{};         // its
        std::uint64_t strays = 0;      // answers to no open question
        std::uint64_t restarts = 0;    // of the witness, as seen from here
    };

    explicit WitnessAsker(Options options) : options_(options) {}

    /// Puts a question; an open one ends as Superseded. Every question has exactly one finding.
    /// Take the findings before asking: a grant that nobody has seen yet must not follow a release.
    void ask(const Question& question, Instant now);
    /// An authentic answer arrived.
    void take(const wire::WitnessAnswer& answer, Instant now);
    /// Time passed: copies and deadlines. Early and repeated calls are harmless.
    void tick(Instant now);

    /// When tick() has something to do; nothing while no question is open.
    [[nodiscard]] std::optional<Instant> wake_at() const;
    [[nodiscard]] bool is_open() const { return open_.has_value(); }
    /// Of the open question: only a Query may be superseded without loss.
    [[nodiscard]] bool is_open_query() const {
        return open_ && open_->question.kind == wire::WitnessKind::Query;
    }
    /// To be sent now, in order.
    [[nodiscard]] std::vector<wire::WitnessRequest> take_requests();
    [[nodiscard]] std::vector<WitnessFinding> take_findings();
    [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }

private:
    struct Open {
        Question question;
        wire::WitnessRequest request;
        Instant first_sent{};  // of this very request
        Instant last_sent{};
        Duration pause{};
        int rounds = 0;
    };

    void put(Instant now);
    void send(Instant now);
    void end(Finding finding, const wire::WitnessAnswer* answer, Instant now);

    Options options_;
    Knowledge knowledge_;
    std::uint64_t number_ = 0;
    std::optional<Open> open_;
    std::vector<wire::WitnessRequest> requests_;
    std::vector<WitnessFinding> findings_;
};

}  // namespace xbeat::arbiter
