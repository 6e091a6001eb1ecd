#include "core/score.h"

#include <gtest/gtest.h>

namespace xbeat {
namespace {

TEST(Score, AddsWithSaturationAndNeverWins) {
    EXPECT_EQ(Score::of(1) + Score::of(2), Score::of(3));
    EXPECT_EQ(Score::of(900'000) + Score::of(900'000), Score::always());
    EXPECT_EQ(Score::always() + Score::of(-5), Score::always());
    EXPECT_EQ(Score::always() + Score::never(), Score::never());
    EXPECT_EQ(Score::never() + Score::of(5), Score::never());
    EXPECT_EQ(-Score::always(), Score::never());
}

TEST(Score, ReadsWhatItPrints) {
    for (const Score score : {Score::always(), Score::never(), Score::of(0), Score::of(-17)}) {
        EXPECT_EQ(parse_score(to_string(score)), score);
    }
}

TEST(Score, ReadsPacemakersSpellings) {
    EXPECT_EQ(parse_score("+INFINITY"), Score::always());
    EXPECT_EQ(parse_score("-infinity"), Score::never());
    EXPECT_EQ(parse_score("99999999999999999999"), Score::always());
    EXPECT_EQ(parse_score("-99999999999999999999"), Score::never());
    EXPECT_EQ(parse_score("+5"), Score::of(5));
    EXPECT_FALSE(parse_score("five"));
    EXPECT_FALSE(parse_score(""));
    EXPECT_FALSE(parse_score("5.5"));
}

}  // namespace
}  // namespace xbeat
