#include "replicate/tail.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/text.h"
#include "replicate/apply.h"

namespace xbeat::replicate {
namespace {

wire::Record attribute(std::uint64_t term, std::uint64_t index, const std::string& value) {
    return {.term = Term{term},
            .index = LogIndex{index},
            .body = wire::SetTransient{
                .node = "1", .name = "load", .value = value, .remove = false, .is_private = false}};
}

// Applies and keeps it.
void make(State& state, Tail& tail, std::uint64_t term, const std::string& value) {
    const wire::Record record = attribute(term, state.applied.value + 1, value);
    ASSERT_TRUE(apply(state, record).has_value());
    tail.push(record.term, record.index, wire::encode_record(record));
}

TEST(Tail, GivesWhatCameAfterARecordAndNothingIfItDoesNotReachBack) {
    Tail tail;
    for (std::uint64_t i = 5; i <= 8; ++i) tail.push(Term{1}, LogIndex{i}, concat(i));

    EXPECT_EQ(tail.after(LogIndex{6}, LogIndex{8}), (std::vector<std::string>{"7", "8"}));
    EXPECT_EQ(tail.after(LogIndex{4}, LogIndex{8}), (std::vector<std::string>{"5", "6", "7", "8"}));
    EXPECT_EQ(tail.after(LogIndex{8}, LogIndex{8}), std::vector<std::string>{});
    EXPECT_EQ(tail.after(LogIndex{3}, LogIndex{8}), std::nullopt);
    EXPECT_EQ(tail.after(LogIndex{6}, LogIndex{9}), std::nullopt);
    EXPECT_EQ(Tail().after(LogIndex{6}, LogIndex{8}), std::nullopt);
    EXPECT_EQ(Tail().after(LogIndex{8}, LogIndex{8}), std::vector<std::string>{});
}

TEST(Tail, BeginsAnewWhereRecordsAreMissing) {
    Tail tail;
    tail.push(Term{1}, LogIndex{1}, "1");
    tail.push(Term{1}, LogIndex{5}, "5");

    EXPECT_EQ(tail.after(LogIndex{4}, LogIndex{5}), std::vector<std::string>{"5"});
    EXPECT_EQ(tail.after(LogIndex{0}, LogIndex{5}), std::nullopt);
}

TEST(Tail, KeepsTheNewestWithinItsNumberAndItsBytes) {
    Tail many;
    for (std::uint64_t i = 1; i <= kTailRecordsMax + 1; ++i) many.push(Term{1}, LogIndex{i}, "x");
    const LogIndex last{kTailRecordsMax + 1};
    EXPECT_EQ(many.after(LogIndex{0}, last), std::nullopt);
    EXPECT_TRUE(many.after(LogIndex{1}, last).has_value());

    Tail large;
    large.push(Term{1}, LogIndex{1}, std::string(kTailBytesMax, 'x'));
    EXPECT_TRUE(large.after(LogIndex{0}, LogIndex{1}).has_value());
    large.push(Term{1}, LogIndex{2}, "x");
    EXPECT_EQ(large.after(LogIndex{0}, LogIndex{2}), std::nullopt);
    EXPECT_TRUE(large.after(LogIndex{1}, LogIndex{2}).has_value());
}

// Claim I-12: what was dropped is told record by record.
TEST(Tail, TellsWhatAnotherStateDoesNotHold) {
    State mine = empty_state("lab");
    State theirs = empty_state("lab");
    Tail tail;
    Tail other;
    make(mine, tail, 2, "1");
    make(theirs, other, 2, "1");
    make(mine, tail, 2, "7");
    make(mine, tail, 2, "8");
    make(theirs, other, 3, "9");
    make(theirs, other, 3, "9");
    make(theirs, other, 3, "9");

    EXPECT_EQ(tail.missing_in(theirs),
              (std::vector<std::string>{"2/2: attribute load of node 1 is 7",
                                        "2/3: attribute load of node 1 is 8"}));
    EXPECT_TRUE(tail.missing_in(mine).empty());
}

}  // namespace
}  // namespace xbeat::replicate
