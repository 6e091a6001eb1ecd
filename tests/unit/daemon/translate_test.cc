#include "daemon/translate.h"

#include <gtest/gtest.h>

#include "cib/xml.h"
#include "daemon/answers.h"
#include "daemon/assemble.h"

namespace xbeat::daemon {
namespace {

Config pair_config() {
    const Result<Config> config = parse_config(R"(cluster = "lab"
key_file = "/k"
profile = "metal"
[[node]]
name = "pm01"
id = 1
links = [ { interface = "ic0", address = "10.1.0.1" }, { interface = "ic1", address = "10.2.0.1", vlan = 42 } ]
[[node]]
name = "pm02"
id = 2
links = [ { interface = "ic0", address = "10.1.0.2" }, { interface = "ic1", address = "10.2.0.2" } ]
)",
                                               "f", "pm01");
    EXPECT_TRUE(config);
    return *config;
}

heart::HeartEvent trouble(heart::EventKind kind, heart::Trouble what, std::uint8_t path) {
    heart::HeartEvent event;
    event.kind = kind;
    event.trouble = what;
    event.path = PathId{path};
    return event;
}

TEST(HeartTranslator, BringsAVerdictWithItsEvidence) {
    const Config config = pair_config();
    HeartTranslator translator(config);
    heart::HeartEvent event;
    event.kind = heart::EventKind::Peer;
    event.peer = NodeId{2};
    event.peer_state = heart::PeerState::Dead;
    event.answered_at = Instant(10ms);
    event.rtt = 1ms;
    event.at = Instant(60ms);
    event.unanswered = 10;
    event.ticks_late = 7;

    const auto first = translator.translate(event);
    event.ticks_late = 9;
    const auto second = translator.translate(event);

    ASSERT_EQ(first.size(), 1U);
    const auto& verdict = std::get<node::PeerVerdict>(first[0]);
    EXPECT_EQ(verdict.state, node::PeerState::Dead);
    EXPECT_EQ(verdict.evidence.last_answer, Instant(9ms));
    EXPECT_EQ(verdict.evidence.judged_at, Instant(60ms));
    EXPECT_EQ(verdict.evidence.unanswered, 10U);
    EXPECT_EQ(std::get<node::PeerVerdict>(second[0]).evidence.ticks_late, 2U);
}

TEST(HeartTranslator, TellsASilentPathFromOneWithoutCarrier) {
    const Config config = pair_config();
    HeartTranslator translator(config);
    heart::HeartEvent event;
    event.kind = heart::EventKind::Path;
    event.peer = NodeId{2};
    event.path_state = heart::PathState::Down;
    event.unanswered = 5;

    EXPECT_EQ(std::get<node::PathVerdict>(translator.translate(event)[0]).reason, "silent");
    event.unsent = 5;
    EXPECT_EQ(std::get<node::PathVerdict>(translator.translate(event)[0]).reason, "carrier lost");
    event.path_state = heart::PathState::Up;
    EXPECT_TRUE(std::get<node::PathVerdict>(translator.translate(event)[0]).is_up);
    event.path_state = heart::PathState::Unknown;
    EXPECT_TRUE(translator.translate(event).empty());
}

TEST(HeartTranslator, IsWellAgainOnlyWhenEveryTroubleHasGone) {
    const Config config = pair_config();
    HeartTranslator translator(config);
    const auto reason = [&](const heart::HeartEvent& event) {
        const auto events = translator.translate(event);
        return events.empty() ? "none" : std::get<node::Degraded>(events[0]).reason;
    };

    EXPECT_EQ(reason(trouble(heart::EventKind::Degraded, heart::Trouble::LinkMissing, 1)),
              "ic1: the interface is missing");
    EXPECT_NE(reason(trouble(heart::EventKind::Degraded, heart::Trouble::LinkDown, 0)).find("; "),
              std::string::npos);
    EXPECT_EQ(reason(trouble(heart::EventKind::Restored, heart::Trouble::LinkDown, 0)),
              "ic1: the interface is missing");
    EXPECT_EQ(reason(trouble(heart::EventKind::Restored, heart::Trouble::LinkMissing, 1)), "");
    EXPECT_EQ(reason(trouble(heart::EventKind::Restored, heart::Trouble::LinkMissing, 1)), "none");
}

TEST(HeartTranslator, ReadsTheWholeStateAnewAfterALoss) {
    const Config config = pair_config();
    const HeartTranslator translator(config);
    heart::Status status;
    heart::PeerStatus peer;
    peer.node = NodeId{2};
    peer.state = heart::PeerState::Suspect;
    peer.paths.resize(2);
    peer.paths[0].state = heart::PathState::Down;
    peer.paths[1].path = PathId{1};
    peer.paths[1].state = heart::PathState::Up;
    status.peers.push_back(peer);

    const auto events = translator.translate(status, Instant(5ns));

    ASSERT_EQ(events.size(), 3U);
    EXPECT_FALSE(std::get<node::PathVerdict>(events[0]).is_up);
    EXPECT_TRUE(std::get<node::PathVerdict>(events[1]).is_up);
    EXPECT_EQ(std::get<node::PeerVerdict>(events[2]).state, node::PeerState::Suspect);
}

TEST(Assemble, GivesEachPartItsView) {
    const Config config = pair_config();
    const heart::Secret secret{};

    const heart::Options heart = heart_options(config, secret, "/run/x");
    const net::Peers::Options peers = peers_options(config, secret);
    const node::Options node = node_options(config, 7);

    EXPECT_EQ(heart.pin_dir, "/run/x/bpf");
    EXPECT_EQ(heart.period, 5ms);
    EXPECT_EQ(heart.links[1].vlan, 42);
    ASSERT_EQ(heart.peers.size(), 1U);
    EXPECT_EQ(heart.peers[0].paths[1].remote, heart::IpAddress::parse("10.2.0.2"));
    EXPECT_EQ(peers.addresses[1], heart::IpAddress::parse("10.2.0.1"));
    EXPECT_EQ(peers.peers[0].addresses[0], heart::IpAddress::parse("10.1.0.2"));
    EXPECT_EQ(node.nodes.size(), 2U);
    EXPECT_EQ(node.nodes[1].paths, (std::vector<std::string>{"ic0", "ic1"}));
    EXPECT_EQ(node.seed, 7U);
}

// Decisions 0039 and 0065: a node that hears only says what it knows two periods later, and what is
// left of the peer's lease costs nothing.
TEST(Assemble, LetsTheStandbyWaitForFourPeriodsAndTheArbitersTime) {
    Config config = pair_config();
    const auto handicap = [&config] { return node_options(config, 7).handicap; };

    config.timing.dead = 5;
    config.arbiter.kind = node::ArbiterKind::Fence;
    config.timing.period = 1ms;
    EXPECT_EQ(handicap(), 20ms);
    config.timing.period = 50ms;
    EXPECT_EQ(handicap(), 200ms);
    for (const node::ArbiterKind kind : {node::ArbiterKind::Witness, node::ArbiterKind::Disk}) {
        config.arbiter.kind = kind;
        config.timing.period = 1ms;
        EXPECT_EQ(handicap(), 15ms);  // a lease of 20 ms, 5 of them over at the verdict
        config.timing.period = 50ms;
        EXPECT_EQ(handicap(), 250ms);  // 500 ms and 250
        config.timing.dead = 3;
        EXPECT_EQ(handicap(), 200ms);  // four periods are more than 150 ms
        config.timing.dead = 5;
    }
    config.arbiter.handicap = 7ms;
    EXPECT_EQ(handicap(), 7ms);
}

TEST(Assemble, LetsANodeOnItsOwnBeatForNobody) {
    const Result<Config> config = parse_config(
        "cluster = \"s\"\nkey_file = \"/k\"\n[[node]]\nname = \"a\"\nid = 1\n", "f", "a");
    ASSERT_TRUE(config);

    const heart::Options heart = heart_options(*config, {}, "/run/x");

    EXPECT_EQ(heart.mode, heart::Mode::Udp);
    EXPECT_EQ(heart.links.size(), 1U);
    EXPECT_TRUE(heart.peers.empty());
}

TEST(Answers, HideSecretsFromViewersOnly) {
    const Result<cib::Element> cib = cib::parse_xml(
        R"(<cib><nvpair id="a" name="passwd" value="s3cret"/><nvpair id="b" name="API_TOKEN" value="t0ken"/>)"
        R"(<nvpair id="c" name="ip" value="10.0.0.1"/><nvpair id="d" name="password" value=""/></cib>)");
    ASSERT_TRUE(cib);

    const std::string seen = print_cib(*cib, control::Role::Viewer);

    EXPECT_EQ(seen.find("s3cret"), std::string::npos);
    EXPECT_EQ(seen.find("t0ken"), std::string::npos);
    EXPECT_NE(seen.find("10.0.0.1"), std::string::npos);
    EXPECT_NE(seen.find("name=\"password\" value=\"\""), std::string::npos);
    EXPECT_NE(print_cib(*cib, control::Role::Operator).find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace xbeat::daemon
