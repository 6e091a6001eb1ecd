// Commands against a daemon that the test plays: what they send, and what they make of answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "cib/xml.h"
#include "unit/cli/fake_daemon.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using testing::FakeDaemon;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ok;
using testing::Ran;
using testing::run_words;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kCib =
    R"(<cib admin_epoch="0" epoch="7" num_updates="3"><configuration><crm_config/><nodes>)"
    R"(<node id="1" uname="pm01"/><node id="2" uname="pm02"/></nodes><resources>)"
    R"(<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/></resources>)"
    R"(<constraints/></configuration><status/></cib>)";

std::string refused(const std::string& code, const std::string& message) {
    return json{{"ok", false}, {"code", code}, {"message", message}}.dump();
}

json status_reply() {
    return {{"version", "0.1.0"},
            {"cluster", "lab"},
            {"node", "pm01"},
            {"now_ns", 5'000'000'000},
            {"time_ms", 1'700'000'000'000},
            {"coordinator", "pm01"},
            {"activity", "idle"},
            {"cib", kCib},
            {"peers", json::array()}};
}

// What a healthy daemon says to anything.
std::vector<std::string> answer_well(const json& request) {
    const std::string op = request.value("op", "");
    if (op == "status") return {ok(status_reply())};
    if (op == "cib") return {ok({{"cib", kCib}, {"version", "0.7.3"}})};
    if (op == "ping") return {ok({{"node", "pm01"}})};
    if (op == "timeline") return {ok({{"timelines", json::array()}})};
    if (op == "heart") return {ok({{"peers", json::array()}})};
    if (op == "events" && request.value("follow", false))
        return {ok({{"event", {{"seq", 1}, {"text", "first"}}}})};
    if (op == "events") return {ok({{"events", json::array()}})};
    return {ok({{"message", "done: " + op}})};
}

TEST(Client, StatusShowsWhatTheDaemonSays) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"status"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("Current DC: pm01 (version 0.1.0)"));
    EXPECT_THAT(ran.out, HasSubstr("Activity: idle"));
}

TEST(Client, StatusAsJsonIsOneDocument) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"status", "--json"}, daemon.run_dir());

    const json document = json::parse(ran.out);
    EXPECT_EQ(document["schema"], 1);
    EXPECT_EQ(document["cluster"]["name"], "lab");
    EXPECT_EQ(document["cluster"]["coordinator"], "pm01");
}

TEST(Client, MonPrintsOnceWithoutATerminal) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"mon", "-1"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, StartsWith("Cluster Summary:\n  * Stack: xbeat (cluster lab)"));
}

TEST(Client, TimelineWithoutAnyFailOverSaysSo) {
    FakeDaemon daemon(answer_well);

    EXPECT_THAT(run_words({"timeline"}, daemon.run_dir()).out, HasSubstr("nothing failed over"));
}

struct Sent {
    std::vector<std::string> words;
    json request;  // what must arrive, exactly
};
class Requests : public ::testing::TestWithParam<Sent> {};

TEST_P(Requests, CarryWhatTheWordsSay) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words(GetParam().words, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    const std::vector<json> sent = daemon.requests(GetParam().request["op"].get<std::string>());
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0], GetParam().request);
    EXPECT_THAT(ran.out, HasSubstr("done: "));
}

INSTANTIATE_TEST_SUITE_P(
    All, Requests,
    ::testing::Values(
        Sent{{"resource", "cleanup"}, {{"op", "cleanup"}, {"failed_only", true}}},
        Sent{{"resource", "cleanup", "web", "pm01"},
             {{"op", "cleanup"}, {"failed_only", true}, {"resource", "web"}, {"node", "pm01"}}},
        Sent{{"resource", "refresh", "web"},
             {{"op", "cleanup"}, {"failed_only", false}, {"resource", "web"}}},
        Sent{{"resource", "fail", "web", "pm01"},
             {{"op", "fail"}, {"resource", "web"}, {"node", "pm01"}}},
        Sent{{"node", "standby", "pm02"},
             {{"op", "set_attribute"},
              {"node", "pm02"},
              {"name", "standby"},
              {"value", "on"},
              {"permanent", true}}},
        Sent{{"node", "online"},
             {{"op", "set_attribute"},
              {"node", "pm01"},
              {"name", "standby"},
              {"value", "off"},
              {"permanent", true}}},
        Sent{{"node", "maintenance", "pm02", "--until-reboot"},
             {{"op", "set_attribute"},
              {"node", "pm02"},
              {"name", "maintenance"},
              {"value", "true"},
              {"permanent", false}}},
        Sent{{"node", "ready", "pm02", "--wait"},
             {{"op", "set_attribute"},
              {"node", "pm02"},
              {"name", "maintenance"},
              {"value", "false"},
              {"permanent", true}}},
        Sent{{"node", "fence", "pm02"}, {{"op", "fence"}, {"node", "pm02"}, {"action", "reboot"}}},
        Sent{{"node", "fence", "pm02", "--off"},
             {{"op", "fence"}, {"node", "pm02"}, {"action", "off"}}},
        Sent{{"node", "confirm", "pm02"}, {{"op", "confirm"}, {"node", "pm02"}}},
        Sent{{"node", "attribute", "pm02", "delete", "site"},
             {{"op", "set_attribute"},
              {"node", "pm02"},
              {"name", "site"},
              {"remove", true},
              {"permanent", true}}},
        Sent{{"shutdown"}, {{"op", "leave"}}}));

// A resource that sticks to its node stays there, whatever it prefers; as `crm_resource --move
// --force` it is kept away from there, and as one change.
TEST(Client, AMoveByForceAlsoBansTheNodeThatIsLeft) {
    FakeDaemon daemon([](const json& request) -> std::vector<std::string> {
        json status = status_reply();
        std::string cib = kCib;
        const std::string empty = "<status/>";
        cib.replace(
            cib.find(empty), empty.size(),
            R"(<status><node_state id="1" uname="pm01" in_ccm="true" crmd="online" join="member" )"
            R"(expected="member"><lrm id="1"><lrm_resources><lrm_resource id="web" class="ocf" )"
            R"(provider="heartbeat" type="Dummy"><lrm_rsc_op id="web_last_0" operation="start" )"
            R"(operation_key="web_start_0" call-id="1" rc-code="0" op-status="0" interval="0" )"
            R"(transition-key="1:1:0:0" transition-magic="0:0;1:1:0:0"/></lrm_resource>)"
            R"(</lrm_resources></lrm></node_state></status>)");
        status["cib"] = cib;
        if (request.value("op", "") == "status") return {ok(status)};
        return answer_well(request);
    });

    const Ran ran = run_words({"resource", "move", "web", "pm02", "--force"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    const std::vector<json> sent = daemon.requests("replace_configuration");
    ASSERT_THAT(sent, SizeIs(1));
    const auto text = sent[0]["configuration"].get<std::string>();
    EXPECT_THAT(text, HasSubstr("cli-prefer-web"));
    EXPECT_THAT(text, HasSubstr("cli-ban-web-on-pm01"));
}

struct ConfigChange {
    std::vector<std::string> words;
    std::string contains;  // in the configuration that is sent
};
class Changes : public ::testing::TestWithParam<ConfigChange> {};

TEST_P(Changes, SendTheWholeConfigurationWithTheVersionItCameFrom) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words(GetParam().words, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    const std::vector<json> sent = daemon.requests("replace_configuration");
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0]["base_version"], "0.7");
    const auto configuration = cib::parse_xml(sent[0]["configuration"].get<std::string>());
    ASSERT_TRUE(configuration);
    EXPECT_EQ(configuration->name, "configuration");
    EXPECT_THAT(sent[0]["configuration"].get<std::string>(), HasSubstr(GetParam().contains));
}

INSTANTIATE_TEST_SUITE_P(
    All, Changes,
    ::testing::Values(
        ConfigChange{{"resource", "move", "web", "pm02"}, "cli-prefer-web"},
        ConfigChange{{"resource", "migrate", "web", "pm02"}, "cli-prefer-web"},
        ConfigChange{{"resource", "ban", "web", "pm02"}, "cli-ban-web-on-pm02"},
        ConfigChange{{"resource", "stop", "web"}, "value=\"Stopped\""},
        ConfigChange{{"resource", "start", "web"}, "value=\"Started\""},
        ConfigChange{{"resource", "unmanage", "web"}, "is-managed"},
        ConfigChange{{"resource", "meta", "web", "set", "priority", "5"}, "value=\"5\""},
        ConfigChange{{"resource", "param", "web", "set", "state", "a b"}, "value=\"a b\""},
        ConfigChange{{"configure", "property", "maintenance-mode=true"}, "maintenance-mode"},
        ConfigChange{
            {"configure", "primitive", "two", "ocf:heartbeat:Dummy", "params", "state=a b"},
            "value=\"a b\""},
        ConfigChange{{"configure", "location", "l1", "web", "100:", "pm01"}, "rsc_location"},
        ConfigChange{{"configure", "rename", "web", "site"}, "id=\"site\""}));

TEST(Client, AChangeThatChangesNothingIsNotSent) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"resource", "clear", "web"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_THAT(ran.out, HasSubstr("nothing to change"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(0));
}

TEST(Client, ADryRunSendsNothing) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"resource", "stop", "web", "--dry-run"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("nothing was changed"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(0));
}

TEST(Client, WaitingEndsOnAMemberThatFollowsOnceNothingIsLeftToDo) {
    FakeDaemon daemon([](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "status") return answer_well(request);
        json reply = status_reply();
        reply["activity"] = "follows the coordinator";
        reply["cib"] = "<cib><configuration/><status/></cib>";
        return {ok(reply)};
    });

    EXPECT_EQ(run_words({"resource", "cleanup", "--wait"}, daemon.run_dir()).code, ExitCode::Ok);
}

TEST(Client, WaitingGoesOnWhileATransitionIsUnderWay) {
    std::atomic<int> looks = 0;
    FakeDaemon daemon([&](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "status") return answer_well(request);
        json reply = status_reply();
        if (++looks < 3) reply["activity"] = "transition 12: 3 of 8 actions done";
        return {ok(reply)};
    });

    EXPECT_EQ(run_words({"resource", "cleanup", "--wait"}, daemon.run_dir()).code, ExitCode::Ok);
    EXPECT_GT(looks, 3);
}

TEST(Client, WaitingForAClusterThatCannotGoOnSaysWhy) {
    FakeDaemon daemon([](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "status") return answer_well(request);
        json reply = status_reply();
        reply["activity"] = "no safe takeover: the fence device of pm02 does not answer";
        return {ok(reply)};
    });

    const Ran ran = run_words({"resource", "cleanup", "--wait"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Unsafe);
    EXPECT_THAT(ran.err, HasSubstr("does not answer"));
}

TEST(Client, AnEditIsAppliedAgainWhenSomebodyElseWasFaster) {
    std::atomic<int> tries = 0;
    FakeDaemon daemon([&](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "replace_configuration") return answer_well(request);
        if (++tries < 3) return {refused("conflict", "changed meanwhile")};
        return {ok()};
    });

    const Ran ran = run_words({"resource", "stop", "web"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_EQ(tries, 3);
}

TEST(Client, AReplacementOfEverythingIsNotRepeatedOverSomebodyElsesChange) {
    FakeDaemon daemon([&](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "replace_configuration") return answer_well(request);
        return {refused("conflict", "somebody changed it meanwhile; look again")};
    });

    const Ran ran = run_words({"configure", "load", "replace", "-"}, daemon.run_dir(),
                              "node pm01\nprimitive other ocf:heartbeat:Dummy\n");

    EXPECT_EQ(ran.code, ExitCode::Outdated);
    EXPECT_THAT(ran.err, HasSubstr("somebody changed it meanwhile"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(1));
}

TEST(Client, MaskedSecretsAreNeverWrittenBack) {
    FakeDaemon daemon([&](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "cib") return answer_well(request);
        std::string masked = kCib;
        const std::string primitive = "type=\"Dummy\"/>";
        masked.replace(masked.find(primitive), primitive.size(),
                       "type=\"Dummy\"><instance_attributes id=\"a\"><nvpair id=\"b\" "
                       "name=\"password\" value=\"********\"/></instance_attributes></primitive>");
        return {ok({{"cib", masked}})};
    });

    const Ran ran = run_words({"resource", "stop", "web"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::NoPermission);
    EXPECT_THAT(ran.err, HasSubstr("masked"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(0));
}

struct Refusal {
    std::string code;
    ExitCode wanted;
};
class Refusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refusals, OfTheDaemonBecomeExitCodesWithItsOwnWords) {
    FakeDaemon daemon([&](const json&) -> std::vector<std::string> {
        return {refused(GetParam().code, "do this instead")};
    });

    const Ran ran = run_words({"node", "fence", "pm02"}, daemon.run_dir());

    EXPECT_EQ(ran.code, GetParam().wanted);
    EXPECT_EQ(ran.err, "xbeat: do this instead\n");
}

INSTANTIATE_TEST_SUITE_P(All, Refusals,
                         ::testing::Values(Refusal{"not-found", ExitCode::NoSuchObject},
                                           Refusal{"denied", ExitCode::NoPermission},
                                           Refusal{"unsafe", ExitCode::Unsafe},
                                           Refusal{"invalid", ExitCode::BadConfig},
                                           Refusal{"unavailable", ExitCode::Unavailable},
                                           Refusal{"timeout", ExitCode::TimedOut},
                                           Refusal{"exists", ExitCode::Exists},
                                           Refusal{"corrupt", ExitCode::BadData}));

TEST(Client, ADaemonThatHangsIsGivenUpWithAReason) {
    FakeDaemon daemon([](const json&) { return std::vector<std::string>{}; });

    const Ran ran = run_words({"status"}, daemon.run_dir(), "", std::chrono::milliseconds(50));

    EXPECT_EQ(ran.code, ExitCode::TimedOut);
    EXPECT_THAT(ran.err, HasSubstr("hangs"));
}

TEST(Client, ADaemonThatGoesAwayInTheMiddleIsNamed) {
    FakeDaemon daemon(
        [](const json&) { return std::vector<std::string>{std::string(FakeDaemon::kClose)}; });

    const Ran ran = run_words({"status"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Disconnected);
    EXPECT_THAT(ran.err, HasSubstr("closed the connection"));
}

class Nonsense : public ::testing::TestWithParam<std::string> {};

TEST_P(Nonsense, IsRefusedWithoutACrash) {
    FakeDaemon daemon([](const json&) { return std::vector<std::string>{GetParam()}; });
    for (const std::vector<std::string>& words : {std::vector<std::string>{"status"},
                                                  {"timeline"},
                                                  {"events"},
                                                  {"configure", "show"},
                                                  {"mon", "-1"},
                                                  {"resource", "locate", "web"},
                                                  {"node", "list"},
                                                  {}}) {
        const Ran ran = run_words(words, daemon.run_dir());

        EXPECT_TRUE(ran.code != ExitCode::Ok || ran.out.find("nan") == std::string::npos);
    }
    EXPECT_NE(run_words({"status"}, daemon.run_dir()).code, ExitCode::Ok);
}

INSTANTIATE_TEST_SUITE_P(
    Replies, Nonsense,
    ::testing::Values("hello", "[]", "{}", "{\"ok\":1}", "{\"ok\":true}", "{\"ok\":true,\"cib\":7}",
                      "{\"ok\":true,\"cib\":\"<a\"}", "{\"ok\":true,\"cib\":\"\",\"peers\":{}}",
                      "{\"ok\":true,\"events\":[1,2],\"timelines\":[[]],\"cib\":\"<!\"}",
                      "\xff\xfe"));

TEST(Client, EventsAreReadable) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    FakeDaemon daemon([](const json&) -> std::vector<std::string> {
        return {ok({{"events",
                     {{{"seq", 1},
                       {"time_ms", 1'700'000'000'042},
                       {"level", "warning"},
                       {"kind", "peer-dead"},
                       {"node", "pm02"},
                       {"text", "no beat was answered"},
                       {"fields", json::array({json::array({"unanswered", "5"}),
                                               json::array({"rtt_p99_us", "40"})})}},
                      {{"seq", 2},
                       {"time_ms", 1'700'000'000'043},
                       {"level", "debug"},
                       {"text", "hidden"}}}}})};
    });

    const Ran ran = run_words({"events"}, daemon.run_dir());

    EXPECT_EQ(ran.out,
              "2023-11-14 22:13:20.042 warning pm02: no beat was answered (unanswered=5, "
              "rtt_p99_us=40)\n");
}

TEST(Client, EventsSinceANumberAreFetchedPageByPage) {
    FakeDaemon daemon([](const json& request) -> std::vector<std::string> {
        const int since = request.value("since", 0);
        if (since >= 3) return {ok({{"events", json::array()}})};
        return {ok(
            {{"events", {{{"seq", since + 1}, {"text", "number " + std::to_string(since + 1)}}}}})};
    });

    const Ran ran = run_words({"events", "--since", "1", "--json"}, daemon.run_dir());

    EXPECT_THAT(daemon.requests("events"), SizeIs(3));
    EXPECT_THAT(ran.out, HasSubstr("number 2"));
    EXPECT_THAT(ran.out, HasSubstr("number 3"));
    EXPECT_THAT(ran.out, Not(HasSubstr("number 1")));
}

TEST(Client, FollowedEventsEndWhenTheDaemonDoes) {
    FakeDaemon daemon([](const json&) -> std::vector<std::string> {
        return {ok({{"event", {{"seq", 1}, {"text", "one"}}}}),
                ok({{"event", {{"seq", 2}, {"text", "two"}}}}), std::string(FakeDaemon::kClose)};
    });

    const Ran ran = run_words({"events", "--follow"}, daemon.run_dir());

    EXPECT_THAT(ran.out, HasSubstr("one"));
    EXPECT_THAT(ran.out, HasSubstr("two"));
    EXPECT_EQ(ran.code, ExitCode::Disconnected);
}

TEST(Client, ConfigureShowPrintsTheCrmLanguageOrXml) {
    FakeDaemon daemon(answer_well);

    EXPECT_THAT(run_words({"configure", "show"}, daemon.run_dir()).out, HasSubstr("primitive web"));
    EXPECT_THAT(run_words({"configure", "show", "xml"}, daemon.run_dir()).out,
                HasSubstr("<primitive id=\"web\""));
    EXPECT_THAT(run_words({"configure", "show", "web"}, daemon.run_dir()).out,
                StartsWith("primitive web"));
    const Ran unknown = run_words({"configure", "show", "wbe"}, daemon.run_dir());
    EXPECT_EQ(unknown.code, ExitCode::NoSuchObject);
    EXPECT_THAT(unknown.err, HasSubstr("did you mean 'web'?"));
}

TEST(Client, ConfigureLoadNamesTheLineThatIsWrong) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"configure", "load", "update", "-"}, daemon.run_dir(),
                              "node pm01\nprimtive x ocf:heartbeat:Dummy\n");

    EXPECT_EQ(ran.code, ExitCode::BadConfig);
    EXPECT_THAT(ran.err, HasSubstr("line 2"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(0));
}

TEST(Client, ConfigureDiffListsWhatAFileWouldChange) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"configure", "diff", "-"}, daemon.run_dir(),
                              "node 1: pm01\nnode 2: pm02\nprimitive other ocf:heartbeat:Dummy\n");

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("primitive other added"));
    EXPECT_THAT(ran.out, HasSubstr("web removed"));
}

TEST(Client, ConfigureDeleteOfAnUnknownObjectIsRefused) {
    FakeDaemon daemon(answer_well);

    const Ran ran = run_words({"configure", "delete", "wbe"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::NoSuchObject);
    EXPECT_THAT(ran.err, HasSubstr("web"));
}

TEST(Offline, VerifyReadsAFileWithoutADaemon) {
    const Ran good =
        run_words({"verify", "-"}, "/nonexistent", "primitive a ocf:heartbeat:Dummy\n");
    EXPECT_EQ(good.code, ExitCode::Ok) << good.err;

    const Ran bad = run_words({"verify", "-"}, "/nonexistent", "primitive\n");
    EXPECT_EQ(bad.code, ExitCode::BadConfig);
    EXPECT_THAT(bad.err, HasSubstr("line 1"));
}

TEST(Offline, StatusOfAFileNeedsNoDaemon) {
    const Ran ran = run_words({"status", "--file", "-"}, "/nonexistent", kCib);

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("Cluster Summary:"));
}

TEST(Offline, StatusOfSomethingElseThanACibIsRefused) {
    EXPECT_EQ(run_words({"status", "--file", "-"}, "/nonexistent", "<a/>").code, ExitCode::BadData);
    EXPECT_EQ(run_words({"status", "--file", "-"}, "/nonexistent", "hello").code,
              ExitCode::BadData);
    EXPECT_EQ(run_words({"status", "--file", "-"}, "/nonexistent", "").code, ExitCode::BadData);
    EXPECT_EQ(run_words({"status", "--file", "/nonexistent"}).code, ExitCode::NoInput);
}

}  // namespace
}  // namespace xbeat::cli
