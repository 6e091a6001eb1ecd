#include "arbiter/witness_asker.h"

#include <algorithm>
#include <utility>

namespace xbeat::arbiter {

using wire::WitnessAnswer;
using wire::WitnessKind;
using wire::WitnessOutcome;
using wire::WitnessRequest;

void WitnessAsker::ask(const Question& question, Instant now) {
    if (open_) end(Finding::Superseded, nullptr, now);
    open_ = Open{.question = question,
                 .request = {},
                 .first_sent = now,
                 .last_sent = now,
                 .pause = kAskPauseMin,
                 .rounds = 0};
    if (question.kind == WitnessKind::Claim)
        open_->question.lease =
            std::clamp(question.lease, wire::kWitnessLeaseMin, wire::kWitnessLeaseMax);
    put(now);
}

/// The open question as a new request, for what is known of the witness.
void WitnessAsker::put(Instant now) {
    open_->request = {
        .kind = open_->question.kind,
        .cluster = options_.cluster,
        .node = options_.node,
        .life = options_.life,
        .number = ++number_,
        .witness = knowledge_.witness_life,
        .version = knowledge_.version,
        .lease = open_->question.kind == WitnessKind::Claim ? open_->question.lease : Duration{}};
    open_->first_sent = now;
    open_->pause = kAskPauseMin;
    ++open_->rounds;
    send(now);
}

void WitnessAsker::send(Instant now) {
    open_->last_sent = now;
    requests_.push_back(open_->request);
}

void WitnessAsker::take(const WitnessAnswer& answer, Instant now) {
    const bool is_awaited = open_ && answer.life == options_.life &&
                            answer.number == open_->request.number &&
                            answer.kind == open_->request.kind && answer.node == options_.node &&
                            answer.cluster == options_.cluster;
    if (!is_awaited) {
        ++knowledge_.strays;
        return;
    }
    if (knowledge_.witness_life != 0 && knowledge_.witness_life != answer.witness)
        ++knowledge_.restarts;
    knowledge_.witness_life = answer.witness;
    knowledge_.version = answer.version;
    knowledge_.heard = now;
    knowledge_.round_trip = now - open_->last_sent;
    switch (answer.outcome) {
        case WitnessOutcome::Told:
            return end(Finding::Told, &answer, now);
        case WitnessOutcome::Held:
            return end(Finding::Held, &answer, now);
        case WitnessOutcome::Starting:
            return end(Finding::Starting, &answer, now);
        case WitnessOutcome::Released:
            return end(Finding::Released, &answer, now);
        case WitnessOutcome::Granted:
            // Granted, but it took so long that nothing of it is left: ask for a fresh one.
            if (open_->first_sent + answer.lease > now) return end(Finding::Granted, &answer, now);
            break;
        case WitnessOutcome::Stale:
            break;
    }
    if (now >= open_->question.deadline) return end(Finding::Unreachable, nullptr, now);
    if (open_->rounds >= kAskRoundsMax) return end(Finding::Contested, &answer, now);
    put(now);
}

void WitnessAsker::end(Finding finding, const WitnessAnswer* answer, Instant now) {
    const Open done = *std::exchange(open_, std::nullopt);
    WitnessFinding found{.id = done.question.id,
                         .kind = done.question.kind,
                         .finding = finding,
                         .holder = {},
                         .last_holder = {},
                         .asked = done.first_sent,
                         .until = {},
                         .remaining = {},
                         .round_trip = {}};
    if (answer != nullptr) {
        found.holder = answer->holder;
        found.last_holder = answer->last_holder;
        found.remaining = answer->remaining;
        found.round_trip = now - done.last_sent;
        if (finding == Finding::Granted) found.until = done.first_sent + answer->lease;
    }
    findings_.push_back(found);
}

void WitnessAsker::tick(Instant now) {
    if (!open_) return;
    if (now >= open_->question.deadline) return end(Finding::Unreachable, nullptr, now);
    if (now < open_->last_sent + open_->pause) return;
    open_->pause = std::min(2 * open_->pause, kAskPauseMax);
    send(now);
}

std::optional<Instant> WitnessAsker::wake_at() const {
    if (!open_) return std::nullopt;
    return std::min(open_->question.deadline, open_->last_sent + open_->pause);
}

std::vector<WitnessRequest> WitnessAsker::take_requests() { return std::exchange(requests_, {}); }
std::vector<WitnessFinding> WitnessAsker::take_findings() { return std::exchange(findings_, {}); }

}  // namespace xbeat::arbiter
