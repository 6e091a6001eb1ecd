#include <gtest/gtest.h>

#include "rules/calendar.h"

namespace xbeat::rules {
namespace {

constexpr std::int64_t kMost = 4'294'967'295;

TEST(Interval, IsSecondsUnlessAUnitSaysOtherwise) {
    EXPECT_EQ(parse_interval_ms("20"), 20'000);
    EXPECT_EQ(parse_interval_ms(" 20 s "), 20'000);
    EXPECT_EQ(parse_interval_ms("20SEC"), 20'000);
    EXPECT_EQ(parse_interval_ms("1500ms"), 1'500);
    EXPECT_EQ(parse_interval_ms("2500000us"), 2'500);
    EXPECT_EQ(parse_interval_ms("3m"), 180'000);
    EXPECT_EQ(parse_interval_ms("3 minutes"), 180'000);
    EXPECT_EQ(parse_interval_ms("2hr"), 7'200'000);
    EXPECT_EQ(parse_interval_ms("1day"), 86'400'000);
}

TEST(Interval, LeavesOutFractions) {
    EXPECT_EQ(parse_interval_ms("5.5s"), 5'000);
    EXPECT_EQ(parse_interval_ms("0.9min"), 0);
}

TEST(Interval, MayBeADurationWithMonthsOfThirtyDays) {
    EXPECT_EQ(parse_interval_ms("PT1M"), 60'000);
    EXPECT_EQ(parse_interval_ms("PT1H30M"), 5'400'000);
    EXPECT_EQ(parse_interval_ms("P1M"), 30LL * 86'400'000);
}

TEST(Interval, IsCutTo32Bits) {
    EXPECT_EQ(parse_interval_ms("99999999999"), kMost);
    EXPECT_EQ(parse_interval_ms("99999999999999999999"), kMost);
    EXPECT_EQ(parse_interval_ms("1000000000h"), kMost);
    EXPECT_EQ(parse_interval_ms("P1000000000Y"), kMost / 1000 * 1000);
}

TEST(Interval, IsNoneOfOtherText) {
    for (const std::string_view text : {"", "abc", "-5s", "5x", "s", "P1W1", "INFINITY"}) {
        EXPECT_EQ(parse_interval_ms(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace xbeat::rules
