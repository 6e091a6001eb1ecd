#include "arbiter/disk_lease.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "arbiter/witness_ledger.h"
#include "core/prng.h"

namespace xbeat::arbiter {
namespace {

constexpr Instant kNow{1h};
constexpr Duration kLease = 100ms;
constexpr Duration kAccess = 1ms;  // how long the quiet disk takes

AskArbiter question(Asking asking, std::uint64_t request = 1, Duration patience = 200ms) {
    return {.arbiter = ArbiterKind::Disk,
            .request = request,
            .asking = asking,
            .lease = kLease,
            .patience = patience};
}

/// Two nodes and a disk that takes a millisecond for everything.
class Pair {
public:
    Pair() { restart(1), restart(2); }

    void restart(std::uint16_t node) {
        nodes_.at(node) = DiskLease({.self = NodeId{node},
                                     .other = NodeId{static_cast<std::uint16_t>(3 - node)},
                                     .life = 1000 + ++lives_});
    }
    DiskLease& node(std::uint16_t node) { return nodes_.at(node); }
    DiskBlock& block(std::uint16_t node) { return blocks_.at(node); }
    Instant now() const { return now_; }
    void set_trouble(DiskTrouble trouble) { trouble_ = trouble; }
    /// From now on the disk takes so long.
    void set_pause(Duration pause) { pause_ = pause; }

    /// One node goes on until it has answered or has nothing to do before `limit`.
    std::vector<ArbiterAnswer> run(std::uint16_t node, Duration limit = 1s) {
        DiskLease& self = nodes_.at(node);
        const Instant end = now_ + limit;
        while (now_ < end) {
            self.tick(now_);
            if (const auto access = self.take_access(now_)) {
                const Instant back = now_ + pause_;
                while (self.wake_at() && *self.wake_at() < back) {
                    now_ = std::max(now_, *self.wake_at());
                    self.tick(now_);
                    if (auto answers = self.take_answers(); !answers.empty()) return answers;
                }
                now_ = back;
                perform(node, *access);
            } else if (self.wake_at()) {
                now_ = std::max(now_ + 1us, std::min(*self.wake_at(), end));
            }
            if (auto answers = self.take_answers(); !answers.empty()) return answers;
        }
        return {};
    }
    ArbiterAnswer ask(std::uint16_t node, Asking asking) {
        nodes_.at(node).ask(question(asking, ++requests_), now_);
        const std::vector<ArbiterAnswer> answers = run(node);
        EXPECT_EQ(answers.size(), 1U);
        if (answers.empty()) return {};
        EXPECT_EQ(answers[0].request, requests_);
        return answers[0];
    }
    void wait(Duration span) { now_ += span; }

private:
    void perform(std::uint16_t node, const DiskAccess& access) {
        DiskLease& self = nodes_.at(node);
        if (trouble_ != DiskTrouble::None) return self.done(access.id, trouble_, {}, now_);
        switch (access.kind) {
            case DiskAccess::Kind::ReadOwn:
                return self.done(access.id, DiskTrouble::None, blocks_.at(node), now_);
            case DiskAccess::Kind::ReadOther:
                return self.done(access.id, DiskTrouble::None, blocks_.at(3U - node), now_);
            case DiskAccess::Kind::WriteOwn:
                blocks_.at(node) = access.block;
                return self.done(access.id, DiskTrouble::None, {}, now_);
        }
    }

    Instant now_ = kNow;
    Duration pause_ = kAccess;
    DiskTrouble trouble_ = DiskTrouble::None;
    std::uint64_t requests_ = 0;
    std::uint64_t lives_ = 0;
    std::array<DiskBlock, 3> blocks_{};
    std::array<DiskLease, 3> nodes_{DiskLease({}), DiskLease({}), DiskLease({})};
};

TEST(DiskLease, GivesAFreeLeaseAfterFourAccesses) {
    Pair pair;
    const Instant asked = pair.now();

    const ArbiterAnswer told = pair.ask(1, Asking::Claim);

    EXPECT_EQ(told.reply, Reply::Granted);
    // Own block, the other's, the flag, the other's again; counted from before the flag's write.
    EXPECT_EQ(pair.now(), asked + 4 * kAccess);
    EXPECT_EQ(told.until, asked + 2 * kAccess + kLease);
    EXPECT_TRUE(pair.block(1).is_up);
}

TEST(DiskLease, RefusesWhileTheOtherUsesIt) {
    Pair pair;
    pair.ask(1, Asking::Claim);

    const ArbiterAnswer told = pair.ask(2, Asking::Claim);

    EXPECT_EQ(told.reply, Reply::Refused);
    EXPECT_EQ(told.holder, NodeId{1});
    EXPECT_FALSE(pair.block(2).is_up);
}

TEST(DiskLease, TheHolderRenews) {
    Pair pair;
    const ArbiterAnswer first = pair.ask(1, Asking::Claim);
    pair.wait(60ms);

    const ArbiterAnswer again = pair.ask(1, Asking::Renew);

    EXPECT_EQ(again.reply, Reply::Granted);
    EXPECT_GT(again.until, first.until);
}

TEST(DiskLease, AShorterRenewalStillSaysWhatTheEarlierOneAllows) {
    Pair pair;
    const ArbiterAnswer first = pair.ask(1, Asking::Claim);
    AskArbiter shorter = question(Asking::Renew, 9);
    shorter.lease = 5ms;
    pair.node(1).ask(shorter, pair.now());

    pair.run(1);

    EXPECT_GE(pair.block(1).lease, first.until - pair.now());
}

TEST(DiskLease, AReleasedLeaseIsFreeAtOnce) {
    Pair pair;
    pair.ask(1, Asking::Claim);

    EXPECT_EQ(pair.ask(1, Asking::Release).reply, Reply::Released);

    EXPECT_EQ(pair.ask(2, Asking::Claim).reply, Reply::Granted);
}

TEST(DiskLease, ReleasingWhatIsNotHeldIsFine) {
    Pair pair;
    EXPECT_EQ(pair.ask(2, Asking::Release).reply, Reply::Released);
}

TEST(DiskLease, ACrashedHoldersLeaseIsGivenOnceItWasSilentForLeaseAndMargin) {
    Pair pair;
    pair.ask(1, Asking::Claim);
    ASSERT_EQ(pair.ask(2, Asking::Claim).reply, Reply::Refused);
    const Instant seen = pair.now();  // the end of the first read that showed the flag
    const Duration silent = kLease + lease_margin(kLease);

    pair.wait(silent - 4 * kAccess);
    const ArbiterAnswer early = pair.ask(2, Asking::Claim);
    pair.wait(seen + silent - pair.now());
    const ArbiterAnswer late = pair.ask(2, Asking::Claim);

    EXPECT_EQ(early.reply, Reply::Refused);
    EXPECT_EQ(late.reply, Reply::Granted);
}

TEST(DiskLease, EveryRenewalStartsTheWatchAnew) {
    Pair pair;
    pair.ask(1, Asking::Claim);
    for (int i = 0; i < 10; ++i) {
        pair.wait(50ms);
        ASSERT_EQ(pair.ask(1, Asking::Renew).reply, Reply::Granted);
        ASSERT_EQ(pair.ask(2, Asking::Claim).reply, Reply::Refused);
    }
}

// It went up by a write that was slow: its owner had seen ours down, and does not get past it now.
// Who holds the lease once gave way to it, and the other one went on without what had been changed.
TEST(DiskLease, WhoHoldsItIsNotRefusedForAFlagThatWentUpBesideItsOwn) {
    for (const std::uint16_t holder : {std::uint16_t{1}, std::uint16_t{2}}) {
        Pair pair;
        pair.ask(holder, Asking::Claim);
        pair.block(3U - holder) = {.number = 77, .life = 1, .is_up = true, .lease = kLease};

        pair.node(holder).ask(question(Asking::Renew, 7, 20ms), pair.now());
        const std::vector<ArbiterAnswer> answers = pair.run(holder);
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].reply, Reply::Unreachable);
        EXPECT_TRUE(pair.block(holder).is_up);

        pair.block(3U - holder) = {.number = 78, .life = 1, .is_up = false, .lease = {}};
        EXPECT_EQ(pair.ask(holder, Asking::Renew).reply, Reply::Granted);
    }
}

TEST(DiskLease, AFlagThatGoesUpBetweenLookAndWriteIsSeen) {
    Pair pair;
    DiskLease& two = pair.node(2);
    two.ask(question(Asking::Claim), kNow);
    const auto step = [&](const DiskBlock& shown) {
        const auto access = two.take_access(kNow);
        ASSERT_TRUE(access);
        two.done(access->id, DiskTrouble::None, shown, kNow);
    };
    step({});  // its own block
    step({});  // the other's: down
    step({});  // the write of its flag
    step({.number = 1, .life = 9, .is_up = true, .lease = kLease});

    const auto answers = two.take_answers();

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].reply, Reply::Refused);
    const auto access = two.take_access(kNow);
    ASSERT_TRUE(access) << "it takes its own flag down";
    EXPECT_EQ(access->kind, DiskAccess::Kind::WriteOwn);
    EXPECT_FALSE(access->block.is_up);
}

TEST(DiskLease, TheLowerIdWaitsForTheOtherToGiveWay) {
    Pair pair;
    DiskLease& one = pair.node(1);
    one.ask(question(Asking::Claim), kNow);
    const auto step = [&](const DiskBlock& shown, Instant at) {
        one.tick(at);
        const auto access = one.take_access(at);
        ASSERT_TRUE(access);
        one.done(access->id, DiskTrouble::None, shown, at);
    };
    const DiskBlock up{.number = 1, .life = 9, .is_up = true, .lease = kLease};
    const DiskBlock down{.number = 2, .life = 9, .is_up = false, .lease = {}};
    step({}, kNow);
    step({}, kNow);
    step({}, kNow);
    step(up, kNow + 1ms);
    EXPECT_TRUE(one.take_answers().empty());

    step(down, kNow + 1ms + kDiskRetryPause);

    const auto answers = one.take_answers();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].reply, Reply::Granted);
    EXPECT_EQ(answers[0].until, kNow + kLease);
}

TEST(DiskLease, AFlagStaysUpAsLongAsItsLeaseMayBeUsed) {
    Pair pair;
    const ArbiterAnswer told = pair.ask(2, Asking::Claim);
    // The other one appears all the same; there is no renewal.
    pair.block(1) = {.number = 5, .life = 1, .is_up = true, .lease = kLease};
    pair.node(2).ask(question(Asking::Renew, 7, 20ms), pair.now());
    ASSERT_EQ(pair.run(2).at(0).reply, Reply::Unreachable);
    EXPECT_TRUE(pair.block(2).is_up);

    pair.run(2, told.until - pair.now() - 1us);
    EXPECT_TRUE(pair.block(2).is_up);
    pair.run(2, 20ms);

    EXPECT_FALSE(pair.block(2).is_up);
}

TEST(DiskLease, ANewLifeKeepsTheFlagOfTheFormerOneForAsLongAsThatMayServe) {
    Pair pair;
    pair.ask(1, Asking::Claim);
    pair.restart(1);

    pair.run(1, kLease / 2);
    EXPECT_TRUE(pair.block(1).is_up);
    pair.run(1, 2s);

    EXPECT_FALSE(pair.block(1).is_up);
}

TEST(DiskLease, AHungDiskIsFoundByTheDeadline) {
    Pair pair;
    pair.set_pause(10s);
    const Instant asked = pair.now();

    const ArbiterAnswer told = pair.ask(1, Asking::Claim);

    EXPECT_EQ(told.reply, Reply::Unreachable);
    EXPECT_EQ(pair.now(), asked + 200ms);
    EXPECT_NE(told.reason.find("has not answered for 200 ms"), std::string::npos) << told.reason;
}

TEST(DiskLease, ADiskThatIsSlowerThanTheLeaseGrantsNothing) {
    Pair pair;
    pair.set_pause(70ms);
    pair.node(1).ask(question(Asking::Claim, 1, 500ms), pair.now());

    const auto answers = pair.run(1);

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].reply, Reply::Unreachable);
}

TEST(DiskLease, AFailingDiskIsToldAtTheDeadline) {
    Pair pair;
    pair.set_trouble(DiskTrouble::Failed);

    const ArbiterAnswer told = pair.ask(1, Asking::Claim);

    EXPECT_EQ(told.reply, Reply::Unreachable);
    EXPECT_NE(told.reason.find("cannot be read"), std::string::npos) << told.reason;
    EXPECT_FALSE(pair.node(1).answered());
}

TEST(DiskLease, ABlockOfTheOtherThatCannotBeReadGrantsNothing) {
    Pair pair;
    ASSERT_EQ(pair.ask(1, Asking::Claim).reply, Reply::Granted);
    ASSERT_EQ(pair.ask(1, Asking::Release).reply, Reply::Released);
    pair.set_trouble(DiskTrouble::Damaged);

    const ArbiterAnswer told = pair.ask(1, Asking::Claim);

    EXPECT_EQ(told.reply, Reply::NotReady);
    EXPECT_NE(told.reason.find("block of node 2"), std::string::npos) << told.reason;
}

TEST(DiskLease, AnswersOfAnEarlierAccessAreIgnored) {
    DiskLease one({.self = NodeId{1}, .other = NodeId{2}, .life = 3});
    one.ask(question(Asking::Claim), kNow);
    const auto access = one.take_access(kNow);
    ASSERT_TRUE(access);

    one.done(access->id + 1, DiskTrouble::None, {}, kNow);
    one.done(access->id, DiskTrouble::None, {}, kNow);
    one.done(access->id, DiskTrouble::None, {}, kNow);

    const auto second = one.take_access(kNow);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->kind, DiskAccess::Kind::ReadOther);
    EXPECT_FALSE(one.take_access(kNow));
}

/// Accesses that take from microseconds to longer than a lease, writes that take effect at any
/// moment of theirs or, with a crash, perhaps never; errors; clocks that run apart; daemons that
/// die and come back: never do both nodes believe that they hold the lease at one moment.
class HostileDisk {
public:
    explicit HostileDisk(std::uint64_t seed) : prng_(seed) {
        for (std::uint16_t node = 1; node <= 2; ++node) {
            rate_.at(node) = 1'000'000 + static_cast<std::int64_t>(prng_.below(401)) - 200;
            start(node);
        }
    }
    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    }
    [[nodiscard]] int grants() const { return grants_; }
    [[nodiscard]] int changes() const { return changes_; }

private:
    struct Access {
        DiskAccess access;
        Duration effect_at{};
        Duration end_at{};
        bool is_done = false;  // has taken effect
        bool fails = false;
        DiskBlock read;
    };

    Instant clock(std::uint16_t whose) const {
        return Instant(1h) + Duration(true_time_.count() / 100'000 * rate_.at(whose) / 10);
    }
    void start(std::uint16_t node) {
        // The kernel ends what the dead daemon had begun before a new one may open the disk.
        if (access_.at(node) && prng_.below(2) == 0) take_effect(node);
        access_.at(node).reset();
        nodes_.at(node) = DiskLease({.self = NodeId{node},
                                     .other = NodeId{static_cast<std::uint16_t>(3 - node)},
                                     .life = prng_.next() | 1U});
        is_asking_.at(node) = false;
        // Its gate stays as it was: what was granted may be used on.
    }
    void take_effect(std::uint16_t node) {
        Access& access = *access_.at(node);
        if (access.is_done) return;
        access.is_done = true;
        switch (access.access.kind) {
            case DiskAccess::Kind::ReadOwn:
                access.read = blocks_.at(node);
                break;
            case DiskAccess::Kind::ReadOther:
                access.read = blocks_.at(3U - node);
                break;
            case DiskAccess::Kind::WriteOwn:
                // A write that fails may have arrived all the same.
                if (!access.fails || prng_.below(2) == 0) blocks_.at(node) = access.access.block;
                break;
        }
    }
    void begin(std::uint16_t node, const DiskAccess& access) {
        Duration span = std::chrono::microseconds(100 + prng_.below(3000));
        if (prng_.below(40) == 0) span = std::chrono::milliseconds(prng_.below(400));
        access_.at(node) =
            Access{.access = access,
                   .effect_at = true_time_ +
                                Duration(prng_.below(static_cast<std::uint64_t>(span.count()) + 1)),
                   .end_at = true_time_ + span,
                   .is_done = false,
                   .fails = prng_.below(100) == 0,
                   .read = {}};
    }
    void step() {
        true_time_ += std::chrono::microseconds(100 * (1 + prng_.below(10)));
        // In the order of their moments, as on one disk.
        for (const std::uint16_t node : order()) {
            if (access_.at(node) && access_.at(node)->effect_at <= true_time_) take_effect(node);
        }
        for (std::uint16_t node = 1; node <= 2; ++node) act(node);
        ASSERT_FALSE(clock(1) < until_.at(1) && clock(2) < until_.at(2))
            << "both hold the lease at " << true_time_.count();
    }
    std::array<std::uint16_t, 2> order() const {
        const bool is_swapped =
            access_[1] && access_[2] && access_[2]->effect_at < access_[1]->effect_at;
        return is_swapped ? std::array<std::uint16_t, 2>{2, 1} : std::array<std::uint16_t, 2>{1, 2};
    }
    void act(std::uint16_t node) {
        DiskLease& self = nodes_.at(node);
        const Instant now = clock(node);
        if (access_.at(node) && access_.at(node)->end_at <= true_time_) {
            const Access ended = *access_.at(node);
            access_.at(node).reset();
            self.done(ended.access.id, ended.fails ? DiskTrouble::Failed : DiskTrouble::None,
                      ended.read, now);
        }
        take(node);
        if (prng_.below(20'000) == 0) return start(node);
        if (!is_asking_.at(node) && prng_.below(60) == 0) {
            const bool releases = now < until_.at(node) && prng_.below(10) == 0;
            if (releases) until_.at(node) = now;
            AskArbiter asked = question(releases ? Asking::Release : Asking::Claim);
            asked.lease = std::chrono::milliseconds(5 + prng_.below(150));
            self.ask(asked, now);
            is_asking_.at(node) = true;
        }
        self.tick(now);
        take(node);
        if (const auto access = self.take_access(now)) begin(node, *access);
    }
    void take(std::uint16_t node) {
        for (const ArbiterAnswer& answer : nodes_.at(node).take_answers()) {
            is_asking_.at(node) = false;
            if (answer.reply != Reply::Granted) continue;
            ++grants_;
            if (last_ != node) ++changes_;
            last_ = node;
            until_.at(node) = std::max(until_.at(node), answer.until);
        }
    }

    Prng prng_;
    Duration true_time_{};
    std::array<std::int64_t, 3> rate_{};
    std::array<DiskLease, 3> nodes_{DiskLease({}), DiskLease({}), DiskLease({})};
    std::array<DiskBlock, 3> blocks_{};
    std::array<std::optional<Access>, 3> access_{};
    std::array<Instant, 3> until_{};
    std::array<bool, 3> is_asking_{};
    int grants_ = 0;
    int changes_ = 0;
    std::uint16_t last_ = 0;
};

TEST(DiskLease, NeverDoTwoNodesHoldTheLeaseWhateverTheDiskDoes) {
    int grants = 0;
    int changes = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        HostileDisk world(seed);
        world.run(60'000);
        if (HasFailure()) FAIL() << "seed " << seed;
        grants += world.grants();
        changes += world.changes();
    }
    EXPECT_GT(grants, 1'000);
    EXPECT_GT(changes, 100);
}

}  // namespace
}  // namespace xbeat::arbiter
