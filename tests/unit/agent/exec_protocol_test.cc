#include "agent/exec_protocol.h"

#include <gtest/gtest.h>

#include "core/prng.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;

Spawn full_spawn() {
    return {.id = {0x1122334455667788},
            .agent_class = AgentClass::Ocf,
            .provider = "heartbeat",
            .type = "IPaddr2",
            .action = "start",
            .resource = "vip",
            .parameters = {{"ip", "10.77.0.200"}, {"empty", ""}},
            .environment = {{"OCF_CHECK_LEVEL", "10"}},
            .input = std::string("a\0b", 3),
            .timeout = 20s,
            .hold = true};
}

std::vector<Request> requests() {
    return {
        full_spawn(),
        Launch{.id = {2},
               .resource = "web",
               .program = "/bin/server",
               .arguments = {"-p", "80", ""},
               .environment = {{"A", "b"}},
               .user = "nobody",
               .directory = "/tmp",
               .hold = false},
        Release{{3}},
        Kill{{4}},
        Metadata{.id = {5},
                 .agent_class = AgentClass::Stonith,
                 .provider = "",
                 .type = "fence_x",
                 .timeout = 1s},
        Will{.pins = "/run/xbeat/bpf",
             .peer = NodeId{2},
             .patience = 5s,
             .stops = {{.run = full_spawn(), .after = {}}, {.run = full_spawn(), .after = {0}}}},
        Alive{}};
}

std::vector<Reply> replies() {
    return {Spawned{.id = {1}, .pid = 4711, .started_at = Instant(5ns)},
            Executed{.id = {2}, .executed_at = Instant(6ns)},
            Done{.id = {3},
                 .exit_code = -1,
                 .signal = 9,
                 .timed_out = true,
                 .killed = true,
                 .output_cut = true,
                 .output = std::string(kAgentOutputBytesMax, 'o'),
                 .errors = std::string(kAgentOutputBytesMax, 'e'),
                 .exit_reason = std::string(kReasonBytesMax, 'r'),
                 .queued_at = Instant(1ns),
                 .started_at = Instant(2ns),
                 .ended_at = Instant(3ns)},
            Failed{.id = {4}, .reason = FailReason::ExecutorDied, .text = "why"},
            WillNews{.state = WillNews::State::Ended, .wait = 3s, .text = "stopped web"}};
}

std::string frame_of(const Request& request) {
    Result<std::string> frame = encode(request);
    EXPECT_TRUE(frame);
    return frame ? *std::move(frame) : std::string();
}

template <class Message>
std::vector<Message> decode_all(FrameReader<Message>& reader) {
    std::vector<Message> out;
    while (true) {
        Result<std::optional<Message>> next = reader.next();
        if (!next || !next->has_value()) return out;
        out.push_back(**next);
    }
}

// The verdict on a whole stream of bytes: a message, more bytes needed, or corrupt.
template <class Message>
std::string verdict(const std::string& bytes) {
    FrameReader<Message> reader;
    reader.feed(bytes);
    Result<std::optional<Message>> next = reader.next();
    if (!next) return std::string(to_string(next.error().code));
    return next->has_value() ? "message" : "more";
}

std::string with_byte(std::string frame, std::size_t at, char value) {
    frame.at(at) = value;
    return frame;
}

TEST(ExecProtocol, GivesBackEveryRequestAsItWasSent) {
    FrameReader<Request> reader;
    for (const Request& request : requests()) reader.feed(frame_of(request));
    EXPECT_EQ(decode_all(reader), requests());
}

TEST(ExecProtocol, GivesBackEveryReplyAsItWasSent) {
    FrameReader<Reply> reader;
    for (const Reply& reply : replies()) reader.feed(encode(reply));
    EXPECT_EQ(decode_all(reader), replies());
}

TEST(ExecProtocol, ReadsFramesThatArriveByteByByte) {
    FrameReader<Request> reader;
    std::vector<Request> got;
    for (const Request& request : requests()) {
        const std::string frame = frame_of(request);
        for (const char byte : frame) {
            reader.feed({&byte, 1});
            for (Request& one : decode_all(reader)) got.push_back(one);
        }
    }
    EXPECT_EQ(got, requests());
}

TEST(ExecProtocol, WaitsForTheRestOfEveryTruncatedFrame) {
    const std::string frame = frame_of(full_spawn());
    for (std::size_t size = 0; size < frame.size(); ++size) {
        EXPECT_EQ(verdict<Request>(frame.substr(0, size)), "more") << size;
    }
}

TEST(ExecProtocol, RejectsABadHeader) {
    const std::string frame = frame_of(Release{{3}});
    EXPECT_EQ(verdict<Request>(with_byte(frame, 4, kExecVersion + 1)), "corrupt") << "version";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 5, 0)), "corrupt") << "kind 0";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 5, 6)), "corrupt") << "kind 6";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 5, 66)), "corrupt") << "a reply's kind";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 6, 1)), "corrupt") << "reserved";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 7, 1)), "corrupt") << "reserved";
    EXPECT_EQ(verdict<Request>(with_byte(frame, 3, 1)), "corrupt") << "16 MiB";
    EXPECT_EQ(verdict<Reply>(frame), "corrupt") << "a request where a reply should be";
}

TEST(ExecProtocol, RejectsPayloadsThatAreTooShortOrTooLong) {
    const std::string frame = frame_of(Release{{3}});
    std::string longer = with_byte(frame, 0, 9) + "x";
    std::string shorter = with_byte(frame, 0, 7).substr(0, frame.size() - 1);
    EXPECT_EQ(verdict<Request>(longer), "corrupt");
    EXPECT_EQ(verdict<Request>(shorter), "corrupt");
    EXPECT_EQ(verdict<Request>(with_byte(frame, 0, 0).substr(0, 8)), "corrupt");
}

TEST(ExecProtocol, RejectsValuesOutsideTheirRange) {
    const std::string frame = frame_of(full_spawn());
    constexpr std::size_t kClassAt = 16;
    EXPECT_EQ(verdict<Request>(with_byte(frame, kClassAt, 0)), "corrupt");
    EXPECT_EQ(verdict<Request>(with_byte(frame, kClassAt, 5)), "corrupt");
    EXPECT_EQ(verdict<Request>(with_byte(frame, frame.size() - 1, 2)), "corrupt") << "flag";
    EXPECT_EQ(verdict<Request>(with_byte(frame, frame.size() - 2, '\xff')), "corrupt")
        << "a duration past 63 bits";
    EXPECT_EQ(verdict<Request>(with_byte(frame, kClassAt + 3, 1)), "corrupt")
        << "a string of 64 KiB where 255 bytes are allowed";
    EXPECT_EQ(verdict<Request>(with_byte(frame, kClassAt + 4, 1)), "corrupt")
        << "a string longer than the frame";
}

TEST(ExecProtocol, NeverDiesOfDamagedFrames) {
    Prng prng(20'260'101);
    const std::string frame = frame_of(full_spawn());
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string damaged = frame;
        for (std::uint64_t hit = 0; hit <= prng.below(4); ++hit) {
            damaged[prng.below(damaged.size())] = static_cast<char>(prng.next());
        }
        if (verdict<Request>(damaged) == "message") ++accepted;
        if (verdict<Reply>(damaged) == "message") ++accepted;
    }
    EXPECT_GT(accepted, 0) << "damage inside strings is not visible to the codec";
}

TEST(ExecProtocol, RefusesToSendRequestsPastTheirLimits) {
    const auto code = [](const Spawn& spawn) {
        const Result<std::string> frame = encode(spawn);
        return frame ? Code::Invalid : frame.error().code;
    };
    Spawn spawn = full_spawn();
    spawn.resource = std::string(kIdBytesMax + 1, 'r');
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.parameters[0].value = std::string(kValueBytesMax + 1, 'v');
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.parameters[0].name = std::string(kNameBytesMax + 1, 'n');
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.environment.resize(kParametersMax + 1);
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.input = std::string(kInputBytesMax + 1, 'i');
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.timeout = 0s;
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn.timeout = kTimeoutMax + 1ns;
    EXPECT_EQ(code(spawn), Code::Limit);
    spawn = full_spawn();
    spawn.parameters.assign(17, {"n", std::string(kValueBytesMax, 'v')});
    EXPECT_EQ(code(spawn), Code::Limit) << "each within its limit, together past the frame's";
}

TEST(ExecProtocol, AcceptsRequestsAtTheirLimits) {
    Spawn spawn = full_spawn();
    spawn.resource = std::string(kIdBytesMax, 'r');
    spawn.parameters = {{std::string(kNameBytesMax, 'n'), std::string(kValueBytesMax, 'v')}};
    spawn.environment.assign(kParametersMax, {});
    spawn.input = std::string(kInputBytesMax, 'i');
    spawn.timeout = kTimeoutMax;
    FrameReader<Request> reader;
    reader.feed(frame_of(spawn));
    EXPECT_EQ(decode_all(reader), std::vector<Request>{spawn});
}

TEST(ExecProtocol, MapsFailuresToOcfCodes) {
    EXPECT_EQ(ocf_code(FailReason::Missing), 5);
    EXPECT_EQ(ocf_code(FailReason::NotExecutable), 4);
    EXPECT_EQ(ocf_code(FailReason::NotAllowed), 4);
    EXPECT_EQ(ocf_code(FailReason::BadRequest), 6);
    EXPECT_EQ(ocf_code(FailReason::ExecutorDied), 1);
}

TEST(FenceInput, IsOneLineAParameterWithTheActionFirst) {
    const auto input = fence_input("off", {{"plug", "pm02"}, {"action", "on"}, {"ip", "10.0.0.1"}});
    ASSERT_TRUE(input);
    EXPECT_EQ(*input, "action=off\nplug=pm02\nip=10.0.0.1\n");
}

TEST(FenceInput, RefusesWhatWouldBecomeAnotherLine) {
    EXPECT_FALSE(fence_input("off", {{"plug", "a\naction=on"}}));
    EXPECT_FALSE(fence_input("off", {{"plug", "a\raction=on"}}));
    EXPECT_FALSE(fence_input("off", {{"plug", std::string("a\0b", 3)}}));
    EXPECT_FALSE(fence_input("off\nplug=x", {}));
    EXPECT_FALSE(fence_input("off", {{"", "v"}}));
    EXPECT_FALSE(fence_input("off", {{"a=b", "v"}}));
    EXPECT_FALSE(fence_input("off", {{"a b", "v"}}));
    EXPECT_FALSE(fence_input("off", {{"-a", "v"}}));
    EXPECT_TRUE(fence_input("off", {{"a-b", "v"}}));
}

}  // namespace
}  // namespace xbeat::agent
