#include "cib/options.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cib/suggest.h"

namespace xbeat::cib {
namespace {

TEST(Options, AreSortedAndTheirDefaultsFitTheirTypes) {
    const std::span<const Option> options = cluster_options();

    EXPECT_TRUE(std::is_sorted(options.begin(), options.end(),
                               [](const Option& a, const Option& b) { return a.name < b.name; }));
    for (const Option& option : options) {
        EXPECT_FALSE(option.help.empty()) << option.name;
        if (!option.default_value.empty()) {
            EXPECT_EQ(check_option_value(option, option.default_value), "") << option.name;
        }
    }
}

TEST(Options, AreFoundByTheirOldNamesToo) {
    ASSERT_NE(find_option("stonith-enabled"), nullptr);
    EXPECT_EQ(find_option("stonith-enabled")->name, "fencing-enabled");
    EXPECT_EQ(find_option("crmd-transition-delay")->name, "transition-delay");
    EXPECT_EQ(find_option("stonith"), nullptr);
    EXPECT_EQ(find_option(""), nullptr);
    EXPECT_EQ(find_option("fencing-enable"), nullptr);
}

TEST(Options, SayWhatWouldFit) {
    EXPECT_NE(check_option_value(*find_option("fencing-enabled"), "perhaps").find("true or false"),
              std::string::npos);
    EXPECT_NE(check_option_value(*find_option("no-quorum-policy"), "ingore")
                  .find("did you mean 'ignore'"),
              std::string::npos);
    EXPECT_NE(check_option_value(*find_option("dc-deadtime"), "-3s"), "");
    EXPECT_EQ(check_option_value(*find_option("fencing-watchdog-timeout"), "-1"), "");
    EXPECT_NE(check_option_value(*find_option("load-threshold"), "80"), "");
    EXPECT_NE(check_option_value(*find_option("node-health-red"), "red"), "");
}

TEST(Suggest, FindsTheNearestWordAndNothingFarAway) {
    EXPECT_EQ(suggest("fencing-enable", option_names()), "fencing-enabled");
    EXPECT_EQ(suggest("sonith-enabled", option_names()), "stonith-enabled");
    EXPECT_EQ(suggest("redis_REPL_INFO", option_names()), "");
    EXPECT_EQ(suggest("", option_names()), "");
    EXPECT_EQ(edit_distance("abcd", "abdc"), 1U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance(std::string(500, 'a'), std::string(500, 'a')), 0U);
}

}  // namespace
}  // namespace xbeat::cib
