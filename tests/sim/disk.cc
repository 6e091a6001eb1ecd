#include "tests/sim/disk.h"

#include <algorithm>
#include <utility>

#include "tests/sim/streams.h"

namespace xbeat::xsim {

Nanos Disk::begin() {
    under_way_.assign(std::make_move_iterator(waiting_.begin()),
                      std::make_move_iterator(waiting_.end()));
    waiting_.clear();
    return extra_latency + usual_latency + spread(prng_, 100 * kMicro, 20 * kMilli);
}

std::vector<node::Persisted> Disk::finish() {
    std::vector<node::Persisted> answers;
    for (const node::Write& write : under_way_) {
        Result<void> outcome;
        if (works) {
            outcome = apply(write);
        } else {
            outcome = Error{Code::System, "no space left on device", 28};
        }
        answers.push_back({.ticket = write.ticket, .outcome = std::move(outcome)});
    }
    under_way_.clear();
    ++commits_;
    return answers;
}

Result<void> Disk::apply(const node::Write& write) {
    if (const auto* record = std::get_if<node::AppendRecord>(&write.body)) {
        const LogIndex last = log_.empty() ? snapshot_index_ : log_.rbegin()->first;
        if (record->index.value != last.value + 1) {
            return Error{Code::Invalid, "the log would get a hole"};
        }
        log_[record->index] = record->bytes;
    } else if (const auto* cut = std::get_if<node::TruncateLog>(&write.body)) {
        log_.erase(log_.lower_bound(cut->from), log_.end());
    } else if (const auto* snapshot = std::get_if<node::SaveSnapshot>(&write.body)) {
        // A snapshot outside the log is another node's: what was here does not follow it.
        const LogIndex last = log_.empty() ? snapshot_index_ : log_.rbegin()->first;
        const bool is_inside = snapshot->index >= snapshot_index_ && snapshot->index <= last;
        log_.erase(log_.begin(), is_inside ? log_.upper_bound(snapshot->index) : log_.end());
        snapshot_ = snapshot->bytes;
        snapshot_index_ = snapshot->index;
    } else {
        const auto& meta = std::get<node::PutMeta>(write.body);
        meta_[meta.key] = meta.value;
    }
    return {};
}

std::size_t Disk::lose_power_softly() {
    const std::size_t lost = under_way_.size() + waiting_.size();
    // The commit under way is one transaction: it had got there, or it had not.
    if (!under_way_.empty() && works && chance(prng_, 50)) (void)finish();
    under_way_.clear();
    waiting_.clear();
    return lost;
}

std::size_t Disk::lose_power() {
    const bool was_writing = !under_way_.empty();
    const LogIndex last = log_.empty() ? LogIndex{} : log_.rbegin()->first;
    const std::size_t lost = lose_power_softly();
    const bool has_new = !log_.empty() && log_.rbegin()->first > last;
    if (may_tear && was_writing && has_new && chance(prng_, 50)) {
        // Only what nobody was told to be safe may be torn.
        auto torn = log_.upper_bound(last);
        for (std::uint64_t skip = prng_.below(log_.size()); skip > 0; --skip) {
            if (std::next(torn) == log_.end()) break;
            ++torn;
        }
        tear(torn->second);
        log_.erase(std::next(torn), log_.end());
    }
    return lost;
}

// Ends early, or goes on with what stood in its blocks before.
void Disk::tear(std::string& record) {
    const std::string whole = record;
    const std::size_t kept = prng_.below(record.size() + 1);
    if (may_garble && chance(garbler_, 50)) {
        const bool is_blank = chance(garbler_, 50);
        for (std::size_t i = kept; i < record.size(); ++i) {
            record[i] = is_blank ? '\0' : static_cast<char>(garbler_.below(256));
        }
    } else {
        record.resize(kept);
    }
    has_torn_ = has_torn_ || record != whole;
}

void Disk::wipe() {
    snapshot_.clear();
    snapshot_index_ = {};
    log_.clear();
    meta_.clear();
    waiting_.clear();
    under_way_.clear();
}

void Disk::read_into(node::Started& started) const {
    started.snapshot = snapshot_;
    started.snapshot_index = snapshot_index_;
    for (const auto& [index, bytes] : log_) started.log.emplace_back(index, bytes);
    started.meta = meta_;
}

}  // namespace xbeat::xsim
