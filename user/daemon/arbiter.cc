#include "daemon/arbiter.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "core/limits.h"
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
    if (config.arbiter.kind == node::ArbiterKind::Disk && config.nodes.size() == kPairNodesMax) {
        const bool is_first = config.nodes[0].id == config.self;
        made.disk_ = std::make_unique<disk::Client>(
            disk::Client::Options{.path = config.arbiter.disk,
                                  .self = config.self,
                                  .other = config.nodes[is_first ? 1 : 0].id,
                                  .life = life},
            XB_TRY(disk::derive_disk_key(secret, config.cluster)), ring);
    }
    return made;
}

void Arbiter::ask(const arbiter::AskArbiter& question, Instant now) {
    if (question.arbiter == arbiter::ArbiterKind::Witness && witness_)
        return witness_->ask(question, now);
    if (question.arbiter == arbiter::ArbiterKind::Disk && disk_) return disk_->ask(question, now);
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
    if (disk_ && completion.token.op == ring::Op::ArbiterDisk) disk_->complete(completion, now);
}

void Arbiter::tick(Instant now) {
    if (witness_) witness_->tick(now);
    if (disk_) disk_->tick(now);
}

std::optional<Instant> Arbiter::deadline() const {
    if (disk_) return disk_->deadline();
    return witness_ ? witness_->deadline() : std::optional<Instant>{};
}

std::vector<arbiter::ArbiterAnswer> Arbiter::take_answers() {
    std::vector<arbiter::ArbiterAnswer> answers = std::exchange(answers_, {});
    std::vector<arbiter::ArbiterAnswer> more;
    if (witness_) more = witness_->take_answers();
    if (disk_) more = disk_->take_answers();
    std::move(more.begin(), more.end(), std::back_inserter(answers));
    return answers;
}

std::vector<Note> Arbiter::take_notes() {
    if (disk_) return disk_->take_notes();
    return witness_ ? witness_->take_notes() : std::vector<Note>{};
}

std::string Arbiter::trouble() const {
    if (disk_) return disk_->trouble();
    if (!witness_) return {};
    const witness::ClientStatus status = witness_->status();
    return status.is_judged ? status.trouble : std::string{};
}

std::optional<witness::ClientStatus> Arbiter::witness_status() const {
    if (!witness_) return std::nullopt;
    return witness_->status();
}

}  // namespace xbeat::daemon
