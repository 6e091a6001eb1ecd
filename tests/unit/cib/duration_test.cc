#include "cib/duration.h"

#include <gtest/gtest.h>

namespace xbeat::cib {
namespace {

TEST(Duration, ReadsEveryUnitThatConfigurationsUse) {
    const std::pair<std::string_view, Duration> table[] = {
        {"20", 20s},          {"0", 0s},          {" 20 s ", 20s},    {"20sec", 20s},
        {"500ms", 500ms},     {"500MSEC", 500ms}, {"1500us", 1500us}, {"7usec", 7us},
        {"2m", 120s},         {"2min", 120s},     {"1h", 3600s},      {"1hr", 3600s},
        {"1d", 86400s},       {"+5s", 5s},        {"PT1M", 60s},      {"P1D", 86400s},
        {"PT1H30M5S", 5405s}, {"P1DT1S", 86401s}, {"P10S", 10s},      {"P1W", 604800s},
    };
    for (const auto& [text, wanted] : table) {
        const std::optional<Duration> read = parse_duration(text);
        ASSERT_TRUE(read.has_value()) << text;
        EXPECT_EQ(*read, wanted) << text;
    }
}

TEST(Duration, RejectsWhatIsNoSpanOfTime) {
    for (const std::string_view text : {"", " ", "s", "-1", "-5s", "1x", "1.5s", "ten", "P", "PT",
                                        "P5", "PTT5S", "P1H2X", "PT1Y", "PT1D", "20 s s", "0x10"}) {
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
    }
}

TEST(Duration, IsShortenedToItsLimitAndNotPastIt) {
    EXPECT_EQ(parse_duration("2147483647ms"), kDurationMax);
    EXPECT_EQ(parse_duration("2147483646ms"), kDurationMax - 1ms);
    EXPECT_EQ(parse_duration("99999999999999999999999999h"), kDurationMax);
    EXPECT_EQ(parse_duration("P99999999999999Y99999999999999Y"), kDurationMax);
}

TEST(Duration, ReadsBackWhatItPrints) {
    for (const Duration duration :
         {Duration{0}, Duration{5us}, Duration{20ms}, Duration{20s}, Duration{90s}, Duration{3600s},
          Duration{5400s}, kDurationMax}) {
        EXPECT_EQ(parse_duration(print_duration(duration)), duration) << print_duration(duration);
    }
    EXPECT_EQ(print_duration(90s), "90s");
    EXPECT_EQ(print_duration(7200s), "2h");
}

}  // namespace
}  // namespace xbeat::cib
