#include "core/number.h"

#include <gtest/gtest.h>

#include <limits>

namespace xbeat {
namespace {

TEST(Number, IsWhatATextBeginsWith) {
    EXPECT_EQ(leading_integer("7"), 7);
    EXPECT_EQ(leading_integer(" -7 "), -7);
    EXPECT_EQ(leading_integer("+3"), 3);
    EXPECT_EQ(leading_integer("007"), 7);
    EXPECT_EQ(leading_integer("5min"), 5);
    EXPECT_EQ(leading_integer("1e9"), 1);
    EXPECT_EQ(leading_integer("1.5"), 1);
    EXPECT_EQ(leading_integer("0x10"), 0);
}

TEST(Number, IsNoneWithoutADigitAtTheFront) {
    for (const std::string_view text : {"", " ", "-", "+", "+-1", "--1", "abc", "INFINITY", ".5"}) {
        EXPECT_EQ(leading_integer(text), std::nullopt) << text;
    }
}

TEST(Number, IsCutTo64Bits) {
    EXPECT_EQ(leading_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(leading_integer("99999999999999999999x"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(leading_integer("-99999999999999999999"), std::numeric_limits<std::int64_t>::min());
}

TEST(EffectiveScore, KnowsInfinityNumbersAndTheirFrontsAndFallsBackForTheRest) {
    EXPECT_EQ(effective_score("-infinity"), Score::never());
    EXPECT_EQ(effective_score("+INFINITY"), Score::always());
    EXPECT_EQ(effective_score("100"), Score::of(100));
    EXPECT_EQ(effective_score("1e9"), Score::of(1));
    EXPECT_EQ(effective_score("99999999999999999999"), Score::always());
    EXPECT_EQ(effective_score("abc"), Score());
    EXPECT_EQ(effective_score("", Score::always()), Score::always());
}

}  // namespace
}  // namespace xbeat
