#include "rules/compare.h"

#include <gtest/gtest.h>

namespace xbeat::rules {
namespace {

TEST(CompareAs, TakesNumbersByTheirBeginning) {
    EXPECT_EQ(compare_as("number", "2.0.1", "2", false), 0);
    EXPECT_EQ(compare_as("number", "1.5x", "1.25", true), 1);
    EXPECT_EQ(compare_as("number", "1e1", "10", false), 0);
    EXPECT_EQ(compare_as("integer", "2.9", "2", false), 0);
    EXPECT_EQ(compare_as("integer", "10 GB", "9 GB", true), 1);
}

TEST(CompareAs, ComparesAsTextWhatIsNoNumber) {
    EXPECT_EQ(compare_as("number", "abc", "ABC", false), 0);
    EXPECT_EQ(compare_as("integer", ".5", "0", true), -1);
    EXPECT_EQ(compare_as("integer", "x10", "x9", true), -1);
}

TEST(CompareAs, ChoosesTheTypeOfARangeByItsPoint) {
    EXPECT_EQ(compare_as("", "10", "9", true), 1);
    EXPECT_EQ(compare_as("", "9.5", "10", true), -1);
    EXPECT_EQ(compare_as("version", "1.10", "1.9", true), 1);
}

}  // namespace
}  // namespace xbeat::rules
