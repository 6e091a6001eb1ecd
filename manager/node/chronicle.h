// What a node tells people: notes of what happened, and the time lines of failovers.
//
// A note is a value with a stable kind for programs and a sentence for people. A time line collects
// the phases of one disturbance, from the silence or failure that began it to the last action.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/note.h"
#include "core/time.h"
#include "node/node.h"

namespace xbeat::node {

using Fields = std::vector<std::pair<std::string, std::string>>;

class Chronicle {
public:
    void note(Note note) { notes_.push_back(std::move(note)); }
    [[nodiscard]] std::vector<Note> take_notes();

    /// Opens a time line, unless one is open: a failure during a failover belongs to it.
    void begin(std::string cause, Now now);
    /// The open time line, if there is one, is that of a failure.
    void mark_failover();
    [[nodiscard]] bool is_open() const;
    /// Nothing if no time line is open, or it is full (kTimelineEntriesMax).
    void add(TimelineEntry entry);
    void finish(bool succeeded, Now now);
    [[nodiscard]] const std::deque<Timeline>& timelines() const { return timelines_; }
    [[nodiscard]] Instant began_at() const { return began_at_; }

private:
    std::vector<Note> notes_;
    std::deque<Timeline> timelines_;
    Instant began_at_{};
};

}  // namespace xbeat::node
