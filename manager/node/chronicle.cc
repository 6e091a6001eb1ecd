#include "node/chronicle.h"

#include "core/limits.h"

namespace xbeat::node {

std::vector<Note> Chronicle::take_notes() {
    std::vector<Note> out = std::move(notes_);
    notes_.clear();
    return out;
}

void Chronicle::begin(std::string cause, Now now) {
    if (is_open()) return;
    timelines_.push_back({.cause = std::move(cause),
                          .calendar = now.calendar,
                          .entries = {},
                          .is_finished = false,
                          .succeeded = false,
                          .is_failover = false});
    if (timelines_.size() > kTimelinesMax) timelines_.pop_front();
    began_at_ = now.boot;
}

void Chronicle::mark_failover() {
    if (is_open()) timelines_.back().is_failover = true;
}

bool Chronicle::is_open() const { return !timelines_.empty() && !timelines_.back().is_finished; }

void Chronicle::add(TimelineEntry entry) {
    if (!is_open() || timelines_.back().entries.size() >= kTimelineEntriesMax) return;
    timelines_.back().entries.push_back(std::move(entry));
}

void Chronicle::finish(bool succeeded, Now now) {
    if (!is_open()) return;
    add({.phase = "done", .detail = {}, .from = began_at_, .to = now.boot, .succeeded = succeeded});
    timelines_.back().is_finished = true;
    timelines_.back().succeeded = succeeded;
}

}  // namespace xbeat::node
