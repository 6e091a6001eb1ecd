// `xbeat fence` against a daemon that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cli/fake_daemon.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using testing::FakeDaemon;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Ran;
using testing::run_words;
using ::testing::SizeIs;

constexpr const char* kCib =
    R"(<cib admin_epoch="0" epoch="7" num_updates="3"><configuration><crm_config/><nodes>)"
    R"(<node id="1" uname="pm01"/><node id="2" uname="pm02"/></nodes><resources>)"
    R"(<primitive id="f2" class="stonith" type="fence_x"><instance_attributes id="i">)"
    R"(<nvpair id="m" name="pcmk_host_map" value="pm02:8"/></instance_attributes></primitive>)"
    R"(</resources><constraints/></configuration><status/></cib>)";

json shot(const std::string& target, const std::string& outcome, const std::string& reason = "") {
    return {{"target", target},   {"action", "off"},  {"origin", "pm01"},       {"device", "f2"},
            {"outcome", outcome}, {"reason", reason}, {"time_s", 1'700'000'000}};
}

std::vector<std::string> answer(const json& request) {
    json reply{{"ok", true}, {"message", "done"}, {"cib", kCib}, {"version", "0.7.3"}};
    if (request.value("op", "") == "status") {
        reply["node"] = "pm01";
        reply["fence_history"] = {shot("pm02", "failed", "f2 said\x1b no"), shot("pm02", "success"),
                                  shot("pm01", "success")};
    }
    return {reply.dump()};
}

TEST(FenceNoun, FencesAndVouchesAsTheNodeNounDoes) {
    FakeDaemon daemon(answer);

    EXPECT_EQ(run_words({"fence", "node", "pm02", "--off"}, daemon.run_dir()).code, ExitCode::Ok);
    EXPECT_EQ(run_words({"node", "fence", "pm02"}, daemon.run_dir()).code, ExitCode::Ok);
    EXPECT_EQ(run_words({"fence", "confirm", "pm02"}, daemon.run_dir()).code, ExitCode::Ok);

    const std::vector<json> shots = daemon.requests("fence");
    ASSERT_THAT(shots, SizeIs(2));
    EXPECT_EQ(shots[0]["action"], "off");
    EXPECT_EQ(shots[1]["action"], "reboot");
    ASSERT_THAT(daemon.requests("confirm"), SizeIs(1));
    EXPECT_EQ(daemon.requests("confirm")[0]["node"], "pm02");
}

TEST(FenceNoun, RefusesToSwitchOnAndOffAtOnceAndShootsNobodyByATypo) {
    FakeDaemon daemon(answer);

    EXPECT_EQ(run_words({"fence", "node", "pm02", "--off", "--on"}, daemon.run_dir()).code,
              ExitCode::Usage);
    const Ran typo = run_words({"fence", "hisotry"}, daemon.run_dir());
    EXPECT_EQ(typo.code, ExitCode::Usage);
    EXPECT_THAT(typo.err, HasSubstr("history"));
    EXPECT_THAT(daemon.requests("fence"), IsEmpty());
}

TEST(FenceNoun, ShowsTheHistoryOfOneNodeOrAll) {
    FakeDaemon daemon(answer);

    const Ran all = run_words({"fence", "history"}, daemon.run_dir());
    const Ran one = run_words({"fence", "history", "pm02"}, daemon.run_dir());
    const Ran none = run_words({"fence", "history", "pm07"}, daemon.run_dir());

    EXPECT_THAT(all.out, HasSubstr("off of pm01: success by f2, from pm01"));
    EXPECT_THAT(one.out, HasSubstr("off of pm02: failed by f2, from pm01: f2 said? no"));
    EXPECT_THAT(one.out, Not(HasSubstr("of pm01:")));
    EXPECT_THAT(none.out, HasSubstr("pm07 was not fenced"));
}

TEST(FenceNoun, PrintsTheHistoryForPrograms) {
    FakeDaemon daemon(answer);

    const Ran as_json = run_words({"fence", "history", "pm02", "--json"}, daemon.run_dir());
    const Ran as_xml = run_words({"fence", "history", "--xml"}, daemon.run_dir());

    const json document = json::parse(as_json.out);
    ASSERT_THAT(document["fence_history"], SizeIs(2));
    EXPECT_EQ(document["fence_history"][0]["outcome"], "failed");
    EXPECT_THAT(as_xml.out, HasSubstr("<fence_event status=\"success\""));
    EXPECT_EQ(run_words({"fence", "history", "--xml", "--json"}, daemon.run_dir()).code,
              ExitCode::Usage);
}

TEST(FenceNoun, ListsWhoCanShootWhomAndWhoCannot) {
    FakeDaemon daemon(answer);

    const Ran all = run_words({"fence", "list"}, daemon.run_dir());
    const Ran bare = run_words({"fence", "list", "pm01"}, daemon.run_dir());

    EXPECT_EQ(all.code, ExitCode::Ok);
    EXPECT_THAT(all.out, HasSubstr("pm02 from pm01:\n    1. f2 (fence_x, plug 8)"));
    EXPECT_THAT(all.out, HasSubstr("pm01 from pm02: nothing can fence it"));
    EXPECT_EQ(bare.code, ExitCode::Unsatisfied);
    EXPECT_EQ(run_words({"fence", "list", "pm07"}, daemon.run_dir()).code, ExitCode::NoSuchObject);
}

TEST(FenceNoun, ValidatesADeviceAndForgetsTheHistory) {
    FakeDaemon daemon([](const json& request) -> std::vector<std::string> {
        if (request.value("op", "") != "validate_device") return answer(request);
        return {
            json{{"ok", false}, {"code", "invalid"}, {"message", "FAILED  monitor: no"}}.dump()};
    });

    const Ran checked = run_words({"fence", "validate", "f2"}, daemon.run_dir());
    const Ran cleaned = run_words({"fence", "cleanup", "pm02"}, daemon.run_dir());

    EXPECT_EQ(checked.code, ExitCode::BadConfig);
    EXPECT_THAT(checked.err, HasSubstr("FAILED  monitor: no"));
    EXPECT_EQ(cleaned.code, ExitCode::Ok);
    ASSERT_THAT(daemon.requests("forget_fences"), SizeIs(1));
    EXPECT_EQ(daemon.requests("forget_fences")[0]["node"], "pm02");
}

TEST(FenceNoun, CompletesNodesAndDevices) {
    FakeDaemon daemon(answer);

    EXPECT_EQ(run_words({"__complete", "fence", "validate", ""}, daemon.run_dir()).out, "f2\n");
    EXPECT_EQ(run_words({"__complete", "fence", "node", ""}, daemon.run_dir()).out, "pm01\npm02\n");
}

}  // namespace
}  // namespace xbeat::cli
