// The newest records of the log, as they were encoded: for a node that missed some of them, and for
// words about what a node has to drop.
//
// A copy in memory, bounded in number and bytes; the oldest records go first. What it does not
// reach is told by a snapshot.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/id.h"
#include "replicate/state.h"
#include "wire/record.h"

namespace xbeat::replicate {

class Tail {
public:
    /// The record that was just applied. One that does not follow the last begins the tail anew.
    void push(Term term, LogIndex index, std::string bytes);
    void clear();

    /// All records after `index` up to the last one, in order; nothing if some of them are not here
    /// any more. Empty if there is none after it. Requires: `index` is not past the last record.
    [[nodiscard]] std::optional<std::vector<std::string>> after(LogIndex index,
                                                                LogIndex last) const;
    /// The records that `other` does not hold, in words, oldest first, as far as they are here.
    [[nodiscard]] std::vector<std::string> missing_in(const State& other) const;

private:
    struct Entry {
        Term term;
        LogIndex index;
        std::string bytes;
    };
    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
};

/// What a record says, for people: "attribute load of node 1 is 7".
[[nodiscard]] std::string describe(const wire::Record& record);

}  // namespace xbeat::replicate
