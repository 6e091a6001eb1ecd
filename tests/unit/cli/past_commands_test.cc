// Commands that look back or change what nodes carry, against a daemon that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "unit/cli/fake_daemon.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using testing::FakeDaemon;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ok;
using testing::Ran;
using testing::run_words;
using ::testing::SizeIs;

std::string cib_with(const std::string& id, int epoch) {
    return R"(<cib admin_epoch="0" epoch=")" + std::to_string(epoch) +
           R"(" num_updates="0"><configuration><crm_config/><nodes><node id="1" uname="pm01">)"
           R"(<instance_attributes id="n1"><nvpair id="n1-site" name="site" value="berlin"/>)"
           R"(</instance_attributes></node></nodes><resources><primitive id=")" +
           id +
           R"(" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="p">)"
           R"(<nvpair id="p-1" name="password" value="hush"/><nvpair id="p-2" name="fake" value="1"/>)"
           R"(</instance_attributes></primitive></resources><constraints/></configuration>)"
           R"(<status><tickets><ticket_state id="berlin" granted="true"/></tickets></status></cib>)";
}

json entry(int number, const std::string& kind) {
    return {{"number", number},
            {"time_ms", 1'700'000'000'000 + number},
            {"kind", kind},
            {"cause", "because"},
            {"version", "0." + std::to_string(number) + ".0"}};
}

std::vector<std::string> answer(const json& request) {
    const std::string op = request.value("op", "");
    if (op == "cib") return {ok({{"cib", cib_with("web", 7)}})};
    if (op == "ping") return {ok({{"node", "pm01"}})};
    if (op == "status") {
        return {ok({{"version", "0.1.0"},
                    {"node", "pm01"},
                    {"time_ms", 1'700'000'000'000},
                    {"activity", "idle"},
                    {"cib", cib_with("web", 7)},
                    {"peers", json::array()}})};
    }
    if (op == "attributes") {
        return {ok({{"attributes", json::array({{{"node", "pm01"},
                                                 {"name", "pingd"},
                                                 {"value", "100"},
                                                 {"private", false}}})}})};
    }
    if (op == "history") {
        const int number = request.value("number", 0);
        if (number == 99) {
            return {R"({"ok":false,"code":"not-found","message":"the past has no entry 99"})"};
        }
        if (number == 0) {
            return {ok({{"entries", json::array({entry(5, "configuration"), entry(6, "transition"),
                                                 entry(7, "configuration")})}})};
        }
        json one = entry(number, number == 6 ? "transition" : "configuration");
        one["cib"] = cib_with("older", number);
        return {ok({{"entries", json::array({one})}})};
    }
    return {ok({{"message", "done: " + op}})};
}

TEST(History, ListsWhatTheDaemonRemembers) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"history", "list", "--rows", "3"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("transition"));
    EXPECT_THAT(ran.out, HasSubstr("0.7.0"));
    EXPECT_EQ(daemon.requests("history").front()["limit"], 3);
}

TEST(History, ShowsThePlanOfThatMoment) {
    FakeDaemon daemon(answer);

    const Ran plan = run_words({"history", "show", "6"}, daemon.run_dir());
    const Ran crm = run_words({"history", "show", "6", "--as", "crm"}, daemon.run_dir());

    EXPECT_THAT(plan.out, HasSubstr("transition 6"));
    EXPECT_THAT(plan.out, HasSubstr("  * "));
    EXPECT_THAT(crm.out, HasSubstr("primitive older"));
}

TEST(History, DiffComparesWithNow) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"history", "diff", "5"}, daemon.run_dir());

    EXPECT_THAT(ran.out, HasSubstr("primitive older removed"));
    EXPECT_THAT(ran.out, HasSubstr("primitive web added"));
}

TEST(History, OfAnUnknownNumberIsAnError) {
    FakeDaemon daemon(answer);

    EXPECT_EQ(run_words({"history", "show", "99"}, daemon.run_dir()).code, ExitCode::NoSuchObject);
    EXPECT_EQ(run_words({"history", "show", "x"}, daemon.run_dir()).code, ExitCode::BadConfig);
    EXPECT_EQ(run_words({"history", "show", "0"}, daemon.run_dir()).code, ExitCode::BadConfig);
    EXPECT_EQ(run_words({"history", "show", "-1"}, daemon.run_dir()).code, ExitCode::BadConfig);
}

TEST(Undo, GoesBackToTheConfigurationBeforeTheNewest) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"configure", "undo"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("back to entry 5"));
    const std::vector<json> sent = daemon.requests("replace_configuration");
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_THAT(sent.front()["configuration"].get<std::string>(), HasSubstr("id=\"older\""));
    EXPECT_EQ(sent.front()["base_version"], "0.7");
}

TEST(Undo, DryRunSendsNothing) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"configure", "undo", "5", "--dry-run"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("nothing was changed"));
    EXPECT_THAT(daemon.requests("replace_configuration"), IsEmpty());
}

// An editor for tests: a shell script that is given the file's name.
class Editor {
public:
    explicit Editor(const std::string& script)
        : file_(std::filesystem::temp_directory_path() / "xbeat-editor-test") {
        std::ofstream(file_) << "#!/bin/sh\n" << script << '\n';
        std::filesystem::permissions(file_, std::filesystem::perms::owner_all);
        ::setenv("VISUAL", file_.c_str(), 1);
    }
    Editor(const Editor&) = delete;
    Editor& operator=(const Editor&) = delete;
    ~Editor() {
        ::unsetenv("VISUAL");
        std::filesystem::remove(file_);
    }

private:
    std::string file_;
};

TEST(Edit, SendsWhatTheEditorMade) {
    FakeDaemon daemon(answer);
    const Editor editor("echo 'primitive extra ocf:pacemaker:Dummy' >> \"$1\"");

    const Ran ran = run_words({"configure", "edit"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("primitive extra added"));
    EXPECT_THAT(daemon.requests("replace_configuration"), SizeIs(1));
}

TEST(Edit, OfASoundTextThatWasNotTouchedSendsNothing) {
    FakeDaemon daemon(answer);
    const Editor editor("exit 0");

    const Ran ran = run_words({"configure", "edit"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_THAT(ran.out, HasSubstr("nothing to change"));
    EXPECT_THAT(daemon.requests("replace_configuration"), IsEmpty());
}

TEST(Edit, KeepsATextThatCannotBeUsedAndSendsNothing) {
    FakeDaemon daemon(answer);
    const Editor editor("echo 'group g nothing' >> \"$1\"");

    const Ran ran = run_words({"configure", "edit"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::BadConfig);
    EXPECT_THAT(ran.err, HasSubstr("nothing was changed"));
    const std::size_t at = ran.err.find("kept in ");
    ASSERT_NE(at, std::string::npos);
    const std::string kept = ran.err.substr(at + 8, ran.err.find('\n', at) - at - 8);
    EXPECT_TRUE(std::filesystem::exists(kept));
    std::filesystem::remove(kept);
    EXPECT_THAT(daemon.requests("replace_configuration"), IsEmpty());
}

TEST(Edit, WithAnEditorThatFailsChangesNothing) {
    FakeDaemon daemon(answer);
    const Editor editor("exit 3");

    const Ran ran = run_words({"configure", "edit"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Unavailable);
    EXPECT_THAT(daemon.requests("replace_configuration"), IsEmpty());
}

TEST(Save, NeverWritesOverAFileUnasked) {
    FakeDaemon daemon(answer);
    const std::string file = std::filesystem::temp_directory_path() / "xbeat-save-test.crm";
    std::filesystem::remove(file);

    const Ran first = run_words({"configure", "save", file}, daemon.run_dir());
    const Ran second = run_words({"configure", "save", file}, daemon.run_dir());
    const Ran forced = run_words({"configure", "save", file, "--force"}, daemon.run_dir());

    EXPECT_EQ(first.code, ExitCode::Ok) << first.err;
    EXPECT_EQ(second.code, ExitCode::Exists);
    EXPECT_EQ(forced.code, ExitCode::Ok);
    std::filesystem::remove(file);
}

TEST(Attribute, ShowsAllKinds) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"attribute", "show"}, daemon.run_dir());

    EXPECT_THAT(ran.out, HasSubstr("pm01: site=berlin (permanent)"));
    EXPECT_THAT(ran.out, HasSubstr("pm01: pingd=100 (transient)"));
    EXPECT_EQ(run_words({"attribute", "show", "nix"}, daemon.run_dir()).code,
              ExitCode::NoSuchObject);
}

TEST(Attribute, SetMeansThisNodeAndUntilItLeaves) {
    FakeDaemon daemon(answer);

    const Ran ran =
        run_words({"attribute", "set", "pingd", "5", "--dampen", "5s"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    const json sent = daemon.requests("set_attribute").at(0);
    EXPECT_EQ(sent["node"], "pm01");
    EXPECT_EQ(sent["permanent"], false);
    EXPECT_EQ(sent["dampen_ms"], 5000);
}

TEST(Attribute, RefusesWhatContradictsItself) {
    FakeDaemon daemon(answer);

    EXPECT_EQ(
        run_words({"attribute", "set", "a", "b", "--permanent", "--private"}, daemon.run_dir())
            .code,
        ExitCode::Usage);
    EXPECT_EQ(run_words({"attribute", "set", "a", "b", "--dampen", "soon"}, daemon.run_dir()).code,
              ExitCode::BadConfig);
    EXPECT_THAT(daemon.requests("set_attribute"), IsEmpty());
}

TEST(Ticket, IsListedGrantedAndForgotten) {
    FakeDaemon daemon(answer);

    EXPECT_THAT(run_words({"ticket", "list"}, daemon.run_dir()).out, HasSubstr("berlin: granted"));
    EXPECT_EQ(run_words({"ticket", "revoke", "berlin"}, daemon.run_dir()).code, ExitCode::Ok);
    EXPECT_EQ(run_words({"ticket", "delete", "berlin"}, daemon.run_dir()).code, ExitCode::Ok);

    const std::vector<json> sent = daemon.requests("set_ticket");
    ASSERT_THAT(sent, SizeIs(2));
    EXPECT_EQ(sent[0]["name"], "granted");
    EXPECT_EQ(sent[0]["value"], "false");
    EXPECT_EQ(sent[1]["remove"], true);
}

TEST(Ticket, DryRunSendsNothing) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"ticket", "grant", "paris", "--dry-run"}, daemon.run_dir());

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    EXPECT_THAT(daemon.requests("set_ticket"), IsEmpty());
}

TEST(Resource, ThatIsNotThereIsNotSaidToHaveNoValue) {
    const FakeDaemon daemon(answer);
    const Ran other = run_words({"resource", "param", "nix", "show", "fake"}, daemon.run_dir());
    EXPECT_EQ(other.code, ExitCode::NoSuchObject);
    EXPECT_THAT(other.err, HasSubstr("there is no resource 'nix'"));
    const Ran none = run_words({"resource", "param", "web", "show", "nix"}, daemon.run_dir());
    EXPECT_THAT(none.err, HasSubstr("'web' has no value for 'nix'"));
}

TEST(Parameters, AreShownWithoutTheirSecrets) {
    FakeDaemon daemon(answer);

    const Ran ran = run_words({"resource", "params", "web"}, daemon.run_dir());

    EXPECT_THAT(ran.out, HasSubstr("fake=1\n"));
    EXPECT_THAT(ran.out, HasSubstr("password=********\n"));
    EXPECT_THAT(ran.out, Not(HasSubstr("hush")));
}

TEST(Completion, KnowsCommandsOptionsAndNames) {
    FakeDaemon daemon(answer);
    const auto complete = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "__complete");
        return run_words(words, daemon.run_dir()).out;
    };

    EXPECT_THAT(complete({"res"}), HasSubstr("resource\n"));
    EXPECT_THAT(complete({"resource", "ref"}), HasSubstr("refresh\n"));
    EXPECT_THAT(complete({"status", "--ina"}), HasSubstr("--inactive\n"));
    EXPECT_EQ(complete({"resource", "stop", ""}), "web\n");
    EXPECT_EQ(complete({"resource", "move", "web", "p"}), "pm01\n");
    EXPECT_EQ(complete({"resource", "meta", "web", "s"}), "set\nshow\n");
    EXPECT_EQ(complete({"ticket", "grant", ""}), "berlin\n");
    EXPECT_EQ(complete({"attribute", "set", "a", "b", "--node", ""}), "pm01\n");
    EXPECT_EQ(complete({"no", "such", ""}), "");
}

TEST(Completion, SaysNothingWithoutADaemon) {
    const Ran ran = run_words({"__complete", "resource", "stop", ""});

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "");
}

}  // namespace
}  // namespace xbeat::cli
