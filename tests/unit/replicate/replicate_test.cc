#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/text.h"
#include "replicate/apply.h"
#include "replicate/dates.h"
#include "replicate/log.h"
#include "replicate/state.h"

namespace xbeat::replicate {
namespace {

class Writer {
public:
    State state = empty_state("lab");
    Term term{2};
    void make(wire::RecordBody body) {
        const wire::Record record{term, LogIndex{state.applied.value + 1}, std::move(body)};
        ASSERT_TRUE(apply(state, record).has_value());
    }
    std::string version() const { return version_of(state.cib); }
};

wire::SetNodeState member(const std::string& id) {
    return {.id = id,
            .name = "pm0" + id,
            .is_member = true,
            .is_online = true,
            .join = "member",
            .expected = "member",
            .forget = false};
}

wire::SetHistory entry(const std::string& id, const std::string& key, const std::string& interval,
                       bool ends_recurring = false) {
    return {.node = "1",
            .resource = "web",
            .agent_class = "ocf",
            .agent_provider = "heartbeat",
            .agent_type = "Dummy",
            .attributes = {{"id", id},
                           {"operation_key", key},
                           {"interval", interval},
                           {"call-id", "1"}},
            .ends_recurring = ends_recurring};
}

TEST(Apply, CountsAStatusChangeOnceAndNoChangeNotAtAll) {
    Writer writer;
    const std::string before = writer.version();

    writer.make(member("1"));
    const std::string after = writer.version();
    writer.make(member("1"));

    EXPECT_NE(before, after);
    EXPECT_EQ(writer.version(), after);
}

// Or whoever is told "somebody changed it since" is told the wrong name.
TEST(Apply, NamesNobodyForAVersionThatANewNodeMade) {
    Writer writer;
    writer.make(wire::ProposeConfiguration{.configuration = "<configuration/>",
                                           .validate_with = {},
                                           .admin_epoch = 0,
                                           .epoch = 4,
                                           .user = "uid 1000",
                                           .origin = "pm01",
                                           .when = EpochSeconds{1'700'000'000}});
    writer.make(wire::CommitConfiguration{.proposal = writer.state.applied});
    ASSERT_EQ(writer.state.cib.get("update-user"), "uid 1000");

    writer.make(wire::EnsureNode{.id = "2", .name = "pm02"});
    EXPECT_EQ(writer.version(), "0.5.0");
    EXPECT_EQ(writer.state.cib.get("update-user"), "xbeat");
    EXPECT_EQ(writer.state.cib.get("update-origin"), "pm02");
    EXPECT_FALSE(writer.state.cib.has("cib-last-written"));

    // One that is known already makes none.
    writer.state.cib.set("update-user", "uid 1000");
    writer.make(wire::EnsureNode{.id = "2", .name = "pm02"});
    EXPECT_EQ(writer.state.cib.get("update-user"), "uid 1000");
}

// Claim I-11.
TEST(Apply, RefusesAGapARepetitionAndAnOldTerm) {
    Writer writer;
    writer.make(member("1"));
    const State before = writer.state;

    for (const wire::Record& wrong : {wire::Record{Term{2}, LogIndex{3}, member("2")},
                                      wire::Record{Term{2}, LogIndex{1}, member("2")},
                                      wire::Record{Term{1}, LogIndex{2}, member("2")}}) {
        EXPECT_FALSE(apply(writer.state, wrong).has_value());
        EXPECT_TRUE(writer.state.cib == before.cib);
        EXPECT_EQ(writer.state.applied, before.applied);
    }
}

TEST(Apply, AProposalChangesNothingUntilItIsCommitted) {
    Writer writer;
    const cib::Element before = writer.state.cib;

    writer.make(wire::ProposeConfiguration{.configuration = "<configuration><x/></configuration>",
                                           .validate_with = "pacemaker-3.10",
                                           .admin_epoch = 1,
                                           .epoch = 9,
                                           .user = "uid 0",
                                           .origin = "pm01",
                                           .when = EpochSeconds{1718719353}});
    EXPECT_TRUE(writer.state.cib == before);
    const LogIndex proposal = writer.state.applied;
    writer.make(member("1"));
    writer.make(wire::CommitConfiguration{proposal});

    EXPECT_EQ(writer.version(), "1.9.0");
    EXPECT_NE(writer.state.cib.child("configuration")->child("x"), nullptr);
    EXPECT_EQ(writer.state.cib.get("cib-last-written"), "Tue Jun 18 14:02:33 2024");
    EXPECT_FALSE(writer.state.proposal.has_value());
}

TEST(Apply, AnAbortedProposalCannotBeCommitted) {
    Writer writer;
    const cib::Element before = writer.state.cib;
    writer.make(wire::ProposeConfiguration{.configuration = "<configuration/>",
                                           .validate_with = {},
                                           .admin_epoch = 0,
                                           .epoch = 9,
                                           .user = {},
                                           .origin = {},
                                           .when = {}});
    const LogIndex proposal = writer.state.applied;

    writer.make(wire::AbortConfiguration{proposal});
    writer.make(wire::CommitConfiguration{proposal});

    EXPECT_TRUE(writer.state.cib == before);
}

TEST(Apply, ANodeThatIsForgottenLosesHistoryAndTransientAttributes) {
    Writer writer;
    writer.make(member("1"));
    writer.make(entry("web_last_0", "web_start_0", "0"));
    writer.make(wire::SetTransient{"1", "fail-count-web#start_0", "INFINITY", false});
    ASSERT_NE(history_of(writer.state.cib, "1", "web"), nullptr);
    ASSERT_EQ(transient_attribute(writer.state.cib, "1", "fail-count-web#start_0"), "INFINITY");

    wire::SetNodeState gone = member("1");
    gone.forget = true;
    writer.make(gone);

    EXPECT_EQ(history_of(writer.state.cib, "1", "web"), nullptr);
    EXPECT_EQ(transient_attribute(writer.state.cib, "1", "fail-count-web#start_0"), "");
}

TEST(Apply, AnOperationThatEndsRecurringMonitorsKeepsTheRecordOfTheFailure) {
    Writer writer;
    writer.make(entry("web_monitor_10000", "web_monitor_10000", "10000"));
    writer.make(entry("web_last_failure_0", "web_monitor_10000", "10000"));

    writer.make(entry("web_last_0", "web_stop_0", "0", true));

    const cib::Element* history = history_of(writer.state.cib, "1", "web");
    ASSERT_NE(history, nullptr);
    EXPECT_EQ(history->find_id("web_monitor_10000"), nullptr);
    EXPECT_NE(history->find_id("web_last_failure_0"), nullptr);
    EXPECT_NE(history->find_id("web_last_0"), nullptr);
}

TEST(Apply, ErasesOneEntryOneResourceOrAll) {
    Writer writer;
    writer.make(entry("web_last_0", "web_start_0", "0"));
    writer.make(entry("web_monitor_10000", "web_monitor_10000", "10000"));
    writer.make(wire::EraseHistory{"1", "web", "web_monitor_10000"});
    EXPECT_EQ(history_of(writer.state.cib, "1", "web")->children.size(), 1U);

    writer.make(wire::EraseHistory{"1", "web", ""});

    EXPECT_EQ(history_of(writer.state.cib, "1", "web"), nullptr);
    const std::string version = writer.version();
    writer.make(wire::EraseHistory{"1", "web", ""});
    writer.make(wire::EraseHistory{"9", "", ""});
    EXPECT_EQ(writer.version(), version);
}

TEST(Apply, KeepsABoundedFenceHistory) {
    Writer writer;
    for (std::size_t i = 0; i < kFenceHistoryMax + 5; ++i) {
        writer.make(wire::RecordFence{.target = concat(i),
                                      .action = "reboot",
                                      .origin = {},
                                      .device = {},
                                      .outcome = "success",
                                      .reason = {},
                                      .when = {}});
    }

    EXPECT_EQ(writer.state.fences.size(), kFenceHistoryMax);
    EXPECT_EQ(writer.state.fences.front().target, "5");
}

TEST(Apply, ForgetsTheFenceHistoryOfOneNodeOrAll) {
    Writer writer;
    const auto shot = [](const std::string& target) {
        wire::RecordFence fence;
        fence.target = target;
        return fence;
    };
    writer.make(shot("pm01"));
    writer.make(shot("pm02"));
    writer.make(shot("pm01"));

    writer.make(wire::EraseFences{"pm01"});
    ASSERT_EQ(writer.state.fences.size(), 1U);
    EXPECT_EQ(writer.state.fences.front().target, "pm02");
    writer.make(wire::EraseFences{});
    EXPECT_TRUE(writer.state.fences.empty());
}

TEST(State, ASnapshotComesBackAsItWas) {
    Writer writer;
    writer.make(member("1"));
    writer.term = Term{5};
    writer.make(wire::SetCluster{true, "1"});
    writer.make(wire::ProposeConfiguration{.configuration = "<configuration/>",
                                           .validate_with = {},
                                           .admin_epoch = 0,
                                           .epoch = 3,
                                           .user = "u",
                                           .origin = {},
                                           .when = {}});

    const Result<State> back = decode_snapshot(encode_snapshot(writer.state));

    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(encode_snapshot(*back), encode_snapshot(writer.state));
    EXPECT_EQ(digest_of(*back), digest_of(writer.state));
    EXPECT_TRUE(back->proposal.has_value());
    EXPECT_EQ(back->last_term(), Term{5});
}

// Claim I-16.
TEST(State, ATornOrRottenSnapshotIsNotBelieved) {
    const std::string bytes = encode_snapshot(empty_state("lab"));
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
        EXPECT_FALSE(decode_snapshot(std::string_view(bytes).substr(0, size)).has_value());
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string rotten = bytes;
        rotten[at] = static_cast<char>(rotten[at] ^ 0x10);
        EXPECT_FALSE(decode_snapshot(rotten).has_value()) << at;
    }
}

TEST(State, KnowsWhichRecordsItContains) {
    Writer writer;
    writer.make(member("1"));
    writer.make(member("2"));
    writer.term = Term{5};
    writer.make(wire::SetCluster{true, "1"});

    EXPECT_TRUE(writer.state.contains(Term{0}, LogIndex{0}));
    EXPECT_TRUE(writer.state.contains(Term{2}, LogIndex{2}));
    EXPECT_FALSE(writer.state.contains(Term{2}, LogIndex{3}));
    EXPECT_TRUE(writer.state.contains(Term{5}, LogIndex{3}));
    EXPECT_FALSE(writer.state.contains(Term{5}, LogIndex{4}));
}

TEST(Log, IsDurableUpToTheLastWriteThatReachedTheDisk) {
    Log log;
    log.loaded(LogIndex{10});
    log.append_begun(Ticket{1}, LogIndex{11});
    log.append_begun(Ticket{2}, LogIndex{12});
    EXPECT_EQ(log.durable(), LogIndex{10});

    EXPECT_TRUE(log.written(Ticket{1}, true));
    EXPECT_EQ(log.durable(), LogIndex{11});
    EXPECT_FALSE(log.written(Ticket{99}, true));
}

TEST(Log, AFailedWriteLeavesAHoleThatOnlyASnapshotHeals) {
    Log log;
    log.loaded(LogIndex{10});
    log.append_begun(Ticket{1}, LogIndex{11});
    log.append_begun(Ticket{2}, LogIndex{12});
    log.written(Ticket{1}, false);
    log.written(Ticket{2}, true);
    EXPECT_EQ(log.hole(), LogIndex{11});
    EXPECT_EQ(log.durable(), LogIndex{10});

    log.snapshot_begun(Ticket{3}, LogIndex{11});
    log.written(Ticket{3}, true);

    EXPECT_FALSE(log.hole().has_value());
    EXPECT_EQ(log.durable(), LogIndex{12});
}

TEST(Log, ASnapshotThatFailsHealsNothing) {
    Log log;
    log.append_begun(Ticket{1}, LogIndex{1});
    log.written(Ticket{1}, false);
    log.snapshot_begun(Ticket{2}, LogIndex{1});

    log.written(Ticket{2}, false);

    EXPECT_TRUE(log.hole().has_value());
    EXPECT_FALSE(log.has_snapshot_under_way());
}

TEST(CalendarText, IsWhatAsctimePrints) {
    EXPECT_EQ(calendar_text(EpochSeconds{0}), "Thu Jan  1 00:00:00 1970");
    EXPECT_EQ(calendar_text(EpochSeconds{951782399}), "Mon Feb 28 23:59:59 2000");
    EXPECT_EQ(calendar_text(EpochSeconds{951782400}), "Tue Feb 29 00:00:00 2000");
    EXPECT_EQ(calendar_text(EpochSeconds{4102444799}), "Thu Dec 31 23:59:59 2099");
}

}  // namespace
}  // namespace xbeat::replicate
