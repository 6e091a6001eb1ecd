#include "arbiter/witness_asker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "arbiter/witness_ledger.h"
#include "core/prng.h"

namespace xbeat::arbiter {
namespace {

using wire::WitnessAnswer;
using wire::WitnessKind;
using wire::WitnessOutcome;
using wire::WitnessRequest;

constexpr Instant kNow{1h};

WitnessAsker asker(std::uint16_t node = 1, std::uint64_t life = 5) {
    return WitnessAsker({.cluster = 1, .node = NodeId{node}, .life = life});
}

WitnessAnswer reply(const WitnessRequest& to, WitnessOutcome outcome) {
    return {.outcome = outcome,
            .kind = to.kind,
            .cluster = to.cluster,
            .node = to.node,
            .life = to.life,
            .number = to.number,
            .holder = outcome == WitnessOutcome::Granted ? to.node : NodeId{},
            .last_holder = {},
            .witness = 9,
            .version = 3,
            .lease = outcome == WitnessOutcome::Granted ? to.lease : Duration{},
            .remaining = {}};
}

WitnessAsker::Question claim(std::uint64_t id = 1) {
    return {.id = id, .kind = WitnessKind::Claim, .lease = 100ms, .deadline = kNow + 200ms};
}

TEST(WitnessAsker, SendsTheFirstAtOnceAndCopiesWithGrowingPauses) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    std::vector<Instant> sent;
    std::vector<WitnessRequest> all = self.take_requests();
    ASSERT_EQ(all.size(), 1U);

    while (self.is_open()) {
        const Instant at = *self.wake_at();
        self.tick(at);
        for (const WitnessRequest& request : self.take_requests()) {
            EXPECT_EQ(request, all.front());
            sent.push_back(at);
        }
    }

    const std::vector<Instant> wanted{kNow + 2ms,  kNow + 6ms,   kNow + 14ms, kNow + 30ms,
                                      kNow + 62ms, kNow + 112ms, kNow + 162ms};
    EXPECT_EQ(sent, wanted);
    const auto findings = self.take_findings();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].finding, Finding::Unreachable);
    EXPECT_EQ(findings[0].id, 1U);
}

TEST(WitnessAsker, AGrantedLeaseCountsFromTheFirstSending) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest request = self.take_requests().front();
    self.tick(kNow + 2ms);

    self.take(reply(request, WitnessOutcome::Granted), kNow + 3ms);

    const auto findings = self.take_findings();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].finding, Finding::Granted);
    EXPECT_EQ(findings[0].until, kNow + 100ms);
    EXPECT_FALSE(self.is_open());
}

TEST(WitnessAsker, LearnsFromAStaleAnswerAndAsksAnewAtOnce) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest first = self.take_requests().front();
    EXPECT_EQ(first.witness, 0U);

    self.take(reply(first, WitnessOutcome::Stale), kNow + 1ms);

    const auto requests = self.take_requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].witness, 9U);
    EXPECT_EQ(requests[0].version, 3U);
    EXPECT_EQ(requests[0].number, first.number + 1);
    self.take(reply(requests[0], WitnessOutcome::Granted), kNow + 2ms);
    EXPECT_EQ(self.take_findings()[0].until, kNow + 101ms);
}

TEST(WitnessAsker, IgnoresAnswersToAnyOtherQuestion) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest request = self.take_requests().front();
    const auto ignore = [&](const char* what, auto change) {
        WitnessAnswer wrong = reply(request, WitnessOutcome::Granted);
        change(wrong);
        self.take(wrong, kNow + 1ms);
        EXPECT_TRUE(self.is_open()) << what;
    };

    ignore("a former life", [](WitnessAnswer& a) { a.life = 4; });
    ignore("a former number", [](WitnessAnswer& a) { a.number -= 1; });
    ignore("a later number", [](WitnessAnswer& a) { a.number += 1; });
    ignore("another node", [](WitnessAnswer& a) { a.node = NodeId{2}; });
    ignore("another cluster", [](WitnessAnswer& a) { a.cluster = 2; });
    ignore("another kind", [](WitnessAnswer& a) { a.kind = WitnessKind::Query; });

    EXPECT_EQ(self.knowledge().strays, 6U);
    EXPECT_EQ(self.knowledge().witness_life, 0U);
}

TEST(WitnessAsker, ASecondAnswerToTheSameQuestionChangesNothing) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest request = self.take_requests().front();
    self.take(reply(request, WitnessOutcome::Held), kNow + 1ms);
    ASSERT_EQ(self.take_findings().size(), 1U);

    self.take(reply(request, WitnessOutcome::Granted), kNow + 2ms);

    EXPECT_TRUE(self.take_findings().empty());
    EXPECT_EQ(self.knowledge().strays, 1U);
}

TEST(WitnessAsker, AnAnswerAfterTheDeadlineIsNotBelieved) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest request = self.take_requests().front();
    self.tick(kNow + 200ms);
    ASSERT_EQ(self.take_findings()[0].finding, Finding::Unreachable);

    self.take(reply(request, WitnessOutcome::Granted), kNow + 201ms);

    EXPECT_TRUE(self.take_findings().empty());
}

TEST(WitnessAsker, ALeaseThatIsOverWhenItArrivesIsAskedForAgain) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    const WitnessRequest request = self.take_requests().front();

    self.take(reply(request, WitnessOutcome::Granted), kNow + 100ms);

    EXPECT_TRUE(self.take_findings().empty());
    ASSERT_EQ(self.take_requests().size(), 1U);
    EXPECT_TRUE(self.is_open());
}

TEST(WitnessAsker, GivesUpAgainstAWitnessThatIsAlwaysElsewhere) {
    WitnessAsker self = asker();
    self.ask(claim(), kNow);
    for (int round = 0; round < kAskRoundsMax; ++round) {
        const auto requests = self.take_requests();
        ASSERT_EQ(requests.size(), 1U);
        self.take(reply(requests[0], WitnessOutcome::Stale), kNow + 1ms);
    }

    EXPECT_TRUE(self.take_requests().empty());
    EXPECT_EQ(self.take_findings().at(0).finding, Finding::Contested);
}

TEST(WitnessAsker, AnotherQuestionEndsTheOpenOne) {
    WitnessAsker self = asker();
    self.ask({.id = 1, .kind = WitnessKind::Query, .lease = {}, .deadline = kNow + 1s}, kNow);
    self.ask(claim(2), kNow + 1ms);

    const auto findings = self.take_findings();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].id, 1U);
    EXPECT_EQ(findings[0].finding, Finding::Superseded);
    EXPECT_EQ(self.take_requests().size(), 2U);
}

TEST(WitnessAsker, CountsTheWitnessesLives) {
    WitnessAsker self = asker();
    for (const std::uint64_t life : {9U, 9U, 10U}) {
        self.ask({.id = 1, .kind = WitnessKind::Query, .lease = {}, .deadline = kNow + 1s}, kNow);
        WitnessAnswer told = reply(self.take_requests().front(), WitnessOutcome::Told);
        told.witness = life;
        self.take(told, kNow);
    }
    EXPECT_EQ(self.knowledge().restarts, 1U);
    EXPECT_EQ(self.knowledge().witness_life, 10U);
}

TEST(WitnessAsker, ClampsALeaseToWhatTheWitnessGives) {
    WitnessAsker self = asker();
    WitnessAsker::Question question = claim();
    question.lease = 1h;
    self.ask(question, kNow);
    EXPECT_EQ(self.take_requests().front().lease, wire::kWitnessLeaseMax);
}

/// Two nodes, one witness, and a network that loses, doubles, delays, reorders and replays, with
/// clocks that run apart and a witness that is started anew: never do both believe that they hold
/// the lease at one moment of true time.
class HostileWorld {
public:
    explicit HostileWorld(std::uint64_t seed) : prng_(seed) {
        for (std::uint16_t node = 1; node <= 2; ++node) start(node, 1000 * node + 1);
        // 200 ppm either way, the bound of the design.
        rate_[1] = 1'000'000 + static_cast<std::int64_t>(prng_.below(401)) - 200;
        rate_[2] = 1'000'000 + static_cast<std::int64_t>(prng_.below(401)) - 200;
        rate_[0] = 1'000'000 + static_cast<std::int64_t>(prng_.below(401)) - 200;
        witness_ = WitnessLedger({.life = ++witness_life_, .started = clock(0), .clusters = 1});
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
    }
    [[nodiscard]] int grants() const { return grants_; }
    [[nodiscard]] int changes() const { return changes_; }

private:
    struct Flight {
        bool is_answer = false;
        WitnessRequest request;
        WitnessAnswer answer;
    };

    Instant clock(std::size_t whose) const {
        return Instant(1h) + Duration(true_time_.count() / 1'000'000 * rate_.at(whose));
    }
    void start(std::uint16_t node, std::uint64_t life) {
        nodes_.at(node) = asker(node, life);
        until_.at(node) = Instant{};
    }
    void send(const Flight& flight) {
        if (prng_.below(10) == 0) return;
        const std::uint64_t copies = prng_.below(10) == 0 ? 2 : 1;
        for (std::uint64_t i = 0; i < copies; ++i) {
            Duration delay = std::chrono::microseconds(prng_.below(500));
            if (prng_.below(8) == 0) delay = std::chrono::milliseconds(prng_.below(300));
            flights_.emplace(true_time_ + delay, flight);
        }
        recorded_.push_back(flight);
        if (recorded_.size() > 64) recorded_.erase(recorded_.begin());
    }
    void deliver(const Flight& flight) {
        if (!flight.is_answer) {
            const WitnessAnswer answer = witness_.answer(0, flight.request, clock(0));
            return send({.is_answer = true, .request = {}, .answer = answer});
        }
        nodes_.at(flight.answer.node.value).take(flight.answer, clock(flight.answer.node.value));
    }
    void step() {
        true_time_ += std::chrono::milliseconds(1 + prng_.below(3));
        while (!flights_.empty() && flights_.begin()->first <= true_time_) {
            const Flight flight = flights_.begin()->second;
            flights_.erase(flights_.begin());
            deliver(flight);
        }
        if (!recorded_.empty() && prng_.below(5) == 0)
            flights_.emplace(true_time_, recorded_.at(prng_.below(recorded_.size())));
        if (prng_.below(4000) == 0)
            witness_ = WitnessLedger({.life = ++witness_life_, .started = clock(0), .clusters = 1});
        for (std::uint16_t node = 1; node <= 2; ++node) act(node);
        check();
    }
    void act(std::uint16_t node) {
        WitnessAsker& self = nodes_.at(node);
        const Instant now = clock(node);
        if (prng_.below(5000) == 0) start(node, 100'000 + ++lives_);
        for (const WitnessFinding& found : self.take_findings()) {
            if (found.finding != Finding::Granted) continue;
            ++grants_;
            if (last_ != node) ++changes_;
            last_ = node;
            until_.at(node) = std::max(until_.at(node), found.until);
        }
        if (!self.is_open() && prng_.below(20) == 0) {
            const bool holds = now < until_.at(node);
            const bool release = holds && prng_.below(10) == 0;
            if (release) until_.at(node) = now;  // stop first, then release
            self.ask({.id = 1,
                      .kind = release ? WitnessKind::Release : WitnessKind::Claim,
                      .lease = std::chrono::milliseconds(1 + prng_.below(200)),
                      .deadline = now + 150ms},
                     now);
        }
        self.tick(now);
        for (const WitnessRequest& request : self.take_requests())
            send({.is_answer = false, .request = request, .answer = {}});
    }
    void check() const {
        if (testing::Test::HasFailure()) return;  // once is enough
        const bool one = clock(1) < until_.at(1);
        const bool two = clock(2) < until_.at(2);
        ASSERT_FALSE(one && two) << "both hold the lease at " << true_time_.count();
    }

    Prng prng_;
    Duration true_time_{};
    std::array<std::int64_t, 3> rate_{};  // 0: the witness; millionths of true time
    std::array<WitnessAsker, 3> nodes_{asker(), asker(), asker()};
    std::array<Instant, 3> until_{};
    WitnessLedger witness_{{.life = 1, .started = {}, .clusters = 1}};
    std::uint64_t witness_life_ = 1;
    std::uint64_t lives_ = 0;
    std::multimap<Duration, Flight> flights_;
    std::vector<Flight> recorded_;
    int grants_ = 0;
    int changes_ = 0;
    std::uint16_t last_ = 0;
};

TEST(WitnessAsker, NeverDoTwoNodesHoldTheLeaseWhateverTheNetworkDoes) {
    int grants = 0;
    int changes = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        HostileWorld world(seed);
        world.run(30'000);
        if (HasFatalFailure()) FAIL() << "seed " << seed;
        grants += world.grants();
        changes += world.changes();
    }
    // The world is hostile, not dead: leases are given and change hands.
    EXPECT_GT(grants, 5'000);
    EXPECT_GT(changes, 200);
}

}  // namespace
}  // namespace xbeat::arbiter
