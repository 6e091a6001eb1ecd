// The door itself: what one Node wants of its host, step by step, without a world around it.
#include "node/node.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "wire/codec.h"
#include "wire/message.h"

namespace xbeat::node {
namespace {

Options options_for(std::size_t nodes) {
    Options options;
    options.self = NodeId{1};
    options.cluster = "lab";
    options.nodes = {{.id = NodeId{1}, .name = "pm01", .paths = {"ic0"}}};
    if (nodes == 2) {
        options.nodes.push_back({.id = NodeId{2}, .name = "pm02", .paths = {"ic0", "ic1"}});
    }
    return options;
}

class Door {
public:
    explicit Door(std::size_t nodes) : node(options_for(nodes)) {}

    Output step(const Event& event, Duration later = 1ms) {
        now_.boot += later;
        return node.step(now_, event);
    }
    Output start(std::map<std::string, std::string> meta = {}) {
        Started started;
        started.daemon = Incarnation{11};
        started.heart = Incarnation{12};
        started.meta = std::move(meta);
        return step(started);
    }
    // The disk takes all of it; what follows from that.
    Output persist(const Output& output) {
        Output all;
        for (const Write& write : output.persist) {
            Output next = step(Persisted{.ticket = write.ticket, .outcome = {}}, Duration(0));
            for (Write& each : next.persist) all.persist.push_back(std::move(each));
            for (Message& each : next.send) all.send.push_back(std::move(each));
            for (Command& each : next.run) all.run.push_back(std::move(each));
        }
        return all;
    }
    Output hear(const wire::Message& message) {
        return step(MessageReceived{.peer = NodeId{2},
                                    .bytes = wire::encode_message(message, wire::kProtocolNewest)});
    }
    Node node;

private:
    Now now_;
};

wire::Hello hello_of_peer() {
    wire::Hello hello;
    hello.cluster = "lab";
    hello.sender = NodeId{2};
    hello.nodes = {{NodeId{1}, "pm01"}, {NodeId{2}, "pm02"}};
    hello.daemon = Incarnation{21};
    hello.heart = Incarnation{22};
    return hello;
}

template <class Kind>
int count(const std::vector<Command>& run) {
    return static_cast<int>(std::count_if(run.begin(), run.end(), [](const Command& command) {
        return std::holds_alternative<Kind>(command);
    }));
}

bool has_note(const Output& output, std::string_view kind) {
    return std::any_of(output.notes.begin(), output.notes.end(),
                       [kind](const Note& note) { return note.kind == kind; });
}

TEST(Node, AloneInItsListLeadsOnlyWhenItsTermIsDurable) {
    Door door(1);

    const Output output = door.start();

    EXPECT_EQ(door.node.coordinator(), "");
    ASSERT_EQ(output.persist.size(), 1U);
    door.persist(output);
    EXPECT_EQ(door.node.coordinator(), "pm01");
    EXPECT_GT(door.node.term().value, 0U);
}

TEST(Node, OfAPairWaitsForItsPeerHoweverLong) {
    Door door(2);
    door.persist(door.start());

    door.step(Wake{}, 24h);

    EXPECT_EQ(door.node.coordinator(), "");
    EXPECT_EQ(door.node.activity(), "waiting for the peer");
}

TEST(Node, ThatWasTheLastSurvivorListensFirstAndThenStartsAloneInANewerTerm) {
    Door door(2);

    const Output started = door.start({{"term", "6"}, {"last_survivor", "6"}});
    EXPECT_TRUE(started.persist.empty());
    ASSERT_TRUE(started.wake_at.has_value());
    EXPECT_TRUE(door.step(Wake{}, 2s).persist.empty());
    door.persist(door.step(Wake{}, 2s));

    EXPECT_EQ(door.node.coordinator(), "pm01");
    EXPECT_GT(door.node.term().value, 6U);
}

TEST(Node, SaysHelloFirstAndLetsTheHeartJudgeThePeerOnceItIsKnown) {
    Door door(2);
    door.start();

    const Output up = door.step(ChannelUp{NodeId{2}});
    ASSERT_EQ(up.send.size(), 1U);
    const auto said = wire::decode_message(up.send[0].bytes);
    ASSERT_TRUE(said.has_value());
    EXPECT_TRUE(std::holds_alternative<wire::Hello>(*said));
    const Output met = door.hear(hello_of_peer());

    ASSERT_EQ(count<AcceptPeer>(met.run), 1);
    EXPECT_EQ(std::get<AcceptPeer>(met.run[0]).heart, Incarnation{22});
}

TEST(Node, OfAnotherClusterIsRefusedAndNotJudged) {
    Door door(2);
    door.start();
    door.step(ChannelUp{NodeId{2}});
    wire::Hello stranger = hello_of_peer();
    stranger.cluster = "shop";

    const Output output = door.hear(stranger);

    EXPECT_EQ(count<AcceptPeer>(output.run), 0);
    ASSERT_EQ(output.send.size(), 1U);
    const auto answer = wire::decode_message(output.send[0].bytes);
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(std::holds_alternative<wire::Refuse>(*answer));
    EXPECT_TRUE(has_note(output, "peer-refused"));
    EXPECT_EQ(door.node.coordinator(), "");
}

TEST(Node, WelcomesThePeerOnlyInADurableTerm) {
    Door door(2);
    door.start();
    door.step(ChannelUp{NodeId{2}});

    const Output met = door.hear(hello_of_peer());
    EXPECT_TRUE(met.send.empty());
    ASSERT_EQ(met.persist.size(), 1U);
    const Output durable = door.persist(met);

    ASSERT_FALSE(durable.send.empty());
    const auto welcome = wire::decode_message(durable.send[0].bytes);
    ASSERT_TRUE(welcome.has_value());
    ASSERT_TRUE(std::holds_alternative<wire::Welcome>(*welcome));
    EXPECT_EQ(std::get<wire::Welcome>(*welcome).joiner, Incarnation{21});
    EXPECT_FALSE(door.node.peers().at(0).is_member);
}

// The peer leads and welcomes; what the joiner wants of its disk then.
Output join(Door& joiner) {
    Door leader(2);
    leader.start();
    leader.step(ChannelUp{NodeId{2}});
    const Output welcome_out = leader.persist(leader.hear(hello_of_peer()));
    const auto welcome = wire::decode_message(welcome_out.send.at(0).bytes);
    EXPECT_TRUE(welcome.has_value());

    joiner.start();
    joiner.step(ChannelUp{NodeId{2}});
    wire::Hello ahead = hello_of_peer();
    ahead.log_term = Term{4};
    ahead.log_index = LogIndex{9};
    joiner.hear(ahead);
    wire::Welcome meant = std::get<wire::Welcome>(*welcome);
    meant.joiner = Incarnation{11};
    return joiner.hear(meant);
}

void follow(Door& joiner) {
    joiner.persist(join(joiner));
    ASSERT_EQ(joiner.node.coordinator(), "pm02");
}

TEST(Node, AJoinerSpeaksOnlyWhenAllOfTheStateIsDurable) {
    Door joiner(2);

    const Output taken = join(joiner);

    EXPECT_TRUE(taken.send.empty());
    EXPECT_EQ(joiner.node.coordinator(), "");
    EXPECT_EQ(taken.persist.size(), 4U);
    const Output durable = joiner.persist(taken);
    EXPECT_FALSE(durable.send.empty());
    EXPECT_EQ(joiner.node.coordinator(), "pm02");
}

TEST(Node, WhoseRecordsDoNotLeadWhereTheCoordinatorIsAsksForTheWholeState) {
    Door joiner(2);
    joiner.start();
    joiner.step(ChannelUp{NodeId{2}});
    wire::Hello ahead = hello_of_peer();
    ahead.log_index = LogIndex{9};
    joiner.hear(ahead);

    const Output output = joiner.hear(wire::Catchup{.session = 5,
                                                    .term = Term{9},
                                                    .joiner = Incarnation{11},
                                                    .after = LogIndex{0},
                                                    .records = {},
                                                    .digest = 1});

    EXPECT_TRUE(output.persist.empty());
    EXPECT_EQ(count<ResetChannel>(output.run), 1);
    EXPECT_TRUE(has_note(output, "catch-up-failed"));
    joiner.step(ChannelDown{NodeId{2}, "reset"});
    const Output again = joiner.step(ChannelUp{NodeId{2}});
    const auto said = wire::decode_message(again.send.at(0).bytes);
    EXPECT_EQ(std::get<wire::Hello>(*said).digest, 0U);
}

TEST(Node, ACatchupThatDoesNotFollowItsLogIsNotTaken) {
    Door joiner(2);
    joiner.start();
    joiner.step(ChannelUp{NodeId{2}});
    wire::Hello ahead = hello_of_peer();
    ahead.log_index = LogIndex{9};
    joiner.hear(ahead);

    const Output output = joiner.hear(wire::Catchup{.session = 5,
                                                    .term = Term{9},
                                                    .joiner = Incarnation{11},
                                                    .after = LogIndex{3},
                                                    .records = {},
                                                    .digest = 1});

    EXPECT_TRUE(output.persist.empty());
    EXPECT_EQ(count<ResetChannel>(output.run), 1);
    EXPECT_FALSE(has_note(output, "catch-up-failed"));
}

std::optional<Ticket> write_of_term(const Output& output) {
    for (const Write& write : output.persist) {
        const auto* meta = std::get_if<PutMeta>(&write.body);
        if (meta != nullptr && meta->key == "term") return write.ticket;
    }
    return std::nullopt;
}

// Claim I-11: a takeover does not wait for the disk, and asks it again until it has the term.
TEST(Node, WritesTheTermOfATakeoverAgainUntilTheDiskTakesIt) {
    Door follower(2);
    follow(follower);
    PeerVerdict dead;
    dead.peer = NodeId{2};
    dead.state = PeerState::Dead;
    const Output taken_over = follower.step(dead);
    ASSERT_EQ(follower.node.coordinator(), "pm01");
    std::optional<Ticket> write = write_of_term(taken_over);
    ASSERT_TRUE(write.has_value());

    for (int attempt = 0; attempt < 3; ++attempt) {
        follower.step(Persisted{.ticket = *write, .outcome = Error{Code::System, "no space left"}});
        EXPECT_FALSE(write_of_term(follower.step(Wake{}, 100ms)).has_value());
        write = write_of_term(follower.step(Wake{}, 2s));
        ASSERT_TRUE(write.has_value()) << attempt;
    }
    follower.step(Persisted{.ticket = *write, .outcome = {}});

    EXPECT_FALSE(write_of_term(follower.step(Wake{}, 10s)).has_value());
}

TEST(Node, AWelcomeForAnEarlierLifeIsVoid) {
    Door joiner(2);
    joiner.start();
    joiner.step(ChannelUp{NodeId{2}});
    wire::Hello ahead = hello_of_peer();
    ahead.log_index = LogIndex{9};
    joiner.hear(ahead);
    wire::Welcome stale;
    stale.session = 5;
    stale.term = Term{9};
    stale.joiner = Incarnation{10};

    const Output output = joiner.hear(stale);

    EXPECT_TRUE(output.persist.empty());
    EXPECT_EQ(joiner.node.activity(), "joining");
}

TEST(Node, NonsenseResetsTheChannelAndNothingElse) {
    for (const std::string& bytes :
         {std::string(), std::string("nonsense"), std::string(1000, '\xff'),
          wire::encode_message(wire::Hello{}).substr(0, 20)}) {
        Door door(2);
        door.start();
        door.step(ChannelUp{NodeId{2}});

        const Output output = door.step(MessageReceived{.peer = NodeId{2}, .bytes = bytes});

        EXPECT_EQ(count<ResetChannel>(output.run), 1);
        EXPECT_EQ(door.node.activity(), "waiting for the peer");
    }
}

TEST(Node, EventsAboutUnknownPeersAndPathsAreIgnored) {
    Door door(2);
    door.start();

    PeerVerdict verdict;
    verdict.peer = NodeId{9};
    verdict.state = PeerState::Dead;
    EXPECT_TRUE(door.step(verdict).notes.empty());
    EXPECT_TRUE(door.step(PathVerdict{NodeId{2}, PathId{7}, true, "answers"}).notes.empty());
    EXPECT_TRUE(door.step(MessageReceived{NodeId{2}, "early"}).run.empty());
    AgentDone stray;
    stray.operation = OperationId{77};
    EXPECT_TRUE(door.step(stray).notes.empty());
    EXPECT_TRUE(door.step(Persisted{.ticket = Ticket{99}, .outcome = {}}).notes.empty());
}

TEST(Node, PathsAreShownAndNotedOnceAChange) {
    Door door(2);
    door.start();

    const Output up = door.step(PathVerdict{NodeId{2}, PathId{1}, true, "answers again"});
    const Output same = door.step(PathVerdict{NodeId{2}, PathId{1}, true, "answers again"});
    const Output down = door.step(PathVerdict{NodeId{2}, PathId{1}, false, "silent"});

    EXPECT_EQ(up.notes.size(), 1U);
    EXPECT_TRUE(same.notes.empty());
    ASSERT_EQ(down.notes.size(), 1U);
    EXPECT_EQ(down.notes[0].kind, "path-down");
    EXPECT_EQ(door.node.peers().at(0).paths.at(1).reason, "silent");
}

TEST(Node, RequestsBeforeTheClusterStandsAreAnsweredAsUnavailable) {
    Door door(2);
    door.start();

    const Output output =
        door.step(ClientRequest{.client = ClientId{1}, .user = "uid 0", .body = Cleanup{}});

    ASSERT_EQ(output.replies.size(), 1U);
    ASSERT_FALSE(output.replies[0].outcome.has_value());
    EXPECT_EQ(output.replies[0].outcome.error().code, Code::Unavailable);
}

TEST(Node, AWaitingNodeLeavesAtOnce) {
    Door door(2);
    door.start();

    const Output output =
        door.step(ClientRequest{.client = ClientId{1}, .user = "uid 0", .body = Leave{}});

    EXPECT_EQ(count<Exit>(output.run), 1);
    ASSERT_EQ(output.replies.size(), 1U);
    EXPECT_TRUE(output.replies[0].outcome.has_value());
    EXPECT_FALSE(door.step(Wake{}).wake_at.has_value());
}

// Claim I-8: nobody knows what still runs on a machine that was no member.
TEST(Node, KeepsItsGateWhenItLeavesWithoutBeingAMember) {
    Door door(2);
    door.start();

    const Output output =
        door.step(ClientRequest{.client = ClientId{1}, .user = "uid 0", .body = Leave{}});

    ASSERT_EQ(count<Exit>(output.run), 1);
    EXPECT_TRUE(std::get<Exit>(output.run.back()).keeps_gate);
}

// Claim I-16.
// What a node wants that runs and is told by its peer that it was shot.
Output told_of_its_own_fencing(const std::string& reaction) {
    Door door(2);
    door.start({{"term", "6"}, {"last_survivor", "6"}});
    door.step(Wake{}, 2s);
    const auto let_write = [&door](Output output) {
        while (!output.persist.empty()) output = door.persist(output);
    };
    let_write(door.step(Wake{}, 2s));
    EXPECT_EQ(door.node.coordinator(), "pm01");
    let_write(door.step(ClientRequest{
        .client = ClientId{1},
        .user = "uid 0",
        .body = ReplaceConfiguration{
            "<configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\"><nvpair "
            "id=\"r\" name=\"fencing-reaction\" value=\"" +
                reaction +
                "\"/></cluster_property_set>"
                "</crm_config><nodes/><resources/><constraints/></configuration>",
            ""}}));
    door.step(ChannelUp{NodeId{2}});
    wire::Hello survivor = hello_of_peer();
    survivor.is_last_survivor = true;
    door.hear(survivor);
    return door.hear(wire::Refuse{.reason = "that life of pm01 was fenced"});
}

TEST(Node, ThatCountsAsOffLetsTheWatchdogResetItIfItsReactionIsPanic) {
    const Output output = told_of_its_own_fencing("panic");

    EXPECT_TRUE(has_note(output, "fenced-alive"));
    EXPECT_EQ(count<StopWatchdog>(output.run), 1);
}

TEST(Node, ThatCountsAsOffCallsForAPersonIfItsReactionIsStop) {
    const Output output = told_of_its_own_fencing("stop");

    EXPECT_TRUE(has_note(output, "fenced-alive"));
    EXPECT_EQ(count<StopWatchdog>(output.run), 0);
}

TEST(Node, ACorruptStoreIsNotInterpreted) {
    Door door(2);
    Started started;
    started.daemon = Incarnation{11};
    started.heart = Incarnation{12};
    started.snapshot = "rotten";
    started.meta = {{"last_survivor", "4"}, {"term", "4"}};

    const Output output = door.step(started);

    EXPECT_TRUE(std::any_of(output.notes.begin(), output.notes.end(),
                            [](const Note& note) { return note.kind == "store-corrupt"; }));
    EXPECT_EQ(door.node.activity(), "waiting for the peer");
}

TEST(Node, ATornLogIsCutWhereItIsTorn) {
    Door door(2);
    Started started;
    started.daemon = Incarnation{11};
    started.heart = Incarnation{12};
    const auto record = [](std::uint64_t index) {
        return wire::encode_record(
            wire::Record{Term{2}, LogIndex{index}, wire::EnsureNode{"1", "pm01"}});
    };
    started.log = {
        {LogIndex{1}, record(1)}, {LogIndex{2}, record(2).substr(0, 9)}, {LogIndex{3}, record(3)}};

    const Output output = door.step(started);

    ASSERT_EQ(output.persist.size(), 1U);
    ASSERT_TRUE(std::holds_alternative<TruncateLog>(output.persist[0].body));
    EXPECT_EQ(std::get<TruncateLog>(output.persist[0].body).from, LogIndex{2});
}

TEST(Node, DegradationIsShownAndNeverAVerdict) {
    Door door(2);
    door.start();

    const Output worse = door.step(Degraded{"heart", "XDP is detached"});
    const Output well = door.step(Degraded{"heart", ""});

    ASSERT_EQ(worse.notes.size(), 1U);
    EXPECT_EQ(worse.notes[0].kind, "degraded");
    ASSERT_EQ(well.notes.size(), 1U);
    EXPECT_EQ(well.notes[0].kind, "restored");
}

}  // namespace
}  // namespace xbeat::node
