#include "net/session.h"

#include <gtest/gtest.h>

#include "net/frame.h"

namespace xbeat::net {
namespace {

std::string payload(const Session::Frame& frame) {
    return frame == nullptr ? "-" : frame->substr(kHeaderBytes);
}

TEST(Frame, ReadsBackWhatItWrote) {
    const Hello hello{.cluster = "lab",
                      .from = NodeId{1},
                      .to = NodeId{2},
                      .path = PathId{1},
                      .session = 0x0123456789abcdefU,
                      .received = 7,
                      .is_fresh = true};
    const std::string bytes = encode_hello(FrameKind::Hello, hello);

    const auto header = decode_header(bytes);

    ASSERT_TRUE(header);
    ASSERT_TRUE(header->has_value());
    EXPECT_EQ((*header)->kind, FrameKind::Hello);
    EXPECT_EQ((*header)->length, bytes.size() - kHeaderBytes);
    const Result<Hello> read = decode_hello(std::string_view(bytes).substr(kHeaderBytes));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, hello);
}

TEST(Frame, WaitsForAWholeHeader) {
    const std::string bytes = encode_ack(5);
    for (std::size_t size = 0; size < kHeaderBytes; ++size) {
        const auto header = decode_header(std::string_view(bytes).substr(0, size));
        ASSERT_TRUE(header);
        EXPECT_FALSE(header->has_value());
    }
}

TEST(Frame, RefusesHeadersThatNobodyWrites) {
    const auto refuses = [](std::size_t at, char value) {
        std::string bytes = encode_data(1, "x");
        bytes[at] = value;
        return !decode_header(bytes).has_value();
    };
    EXPECT_TRUE(refuses(4, 2)) << "another version";
    EXPECT_TRUE(refuses(4, 0)) << "no version";
    EXPECT_TRUE(refuses(5, 0)) << "no kind";
    EXPECT_TRUE(refuses(5, 5)) << "unknown kind";
    EXPECT_TRUE(refuses(6, 1)) << "reserved";
    EXPECT_TRUE(refuses(7, 1)) << "reserved";
    EXPECT_TRUE(refuses(0, 0x7f)) << "two gigabytes";
}

TEST(Frame, HoldsEveryKindToItsLength) {
    const auto is_taken = [](FrameKind kind, std::uint32_t length) {
        return decode_header(encode_header({.kind = kind, .length = length})).has_value();
    };
    EXPECT_TRUE(is_taken(FrameKind::Data, kMessageBytesMax));
    EXPECT_FALSE(is_taken(FrameKind::Data, kMessageBytesMax + 1));
    EXPECT_TRUE(is_taken(FrameKind::Hello, kHelloBytesMax));
    EXPECT_FALSE(is_taken(FrameKind::Hello, kHelloBytesMax + 1));
    EXPECT_FALSE(is_taken(FrameKind::Ack, 1));
}

TEST(Frame, RefusesHellosOfEveryWrongLength) {
    const std::string bytes =
        encode_hello(FrameKind::Hello, {.cluster = "lab", .session = 1}).substr(kHeaderBytes);
    ASSERT_TRUE(decode_hello(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_hello(bytes.substr(0, size))) << size;
    EXPECT_FALSE(decode_hello(bytes + "x"));
    EXPECT_FALSE(decode_hello("\xff\xff" + bytes.substr(2)));
    EXPECT_FALSE(decode_hello(
        encode_hello(FrameKind::Hello, {.cluster = "lab", .session = 0}).substr(kHeaderBytes)));
    std::string flag = bytes;
    flag.back() = 2;
    EXPECT_FALSE(decode_hello(flag));
}

TEST(Session, GivesEachConnectionEveryMessageInOrder) {
    Session session;
    ASSERT_TRUE(session.push("one"));
    ASSERT_TRUE(session.push("two"));
    std::uint64_t first = 0;
    std::uint64_t second = 0;

    EXPECT_EQ(payload(session.next_frame(first)), "one");
    EXPECT_EQ(payload(session.next_frame(first)), "two");
    EXPECT_EQ(session.next_frame(first), nullptr);
    EXPECT_EQ(payload(session.next_frame(second)), "one");
}

TEST(Session, StartsALaterConnectionWithWhatIsStillMissing) {
    Session session;
    for (const char* text : {"one", "two", "three"}) ASSERT_TRUE(session.push(text));
    ASSERT_TRUE(session.acknowledged(2));
    std::uint64_t cursor = 0;

    EXPECT_EQ(payload(session.next_frame(cursor)), "three");
    EXPECT_EQ(session.next_frame(cursor), nullptr);
    ASSERT_TRUE(session.push("four"));
    EXPECT_EQ(payload(session.next_frame(cursor)), "four");
    EXPECT_EQ(session.unacknowledged_bytes(), 9U);
}

TEST(Session, RefusesAnAcknowledgementOfWhatWasNeverSent) {
    Session session;
    ASSERT_TRUE(session.push("one"));

    EXPECT_TRUE(session.acknowledged(0));
    EXPECT_EQ(session.acknowledged(2).error().code, Code::Corrupt);
    EXPECT_TRUE(session.acknowledged(1));
    EXPECT_TRUE(session.acknowledged(1));
}

TEST(Session, TakesTheFirstCopyOfAMessageOnly) {
    Session session;

    EXPECT_EQ(*session.arrived(1), Session::Arrival::New);
    EXPECT_EQ(*session.arrived(1), Session::Arrival::Duplicate);
    EXPECT_EQ(*session.arrived(2), Session::Arrival::New);
    EXPECT_EQ(*session.arrived(1), Session::Arrival::Duplicate);
    EXPECT_EQ(session.received(), 2U);
}

TEST(Session, TakesAGapForABrokenPeer) {
    Session session;

    EXPECT_EQ(session.arrived(2).error().code, Code::Corrupt);
}

TEST(Session, RefusesAMessageThatIsTooLongAndStaysAsItWas) {
    Session session;

    const Result<void> outcome = session.push(std::string(kMessageBytesMax + 1, 'x'));

    EXPECT_EQ(outcome.error().code, Code::Limit);
    EXPECT_EQ(session.unacknowledged_bytes(), 0U);
    std::uint64_t cursor = 0;
    EXPECT_EQ(session.next_frame(cursor), nullptr);
    EXPECT_TRUE(session.push(std::string(kMessageBytesMax, 'x')));
}

TEST(Session, RefusesMoreThanThePeerLeavesUnacknowledged) {
    Session session;
    const std::string large(kMessageBytesMax, 'x');
    for (std::size_t i = 0; i < kUnacknowledgedBytesMax / kMessageBytesMax; ++i)
        ASSERT_TRUE(session.push(large));

    EXPECT_EQ(session.push("x").error().code, Code::Limit);

    ASSERT_TRUE(session.acknowledged(1));
    EXPECT_TRUE(session.push("x"));
}

}  // namespace
}  // namespace xbeat::net
