// What comes after what, when people change their minds while agents run.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/pair.h"

namespace xbeat::xsim {
namespace {

// The filesystem is being unmounted when a person wants it back. It once counted as mounted, and
// the database started on what was about to go away; xbeat-sim's seed 1000269.
TEST(OrderStory, NothingStartsOnWhatIsStillBeingStopped) {
    std::vector<std::string> begun;
    Settings settings = Pair::with_fencing();
    settings.trace = [&begun](Nanos, std::string_view text) {
        const std::size_t at = text.find("  runs ");
        if (at != std::string_view::npos) begun.emplace_back(text.substr(at + 7));
    };
    Pair pair(settings);
    WantedConfig config;
    for (const char* name : {"fs", "db", "web"}) {
        config.resources.emplace_back().name = name;
        config.resources.back().group = name == std::string("web") ? -1 : 0;
    }
    const auto ask = [&pair, &config] {
        pair.world.request(0, node::ReplaceConfiguration{config.print(), ""});
    };
    const auto run_until = [&pair, &begun](const std::string& what) {
        for (int i = 0; i < 10'000; ++i) {
            if (std::find(begun.begin(), begun.end(), what) != begun.end()) return true;
            pair.run(kMilli);
        }
        return false;
    };
    ask();
    ASSERT_TRUE(run_until("db monitor"));
    pair.run(2 * kSecond);

    // `web` has nothing to do with them, and does not wait.
    pair.world.require_order({{"db", "fs"}});
    pair.world.set_agent_faults({.slow = 100});
    for (WantedResource& each : config.resources) each.is_stopped = true;
    ask();
    ASSERT_TRUE(run_until("fs stop"));
    begun.clear();
    for (WantedResource& each : config.resources) each.is_stopped = false;
    ask();
    ASSERT_TRUE(run_until("db start"));

    const auto place = [&begun](const std::string& what) {
        return std::find(begun.begin(), begun.end(), what) - begun.begin();
    };
    EXPECT_LT(place("fs start"), place("db start"));
    EXPECT_LT(place("web start"), place("fs start"));
    pair.run(30 * kSecond);
    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
    EXPECT_EQ(std::count(begun.begin(), begun.end(), "db start"), 1);
}

}  // namespace
}  // namespace xbeat::xsim
