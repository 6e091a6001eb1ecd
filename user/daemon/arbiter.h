// The arbiter that hands out exclusivity, whichever is configured: what the manager asks goes to
// it, what it answers comes back as events.
//
// With fencing alone, or nothing, there is none: every question is Unreachable at once. When to ask
// and what an answer proves is decided in manager/.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "arbiter/arbiter.h"
#include "core/note.h"
#include "core/result.h"
#include "daemon/config.h"
#include "disk/client.h"
#include "ring/ring.h"
#include "witness/client.h"

namespace xbeat::daemon {

class Arbiter {
public:
    /// Errors: System, and Unavailable if the library derives no keys. An arbiter that cannot be
    /// reached is no error. The ring outlives it.
    static Result<Arbiter> create(const Config& config, const heart::Secret& secret,
                                  std::uint64_t life, ring::Ring& ring);

    /// Answered by exactly one ArbiterAnswer.
    void ask(const arbiter::AskArbiter& question, Instant now);
    void complete(const ring::Completion& completion, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] std::vector<arbiter::ArbiterAnswer> take_answers();
    [[nodiscard]] std::vector<Note> take_notes();
    /// Why it could not answer now, in a sentence; empty if it could, or if there is none.
    [[nodiscard]] std::string trouble() const;
    /// The witness as seen from here; nothing if the arbiter is no witness.
    [[nodiscard]] std::optional<witness::ClientStatus> witness_status() const;

private:
    Arbiter() = default;

    std::unique_ptr<witness::Client> witness_;  // at most one of these two
    std::unique_ptr<disk::Client> disk_;
    std::vector<arbiter::ArbiterAnswer> answers_;
};

}  // namespace xbeat::daemon
