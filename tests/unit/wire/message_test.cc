#include "wire/message.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "wire/codec.h"

namespace xbeat::wire {
namespace {

Hello hello() {
    Hello hello;
    hello.cluster = "lab";
    hello.sender = NodeId{1};
    hello.nodes = {{NodeId{1}, "pm01"}, {NodeId{2}, "pm02"}};
    hello.daemon = Incarnation{0xfedcba9876543210U};
    hello.standing = Standing::Running;
    hello.runs_resources = true;
    hello.term = Term{7};
    hello.newest = "5";
    hello.session = 99;
    return hello;
}

std::vector<Message> one_of_each() {
    Operation operation;
    operation.id = OperationId{(7ULL << 32U) | 3};
    operation.resource = "web";
    operation.parameters = {{"ip", "10.77.0.200"}, {"CRM_meta_timeout", "20000"}};
    OperationResult result;
    result.rc = -1;
    result.exit_reason = "it broke";
    std::vector<Message> out = {hello(), Refuse{"no"},
                                Welcome{1, Term{2}, Incarnation{3}, true, "snapshot"}, Ack{4, 5}};
    const std::vector<Body> bodies = {Joined{Term{1}},
                                      Append{Term{1}, {"a", "b"}},
                                      Durable{LogIndex{9}},
                                      NotDurable{LogIndex{9}, "full"},
                                      Execute{Term{1}, operation},
                                      EndMonitors{"web"},
                                      Report{operation, result},
                                      Fence{Term{1}, "pm02", "reboot", 60s, 20ms},
                                      FenceDone{"pm02", "off", true, "power", ""},
                                      Forward{ClientId{1}, "uid 0", Cleanup{"web", "", true}},
                                      Answer{ClientId{1}, false, 3, "changed"},
                                      MayLeave{Term{1}},
                                      Goodbye{Term{1}},
                                      Admitted{Term{1}}};
    for (const Body& body : bodies) out.emplace_back(Data{6, 7, 8, body});
    return out;
}

TEST(Message, EveryKindComesBackAsItWas) {
    for (const Message& message : one_of_each()) {
        const std::string bytes = encode_message(message);

        const Result<Message> back = decode_message(bytes);

        ASSERT_TRUE(back.has_value()) << kind_of(message);
        EXPECT_EQ(back->index(), message.index());
        EXPECT_EQ(encode_message(*back), bytes) << kind_of(message);
    }
}

TEST(Message, CutAnywhereIsRefused) {
    for (const Message& message : one_of_each()) {
        const std::string bytes = encode_message(message);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(decode_message(std::string_view(bytes).substr(0, size)).has_value());
        }
    }
}

TEST(Message, WithBytesLeftOverIsRefused) {
    for (const Message& message : one_of_each()) {
        EXPECT_FALSE(decode_message(encode_message(message) + '\0').has_value());
    }
}

std::uint16_t version_in(const std::string& bytes) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[4]) |
                                      (static_cast<unsigned char>(bytes[5]) << 8U));
}

TEST(Message, WithAnyBitFlippedIsRefusedOrIsAnotherWholeMessage) {
    for (const Message& message : one_of_each()) {
        const std::string bytes = encode_message(message, kProtocolNewest);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string flipped = bytes;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));

            const Result<Message> back = decode_message(flipped);

            if (back) {
                EXPECT_EQ(encode_message(*back, version_in(flipped)), flipped);
            }
        }
    }
}

TEST(Message, OfAnotherVersionIsRefusedWithAllNumbers) {
    std::string bytes = encode_message(Ack{});
    bytes[4] = 9;

    const Result<Message> back = decode_message(bytes);

    ASSERT_FALSE(back.has_value());
    for (const char number : {'9', '3', '5'}) {
        EXPECT_NE(back.error().context.find(number), std::string::npos) << number;
    }
}

// Claim I-32: a refusal can say why, and a release to come is understood.
TEST(Message, AHelloOfAnyVersionIsRead) {
    std::string bytes = encode_message(hello());
    bytes[4] = 9;

    EXPECT_TRUE(decode_message(bytes).has_value());
}

// The release before compares the version of the envelope and the first field with its own, 3.
TEST(Message, AHelloLooksToTheReleaseBeforeLikeItsOwn) {
    const std::string bytes = encode_message(hello());

    EXPECT_EQ(bytes.substr(0, 9), std::string("XBb1\x03\x00\x00\x03\x00", 9));
}

TEST(Message, AHelloOfTheReleaseBeforeSpeaksOneVersion) {
    Hello before = hello();
    before.newest = "0.3.9";  // the version of its configuration stood there

    EXPECT_EQ(newest_of(before), 3);
    EXPECT_EQ(common_version(before, hello()), 3);
    EXPECT_EQ(common_version(hello(), hello()), 5);
}

TEST(Message, RangesOfVersionsMeetInTheNewestCommonOneOrNotAtAll) {
    Hello later = hello();
    later.oldest = 5;
    later.newest = "6";
    EXPECT_EQ(common_version(hello(), later), 5);
    EXPECT_EQ(common_version(later, hello()), 5);

    later.oldest = 6;
    later.newest = "7";
    EXPECT_EQ(common_version(hello(), later), std::nullopt);
    for (const char* nonsense : {"1", "-1", "99999999999", "", "x"}) {
        later.newest = nonsense;
        EXPECT_EQ(newest_of(later), 6) << nonsense;
    }
}

TEST(Message, ACatchupExistsOnlySinceVersion4) {
    const Catchup catchup{1, Term{2}, Incarnation{3}, LogIndex{4}, {"a", "b"}, 5};
    std::string bytes = encode_message(catchup, 4);

    EXPECT_TRUE(decode_message(bytes).has_value());
    bytes[4] = 3;
    EXPECT_FALSE(decode_message(bytes).has_value());
}

TEST(Message, OfSomebodyElseIsRefused) {
    for (const std::string text : {"", "GET / HTTP/1.1\r\n\r\n", "XBb", "\x16\x03\x01\x02"}) {
        EXPECT_FALSE(decode_message(text).has_value());
    }
}

TEST(Message, PastTheLimitIsRefusedBeforeItIsRead) {
    const std::string long_one(kMessageBytesMax + 1, 'x');

    const Result<Message> back = decode_message(long_one);

    ASSERT_FALSE(back.has_value());
    EXPECT_EQ(back.error().code, Code::Limit);
}

TEST(Codec, ALengthThatExceedsTheBytesIsRefusedWithoutAllocatingIt) {
    const std::string bytes = "\xff\xff\xff\xff";

    EXPECT_FALSE(decode<std::string>(bytes).has_value());
    EXPECT_FALSE(decode<std::vector<std::string>>(bytes).has_value());
}

TEST(Codec, ATruthIsZeroOrOne) {
    EXPECT_EQ(decode<bool>(std::string_view("\x01", 1)), true);
    EXPECT_EQ(decode<bool>(std::string_view("\x00", 1)), false);
    EXPECT_FALSE(decode<bool>(std::string_view("\x02", 1)).has_value());
}

TEST(Codec, AnUnknownChoiceIsRefused) {
    EXPECT_TRUE(decode<Standing>(std::string_view("\x01", 1)).has_value());
    EXPECT_FALSE(decode<Standing>(std::string_view("\x02", 1)).has_value());
    EXPECT_FALSE((decode<std::variant<bool, std::string>>(std::string_view("\x02\x00", 2))));
}

TEST(Record, ComesBackAsItWasAndNoFlippedBitIsBelieved) {
    const Record record{Term{3}, LogIndex{12},
                        SetTransient{"1", "fail-count-web#monitor_10000", "INFINITY", false}};
    const std::string bytes = encode_record(record);
    ASSERT_TRUE(decode_record(bytes).has_value());
    EXPECT_EQ(encode_record(*decode_record(bytes)), bytes);

    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(decode_record(flipped).has_value()) << bit;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_record(std::string_view(bytes).substr(0, size)).has_value());
    }
}

}  // namespace
}  // namespace xbeat::wire
