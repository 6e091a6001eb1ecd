// What is going to happen, ordered by (time, sequence): the one queue of a simulated world.
//
// Two things planned for the same moment happen in the order in which they were planned, so a run
// depends on nothing but its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace xbeat::xsim {

using Nanos = std::int64_t;  // world time, from 0

constexpr Nanos kMicro = 1'000;
constexpr Nanos kMilli = 1'000'000;
constexpr Nanos kSecond = 1'000'000'000;

template <class Item>
class Agenda {
public:
    void add(Nanos when, Item item) {
        entries_.push_back({when, next_++, std::move(item)});
        std::push_heap(entries_.begin(), entries_.end(), is_later);
    }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Requires: not empty.
    [[nodiscard]] Nanos first_at() const { return entries_.front().when; }
    /// Requires: not empty.
    Item take() {
        std::pop_heap(entries_.begin(), entries_.end(), is_later);
        Item item = std::move(entries_.back().item);
        entries_.pop_back();
        return item;
    }

private:
    struct Entry {
        Nanos when = 0;
        std::uint64_t number = 0;
        Item item;
    };
    static bool is_later(const Entry& a, const Entry& b) {
        return a.when != b.when ? a.when > b.when : a.number > b.number;
    }

    std::vector<Entry> entries_;
    std::uint64_t next_ = 0;
};

using Action = std::function<void()>;

}  // namespace xbeat::xsim
