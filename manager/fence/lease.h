// By what right this node serves, and when a silent peer can serve no more: leases and exclusivity.
//
// In a healthy pair each node's reflections renew the other's lease. When the peer falls silent,
// the grant to it stops in the kernel, and this class asks the arbiter for exclusivity: who gets it
// goes on, who does not yields, that is, stops everything and begins a new life. A silent peer is
// *proven* once this node is exclusive and the last lease that it granted has run out by any clock
// that keeps its bound.
//
// The hand-over between the two rights is a handshake, so that both never hold at once against each
// other: a node that is exclusive grants its peer nothing. When the peer has joined and its grants
// have been seen to arrive, exclusivity is given back, and only then the peer is granted. And a
// node claims exclusivity only if it was granted in this membership: until then the peer may still
// be exclusive, or have been told without end that it is alone.
//
// A claim that is not decided for half of the exclusivity is given up: the peer might have been
// granted it, have gone on alone and be gone again, and what it did then is not known here.
//
// With no arbiter that hands out leases everything here is off: it wants nothing and forbids
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "arbiter/arbiter.h"
#include "core/id.h"
#include "core/limits.h"
#include "core/time.h"

namespace xbeat::fence {

constexpr Duration kLeaseMargin = 1ms;        // granularity of clocks and of the gate
constexpr Duration kArbiterPause = 10ms;      // between two questions, when one was in vain
constexpr Duration kHandshakePause = 10ms;    // between looks for the peer's first grant
constexpr Duration kRenewPatienceMin = 20ms;  // for the answer to a question

/// How long to wait from the last moment in which `lease` can have been granted until it has run
/// out, whatever two clocks within their bound say.
[[nodiscard]] constexpr Duration lease_wait(Duration lease) {
    return lease + lease * (2 * kClockDriftPpmMax) / 1'000'000 + kLeaseMargin;
}

class Lease {
public:
    struct Options {
        arbiter::ArbiterKind arbiter = arbiter::ArbiterKind::None;
        NodeId peer;  // 0: there is none
        Duration lease = 100ms;
        Duration exclusivity = 3s;
        Duration handicap = 20ms;
        bool is_unsafe = false;  // goes on without proof when the arbiter cannot decide
    };

    enum class Mode : std::uint8_t {
        Apart,      // no member of anything: no right
        Returning,  // was the last survivor: asks for exclusivity before it starts alone
        Sharing,    // the peer is a member
        Losing,     // the peer is silent; the arbiter has not decided
        Exclusive,  // by the arbiter, renewed as long as it lasts
        Alone,      // a proof says that the peer runs nothing
        Unsafe,     // nobody decided, and the operator said to go on
        Yielding,   // no right any more; everything has to stop
    };

    /// Both in the host's order: how much the peer is granted; the rest as node/output.h says.
    struct Grant {
        Duration lease{};
    };
    struct Exclusivity {
        Instant until{};
    };
    using Wish = std::variant<Grant, Exclusivity, arbiter::AskArbiter>;

    explicit Lease(Options options) : options_(options) {}

    [[nodiscard]] bool is_used() const { return arbiter::hands_out_leases(options_.arbiter); }
    [[nodiscard]] Mode mode() const { return mode_; }

    // --- What membership tells.

    /// The peer is a member from now on. With Granting::Held it is granted nothing before
    /// may_grant(): something may still run on it that runs elsewhere.
    enum class Granting : std::uint8_t { AtOnce, Held };
    void peer_joined(Instant now, Granting granting = Granting::AtOnce);
    void may_grant(Instant now);
    /// A peer is to be welcomed of which it is not known whether it runs what runs here: from now
    /// on it is granted nothing, and has_peer_run_out() tells when it may be told that it is in.
    void hold();
    /// Nothing that the peer was ever granted by this node is still running.
    [[nodiscard]] bool has_peer_run_out(Instant now) const;
    /// The peer is silent or stalled. `silent_since`: no later than that anything of ours was
    /// granted to it; nothing if grants may still be leaving: then it counts from the next event,
    /// when the host has stopped them. `lost_at`: from when on the peer may have acted alone: when
    /// that was found, or our own lease has run out. `serves`: this node runs
    /// resources, so it asks at once.
    void peer_lost(std::optional<Instant> silent_since, Instant lost_at, bool serves, Instant now);
    /// A proof other than its lease: it was fenced, left, or a person vouches for it.
    void peer_out(Instant now);
    /// The last survivor wants to start alone.
    void return_alone(Instant now);
    /// Everything has stopped after must_yield(), or this node joins another: a new life begins.
    void begin_anew();
    /// This daemon ends. What the arbiter gave it runs out by itself: whoever stood still meanwhile
    /// is refused as before, since only this node has what was answered alone.
    void leave();

    // --- What the host tells.
    void answered(const arbiter::ArbiterAnswer& answer, Instant now);
    void seen(Instant granted_until, Instant now);
    /// To be called at every event, first of all.
    void tick(Instant now);

    // --- What follows.

    /// This node may start what serves. Always true if leases are not used.
    [[nodiscard]] bool may_serve(Instant now) const;
    /// And may do it now: the right to it has not run out unnoticed, as on a machine that stood
    /// still and has not yet found its peer silent. To be asked after seen().
    [[nodiscard]] bool may_begin(Instant now) const;
    /// The peer may: its grant is on its way for long enough. Always true if leases are not used.
    [[nodiscard]] bool may_peer_serve(Instant now) const;
    /// The arbiter's exclusivity is held, or nobody else is left.
    [[nodiscard]] bool is_exclusive(Instant now) const;
    /// A proof says that nobody else is left.
    [[nodiscard]] bool is_alone() const { return mode_ == Mode::Alone; }
    /// The lost peer's lease has run out and it cannot get another one.
    [[nodiscard]] bool is_peer_proven(Instant now) const;
    /// The arbiter may still decide for this node.
    [[nodiscard]] bool is_hopeful() const {
        return mode_ == Mode::Losing || mode_ == Mode::Exclusive;
    }
    [[nodiscard]] bool must_yield() const { return mode_ == Mode::Yielding; }
    /// Why it must, or why nothing is decided; empty if there is nothing to say.
    [[nodiscard]] const std::string& reason() const { return reason_; }

    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] std::vector<Wish> take();

    // --- For display.
    [[nodiscard]] Instant granted_until() const { return granted_until_; }
    [[nodiscard]] Instant exclusive_until() const { return exclusive_until_; }
    [[nodiscard]] Duration granting() const { return granting_; }
    [[nodiscard]] std::optional<Instant> peer_until() const { return peer_until_; }
    [[nodiscard]] const std::string& arbiter_said() const { return said_; }
    [[nodiscard]] std::string standing(Instant now) const;

private:
    void grant(Duration lease);
    void grant_peer(Instant now);
    void grant_nothing();
    void set_exclusive(Instant until);
    void end(bool gives_back);
    void wait_for_nothing();
    void ask(arbiter::Asking asking, Duration patience);
    void ask_if_due(Instant now);
    void granted(const arbiter::ArbiterAnswer& answer, Instant now);
    void refused(const arbiter::ArbiterAnswer& answer, Instant now);
    void not_ready(const arbiter::ArbiterAnswer& answer, Instant now);
    void in_vain(Instant now);
    void give_up();
    void yield(std::string reason);
    [[nodiscard]] bool is_without_end() const { return exclusive_until_ == Instant::max(); }
    /// Until a grant has reached the peer: some periods of the beat, `lease` being ten or more.
    [[nodiscard]] Duration grant_travel() const { return options_.lease / 8 + kLeaseMargin; }

    Options options_;
    Instant now_{};
    Mode mode_ = Mode::Apart;
    std::vector<Wish> wishes_;
    std::string reason_;
    std::string said_;

    Instant granted_until_{};    // by the peer, as last seen
    bool is_granted_ = false;    // that was still to come
    Instant granted_before_{};   // what of it was seen before this membership
    bool is_entitled_ = false;   // the peer granted us something in this membership
    Instant exclusive_until_{};  // Instant::max(): without end
    Duration granting_{};
    std::optional<Instant> granting_since_;
    bool is_held_ = false;               // nothing is granted before may_grant()
    std::optional<Instant> peer_until_;  // of the lost peer's lease, by our clock
    // When the newest lease that the peer was granted has run out, by our clock; without end while
    // it is granted one, or may be by an earlier life of this daemon.
    Instant granted_end_ = Instant::max();
    bool is_revoking_ = false;  // that counts from the next event

    std::uint64_t request_ = 0;  // number of the newest question
    std::optional<arbiter::Asking> open_;
    std::optional<Instant> ask_at_;
    std::optional<Instant> give_up_at_;
    Instant lost_at_{};                  // when the peer was found silent
    std::optional<Instant> look_at_;     // for the peer's first grant
    std::optional<Instant> release_by_;  // what is being given back has run out then
};

}  // namespace xbeat::fence
