#include "cli/words.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace xbeat::cli {
namespace {

TEST(Words, NumbersInNamesCountAsNumbers) {
    EXPECT_EQ(bracketed({"node10", "node2", "Node1"}), "[ Node1 node2 node10 ]");
    EXPECT_TRUE(is_before_by_number("a02", "a3"));
    EXPECT_FALSE(is_before_by_number("a3", "a02"));
    EXPECT_TRUE(is_before_by_number("a", "a1"));
    EXPECT_FALSE(is_before_by_number("a1", "a1"));
}

TEST(Words, DurationsTakeTheUnitThatSuits) {
    EXPECT_EQ(short_duration(Duration(12'345)), "12 us");
    EXPECT_EQ(short_duration(43'217us), "43.2 ms");
    EXPECT_EQ(short_duration(12'540ms), "12.5 s");
    EXPECT_EQ(short_duration(200s), "3 min");
    EXPECT_EQ(short_duration(5h), "5 h");
    EXPECT_EQ(short_duration(50h), "2 d");
}

TEST(Words, MillisecondsAreGivenToTheMicrosecond) {
    EXPECT_EQ(milliseconds_text(43'217'999ns), "43.217 ms");
    EXPECT_EQ(milliseconds_text(-1us), "-0.001 ms");
    EXPECT_EQ(milliseconds_text(0ns), "0.000 ms");
}

TEST(Words, AnAgentsCodesAreThoseOfThePacemakerTable) {
    EXPECT_EQ(rc_text(0), "ok");
    EXPECT_EQ(rc_text(7), "not running");
    EXPECT_EQ(rc_text(190), "degraded");
    EXPECT_EQ(rc_text(191), "promoted (degraded)");
    EXPECT_EQ(rc_text(-1), "unknown");
    EXPECT_EQ(rc_text(10), "unknown");
    EXPECT_EQ(op_status_text(2), "Timed Out");
    EXPECT_EQ(op_status_text(-1), "pending");
    EXPECT_EQ(op_status_text(99), "unknown");
}

TEST(Words, ControlBytesOfOthersNeverReachTheTerminal) {
    EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f\tü"), "a?[2Jb?c??ü");
}

TEST(Words, AnIntervalIsWrittenAsConfigured) {
    EXPECT_EQ(interval_text(10'000), "10s");
    EXPECT_EQ(interval_text(1500), "1500ms");
    EXPECT_EQ(interval_text(0), "0");
}

// As crm_mon 2.1 says them: a whole unit in the next smaller one.
TEST(Words, WhatSomethingTookIsSaidInItsUnits) {
    EXPECT_EQ(readable_time(0), "0s");
    EXPECT_EQ(readable_time(33), "33ms");
    EXPECT_EQ(readable_time(1000), "1000ms");
    EXPECT_EQ(readable_time(1500), "1.500s");
    EXPECT_EQ(readable_time(10'000), "10s");
    EXPECT_EQ(readable_time(60'000), "60s");
    EXPECT_EQ(readable_time(61'500), "1m1.500s");
    EXPECT_EQ(readable_time(3'661'500), "1h1m1.500s");
    EXPECT_EQ(readable_time(90'061'001), "1d1h1m1.001s");
}

TEST(Words, ColoursLeaveTheTextAsItIs) {
    const std::string text = "Node List:\n  * Online: [ a ]\n  * OFFLINE: [ b ]\n";

    const std::string coloured = colourised(text);

    EXPECT_EQ(coloured,
              "\x1b[1mNode List:\x1b[0m\n  * Online: [ a ]\n\x1b[31m  * OFFLINE: [ b ]\x1b[0m\n");
}

TEST(Words, TimesAreInTheLocalZone) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();

    EXPECT_EQ(calendar_text({1'700'000'000}), "Tue Nov 14 22:13:20 2023");
    EXPECT_EQ(calendar_text({0}), "never");
    EXPECT_EQ(date_and_clock_text(1'700'000'000'042), "2023-11-14 22:13:20.042");
    EXPECT_EQ(date_text({1'700'000'000}), "2023-11-14 22:13:20Z");
    ::setenv("TZ", "XBT-05:30", 1);  // east of Greenwich, in POSIX's sense
    ::tzset();
    EXPECT_EQ(date_text({1'700'000'000}), "2023-11-15 03:43:20 +05:30");
    ::setenv("TZ", "UTC", 1);
    ::tzset();
}

}  // namespace
}  // namespace xbeat::cli
