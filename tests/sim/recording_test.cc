// A node's life from its recording: the same outputs, bit for bit, or a clear reason why not.
#include "node/recording.h"

#include <gtest/gtest.h>

#include "support/sim_world.h"
#include "wire/codec.h"
#include "wire/record.h"

namespace xbeat::sim {
namespace {

// Both nodes' recordings after a life with a bit of everything: a configuration, an operator, a
// killed service, a crash with fencing, a return.
std::vector<std::string> eventful_lives() {
    Settings settings;
    settings.seed = 7;
    settings.is_recorded = true;
    World world(settings);
    world.boot(0);
    world.boot(1);
    EXPECT_TRUE(world.run_until([&] { return world.both_members(); }, 10s));
    world.request(0, node::ReplaceConfiguration{configuration({"web", "db"}, "story"), ""});
    world.run(2s);
    world.request(1, node::SetAttribute{.node = "pm01", .name = "a", .value = "1", .dampen_ms = 5});
    world.kill_service(world.is_active(0, "web") ? 0 : 1, "web");
    world.run(2s);
    world.crash(0);
    world.run(10s);
    EXPECT_TRUE(world.is_active(1, "web"));
    return {world.recording(0), world.recording(1)};
}

struct Outcome {
    std::uint64_t same = 0;
    std::uint64_t other = 0;
    std::set<std::string_view> kinds;
    std::string error;
};

Outcome replay(std::string_view bytes) {
    Outcome outcome;
    Result<node::RecordingReader> reader = node::RecordingReader::open(bytes);
    if (!reader) {
        outcome.error = reader.error().context;
        return outcome;
    }
    node::Node node(reader->head().options);
    for (;;) {
        Result<std::optional<node::RecordedStep>> step = reader->next();
        if (!step) {
            outcome.error = step.error().context;
            return outcome;
        }
        if (!*step) return outcome;
        const node::Output output = node.step((*step)->now, (*step)->event);
        outcome.kinds.insert(node::kind_of((*step)->event));
        ++(node::digest_of(output) == (*step)->output ? outcome.same : outcome.other);
    }
}

TEST(Recording, OfANodesLifeGivesTheSameOutputsAgain) {
    for (const std::string& recording : eventful_lives()) {
        const Outcome outcome = replay(recording);

        EXPECT_EQ(outcome.error, "");
        EXPECT_EQ(outcome.other, 0U);
        EXPECT_GT(outcome.same, 20U);
        for (const char* const kind : {"started", "peer-verdict", "channel-up", "message",
                                       "persisted", "agent-done", "wake"}) {
            EXPECT_TRUE(outcome.kinds.contains(kind)) << kind;
        }
    }
}

TEST(Recording, WithOneOtherEventGivesOtherOutputs) {
    const std::string recording = eventful_lives().at(1);
    Result<node::RecordingReader> reader = node::RecordingReader::open(recording);
    ASSERT_TRUE(reader.has_value());
    std::string changed = node::encode_head(reader->head());
    bool is_changed = false;
    for (auto step = reader->next(); step && *step; step = reader->next()) {
        auto* done = std::get_if<node::AgentDone>(&(*step)->event);
        if (done != nullptr && !is_changed) {
            done->rc = 1;
            is_changed = true;
        }
        changed += node::encode_step(**step);
    }
    ASSERT_TRUE(is_changed);

    EXPECT_GT(replay(changed).other, 0U);
}

TEST(Recording, ThatIsCutReplaysUpToTheCutAndNamesTheEvent) {
    const std::string recording = eventful_lives().at(1);

    const Outcome outcome = replay(std::string_view(recording).substr(0, recording.size() - 1));

    EXPECT_EQ(outcome.other, 0U);
    EXPECT_GT(outcome.same, 100U);
    EXPECT_NE(outcome.error.find("is cut"), std::string::npos) << outcome.error;
    EXPECT_NE(outcome.error.find(std::to_string(outcome.same + 1)), std::string::npos);
}

TEST(Recording, ThatIsDamagedAnywhereIsRefusedOrEndsThere) {
    const std::string whole = eventful_lives().at(0);
    const std::size_t stride = whole.size() / 97 + 1;
    for (std::size_t at = 0; at < whole.size(); at += stride) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);

        const Outcome outcome = replay(damaged);

        EXPECT_NE(outcome.error, "") << at;
        EXPECT_EQ(outcome.other, 0U) << at;
    }
}

TEST(Recording, OfAnotherKindOrLayoutIsRefusedWithTheReason) {
    EXPECT_NE(replay("").error.find("no recording"), std::string::npos);
    EXPECT_NE(replay("<cib/>").error.find("no recording"), std::string::npos);
    EXPECT_NE(replay("xbeat-recording\n").error.find("head"), std::string::npos);

    const std::string body = wire::encode(std::uint16_t{77}) + "whatever comes then";
    std::string newer = "xbeat-recording\n";
    newer += wire::encode(static_cast<std::uint32_t>(body.size()));
    newer += wire::encode(wire::checksum(body)) + body;
    EXPECT_NE(replay(newer).error.find("layout 77"), std::string::npos) << replay(newer).error;
}

// What Node requires of its host must not be left to a file.
TEST(Recording, OfALifeThatNoHostCanHaveLedIsRefused) {
    node::RecordingHead head;
    head.options.self = NodeId{1};
    head.options.nodes = {{.id = NodeId{1}, .name = "pm01", .paths = {}}};
    node::Started started;
    started.daemon = Incarnation{5};
    const auto step = [](Instant at, node::Event event) {
        return node::encode_step({.now = {.boot = at, .calendar = {}}, .event = std::move(event)});
    };
    const std::string begun = node::encode_head(head) + step(Instant(10s), started);
    EXPECT_EQ(replay(begun).error, "");
    EXPECT_NE(replay(node::encode_head(head) + step(Instant(1s), node::Wake{})).error, "");
    EXPECT_NE(replay(node::encode_head(head) + step(Instant(1s), node::Started{})).error, "");
    EXPECT_NE(replay(begun + step(Instant(9s), node::Wake{})).error, "");
    EXPECT_NE(replay(begun + step(Instant(11s), started)).error, "");
    head.options.self = NodeId{2};
    EXPECT_NE(replay(node::encode_head(head) + step(Instant(1s), started)).error, "");
}

}  // namespace
}  // namespace xbeat::sim
