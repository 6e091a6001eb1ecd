#include <gtest/gtest.h>

#include "core/limits.h"
#include "member/link.h"
#include "member/pair.h"

namespace xbeat::member {
namespace {

using wire::Hello;
using wire::Standing;

Hello hello_of(std::uint16_t id) {
    Hello hello;
    hello.cluster = "lab";
    hello.sender = NodeId{id};
    hello.nodes = {{NodeId{1}, "pm01"}, {NodeId{2}, "pm02"}};
    hello.newest = "5";
    return hello;
}

// Both sides judge the same two hellos; their answers must fit together.
Decision judged(const Hello& mine, const Hello& theirs) {
    const Decision here = judge(mine, theirs).decision;
    const Decision there = judge(theirs, mine).decision;
    Decision fitting = here;
    if (here == Decision::Lead) fitting = Decision::Join;
    if (here == Decision::Join) fitting = Decision::Lead;
    EXPECT_EQ(there, fitting);
    return here;
}

TEST(Pair, TwoOfDifferentClustersRefuseEachOtherAndNameBoth) {
    Hello other = hello_of(2);
    other.cluster = "shop";

    EXPECT_EQ(judged(hello_of(1), other), Decision::Refuse);
    const std::string reason = judge(hello_of(1), other).reason;
    EXPECT_NE(reason.find("lab"), std::string::npos);
    EXPECT_NE(reason.find("shop"), std::string::npos);
}

TEST(Pair, TwoWithOneIdRefuseEachOther) {
    EXPECT_EQ(judged(hello_of(1), hello_of(1)), Decision::Refuse);
}

TEST(Pair, DifferentListsOfNodesAreRefused) {
    Hello other = hello_of(2);
    other.nodes[0].name = "pm99";

    EXPECT_EQ(judged(hello_of(1), other), Decision::Refuse);
}

TEST(Pair, WithoutACommonProtocolVersionBothRefuseAndNameAllNumbers) {
    Hello other = hello_of(2);
    other.oldest = 7;
    other.newest = "8";

    EXPECT_EQ(judged(hello_of(1), other), Decision::Refuse);
    const std::string reason = judge(hello_of(1), other).reason;
    EXPECT_NE(reason.find("7 to 8"), std::string::npos) << reason;
}

TEST(Pair, OfTwoReleasesMeets) {
    Hello before = hello_of(2);
    before.newest = "0.3.9";

    EXPECT_EQ(judged(hello_of(1), before), Decision::Lead);
}

TEST(Pair, OfTwoFreshOnesTheNewerLogLeadsAndTheLowerIdDecidesATie) {
    EXPECT_EQ(judged(hello_of(1), hello_of(2)), Decision::Lead);

    Hello newer = hello_of(2);
    newer.log_index = LogIndex{5};
    EXPECT_EQ(judged(hello_of(1), newer), Decision::Join);

    Hello longer = hello_of(1);
    longer.log_term = Term{2};
    longer.log_index = LogIndex{50};
    newer.log_term = Term{3};
    EXPECT_EQ(judged(longer, newer), Decision::Join);
}

TEST(Pair, OfTwoFreshOnesTheLastSurvivorLeadsWhateverTheLogsSay) {
    Hello survivor = hello_of(2);
    survivor.is_last_survivor = true;
    Hello other = hello_of(1);
    other.log_term = Term{9};

    EXPECT_EQ(judged(survivor, other), Decision::Lead);
}

// Claim I-10; xbeat-sim's seed 2000659: a full disk kept a right that had long ended.
TEST(Pair, OfTwoFreshOnesARightFromBeforeTheOtherOnesStartOnAPersonsWordCountsForNothing) {
    Hello survivor = hello_of(2);
    survivor.is_last_survivor = true;
    survivor.log_term = Term{3};
    Hello started = hello_of(1);
    started.log_term = Term{4};
    EXPECT_EQ(judged(survivor, started), Decision::Lead);

    for (const std::uint64_t known : {1U, 3U}) {
        started.log_term =
            next_term(past_unknown_terms(Term{known}), NodeId{1}, {NodeId{1}, NodeId{2}});
        EXPECT_EQ(judged(survivor, started), Decision::Join);
    }
}

TEST(Pair, OneThatRunsLeadsOneThatIsFresh) {
    Hello running = hello_of(2);
    running.standing = Standing::Running;
    Hello fresh = hello_of(1);
    fresh.log_term = Term{9};

    EXPECT_EQ(judged(running, fresh), Decision::Lead);
}

// Claim I-10: who runs may have stood still while the other one went on, answered its clients, and
// was started anew.
TEST(Pair, TheLastSurvivorLeadsAlsoWhoStillRuns) {
    for (const Standing standing : {Standing::Fresh, Standing::Running}) {
        Hello survivor = hello_of(2);
        survivor.is_last_survivor = true;
        survivor.standing = standing;
        Hello other = hello_of(1);
        other.standing = Standing::Running;
        other.runs_resources = other.is_coordinator = true;
        other.term = other.log_term = Term{9};
        EXPECT_EQ(judged(survivor, other), Decision::Lead);

        // Who was started on a person's word after that knows more.
        other.log_term = next_term(past_unknown_terms(Term{3}), NodeId{1}, {NodeId{1}, NodeId{2}});
        EXPECT_EQ(judged(survivor, other), Decision::Join);
        // The release before does not know of it.
        other.log_term = Term{9};
        other.newest = "4";
        EXPECT_EQ(judged(survivor, other), Decision::Join);
        // Nothing tells which of two rights is the newer one.
        other.newest = "5";
        other.is_last_survivor = true;
        EXPECT_EQ(judged(survivor, other), Decision::Join);
    }
}

TEST(Pair, TwoThatRunInOneSessionResumeIt) {
    Hello a = hello_of(1);
    Hello b = hello_of(2);
    a.standing = b.standing = Standing::Running;
    a.session = b.session = 42;
    a.is_coordinator = true;

    EXPECT_EQ(judged(a, b), Decision::Resume);
    b.session = 43;
    EXPECT_NE(judged(a, b), Decision::Resume);
}

TEST(Pair, OfTwoThatRunApartTheOneWithResourcesLeads) {
    Hello serving = hello_of(2);
    Hello newer = hello_of(1);
    serving.standing = newer.standing = Standing::Running;
    serving.is_coordinator = newer.is_coordinator = true;
    serving.runs_resources = true;
    newer.term = Term{9};

    EXPECT_EQ(judged(serving, newer), Decision::Lead);
    newer.runs_resources = true;
    EXPECT_EQ(judged(serving, newer), Decision::Join);
}

// Claim I-14.
TEST(Pair, TwoNodesNeverPickTheSameTerm) {
    const std::vector<NodeId> nodes = {NodeId{7}, NodeId{3}};
    for (std::uint64_t newest = 0; newest < 50; ++newest) {
        const Term a = next_term(Term{newest}, NodeId{3}, nodes);
        EXPECT_GT(a, Term{newest});
        for (std::uint64_t other = 0; other < 50; ++other) {
            EXPECT_NE(a, next_term(Term{other}, NodeId{7}, nodes));
        }
    }
}

// Claim I-10.
TEST(Pair, AStartOnSomebodysWordIsNewerThanAllThatThePeerLedAlone) {
    const std::vector<NodeId> nodes = {NodeId{7}, NodeId{3}};
    Term alone{5};
    for (int start = 0; start < 10'000; ++start) alone = next_term(alone, NodeId{7}, nodes);

    EXPECT_GT(next_term(past_unknown_terms(Term{5}), NodeId{3}, nodes), alone);
}

// Claim I-6.
TEST(Pair, NobodyStartsAloneWithoutAReason) {
    EXPECT_EQ(reason_to_start_alone({.nodes = 2}), "");
    EXPECT_NE(reason_to_start_alone({.nodes = 1}), "");
    EXPECT_NE(reason_to_start_alone({.nodes = 2, .is_last_survivor = true}), "");
    EXPECT_NE(reason_to_start_alone({.nodes = 2, .is_peer_confirmed = true}), "");
}

// --- Link ----------------------------------------------------------------------------------------

wire::Body word(std::uint64_t index) { return wire::Durable{LogIndex{index}}; }

std::vector<wire::Data> data_of(Link& link) {
    std::vector<wire::Data> out;
    for (wire::Message& message : link.take_outgoing()) {
        if (auto* data = std::get_if<wire::Data>(&message)) out.push_back(*data);
    }
    return out;
}

struct TwoLinks {
    Link a;
    Link b;
    TwoLinks() {
        a.begin(5);
        b.begin(5);
        a.open(0);
        b.open(0);
    }
};

TEST(Link, WhatIsSaidArrivesInOrder) {
    TwoLinks links;
    for (std::uint64_t i = 1; i <= 3; ++i) links.a.push(word(i));

    std::uint64_t expected = 1;
    for (wire::Data& data : data_of(links.a)) {
        const auto body = links.b.take(std::move(data));
        ASSERT_TRUE(body.has_value());
        ASSERT_TRUE(body->has_value());
        EXPECT_EQ(std::get<wire::Durable>(**body).up_to.value, expected++);
    }
    EXPECT_EQ(expected, 4U);
}

TEST(Link, WhatWasLostWithTheChannelIsSentAgainAndNothingArrivesTwice) {
    TwoLinks links;
    links.a.push(word(1));
    links.a.push(word(2));
    std::vector<wire::Data> sent = data_of(links.a);
    ASSERT_TRUE(links.b.take(sent[0])->has_value());  // the second is lost
    links.a.close();
    links.b.close();
    links.a.push(word(3));

    links.a.open(links.b.received());
    links.b.open(links.a.received());

    const std::vector<wire::Data> again = data_of(links.a);
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[0].number, 2U);
    EXPECT_FALSE(links.b.take(sent[0])->has_value());  // a late copy
    EXPECT_TRUE(links.b.take(again[0])->has_value());
    EXPECT_TRUE(links.b.take(again[1])->has_value());
}

TEST(Link, AGapIsAnError) {
    TwoLinks links;
    links.a.push(word(1));
    links.a.push(word(2));
    const std::vector<wire::Data> sent = data_of(links.a);

    EXPECT_FALSE(links.b.take(sent[1]).has_value());
}

TEST(Link, AnotherSessionsMessagesAreDropped) {
    TwoLinks links;
    links.a.push(word(1));
    const std::vector<wire::Data> sent = data_of(links.a);
    links.b.begin(6);
    links.b.open(0);

    const auto body = links.b.take(sent[0]);

    ASSERT_TRUE(body.has_value());
    EXPECT_FALSE(body->has_value());
}

TEST(Link, AnAcknowledgementLetsGo) {
    TwoLinks links;
    links.a.push(word(1));
    (void)links.b.take(data_of(links.a)[0]);

    const std::vector<wire::Message> answer = links.b.take_outgoing();

    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(links.a.unacked(), 1U);
    links.a.acknowledge(std::get<wire::Ack>(answer[0]));
    EXPECT_EQ(links.a.unacked(), 0U);
}

TEST(Link, PastTheLimitIsOverfull) {
    Link link;
    link.begin(1);
    for (std::size_t i = 0; i <= kUnackedMax; ++i) link.push(word(1));

    EXPECT_TRUE(link.is_overfull());
}

}  // namespace
}  // namespace xbeat::member
