#include "net/peers.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "net/socket.h"
#include "sys/boot_clock.h"

namespace xbeat::net {
namespace {

constexpr Duration kPatience = 20s;  // far more than anything here takes

heart::IpAddress address(std::string_view text) {
    const auto parsed = heart::IpAddress::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(heart::IpAddress{});
}

/// A port that nobody uses now, and that the kernel gives nobody by itself: below the usual range
/// of ephemeral ports, which the other connections of these tests come from.
std::uint16_t free_port() {
    static std::uint16_t last = static_cast<std::uint16_t>(20'000 + ::getpid() % 10'000);
    for (int tries = 0; tries < 1000; tries++) {
        last = static_cast<std::uint16_t>(last >= 31'000 ? 20'000 : last + 1);
        const sys::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const SocketAddress any = socket_address(address("0.0.0.0"), last);
        if (::bind(probe.get(), any.get(), any.length) == 0) return last;
    }
    ADD_FAILURE() << "no free port from 20000 to 31000";
    return 0;
}

/// One node: its peers and what they told so far.
struct Side {
    std::unique_ptr<Peers> peers;
    std::vector<node::Event> events;
    std::vector<Note> notes;

    [[nodiscard]] std::vector<std::string> messages() const {
        std::vector<std::string> list;
        for (const node::Event& event : events) {
            if (const auto* message = std::get_if<node::MessageReceived>(&event))
                list.push_back(message->bytes);
        }
        return list;
    }
    template <class Event>
    [[nodiscard]] int count() const {
        return static_cast<int>(std::count_if(
            events.begin(), events.end(),
            [](const node::Event& event) { return std::holds_alternative<Event>(event); }));
    }
};

/// Two nodes on the loopback interface, two paths, one ring for each, in one thread.
class PeersTest : public ::testing::Test {
protected:
    struct Node {
        ring::Ring ring;
        Side side;
    };

    Peers::Options options(int self) {
        const NodeId other{static_cast<std::uint16_t>(3 - self)};
        Peers::Options made;
        made.cluster = "lab";
        made.self = NodeId{static_cast<std::uint16_t>(self)};
        made.port = port_;
        made.secret.fill(7);
        const std::string mine = self == 1 ? "1" : "2";
        const std::string theirs = self == 1 ? "2" : "1";
        made.addresses = {address("127.77.1." + mine), address("127.77.2." + mine)};
        made.peers = {
            {.id = other,
             .name = "pm0" + theirs,
             .addresses = {address("127.77.1." + theirs), address("127.77.2." + theirs)}}};
        return made;
    }

    void start(int index, Peers::Options given) {
        Result<ring::Ring> ring = ring::Ring::create({});
        ASSERT_TRUE(ring) << ring.error().context;
        nodes_[index] = std::make_unique<Node>(Node{.ring = *std::move(ring), .side = {}});
        Result<Peers> peers = Peers::create(std::move(given), nodes_[index]->ring, sys::boot_now());
        ASSERT_TRUE(peers) << peers.error().context;
        nodes_[index]->side.peers = std::make_unique<Peers>(*std::move(peers));
    }
    void start_both() {
        start(0, options(1));
        start(1, options(2));
    }
    Side& one() { return nodes_[0]->side; }
    Side& two() { return nodes_[1]->side; }
    void stop(int index) { nodes_[index].reset(); }

    /// Turns the loops of all nodes until the condition holds.
    template <class Condition>
    ::testing::AssertionResult until(Condition condition) {
        const Instant deadline = sys::boot_now() + kPatience;
        while (!condition()) {
            if (sys::boot_now() > deadline) return ::testing::AssertionFailure() << "in time";
            for (const auto& node : nodes_) {
                if (node != nullptr) turn(*node);
            }
        }
        return ::testing::AssertionSuccess();
    }

    /// One turn of at most a millisecond.
    static void turn(Node& node) {
        Peers& peers = *node.side.peers;
        peers.tick(sys::boot_now());
        node.ring.timeout_at(sys::boot_now() + 1ms, {.op = ring::Op::Timer});
        const auto handled = node.ring.wait([&](const ring::Completion& completion) {
            if (completion.token.op == ring::Op::Timer || completion.token.op == ring::Op::None)
                return;
            peers.complete(completion, sys::boot_now());
        });
        EXPECT_TRUE(handled);
        Peers::News news = peers.take();
        for (node::Event& event : news.events) node.side.events.push_back(std::move(event));
        for (Note& note : news.notes) node.side.notes.push_back(std::move(note));
    }

    [[nodiscard]] bool all_up(const Side& side, std::uint16_t peer) const {
        return side.peers->state(NodeId{peer}, PathId{0}) == LinkState::Up &&
               side.peers->state(NodeId{peer}, PathId{1}) == LinkState::Up;
    }
    ::testing::AssertionResult connect_all() {
        return until([&] { return all_up(one(), 2) && all_up(two(), 1); });
    }

    std::uint16_t port_ = free_port();
    std::unique_ptr<Node> nodes_[2];
};

TEST_F(PeersTest, ConnectOnEveryPathAndAnnounceTheChannelOnce) {
    start_both();

    ASSERT_TRUE(connect_all());

    EXPECT_EQ(one().count<node::ChannelUp>(), 1);
    EXPECT_EQ(two().count<node::ChannelUp>(), 1);
    EXPECT_EQ(one().count<node::ChannelDown>(), 0);
}

TEST_F(PeersTest, FindEachOtherWhicheverStartsFirst) {
    start(0, options(1));
    ASSERT_TRUE(until([&, turns = 0]() mutable { return ++turns > 20; }));
    start(1, options(2));

    EXPECT_TRUE(connect_all());
}

TEST_F(PeersTest, DeliverEveryMessageOnceAndInOrderAlthoughItGoesOverBothPaths) {
    start_both();
    ASSERT_TRUE(connect_all());
    std::vector<std::string> wanted;
    for (int i = 0; i < 200; ++i) {
        wanted.push_back("message " + std::to_string(i));
        ASSERT_TRUE(one().peers->send(NodeId{2}, wanted.back(), sys::boot_now()));
    }

    ASSERT_TRUE(until([&] { return two().messages().size() >= wanted.size(); }));

    EXPECT_EQ(two().messages(), wanted);
}

TEST_F(PeersTest, CarryTheLargestMessage) {
    start_both();
    ASSERT_TRUE(connect_all());
    const std::string large(16U << 20U, 'c');

    ASSERT_TRUE(two().peers->send(NodeId{1}, large, sys::boot_now()));
    ASSERT_TRUE(two().peers->send(NodeId{1}, "after", sys::boot_now()));

    ASSERT_TRUE(until([&] { return one().messages().size() == 2; }));
    EXPECT_EQ(one().messages()[0], large);
    EXPECT_EQ(one().messages()[1], "after");
}

TEST_F(PeersTest, RefuseAMessageThatIsTooLongAndKeepTheChannel) {
    start_both();
    ASSERT_TRUE(connect_all());

    const Result<void> outcome =
        one().peers->send(NodeId{2}, std::string((32U << 20U) + 1, 'x'), sys::boot_now());

    EXPECT_EQ(outcome.error().code, Code::Limit);
    ASSERT_TRUE(one().peers->send(NodeId{2}, "short", sys::boot_now()));
    ASSERT_TRUE(until([&] { return !two().messages().empty(); }));
    EXPECT_EQ(two().messages()[0], "short");
    EXPECT_EQ(one().count<node::ChannelDown>(), 0);
}

TEST_F(PeersTest, DropAMessageForAPeerWithoutAChannel) {
    start(0, options(1));

    EXPECT_TRUE(one().peers->send(NodeId{2}, "lost", sys::boot_now()));
    EXPECT_EQ(one().peers->send(NodeId{9}, "x", sys::boot_now()).error().code, Code::NotFound);
}

TEST_F(PeersTest, SayThatTheChannelIsDownWhenThePeerEndsAndUpWhenItIsBack) {
    start_both();
    ASSERT_TRUE(connect_all());

    stop(1);
    ASSERT_TRUE(until([&] { return one().count<node::ChannelDown>() == 1; }));
    start(1, options(2));
    ASSERT_TRUE(connect_all());

    EXPECT_EQ(one().count<node::ChannelUp>(), 2);
    ASSERT_TRUE(two().peers->send(NodeId{1}, "back", sys::boot_now()));
    ASSERT_TRUE(until([&] { return one().messages().size() == 1; }));
}

TEST_F(PeersTest, ReplaceASessionWhoseConnectorBeganAnew) {
    start_both();
    ASSERT_TRUE(connect_all());
    ASSERT_TRUE(one().peers->send(NodeId{2}, "old", sys::boot_now()));
    ASSERT_TRUE(until([&] { return two().messages().size() == 1; }));

    stop(0);
    start(0, options(1));
    ASSERT_TRUE(connect_all());

    ASSERT_TRUE(one().peers->send(NodeId{2}, "new", sys::boot_now()));
    ASSERT_TRUE(until([&] { return two().messages().size() == 2; }));
    EXPECT_EQ(two().messages()[1], "new");
    EXPECT_EQ(two().count<node::ChannelDown>(), 1);
    EXPECT_EQ(two().count<node::ChannelUp>(), 2);
}

TEST_F(PeersTest, ComeBackAfterAResetOfEitherSide) {
    start_both();
    ASSERT_TRUE(connect_all());
    for (Side* const side : {&one(), &two()}) {
        const int ups = one().count<node::ChannelUp>() + two().count<node::ChannelUp>();

        side->peers->reset(NodeId{static_cast<std::uint16_t>(side == &one() ? 2 : 1)},
                           sys::boot_now());

        ASSERT_TRUE(until([&] {
            return one().count<node::ChannelUp>() + two().count<node::ChannelUp>() == ups + 2;
        }));
        ASSERT_TRUE(connect_all());
        const std::size_t before = one().messages().size();
        ASSERT_TRUE(two().peers->send(NodeId{1}, "fresh", sys::boot_now()));
        ASSERT_TRUE(until([&] { return one().messages().size() == before + 1; }));
    }
    EXPECT_EQ(one().count<node::ChannelDown>(), 2);
    EXPECT_EQ(two().count<node::ChannelDown>(), 2);
}

TEST_F(PeersTest, NeverComeUpWithAnotherKey) {
    Peers::Options other = options(2);
    other.secret.fill(8);
    start(0, options(1));
    start(1, std::move(other));

    ASSERT_TRUE(until([&] {
        return std::any_of(one().notes.begin(), one().notes.end(),
                           [](const Note& note) { return note.kind == "channel-refused"; });
    }));

    EXPECT_EQ(one().count<node::ChannelUp>(), 0);
    EXPECT_EQ(two().count<node::ChannelUp>(), 0);
    EXPECT_GT(two().peers->refused(), 0U);
}

TEST_F(PeersTest, NeverComeUpWithAnotherCluster) {
    Peers::Options other = options(2);
    other.cluster = "lab2";
    start(0, options(1));
    start(1, std::move(other));

    ASSERT_TRUE(until([&] { return two().peers->refused() > 0; }));

    EXPECT_EQ(one().count<node::ChannelUp>(), 0);
    EXPECT_EQ(two().count<node::ChannelUp>(), 0);
}

TEST_F(PeersTest, TurnAwayAStrangersAddressAtOnce) {
    start(1, options(2));
    const sys::Fd stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress target = socket_address(address("127.77.1.2"), port_);
    ASSERT_EQ(::connect(stranger.get(), target.get(), target.length), 0);

    ASSERT_TRUE(until([&] { return two().peers->refused() == 1; }));

    char byte = 0;
    EXPECT_EQ(::recv(stranger.get(), &byte, 1, 0), 0);
}

TEST_F(PeersTest, EndAPlainConnectionFromAKnownAddress) {
    start(1, options(2));
    const sys::Fd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress from = socket_address(address("127.77.1.1"), 0);
    const SocketAddress target = socket_address(address("127.77.1.2"), port_);
    ASSERT_EQ(::bind(plain.get(), from.get(), from.length), 0);
    ASSERT_EQ(::connect(plain.get(), target.get(), target.length), 0);
    ASSERT_EQ(::send(plain.get(), "let me in please\n", 17, MSG_NOSIGNAL), 17);

    ASSERT_TRUE(until([&] { return two().peers->refused() == 1; }));

    EXPECT_EQ(two().count<node::ChannelUp>(), 0);
    ASSERT_EQ(two().notes.size(), 1U);
    EXPECT_EQ(two().notes[0].kind, "channel-refused");
}

TEST_F(PeersTest, KeepRoomForTheRealPeerBehindSilentConnections) {
    start(1, options(2));
    std::vector<sys::Fd> silent;
    const SocketAddress from = socket_address(address("127.77.1.1"), 0);
    const SocketAddress target = socket_address(address("127.77.1.2"), port_);
    for (std::size_t i = 0; i < kHandshakesMax + 1; ++i) {
        silent.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(silent.back().get(), from.get(), from.length), 0);
        ASSERT_EQ(::connect(silent.back().get(), target.get(), target.length), 0);
    }
    ASSERT_TRUE(until([&] { return two().peers->refused() >= 1; }));
    start(0, options(1));

    // The silent ones are given up after kHandshakeMax; then there is room.
    EXPECT_TRUE(connect_all());
}

}  // namespace
}  // namespace xbeat::net
