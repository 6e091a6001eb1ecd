#include "arbiter/disk_lease.h"

#include <algorithm>
#include <utility>

#include "arbiter/witness_ledger.h"
#include "core/check.h"
#include "core/text.h"

namespace xbeat::arbiter {

namespace {

/// What both arbiters give at the most; a block of ours that cannot be read may have said so.
constexpr Duration kLeaseMax = wire::kWitnessLeaseMax;

}  // namespace

void DiskLease::ask(const AskArbiter& question, Instant now) {
    if (open_) answer(Reply::Unreachable, "another question took its place");
    open_ = Open{.question = question,
                 .deadline = now + question.patience,
                 .step = Step::Look,
                 .raised = {}};
    open_->question.lease = std::clamp(question.lease, wire::kWitnessLeaseMin, kLeaseMax);
    // Whoever releases has stopped using it.
    if (question.asking == Asking::Release) held_until_ = granted_until_ = now;
    not_before_ = now;
    next(now);
}

/// The other's flag is up, and its owner may use what it says.
bool DiskLease::is_in_the_way(Instant now) const {
    if (!other_ || !other_->block.is_up) return false;
    const Duration lease = other_->block.lease;
    return now < other_->since + lease + lease_margin(lease);
}

/// What has to be done next, if the disk is idle.
void DiskLease::next(Instant now) {
    if (under_way_ || wanted_ || now < not_before_) return;
    if (!own_) {
        if (open_ || now >= poll_at_) read(DiskAccess::Kind::ReadOwn);
        return;
    }
    if (open_) {
        if (open_->question.asking == Asking::Release) {
            if (own_->is_up) return write(false, {});
            return answer(Reply::Released, {});
        }
        if (open_->step != Step::Raise) return read(DiskAccess::Kind::ReadOther);
        open_->raised = now;
        // The other node waits for what the newest block says: it must not be less than what an
        // earlier one allowed us.
        return write(true, std::max(open_->question.lease, held_until_ - now));
    }
    // Nobody may take a lease that we still use for free: the flag goes down only afterwards.
    if (own_->is_up && now >= held_until_) return write(false, {});
    if (now >= poll_at_) read(DiskAccess::Kind::ReadOther);
}

void DiskLease::read(DiskAccess::Kind kind) {
    wanted_ = DiskAccess{.kind = kind, .id = ++accesses_, .block = {}};
}

void DiskLease::write(bool is_up, Duration lease) {
    XB_CHECK(own_.has_value());
    own_->number += 1;
    own_->life = options_.life;
    own_->is_up = is_up;
    own_->lease = lease;
    wanted_ = DiskAccess{.kind = DiskAccess::Kind::WriteOwn, .id = ++accesses_, .block = *own_};
}

std::optional<DiskAccess> DiskLease::take_access(Instant now) {
    if (!wanted_) return std::nullopt;
    waiting_since_ = now;
    under_way_ = std::exchange(wanted_, std::nullopt);
    return under_way_;
}

void DiskLease::done(std::uint64_t id, DiskTrouble trouble, const DiskBlock& block, Instant now) {
    if (!under_way_ || under_way_->id != id) return;
    const DiskAccess::Kind kind = under_way_->kind;
    under_way_.reset();
    waiting_since_.reset();
    trouble_ = trouble;
    poll_at_ = now + kDiskPollEvery;
    if (trouble != DiskTrouble::Failed) answered_ = now;
    if (kind == DiskAccess::Kind::ReadOwn && trouble != DiskTrouble::Failed) {
        got_own(trouble, block, now);
    } else if (trouble != DiskTrouble::None) {
        // Whether a failed write arrived is unknown: the next one has another number anyway.
        not_before_ = now + kDiskRetryPause;
        if (open_) open_->step = Step::Look;
    } else if (kind == DiskAccess::Kind::ReadOther) {
        got_other(block, now);
    } else {
        wrote();
    }
    expire(now);
    next(now);
}

void DiskLease::got_own(DiskTrouble trouble, const DiskBlock& block, Instant now) {
    if (trouble == DiskTrouble::None) {
        own_ = block;
        if (block.is_up) held_until_ = std::max(held_until_, now + block.lease);
        return;
    }
    // A write of ours was torn. It may have raised the flag; and the number must be none that the
    // other one has seen.
    own_ = DiskBlock{
        .number = options_.life, .life = options_.life, .is_up = true, .lease = kLeaseMax};
    held_until_ = std::max(held_until_, now + kLeaseMax);
}

void DiskLease::got_other(const DiskBlock& block, Instant now) {
    if (!other_ || other_->block != block) other_ = Seen{.block = block, .since = now};
    if (!open_ || open_->question.asking == Asking::Release) return;
    if (open_->step == Step::Check) return check(now);
    if (is_in_the_way(now)) return both_want(now);
    open_->step = Step::Raise;
}

void DiskLease::wrote() {
    if (!open_) return;
    if (open_->question.asking == Asking::Release) {
        if (!own_->is_up) answer(Reply::Released, {});
        return;
    }
    if (open_->step == Step::Raise) open_->step = Step::Check;
}

/// Our flag was up before this read of the other's block.
void DiskLease::check(Instant now) {
    if (is_in_the_way(now)) return both_want(now);
    const Instant until = open_->raised + open_->question.lease;
    if (until <= now) {  // so slow a disk that nothing is left of it
        open_->step = Step::Raise;
        return;
    }
    held_until_ = std::max(held_until_, until);
    granted_until_ = std::max(granted_until_, until);
    answer(Reply::Granted, {}, {}, until);
}

/// Who holds the lease does not give way to a flag that went up beside its own: the other one does
/// not get past ours, and has to be able to rely on that nobody served alone and is gone again
/// before its claim is given up. Of two that hold nothing the one that comes later or has the
/// higher id gives way, and the other one waits for that.
void DiskLease::both_want(Instant now) {
    const bool gives_way = open_->step == Step::Look || options_.self > options_.other;
    if (gives_way && now >= granted_until_) return refuse();
    not_before_ = now + kDiskRetryPause;
}

void DiskLease::refuse() {
    answer(Reply::Refused,
           concat("node ", options_.other.value, " has its flag up on the shared disk"),
           options_.other);
}

void DiskLease::answer(Reply reply, std::string reason, NodeId holder, Instant until) {
    answers_.push_back({.request = open_->question.request,
                        .reply = reply,
                        .holder = holder,
                        .until = until,
                        .reason = std::move(reason)});
    open_.reset();
}

/// The deadline of the open question, if it has passed.
void DiskLease::expire(Instant now) {
    if (!open_ || now < open_->deadline) return;
    if (!under_way_ && is_in_the_way(now)) {
        if (now < granted_until_) {
            return answer(Reply::Unreachable,
                          concat("node ", options_.other.value,
                                 " has its flag up on the shared disk as well"));
        }
        if (open_->step == Step::Check) return refuse();
    }
    if (waiting_since_)
        return answer(Reply::Unreachable,
                      concat("the shared disk has not answered for ",
                             (now - *waiting_since_).count() / 1'000'000, " ms"));
    switch (trouble_) {
        case DiskTrouble::Failed:
            return answer(Reply::Unreachable, "the shared disk cannot be read or written");
        case DiskTrouble::Damaged:
            return answer(Reply::NotReady,
                          concat("the block of node ", options_.other.value,
                                 " on the shared disk is damaged: while both nodes are down, "
                                 "`xbeat disk init --force` mends it"));
        case DiskTrouble::None:
            return answer(Reply::Unreachable, "the shared disk was too slow");
    }
}

void DiskLease::tick(Instant now) {
    expire(now);
    next(now);
}

std::optional<Instant> DiskLease::wake_at() const {
    std::optional<Instant> wake;
    const auto consider = [&](Instant at) { wake = wake ? std::min(*wake, at) : at; };
    if (open_) consider(open_->deadline);
    if (under_way_ || wanted_) return wake;
    if (open_)
        consider(not_before_);
    else
        consider(std::max(not_before_,
                          own_ && own_->is_up ? std::min(poll_at_, held_until_) : poll_at_));
    return wake;
}

std::vector<ArbiterAnswer> DiskLease::take_answers() { return std::exchange(answers_, {}); }

}  // namespace xbeat::arbiter
