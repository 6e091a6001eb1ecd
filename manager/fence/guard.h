// Brakes on fencing: not again and again, and not for ever.
//
// A node that was fenced several times without once joining in between stays down and a person is
// called (claim I-6). Attempts that fail are repeated with a growing pause, up to the limit that
// the configuration gives.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace xbeat::fence {

constexpr std::size_t kLoopFencesMax = 3;         // of one node...
constexpr Duration kLoopWindow = 10min;           // ...in this time, without a join in between
constexpr Duration kRetryPauseMin = 250ms;        // after the first failed attempt
constexpr Duration kRetryPauseMax = 8s;           // doubling up to this
constexpr std::int64_t kAttemptsMaxDefault = 10;  // fencing-max-attempts

class Guard {
public:
    /// Why the node must not be fenced now, in a sentence; empty if it may be. A person's own order
    /// is not asked here.
    [[nodiscard]] std::string reason_to_refrain(std::string_view target, std::int64_t attempts_max,
                                                Instant now) const;
    /// When the next attempt may begin; nothing if at once.
    [[nodiscard]] std::optional<Instant> not_before(std::string_view target) const;

    void succeeded(std::string_view target, Instant now);
    void failed(std::string_view target, Instant now);
    /// The node joined, or a person confirmed that it is off: all counts begin anew. False if there
    /// were none.
    bool cleared(std::string_view target);
    [[nodiscard]] std::int64_t failures(std::string_view target) const;

    /// Who was fenced when, for a later life of this daemon: pairs of a name and a time by the
    /// calendar, separated by spaces.
    [[nodiscard]] std::string to_text(const Now& now) const;
    /// Takes over what an earlier life wrote. A time that is none, or lies in the future, counts as
    /// this moment: too long a wait is the smaller mistake.
    void load(std::string_view text, const Now& now);

private:
    struct Record {
        std::deque<Instant> fences;  // at most kLoopFencesMax
        std::int64_t failures = 0;   // in a row
        std::optional<Instant> not_before;
    };
    std::map<std::string, Record, std::less<>> records_;
};

}  // namespace xbeat::fence
