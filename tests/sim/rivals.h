// Two nodes that want one lease again and again, with clocks as far apart as they may be: what is
// the same whatever hands it out.
//
// No manager and no beats: what is tested is that never two nodes believe to hold the lease at one
// instant of true time. The nodes are nastier than the manager, which asks only with a reason.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "arbiter/arbiter.h"
#include "core/text.h"
#include "tests/sim/chaos.h"

namespace xbeat::xsim {

class Rivals {
public:
    Outcome run() {
        constexpr Nanos kSpan = 60 * kSecond;
        Outcome out;
        const Nanos end = options_.until != 0 ? std::min(options_.until, kSpan) : kSpan;
        while (!violation_ && !agenda_.empty() && agenda_.first_at() <= end) {
            now_ = agenda_.first_at();
            const Action action = agenda_.take();
            action();
            ++out.steps;
        }
        out.violation = violation_;
        out.digest = digest_.value();
        out.simulated = now_;
        out.reached = reached_;
        return out;
    }

protected:
    struct Clock {
        Nanos offset = 0;
        std::int64_t drift = 0;
    };
    /// Of the arbiter, behind those of the nodes.
    static constexpr std::size_t kArbiter = kNodes;

    Rivals(const RunOptions& options, Prng prng) : options_(options), prng_(prng) {
        for (Clock& clock : clocks_) {
            clock.offset = between(prng_, 0, 1'000 * kSecond);
            clock.drift = chance(prng_, 50) ? 500 : chance(prng_, 50) ? -500 : 0;
        }
    }

    [[nodiscard]] Instant time(std::size_t whose) const {
        const Clock& clock = clocks_[whose];
        return Instant(Duration(clock.offset + now_ + now_ / 1'000'000 * clock.drift));
    }
    [[nodiscard]] bool holds(std::size_t node) const { return until_[node] > time(node); }
    /// When it believes so no more.
    [[nodiscard]] Nanos end_of(std::size_t node) const {
        constexpr Nanos kMillion = 1'000'000;
        return now_ +
               (until_[node] - time(node)).count() * kMillion / (kMillion + clocks_[node].drift);
    }
    void after(Nanos span, Action action) { agenda_.add(now_ + span, std::move(action)); }

    /// A question of that node. Who gives the lease back does not use it any more.
    [[nodiscard]] arbiter::AskArbiter question(std::size_t node, arbiter::ArbiterKind kind,
                                               Nanos lease_max) {
        const auto asking = chance(prng_, 15) ? arbiter::Asking::Release : arbiter::Asking::Claim;
        if (asking == arbiter::Asking::Release) until_[node] = granted_[node] = {};
        const Nanos lease = chance(prng_, 70) ? lease_max : spread(prng_, 10 * kMilli, lease_max);
        return {.arbiter = kind,
                .request = ++question_[node],
                .asking = asking,
                .lease = Duration(lease),
                .patience = Duration(spread(prng_, 20 * kMilli, 3 * kSecond))};
    }
    /// True if it was the answer to the newest question.
    bool take_answer(std::size_t node, const arbiter::ArbiterAnswer& answer) {
        if (answer.request != question_[node]) return false;
        trace(concat(node + 1, ": ", arbiter::to_string(answer.reply)));
        digest_.add(static_cast<std::uint64_t>(now_) * 8 +
                    static_cast<std::uint64_t>(answer.reply));
        if (answer.reply == arbiter::Reply::Granted) {
            until_[node] = std::max(until_[node], answer.until);
            granted_[node] = std::max(granted_[node], answer.until);
        }
        // It would stop serving, and whoever claims relies on that it does not before its time.
        if (answer.reply == arbiter::Reply::Refused && answer.holder.value != 0 &&
            granted_[node] > time(node)) {
            violate(concat("node ", node + 1, " is told that another has what it holds"));
        }
        return true;
    }
    void check_holders() {
        if (holds(0) && holds(1)) violate("the lease is held twice");
    }

    void trace(std::string_view text) const {
        if (options_.trace) options_.trace(now_, text);
    }
    void violate(std::string text) {
        if (!violation_) violation_ = {.invariant = "I-5", .text = std::move(text), .at = now_};
    }

    const RunOptions& options_;
    Prng prng_;
    Agenda<Action> agenda_;
    Nanos now_ = 0;
    std::array<Clock, kNodes + 1> clocks_;
    std::array<Instant, kNodes> until_{};    // it believes to hold the lease, by its own clock
    std::array<Instant, kNodes> granted_{};  // the same, as far as this life of it knows
    std::array<std::uint64_t, kNodes> question_{};
    Digest digest_;
    Reached reached_;

private:
    std::optional<Violation> violation_;
};

}  // namespace xbeat::xsim
