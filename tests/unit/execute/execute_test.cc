#include <gtest/gtest.h>

#include "core/text.h"
#include "execute/activity.h"
#include "execute/history.h"
#include "execute/local.h"
#include "execute/transition.h"
#include "replicate/apply.h"
#include "replicate/state.h"

namespace xbeat::execute {
namespace {

wire::Operation operation(const std::string& task, std::int64_t interval_ms = 0,
                          const std::string& resource = "web") {
    static std::uint64_t next = 1;
    wire::Operation out;
    out.id = OperationId{next++};
    out.resource = resource;
    out.agent_class = "ocf";
    out.agent_provider = "heartbeat";
    out.agent_type = "Dummy";
    out.task = task;
    out.key = concat(resource, '_', task, '_', interval_ms);
    out.interval_ms = interval_ms;
    out.timeout_ms = 20'000;
    out.transition_key = "1:2:0:uuid";
    return out;
}

class Host {
public:
    Host() : local_(&next_run_) {}
    void accept(const wire::Operation& wanted) { local_.accept(wanted, now_); }
    std::vector<RunAgent> runs() {
        LocalOutput out = local_.take();
        for (wire::Report& report : out.results) results.push_back(std::move(report));
        for (std::string& resource : out.unwatch) unwatched.push_back(std::move(resource));
        for (const OperationId run : out.kill) killed.push_back(run);
        return std::move(out.run);
    }
    void answer(const RunAgent& run, int rc, AgentStatus status = AgentStatus::Done) {
        AgentDone done;
        done.operation = run.operation;
        done.status = status;
        done.rc = rc;
        EXPECT_TRUE(local_.agent_done(done, now_));
    }
    void pass(Duration span) {
        now_.boot += span;
        local_.wake(now_);
    }
    // Registers a recurring monitor and lets its first run end with `rc`.
    wire::Operation monitor(int rc, std::int64_t interval_ms = 10'000) {
        const wire::Operation wanted = operation("monitor", interval_ms);
        accept(wanted);
        answer(runs().at(0), rc);
        (void)runs();
        return wanted;
    }
    Local& local() { return local_; }
    Now now() const { return now_; }
    std::vector<wire::Report> results;
    std::vector<std::string> unwatched;
    std::vector<OperationId> killed;

private:
    std::uint64_t next_run_ = 1;
    Now now_;
    Local local_;
};

// Claim I-20.
TEST(Local, RunsOneOperationOfAResourceAtATime) {
    Host host;
    host.accept(operation("start"));
    host.accept(operation("stop"));
    host.accept(operation("start", 0, "other"));

    std::vector<RunAgent> runs = host.runs();
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].action, "start");
    EXPECT_EQ(runs[1].resource, "other");
    host.answer(runs[0], 0);
    runs = host.runs();

    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "stop");
}

TEST(Local, WatchesWhatAStartLeavesBehindAndUnwatchesBeforeAStop) {
    Host host;
    host.accept(operation("start"));
    const std::vector<RunAgent> start = host.runs();
    EXPECT_TRUE(start[0].watch);
    host.answer(start[0], 0);
    host.accept(operation("stop"));
    const std::vector<RunAgent> stop = host.runs();

    EXPECT_FALSE(stop[0].watch);
    ASSERT_EQ(host.unwatched.size(), 1U);
    EXPECT_EQ(host.unwatched[0], "web");
}

TEST(Local, ARecurringMonitorReportsItsFirstResultAndThenOnlyChanges) {
    Host host;
    host.monitor(0);
    ASSERT_EQ(host.results.size(), 1U);
    EXPECT_FALSE(host.results[0].result.is_change);

    for (const int rc : {0, 0, 7, 7, 0}) {
        host.pass(10s);
        const std::vector<RunAgent> runs = host.runs();
        ASSERT_EQ(runs.size(), 1U);
        host.answer(runs[0], rc);
        (void)host.runs();
    }

    ASSERT_EQ(host.results.size(), 3U);
    EXPECT_EQ(host.results[1].result.rc, 7);
    EXPECT_TRUE(host.results[1].result.is_change);
    EXPECT_EQ(host.results[2].result.rc, 0);
    EXPECT_GT(host.results[2].result.call_id, host.results[1].result.call_id);
}

TEST(Local, TheIntervalCountsFromTheEndOfTheRun) {
    Host host;
    host.monitor(0);
    const Instant ended = host.now().boot;

    EXPECT_EQ(host.local().next_deadline(), ended + 10s);
    host.pass(9s);
    EXPECT_TRUE(host.runs().empty());
}

TEST(Local, AProcessExitRunsTheMonitorAtOnceAndOnlyItsResultCounts) {
    Host host;
    host.monitor(0);
    host.pass(1s);

    host.local().process_exited("web", "exit of process 7", host.now());
    std::vector<RunAgent> runs = host.runs();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "monitor");
    host.answer(runs[0], 0);  // another worker still serves
    (void)host.runs();
    EXPECT_EQ(host.results.size(), 1U);

    host.local().process_exited("web", "exit of process 8", host.now());
    host.answer(host.runs()[0], 7);
    (void)host.runs();
    ASSERT_EQ(host.results.size(), 2U);
    EXPECT_EQ(host.results[1].result.trigger, "exit of process 8");
}

TEST(Local, AnExitDuringTheMonitorRunsItOnceMore) {
    Host host;
    host.monitor(0);
    host.local().process_exited("web", "first", host.now());
    const std::vector<RunAgent> first = host.runs();
    host.local().process_exited("web", "second", host.now());
    host.local().process_exited("web", "third", host.now());
    EXPECT_TRUE(host.runs().empty());

    host.answer(first[0], 0);
    const std::vector<RunAgent> again = host.runs();

    ASSERT_EQ(again.size(), 1U);
    host.answer(again[0], 0);
    EXPECT_TRUE(host.runs().empty());
}

TEST(Local, AnExitWhileTheResourceChangesItsStateIsPartOfThat) {
    Host host;
    host.monitor(0);
    host.accept(operation("stop"));
    (void)host.runs();

    host.local().process_exited("web", "its own", host.now());

    EXPECT_TRUE(host.runs().empty());
    EXPECT_EQ(host.local().monitors(), 0U);
}

TEST(Local, AStopDoesNotWaitForAHangingMonitor) {
    Host host;
    host.monitor(0);
    host.pass(10s);
    const std::vector<RunAgent> hanging = host.runs();
    host.accept(operation("stop"));
    EXPECT_TRUE(host.runs().empty());

    ASSERT_EQ(host.killed.size(), 1U);
    EXPECT_EQ(host.killed[0], hanging[0].operation);
    host.answer(hanging[0], 0, AgentStatus::Killed);
    const std::vector<RunAgent> runs = host.runs();

    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "stop");
    EXPECT_EQ(host.results.size(), 1U);  // the killed repetition is no news
}

TEST(Local, ACancelEndsTheMonitor) {
    Host host;
    const wire::Operation monitor = host.monitor(0);
    wire::Operation cancel = operation("cancel");
    cancel.key = monitor.key;
    cancel.interval_ms = monitor.interval_ms;

    host.accept(cancel);
    host.pass(1min);

    EXPECT_TRUE(host.runs().empty());
    EXPECT_EQ(host.local().monitors(), 0U);
    ASSERT_EQ(host.results.size(), 2U);
    EXPECT_EQ(host.results[1].result.rc, 0);
}

TEST(Local, TellsHowARunEndedBelowItsExitCode) {
    struct Case {
        AgentStatus status;
        int rc;
        int op_status;
    };
    for (const Case& each :
         {Case{AgentStatus::TimedOut, 1, 2}, Case{AgentStatus::NotInstalled, 5, 7},
          Case{AgentStatus::NotAllowed, 4, 4}, Case{AgentStatus::Failed, 1, 4}}) {
        Host host;
        host.accept(operation("start"));
        host.answer(host.runs()[0], 0, each.status);
        (void)host.runs();
        ASSERT_EQ(host.results.size(), 1U);
        EXPECT_EQ(host.results[0].result.rc, each.rc);
        EXPECT_EQ(host.results[0].result.op_status, each.op_status);
    }
}

TEST(Local, AFenceDeviceIsProbedWithoutItsAgentAndStartedByItsMonitor) {
    Host host;
    wire::Operation probe = operation("monitor");
    probe.agent_class = "stonith";
    wire::Operation start = operation("start");
    start.agent_class = "stonith";
    start.parameters = {{"ip", "1"}, {"pcmk_host_list", "pm02"}, {"CRM_meta_timeout", "1"}};

    host.accept(probe);
    EXPECT_TRUE(host.runs().empty());
    EXPECT_EQ(host.results.at(0).result.rc, 7);
    host.accept(start);
    const std::vector<RunAgent> runs = host.runs();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "monitor");
    ASSERT_EQ(runs[0].parameters.size(), 1U);
    host.answer(runs[0], 0);
    host.accept(probe);
    (void)host.runs();

    EXPECT_EQ(host.results.back().result.rc, 0);
}

// --- History -------------------------------------------------------------------------------------

const Place kPlace{.id = "1", .name = "pm01"};

wire::OperationResult with_rc(std::int32_t rc, std::int32_t op_status = 0) {
    wire::OperationResult result;
    result.rc = rc;
    result.op_status = op_status;
    result.call_id = 12;
    result.changed = EpochSeconds{1'700'000'000};
    return result;
}

std::vector<std::string> ids(const std::vector<wire::RecordBody>& records) {
    std::vector<std::string> out;
    for (const wire::RecordBody& record : records) {
        if (const auto* history = std::get_if<wire::SetHistory>(&record)) {
            out.push_back(history->attributes.front().second);
        }
    }
    return out;
}

TEST(History, ASuccessHasOneEntryAndAFailureASecondOne) {
    EXPECT_EQ(ids(result_records(operation("start"), with_rc(0), kPlace)),
              (std::vector<std::string>{"web_last_0"}));
    EXPECT_EQ(ids(result_records(operation("start"), with_rc(1), kPlace)),
              (std::vector<std::string>{"web_last_failure_0", "web_last_0"}));
    EXPECT_EQ(ids(result_records(operation("monitor", 10'000), with_rc(0), kPlace)),
              (std::vector<std::string>{"web_monitor_10000"}));
    EXPECT_EQ(ids(result_records(operation("monitor", 10'000), with_rc(7), kPlace)),
              (std::vector<std::string>{"web_last_failure_0"}));
}

TEST(History, AProbeThatFindsAStateDidNotFail) {
    wire::Operation probe = operation("monitor");
    probe.target_rc = 7;
    for (const std::int32_t rc : {0, 7, 8}) {
        EXPECT_FALSE(is_failure(probe, with_rc(rc))) << rc;
        EXPECT_EQ(is_expected(probe, with_rc(rc)), rc == 7);
    }
    EXPECT_TRUE(is_failure(probe, with_rc(1)));
}

TEST(History, ADegradedResultCountsAsTheState) {
    EXPECT_TRUE(is_expected(operation("monitor", 10'000), with_rc(190)));
    wire::Operation promoted = operation("monitor", 11'000);
    promoted.target_rc = 8;
    EXPECT_TRUE(is_expected(promoted, with_rc(191)));
}

TEST(History, AnEntryHoldsWhatPacemakerWrites) {
    const auto records = result_records(operation("start"), with_rc(0), kPlace);
    const auto& entry = std::get<wire::SetHistory>(records.at(0));
    const auto value = [&entry](std::string_view name) -> std::string {
        for (const auto& [key, text] : entry.attributes) {
            if (key == name) return text;
        }
        return "(none)";
    };

    EXPECT_EQ(value("operation_key"), "web_start_0");
    EXPECT_EQ(value("transition-key"), "1:2:0:uuid");
    EXPECT_EQ(value("transition-magic"), "0:0;1:2:0:uuid");
    EXPECT_EQ(value("on_node"), "pm01");
    EXPECT_EQ(value("call-id"), "12");
    EXPECT_EQ(value("last-rc-change"), "1700000000");
    EXPECT_TRUE(entry.ends_recurring);
}

TEST(History, OnlyWhatMayMakeItActiveIsRecordedWhenItBegins) {
    for (const char* task : {"start", "promote", "migrate_to", "migrate_from"}) {
        EXPECT_EQ(begun_records(operation(task), kPlace, {}).size(), 1U) << task;
    }
    for (const char* task : {"stop", "demote", "monitor", "notify"}) {
        EXPECT_TRUE(begun_records(operation(task), kPlace, {}).empty()) << task;
    }
}

std::string count_after(replicate::State& state, const wire::Operation& wanted, int rc,
                        const FailureOffsets& offsets = {}) {
    for (wire::RecordBody& body :
         fail_count_records(state.cib, wanted, with_rc(rc), kPlace, offsets)) {
        const wire::Record record{Term{1}, LogIndex{state.applied.value + 1}, std::move(body)};
        EXPECT_TRUE(replicate::apply(state, record).has_value());
    }
    return std::string(replicate::transient_attribute(
        state.cib, "1", concat("fail-count-web#", wanted.task, '_', wanted.interval_ms)));
}

TEST(Activity, TellsWhatMayBeActiveOnANodeByTheIdsOfTheConfiguration) {
    replicate::State state = replicate::empty_state("lab");
    const auto record = [&state](const std::string& resource, const std::string& task, int rc) {
        wire::OperationResult result;
        result.call_id = 7;
        result.rc = rc;
        for (wire::RecordBody& body :
             result_records(operation(task, 0, resource), result, {.id = "2", .name = "pm02"})) {
            ASSERT_TRUE(replicate::apply(state, {.term = Term{1},
                                                 .index = LogIndex{state.applied.value + 1},
                                                 .body = std::move(body)}));
        }
    };
    record("web", "start", 0);
    record("db:1", "monitor", 0);
    record("idle", "monitor", 7);
    record("gone", "stop", 0);
    record("stuck", "stop", 1);

    EXPECT_EQ(active_on(state.cib, "2"), (std::set<std::string>{"db", "stuck", "web"}));
    EXPECT_TRUE(active_on(state.cib, "1").empty());
    EXPECT_TRUE(runs_resources(state.cib, "2"));
    EXPECT_FALSE(runs_resources(state.cib, "1"));
}

TEST(Activity, OnlyAPlainCloneMayRunOnEveryNode) {
    const auto cib = cib::parse_xml(
        R"(<cib><configuration><resources>
        <primitive id="alone"/><group id="g"><primitive id="member"/></group>
        <clone id="c1"><primitive id="plain"/></clone>
        <clone id="c2"><group id="g2"><primitive id="in_group"/></group></clone>
        <clone id="c3"><meta_attributes id="m3"><nvpair id="n3" name="promotable" value="true"/>
        </meta_attributes><primitive id="promoted"/></clone>
        <clone id="c4"><meta_attributes id="m4"><nvpair id="n4" name="globally-unique" value="yes"/>
        </meta_attributes><primitive id="unique"/></clone>
        <clone id="c5"><meta_attributes id="m5"><nvpair id="n5" name="promotable" value="false"/>
        </meta_attributes><primitive id="said_so"/></clone>
        <master id="m"><primitive id="old"/></master></resources></configuration></cib>)");
    ASSERT_TRUE(cib.has_value());

    for (const char* name : {"alone", "member", "promoted", "unique", "old", "not configured"}) {
        EXPECT_TRUE(must_run_once(*cib, name)) << name;
    }
    for (const char* name : {"plain", "in_group", "said_so"}) {
        EXPECT_FALSE(must_run_once(*cib, name)) << name;
    }
}

TEST(FailCount, GrowsByOneForMonitorsAndIsInfinityForStartsAndStops) {
    replicate::State state = replicate::empty_state("lab");
    EXPECT_EQ(count_after(state, operation("monitor", 10'000), 7), "1");
    EXPECT_EQ(count_after(state, operation("monitor", 10'000), 7), "2");
    EXPECT_EQ(count_after(state, operation("monitor", 10'000), 0), "2");
    EXPECT_EQ(count_after(state, operation("start"), 1), "INFINITY");
    EXPECT_EQ(count_after(state, operation("stop"), 1), "INFINITY");
    EXPECT_EQ(count_after(state, operation("promote"), 1), "1");
    EXPECT_EQ(count_after(state, operation("monitor"), 1), "");
    EXPECT_EQ(replicate::transient_attribute(state.cib, "1", "last-failure-web#start_0"),
              "1700000000");
}

TEST(FailCount, AStartFailureThatIsNotFatalCountsOne) {
    replicate::State state = replicate::empty_state("lab");
    const FailureOffsets offsets{.start = "1", .stop = "INFINITY"};

    EXPECT_EQ(count_after(state, operation("start"), 1, offsets), "1");
    EXPECT_EQ(count_after(state, operation("start"), 1, offsets), "2");
}

// --- Transition ----------------------------------------------------------------------------------

schedule::Plan chain() {
    schedule::Plan plan;
    plan.actions.resize(4);
    plan.actions[0].kind = schedule::ActionKind::Resource;
    plan.actions[1].inputs = {0};
    plan.actions[2].kind = schedule::ActionKind::Resource;
    plan.actions[2].inputs = {1};
    plan.actions[3].kind = schedule::ActionKind::Resource;
    plan.actions[3].priority = 5;
    return plan;
}

TEST(Transition, AnActionIsReadyWhenAllItsInputsAreDoneAndPriorityGoesFirst) {
    Transition transition(chain(), 1, {});
    EXPECT_EQ(transition.ready(), (std::vector<std::uint32_t>{3, 0}));

    transition.set(0, Progress::Running);
    EXPECT_EQ(transition.ready(), (std::vector<std::uint32_t>{3}));
    transition.set(0, Progress::Done);

    EXPECT_EQ(transition.ready(), (std::vector<std::uint32_t>{3, 1}));
}

// Claim I-18.
TEST(Transition, NothingFollowsAFailure) {
    Transition transition(chain(), 1, {});
    transition.set(3, Progress::Done);
    transition.set(0, Progress::Running);
    transition.set(0, Progress::Failed);

    EXPECT_TRUE(transition.ready().empty());
    EXPECT_TRUE(transition.is_settled());
    EXPECT_TRUE(transition.has_failures());
    EXPECT_EQ(transition.dependents(0), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(transition.real_total(), 3U);
    EXPECT_EQ(transition.real_done(), 1U);
}

}  // namespace
}  // namespace xbeat::execute
