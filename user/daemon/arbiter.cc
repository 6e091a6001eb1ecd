#include "daemon/arbiter.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "sys/boot_clock.h"

namespace xbeat::daemon {

Result<Arbiter> Arbiter::create(const Config& config, const heart::Secret& secret,
                                std::uint64_t life, ring::Ring& ring) {
    Arbiter made;
    if (config.arbiter.kind == node::ArbiterKind::Witness) {
        witness::ClusterKey key = XB_TRY(witness::derive_key(secret, config.cluster));
        made.witness_ = std::make_unique<witness::Client>(
            XB_TRY(witness::Client::create({.address = config.arbiter.witness,
                                            .port = config.arbiter.witness_port,
                                            .node = config.self,
                                            .life = life},
                                           std::move(key), ring, sys::boot_now())));
    }
    return made;
}

void Arbiter::ask(const arbiter::AskArbiter& question, Instant now) {
    if (question.arbiter == arbiter::ArbiterKind::Witness && witness_)
        return witness_->ask(question, now);
    answers_.push_back({.request = question.request,
                        .reply = arbiter::Reply::Unreachable,
                        .holder = {},
                        .until = {},
                        .reason = fmt::format("this node has no arbiter of the kind `{}`",
                                              arbiter::to_string(question.arbiter))});
}

void Arbiter::complete(const ring::Completion& completion, Instant now) {
    if (witness_ && completion.token.op == ring::Op::ArbiterNews)
        witness_->complete(completion, now);
}

void Arbiter::tick(Instant now) {
    if (witness_) witness_->tick(now);
}

std::optional<Instant> Arbiter::deadline() const {
    return witness_ ? witness_->deadline() : std::optional<Instant>{};
}

std::vector<arbiter::ArbiterAnswer> Arbiter::take_answers() {
    std::vector<arbiter::ArbiterAnswer> answers = std::exchange(answers_, {});
    if (!witness_) return answers;
    std::vector<arbiter::ArbiterAnswer> more = witness_->take_answers();
    std::move(more.begin(), more.end(), std::back_inserter(answers));
    return answers;
}

std::vector<Note> Arbiter::take_notes() {
    return witness_ ? witness_->take_notes() : std::vector<Note>{};
}

std::string Arbiter::trouble() const {
    if (!witness_) return {};
    const witness::ClientStatus status = witness_->status();
    return status.is_judged ? status.trouble : std::string{};
}

std::optional<witness::ClientStatus> Arbiter::witness_status() const {
    if (!witness_) return std::nullopt;
    return witness_->status();
}

}  // namespace xbeat::daemon
