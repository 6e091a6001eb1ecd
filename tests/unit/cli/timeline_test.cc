#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

#include "cli/mon_frame.h"
#include "cli/render_timeline.h"
#include "cli/status_json.h"
#include "unit/cli/status_example.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TimelineStatus crash() {
    const Instant start{1000s};
    TimelineStatus timeline;
    timeline.cause = "node pm01 dead";
    timeline.when = {1'700'000'000};
    timeline.is_finished = timeline.succeeded = true;
    const auto phase = [&](std::string name, std::string detail, Duration from, Duration to) {
        timeline.phases.push_back({.phase = std::move(name),
                                   .detail = std::move(detail),
                                   .from = start + from,
                                   .to = start + to});
    };
    phase("silence", "", 0us, 5012us);
    phase("suspect", "", 3001us, 3001us);
    phase("dead", "", 5012us, 5012us);
    phase("proof", "f1", 5012us, 25'000us);
    phase("action", "start web-ip on pm02", 25'100us, 30'000us);
    phase("done", "", 30'000us, 30'000us);
    return timeline;
}

class Timeline : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};

TEST_F(Timeline, IsATableWithBarsToScale) {
    EXPECT_EQ(render_timeline(crash(), 80),
              R"(node pm01 dead (Tue Nov 14 22:13:20 2023): succeeded in 30.000 ms
  phase                        at ms     took ms  |0                           |
  silence                      0.000       5.012  |####                        |
  suspect                      3.001       0.000  |  |                         |
  dead                         5.012       0.000  |    |                       |
  proof                        5.012      19.988  |    ###################     |  f1
    start web-ip on pm02      25.100       4.900  |                       #####|
  done                        30.000       0.000  |                           ||
)");
}

TEST_F(Timeline, MarksWhatFailed) {
    TimelineStatus timeline = crash();
    timeline.succeeded = false;
    timeline.phases[3].succeeded = false;

    const std::string text = render_timeline(timeline, 80);

    EXPECT_THAT(text, HasSubstr("FAILED in 30.000 ms"));
    EXPECT_THAT(text, HasSubstr("xxxx"));
    EXPECT_THAT(text, HasSubstr("f1  FAILED\n"));
}

TEST_F(Timeline, WithoutPhasesIsItsHeadingOnly) {
    TimelineStatus timeline;
    timeline.cause = "operator";

    EXPECT_EQ(render_timeline(timeline), "operator (never): under way\n");
}

TEST_F(Timeline, SurvivesAnyWidthAndPhasesThatRunBackwards) {
    TimelineStatus timeline = crash();
    timeline.phases[1].to = timeline.phases[1].from - 2ms;
    for (const std::size_t width : {0U, 1U, 60U, 61U, 500U}) {
        EXPECT_THAT(render_timeline(timeline, width), HasSubstr("suspect"));
        EXPECT_THAT(budget_bar(timeline, width), HasSubstr("a=silence"));
    }
}

TEST_F(Timeline, ABudgetBarShowsShortPhasesInFrontOfTheLongOneThatSpansThem) {
    const auto at = [](int ms) { return Instant(std::chrono::milliseconds(ms)); };
    TimelineStatus timeline;
    timeline.phases = {{"action", "stop web", at(0), at(50)},
                       {"action", "start web", at(50), at(100)},
                       {"done", "", at(0), at(100)}};

    EXPECT_THAT(budget_bar(timeline, 10), ::testing::StartsWith("[aaaaabbbbb] a=stop web"));
}

TEST_F(Timeline, AsJsonCountsFromItsFirstPhase) {
    const auto object = timeline_json(crash());

    EXPECT_EQ(object["phases"][0]["from_us"], 0.0);
    EXPECT_EQ(object["phases"][3]["to_us"], 25'000.0);
    EXPECT_EQ(object["phases"][4]["detail"], "start web-ip on pm02");
}

MonState live() {
    MonState state;
    state.status = testing::pair_in_trouble();
    state.has_status = true;
    state.timelines = {crash()};
    state.clock = "14:00:01";
    for (int at = 0; at < 10; ++at)
        state.events.push_back("14:00:0" + std::to_string(at) + ".000 info x");
    return state;
}

std::size_t columns_of(const std::string& line) {
    return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char letter) {
        return (static_cast<unsigned char>(letter) & 0xC0U) != 0x80U;
    }));
}

struct Size {
    std::size_t width;
    std::size_t height;
};
class Frame : public ::testing::TestWithParam<Size> {};

TEST_P(Frame, FillsTheScreenExactlyAndNeverPassesItsEdge) {
    const std::vector<std::string> frame =
        compose_frame(live(), GetParam().width, GetParam().height);

    ASSERT_THAT(frame, SizeIs(GetParam().height));
    for (const std::string& line : frame) EXPECT_LE(columns_of(line), GetParam().width) << line;
}

INSTANTIATE_TEST_SUITE_P(Sizes, Frame,
                         ::testing::Values(Size{80, 24}, Size{40, 10}, Size{200, 60}, Size{1, 1},
                                           Size{80, 2}, Size{10, 5}));

TEST_F(Timeline, AFrameOf80By24ShowsTitleNodesAndTheNewestEvents) {
    const std::vector<std::string> frame = compose_frame(live(), 80, 24);

    EXPECT_EQ(frame[0],
              "xbeat mon  lab  on pm01  DC pm01  with quorum                           14:00:01");
    EXPECT_EQ(frame[1], "Activity: idle");
    EXPECT_EQ(frame[21], "Events:");
    EXPECT_EQ(frame[23], "  14:00:09.000 info x");
}

TEST_F(Timeline, EventsTakeTheRoomThatIsLeft) {
    MonState state = live();
    state.status = testing::pair_at_peace();
    state.timelines.clear();

    const std::vector<std::string> frame = compose_frame(state, 80, 40);

    EXPECT_EQ(frame[33], "Events:");
    EXPECT_EQ(frame[39], "  14:00:09.000 info x");
}

TEST_F(Timeline, AChangeIsNoFailoverAndHidesNone) {
    MonState state = live();
    TimelineStatus change = crash();
    change.cause = "configuration changed by uid 0";
    const auto shown = [&] {
        return fmt::format("{}", fmt::join(compose_frame(state, 200, 90), "\n"));
    };

    state.timelines = {change};
    EXPECT_THAT(shown(), HasSubstr("Last change: configuration changed by uid 0"));
    EXPECT_THAT(shown(), Not(HasSubstr("fail-over")));

    TimelineStatus failure = crash();
    failure.is_failover = true;
    state.timelines = {failure, change};
    EXPECT_THAT(shown(), HasSubstr("Last fail-over: node pm01 dead"));
}

TEST_F(Timeline, AFrameScrollsNoFurtherThanItsEnd) {
    MonState state = live();
    state.scroll = 10'000;

    const std::vector<std::string> frame = compose_frame(state, 80, 24);

    EXPECT_THAT(frame[20], HasSubstr("a=silence"));
}

TEST_F(Timeline, AFrameShowsHowLongAnActionRunsAlready) {
    MonState state = live();
    schedule::ResourceView starting;
    starting.display_name = "web";
    starting.pending_task = "Starting";
    starting.nodes = {"pm02"};
    state.status.situation.resources = {starting};

    note_running(state, Instant(Duration(1'000'000'000)));
    note_running(state, Instant(Duration(3'500'000'000)));

    EXPECT_THAT(compose_frame(state, 80, 0),
                ::testing::Contains("  * Starting web on pm02 (2.5 s)"));
    state.status.situation.resources.front().pending_task.clear();
    note_running(state, Instant(Duration(4'000'000'000)));
    EXPECT_THAT(state.running, ::testing::IsEmpty());
}

TEST_F(Timeline, AFrameWithoutADaemonSaysWhy) {
    MonState state;
    state.trouble = "xbeatd does not run";

    EXPECT_EQ(compose_frame(state, 80, 24)[1], "TROUBLE: xbeatd does not run");
}

TEST_F(Timeline, KeysOfCrmMonToggleSections) {
    MonState state = live();

    EXPECT_TRUE(press_key(state, 'f'));
    EXPECT_TRUE(state.show.fail_counts);
    EXPECT_TRUE(press_key(state, 'f'));
    EXPECT_FALSE(state.show.fail_counts);
    for (const char key : std::string("mcnorALDbRt?jk -\t"))
        EXPECT_TRUE(press_key(state, key)) << key;
    EXPECT_TRUE(press_key(state, 410));
    EXPECT_FALSE(press_key(state, 'q'));
}

nlohmann::json heart(std::uint64_t fast, std::uint64_t slow, int lost) {
    return {
        {"peers",
         {{{"name", "pm02"},
           {"paths",
            {{{"name", "ic0"}, {"lost", lost}, {"histogram", {{8192, fast}, {65536, slow}}}}}}}}}};
}

TEST_F(Timeline, ALinksSamplesAreWhatChangedBetweenTwoLooks) {
    MonState state = live();

    add_heart(state, heart(1000, 0, 0));
    add_heart(state, heart(1900, 10, 0));
    add_heart(state, heart(1900, 20, 3));

    const LinkHistory& history = state.links.at("pm02 ic0");
    ASSERT_THAT(history.samples, SizeIs(2));
    EXPECT_EQ(history.samples[0].rtt, Duration(8192));
    EXPECT_EQ(history.samples[1].rtt, Duration(65536));
    EXPECT_EQ(history.samples[1].lost, 3U);
    EXPECT_EQ(sparkline(history.samples, 4, false), "  _x");
}

TEST_F(Timeline, ALinksSamplesSurviveANewHeartThatCountsFromZero) {
    MonState state = live();

    add_heart(state, heart(1'000'000, 50, 90));
    add_heart(state, heart(5, 0, 0));

    const LinkHistory& history = state.links.at("pm02 ic0");
    ASSERT_THAT(history.samples, SizeIs(1));
    EXPECT_EQ(history.samples[0].lost, 0U);
}

TEST_F(Timeline, ALinksSamplesAreBounded) {
    MonState state;
    for (std::size_t at = 0; at < kSamplesMax + 50; ++at) add_heart(state, heart(at, 0, 0));

    EXPECT_THAT(state.links.at("pm02 ic0").samples, SizeIs(kSamplesMax));
}

}  // namespace
}  // namespace xbeat::cli
