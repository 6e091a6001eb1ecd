// Requests as a Node alone in its list answers them: a new configuration, unfencing itself,
// examining devices.
#include <gtest/gtest.h>

#include <deque>

#include "core/text.h"
#include "node/node.h"
#include "replicate/apply.h"
#include "replicate/state.h"

namespace xbeat::node {
namespace {

// A node whose disk always works and whose agents the test plays.
class Lone {
public:
    explicit Lone(std::string snapshot = {}) : node(options()) {
        Started started;
        started.snapshot = std::move(snapshot);
        started.daemon = Incarnation{11};
        started.heart = Incarnation{12};
        step(started);
    }
    void step(const Event& event) {
        std::deque<Event> events = {event};
        while (!events.empty()) {
            now_.boot += 1ms;
            now_.calendar.value = 1'700'000'000;
            Output output = node.step(now_, events.front());
            events.pop_front();
            for (const Write& write : output.persist) {
                events.emplace_back(Persisted{.ticket = write.ticket, .outcome = {}});
            }
            for (const Command& command : output.run) {
                if (const auto* run = std::get_if<RunAgent>(&command)) runs.push_back(*run);
            }
            for (Reply& reply : output.replies) replies.push_back(std::move(reply.outcome));
        }
    }
    void ask(RequestBody body) {
        step(ClientRequest{.client = ClientId{1}, .user = "uid 0", .body = std::move(body)});
    }
    // Every agent that was asked for ends well, until none is; the fence actions among them.
    std::string let_run() {
        std::string fenced;
        while (!runs.empty()) {
            const RunAgent run = runs.front();
            runs.pop_front();
            const bool is_fence = run.action == "on" || run.action == "off";
            if (is_fence) fenced += concat(run.resource, ':', run.action, ' ');
            const bool is_probe = run.action == "monitor" && run.agent_class != "stonith";
            AgentDone done;
            done.operation = run.operation;
            done.rc = is_probe ? 7 : 0;
            step(done);
        }
        return fenced;
    }
    std::string_view attribute(std::string_view name) const {
        return replicate::transient_attribute(node.cib(), "1", name);
    }

    Node node;
    std::deque<RunAgent> runs;
    std::vector<Result<std::string>> replies;

private:
    static Options options() {
        Options made;
        made.self = NodeId{1};
        made.cluster = "lab";
        made.nodes = {{.id = NodeId{1}, .name = "pm01", .paths = {}}};
        return made;
    }
    Now now_;
};

std::string configuration(const std::string& meta) {
    return concat(
        "<configuration><crm_config/><nodes><node id=\"1\" uname=\"pm01\"/></nodes>"
        "<resources><primitive id=\"key\" class=\"stonith\" "
        "type=\"fence_x\"><instance_attributes id=\"i\"><nvpair id=\"l\" name=\"pcmk_host_list\" "
        "value=\"pm01\"/></instance_attributes>",
        meta,
        "</primitive><primitive id=\"web\" class=\"ocf\" provider=\"heartbeat\" "
        "type=\"Dummy\"/></resources><constraints/></configuration>");
}

TEST(Configuration, IsReplacedByTheSameOneOnlyToRaiseItsAdminEpoch) {
    Lone lone;
    const auto version = [&lone] { return replicate::configuration_version_of(lone.node.cib()); };
    lone.ask(ReplaceConfiguration{configuration(""), ""});
    const std::string first = version();

    lone.ask(ReplaceConfiguration{concat("<cib admin_epoch=\"0\">", configuration(""), "</cib>"),
                                  first});
    EXPECT_EQ(version(), first);
    lone.ask(ReplaceConfiguration{concat("<cib admin_epoch=\"3\">", configuration(""), "</cib>"),
                                  first});
    EXPECT_TRUE(version().starts_with("3.")) << version();
    ASSERT_TRUE(lone.replies.back());
}

// A machine took a dead one's place under another name, and the file says so.
TEST(Configuration, NamesANodeAsTheFileDoes) {
    replicate::State before = replicate::empty_state("lab");
    before.cib.child_or_new("configuration") = *cib::parse_xml(
        "<configuration><crm_config/><nodes><node id=\"1\" uname=\"old\"/></nodes><resources>"
        "<primitive id=\"web\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/></resources>"
        "<constraints><rsc_location id=\"l\" rsc=\"web\" node=\"old\" score=\"5\"/></constraints>"
        "</configuration>");

    const Lone lone(replicate::encode_snapshot(before));

    const cib::Element& configuration = *lone.node.cib().child("configuration");
    EXPECT_EQ(configuration.child("nodes")->children.size(), 1U);
    EXPECT_EQ(configuration.find_id("1")->get("uname"), "pm01");
    EXPECT_EQ(configuration.find_id("l")->get("node"), "pm01");
    EXPECT_EQ(lone.node.cib().get("update-user"), "xbeat");
}

TEST(Unfencing, HappensOnceAndIsRemembered) {
    Lone lone;
    lone.ask(ReplaceConfiguration{
        configuration("<meta_attributes id=\"m\"><nvpair id=\"p\" name=\"provides\" "
                      "value=\"unfencing\"/></meta_attributes>"),
        ""});

    ASSERT_FALSE(lone.replies.empty());
    ASSERT_TRUE(lone.replies.back()) << lone.replies.back().error().context;
    EXPECT_EQ(lone.let_run(), "key:on ") << lone.node.activity();
    EXPECT_EQ(lone.attribute("#node-unfenced"), "1700000000");
    EXPECT_NE(lone.attribute("#digests-all").find("key:fence_x:"), std::string_view::npos);
    EXPECT_EQ(lone.node.activity(), "idle");
    ASSERT_EQ(lone.node.fence_history().size(), 1U);
    EXPECT_EQ(lone.node.fence_history()[0].action, "on");

    // Another plan wants it no more.
    lone.ask(Cleanup{.resource = {}, .node = {}, .failed_only = false});
    EXPECT_EQ(lone.let_run(), "");
}

TEST(Unfencing, IsNotForDevicesThatDoNotAskForIt) {
    Lone lone;
    lone.ask(ReplaceConfiguration{configuration(""), ""});

    EXPECT_EQ(lone.let_run(), "");
    EXPECT_EQ(lone.attribute("#node-unfenced"), "");
}

TEST(FenceHistory, IsForgottenOnRequest) {
    Lone lone;
    lone.ask(ReplaceConfiguration{
        configuration("<meta_attributes id=\"m\"><nvpair id=\"p\" name=\"provides\" "
                      "value=\"unfencing\"/></meta_attributes>"),
        ""});
    (void)lone.let_run();
    ASSERT_EQ(lone.node.fence_history().size(), 1U);

    lone.ask(ForgetFences{"pm09"});
    EXPECT_EQ(lone.node.fence_history().size(), 1U);
    lone.ask(ForgetFences{""});

    EXPECT_TRUE(lone.node.fence_history().empty());
    ASSERT_FALSE(lone.replies.empty());
    ASSERT_TRUE(lone.replies.back().has_value());
    EXPECT_EQ(*lone.replies.back(), "forgot 1 entries of the history of fencing");
}

TEST(ValidateDevice, AnswersWhenTheAgentHas) {
    Lone lone;
    lone.ask(ReplaceConfiguration{configuration(""), ""});
    (void)lone.let_run();
    lone.replies.clear();

    lone.ask(ValidateDevice{"key"});
    ASSERT_EQ(lone.runs.size(), 1U);
    EXPECT_EQ(lone.runs[0].action, "metadata");
    EXPECT_TRUE(lone.replies.empty());
    (void)lone.let_run();

    // An agent that prints nothing has no metadata: that is what is wrong with it.
    ASSERT_EQ(lone.replies.size(), 1U);
    ASSERT_FALSE(lone.replies[0].has_value());
    EXPECT_NE(lone.replies[0].error().context.find("FAILED  metadata"), std::string::npos);
    EXPECT_NE(lone.replies[0].error().context.find("ok      monitor"), std::string::npos);
    lone.ask(ValidateDevice{"nosuch"});
    EXPECT_EQ(lone.replies.back().error().code, Code::NotFound);
}

}  // namespace
}  // namespace xbeat::node
