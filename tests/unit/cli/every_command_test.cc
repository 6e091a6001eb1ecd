// What every command owes its users, asserted of all commands that the parser knows: a new one that
// lacks help, an example, a form for programs, --dry-run or a good error fails here by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cib/xml.h"
#include "unit/cli/command_tree.h"
#include "unit/cli/fake_daemon.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using testing::command_tree;
using ::testing::Contains;
using testing::FakeDaemon;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_words;
using testing::TreeCommand;
using Words = std::vector<std::string>;

Words with_more(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

// A statement's words are the crm language's: `configure primitive` and its like.
bool takes_statement(const TreeCommand& command) {
    return command.path.front() == "configure" && command.app->get_prefix_command();
}

// Something that fits in the place of each word that must be there.
Words required_words(const TreeCommand& command) {
    static const std::map<std::string, std::string> kFitting{
        {"RSC", "web"},     {"NODE", "pm02"},       {"TICKET", "berlin"},
        {"WHAT", "set"},    {"NAME", "priority"},   {"VALUE", "5"},
        {"FILE", "-"},      {"IDS", "web"},         {"OLD", "web"},
        {"NEW", "web2"},    {"NUMBER", "1"},        {"AGENT", "ocf:none:None"},
        {"TOKEN", "xb1.x"}, {"DEVICE", "/dev/null"}};
    if (takes_statement(command)) return {"maintenance-mode=true"};
    if (command.name() == "xbeat node remove") return {"pm01"};  // the one that is offline
    Words words;
    for (const CLI::Option* one : command.positionals()) {
        // `meta` says set, which needs a VALUE although the parser does not.
        const bool is_value = one->get_name() == "VALUE" || one->get_name() == "NAME";
        if (one->get_required() || is_value) words.push_back(kFitting.at(one->get_name()));
    }
    return words;
}

const std::set<std::string> kNeedNoDaemon{
    "xbeat version",     "xbeat keygen",    "xbeat init",        "xbeat join",
    "xbeat doctor",      "xbeat disk init", "xbeat disk status", "xbeat witness status",
    "xbeat witness key", "xbeat report",    "xbeat ra classes",  "xbeat ra providers",
    "xbeat ra list",     "xbeat ra info",   "xbeat ra meta",     "xbeat ra metadata",
    "xbeat replay",      "xbeat invite",
    "xbeat mon",  // wants a terminal first; `mon -1` is tried elsewhere
};

TEST(EveryCommand, HasANature) {
    ASSERT_GT(command_tree().commands().size(), 80U);
    for (const TreeCommand& command : command_tree().commands())
        EXPECT_TRUE(command_tree().has_nature(command)) << command.name();
}

TEST(EveryCommand, HasHelpWithAnExampleOfItself) {
    Words seen;
    for (const auto* list : {&command_tree().commands(), &command_tree().groups()}) {
        for (const TreeCommand& command : *list) {
            const Ran ran = run_words(with_more(command.path, {"--help"}));

            EXPECT_EQ(ran.code, ExitCode::Ok) << command.name();
            EXPECT_EQ(ran.err, "") << command.name();
            EXPECT_NE(command.app->get_description(), "") << command.name();
            const std::size_t example = ran.out.find("Example");
            ASSERT_NE(example, std::string::npos) << command.name();
            EXPECT_THAT(ran.out.substr(example), HasSubstr(command.name()));
        }
    }
}

TEST(EveryCommand, TakesTheOptionsOfItsNature) {
    for (const TreeCommand& command : command_tree().commands()) {
        const Nature nature = command_tree().nature(command);

        EXPECT_TRUE(command.has("--json")) << command.name();
        EXPECT_TRUE(command.has("--xml")) << command.name();
        EXPECT_EQ(command.has("--wait"), nature == Nature::Changes) << command.name();
        EXPECT_EQ(command.has("--dry-run"), nature != Nature::Shows) << command.name();
    }
}

void expect_usage_error(const TreeCommand& command, const Words& words, std::string_view says) {
    const Ran ran = run_words(words);

    EXPECT_EQ(ran.code, ExitCode::Usage) << command.name() << ": " << ran.err;
    EXPECT_EQ(ran.out, "") << command.name();
    EXPECT_THAT(ran.err, HasSubstr(std::string(says))) << command.name();
    EXPECT_THAT(ran.err, HasSubstr("'" + command.name() + " --help' shows how to use it."));
}

TEST(EveryCommand, RefusesAnOptionThatItDoesNotHave) {
    for (const TreeCommand& command : command_tree().commands()) {
        const Words words = with_more(command.path, required_words(command));
        expect_usage_error(command, with_more(words, {"--no-such-option"}),
                           "has no option --no-such-option");
    }
}

TEST(EveryCommand, SaysWhichWordIsMissing) {
    for (const TreeCommand& command : command_tree().commands()) {
        if (takes_statement(command)) {
            expect_usage_error(command, command.path, "needs words behind it");
            continue;
        }
        const std::vector<const CLI::Option*> positionals = command.positionals();
        const auto missing =
            std::find_if(positionals.begin(), positionals.end(),
                         [](const CLI::Option* one) { return one->get_required(); });
        if (missing == positionals.end()) continue;
        expect_usage_error(command, command.path, (*missing)->get_name());
    }
    for (const TreeCommand& group : command_tree().groups()) {
        const std::string first = group.app->get_subcommands({}).front()->get_name();
        expect_usage_error(group, group.path, "needs a command: " + first);
    }
}

TEST(EveryCommand, RefusesAWordTooMany) {
    for (const TreeCommand& command : command_tree().commands()) {
        if (takes_statement(command)) continue;
        const std::vector<const CLI::Option*> positionals = command.positionals();
        const bool takes_any_number =
            std::any_of(positionals.begin(), positionals.end(),
                        [](const CLI::Option* one) { return one->get_items_expected_max() > 1; });
        if (takes_any_number) continue;
        Words words = command.path;
        for (const CLI::Option* one : positionals)
            words.push_back(one->get_name() == "WHAT" ? "show" : "x");
        words.emplace_back("one-too-many");
        expect_usage_error(command, words, "does not take the further word 'one-too-many'");
    }
}

TEST(EveryCommand, RefusesTwoFormsAtOnce) {
    for (const TreeCommand& command : command_tree().commands()) {
        Words words = with_more(command.path, required_words(command));
        words = with_more(words, {"--json", "--xml"});

        const Ran ran = run_words(words);

        EXPECT_EQ(ran.code, ExitCode::Usage) << command.name();
        EXPECT_THAT(ran.err, HasSubstr(std::string(kFormsExclude))) << command.name();
    }
}

TEST(EveryCommand, SaysHowToStartADaemonWhereItNeedsOne) {
    ::setenv("EDITOR", "/bin/true", 1);
    for (const TreeCommand& command : command_tree().commands()) {
        if (kNeedNoDaemon.count(command.name()) == 1) continue;
        const Words words = with_more(command.path, required_words(command));

        const Ran ran = run_words(words, "/nonexistent", "node pm01\n");

        // Who reads a file first may find it wrong; nothing else comes before the daemon.
        const bool reads_file =
            command.name() == "xbeat verify" || command.name() == "xbeat configure verify";
        if (reads_file) continue;
        EXPECT_EQ(ran.code, ExitCode::Unavailable) << command.name() << ran.err;
        EXPECT_EQ(ran.out, "") << command.name();
        EXPECT_THAT(ran.err, HasSubstr("systemctl start xbeatd")) << command.name();
    }
}

TEST(EveryCommand, FailsInADocumentForWhoeverAskedForOne) {
    for (const TreeCommand& command : command_tree().commands()) {
        if (kNeedNoDaemon.count(command.name()) == 1) continue;
        const Words words = with_more(command.path, required_words(command));

        const Ran as_json = run_words(with_more(words, {"--json"}), "/nonexistent", "node pm01\n");
        const Ran as_xml = run_words(with_more(words, {"--xml"}), "/nonexistent", "node pm01\n");

        const json document = json::parse(as_json.out, nullptr, false);
        ASSERT_TRUE(document.is_object()) << command.name() << as_json.out;
        EXPECT_EQ(document["schema"], 1) << command.name();
        EXPECT_EQ(document["status"]["code"], static_cast<int>(as_json.code)) << command.name();
        const Result<cib::Element> root = cib::parse_xml(as_xml.out);
        ASSERT_TRUE(root) << command.name() << as_xml.out;
        EXPECT_EQ(root->name, "pacemaker-result") << command.name();
        const cib::Element* status = root->child("status");
        ASSERT_NE(status, nullptr) << command.name();
        EXPECT_EQ(status->get("code"), std::to_string(static_cast<int>(as_xml.code)));
    }
}

constexpr const char* kCib =
    R"(<cib admin_epoch="0" epoch="7" num_updates="3"><configuration><crm_config/><nodes>)"
    R"(<node id="1" uname="pm01"/><node id="2" uname="pm02"/></nodes><resources>)"
    R"(<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"><operations>)"
    R"(<op id="web-monitor" name="monitor" interval="10s"/></operations></primitive></resources>)"
    R"(<constraints/></configuration><status><tickets><ticket_state id="berlin" granted="true"/>)"
    R"(</tickets><node_state id="2" uname="pm02" in_ccm="true" crmd="online" join="member" )"
    R"(expected="member"><lrm id="2"><lrm_resources><lrm_resource id="web" class="ocf" )"
    R"(provider="heartbeat" type="Dummy"><lrm_rsc_op id="web_last_0" operation_key="web_start_0" operation="start" )"
    R"(call-id="1" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:0" )"
    R"(transition-magic="0:0;1:1:0:0"/></lrm_resource></lrm_resources></lrm></node_state>)"
    R"(</status></cib>)";

std::vector<std::string> answer_well(const json& request) {
    const std::string op = request.value("op", "");
    json reply{{"ok", true},         {"node", "pm02"},
               {"cib", kCib},        {"version", "0.7.3"},
               {"activity", "idle"}, {"coordinator", "pm02"},
               {"now_ns", 1},        {"time_ms", 1'700'000'000'000}};
    for (const char* const list : {"peers", "timelines", "events", "attributes"})
        reply[list] = json::array();
    reply["entries"] = {
        {{"number", 1}, {"kind", "configuration"}, {"version", "0.7"}, {"cib", kCib}},
        {{"number", 2}, {"kind", "configuration"}, {"version", "0.7"}, {"cib", kCib}}};
    if (op != "status" && op != "cib") reply["message"] = "done: " + op;
    return {reply.dump()};
}

bool is_change(const json& request) {
    static const std::set<std::string> kReading{"ping",     "status", "cib",        "events",
                                                "timeline", "heart",  "attributes", "history"};
    return kReading.count(request.value("op", "")) == 0;
}

TEST(EveryCommand, ChangesNothingInADryRun) {
    ::setenv("EDITOR", "/bin/true", 1);
    for (const TreeCommand& command : command_tree().commands()) {
        if (command_tree().nature(command) != Nature::Changes) continue;
        std::vector<json> changes;
        FakeDaemon daemon([&](const json& request) {
            if (is_change(request)) changes.push_back(request);
            return answer_well(request);
        });
        Words words = with_more(command.path, required_words(command));
        words.emplace_back("--dry-run");

        const Ran ran = run_words(words, daemon.run_dir(), "property stop-all-resources=true\n");

        EXPECT_TRUE(changes.empty()) << command.name() << changes.front().dump();
        if (takes_statement(command)) continue;  // the words fit one of them only
        EXPECT_EQ(ran.code, ExitCode::Ok) << command.name() << ": " << ran.err;
        EXPECT_NE(ran.out, "") << command.name();
    }
}

TEST(EveryCommand, SendsAChangeWithoutADryRun) {
    // The same words as above, so that the test above cannot pass by sending nothing ever.
    std::size_t sending = 0;
    for (const TreeCommand& command : command_tree().commands()) {
        if (command_tree().nature(command) != Nature::Changes || takes_statement(command)) continue;
        const bool is_by_hand = command.path.back().starts_with("force-");
        if (is_by_hand || command.path.back() == "edit") continue;
        std::size_t changes = 0;
        FakeDaemon daemon([&](const json& request) {
            changes += is_change(request) ? 1 : 0;
            return answer_well(request);
        });

        const Ran ran = run_words(with_more(command.path, required_words(command)),
                                  daemon.run_dir(), "property stop-all-resources=true\n");

        EXPECT_EQ(ran.code, ExitCode::Ok) << command.name() << ": " << ran.err;
        sending += changes > 0 ? 1 : 0;
    }
    EXPECT_GT(sending, 30U);
}

// The same line on a terminal, where somebody types `answer`.
Ran run_on_terminal(const Words& words, const std::string& run_dir, const std::string& answer) {
    std::istringstream in(answer);
    std::ostringstream out;
    std::ostringstream err;
    Session session{.in = in, .out = out, .err = err};
    session.run_dir = run_dir;
    session.is_interactive = true;
    const ExitCode code = run(session, words);
    return {.code = code, .out = out.str(), .err = err.str()};
}

TEST(EveryCommand, ThatMayDoHarmShowsItAndTakesNoForAnAnswer) {
    std::size_t asking = 0;
    for (const TreeCommand& command : command_tree().commands()) {
        const bool asks = command.has("--yes") && command_tree().nature(command) == Nature::Changes;
        const bool is_by_hand = command.path.back().starts_with("force-");
        // What the editor left as it was, and what is on standard input, asks nothing.
        const bool reads_input =
            command.path.front() == "configure" &&
            (command.path.back() == "edit" || command.path.back() == "replace");
        const bool changes_nothing = command.name() == "xbeat configure undo";
        if (!asks || is_by_hand || reads_input || changes_nothing) continue;
        ++asking;
        std::size_t changes = 0;
        FakeDaemon daemon([&](const json& request) {
            changes += is_change(request) ? 1 : 0;
            return answer_well(request);
        });
        const Words words = with_more(command.path, required_words(command));

        const Ran refused = run_on_terminal(words, daemon.run_dir(), "no\n");

        EXPECT_EQ(refused.code, ExitCode::Error) << command.name() << ": " << refused.err;
        EXPECT_EQ(changes, 0U) << command.name();
        EXPECT_THAT(refused.out, HasSubstr("This would happen:\n")) << command.name();
        EXPECT_THAT(refused.out, HasSubstr("Type 'yes' to go on: ")) << command.name();

        const Ran agreed = run_on_terminal(words, daemon.run_dir(), "yes\n");

        EXPECT_EQ(agreed.code, ExitCode::Ok) << command.name() << ": " << agreed.err;
        EXPECT_GE(changes, 1U) << command.name();
    }
    EXPECT_GT(asking, 10U);
}

TEST(EveryCommand, ShowsSomethingInEachForm) {
    FakeDaemon daemon(answer_well);
    for (const TreeCommand& command : command_tree().commands()) {
        const bool asks = command_tree().nature(command) == Nature::Shows &&
                          kNeedNoDaemon.count(command.name()) == 0;
        if (!asks) continue;
        const Words words = with_more(command.path, required_words(command));
        const std::string input = "property stop-all-resources=true\n";

        const Ran text = run_words(words, daemon.run_dir(), input);
        const Ran as_json = run_words(with_more(words, {"--json"}), daemon.run_dir(), input);
        const Ran as_xml = run_words(with_more(words, {"--xml"}), daemon.run_dir(), input);

        EXPECT_EQ(text.code, as_json.code) << command.name() << text.err << as_json.err;
        EXPECT_EQ(text.code, as_xml.code) << command.name();
        // A stream of events has a line for each and nothing for none.
        if (command.name() == "xbeat events") continue;
        EXPECT_NE(text.out + text.err, "") << command.name();
        EXPECT_TRUE(json::parse(as_json.out, nullptr, false).is_object()) << command.name();
        EXPECT_TRUE(cib::parse_xml(as_xml.out)) << command.name() << as_xml.out;
    }
}

Words completed(const Words& words, const std::string& run_dir = "/nonexistent") {
    ::setenv("XBEAT_RUN_DIR", run_dir.c_str(), 1);
    const Ran ran = run_words(with_more({"__complete"}, words), run_dir);
    ::unsetenv("XBEAT_RUN_DIR");
    Words found;
    std::istringstream lines(ran.out);
    for (std::string line; std::getline(lines, line);) found.push_back(line);
    return found;
}

TEST(EveryCommand, IsCompletedWithItsOptions) {
    for (const TreeCommand& command : command_tree().commands()) {
        EXPECT_THAT(completed(command.path), Contains(command.path.back())) << command.name();
        const Words options = completed(with_more(command.path, {"--"}));
        for (const std::string& option : command.options())
            EXPECT_THAT(options, Contains(option)) << command.name();
    }
}

// The shells' scripts know nothing themselves: they ask the program.
TEST(Completion, OfEachShellAsksTheProgram) {
    for (const std::string file : {"xbeat.bash", "_xbeat", "xbeat.fish"}) {
        std::ifstream in("user/completion/" + file);
        const std::string script{std::istreambuf_iterator<char>(in),
                                 std::istreambuf_iterator<char>()};
        if (script.empty()) GTEST_SKIP() << "user/completion is not below the working folder";
        EXPECT_THAT(script, HasSubstr("__complete")) << file;
    }
}

TEST(EveryCommand, IsCompletedWithNamesOfTheCluster) {
    FakeDaemon daemon(answer_well);
    const std::map<std::string, std::string> known{
        {"RSC", "web"}, {"NODE", "pm02"}, {"TICKET", "berlin"}, {"IDS", "web"}, {"OLD", "web"}};
    std::size_t count = 0;
    for (const TreeCommand& command : command_tree().commands()) {
        const std::vector<const CLI::Option*> positionals = command.positionals();
        if (positionals.empty()) continue;
        const auto name = known.find(positionals.front()->get_name());
        if (name == known.end()) continue;
        ++count;
        EXPECT_THAT(completed(with_more(command.path, {""}), daemon.run_dir()),
                    Contains(name->second))
            << command.name();
    }
    EXPECT_GT(count, 30U);
}

}  // namespace
}  // namespace xbeat::cli
