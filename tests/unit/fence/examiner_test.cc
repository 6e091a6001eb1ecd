#include <gtest/gtest.h>

#include "core/text.h"
#include "fence/examiner.h"

namespace xbeat::fence {
namespace {

using execute::AgentDone;
using execute::AgentStatus;
using execute::RunAgent;

constexpr const char* kMetadata =
    "<?xml version=\"1.0\"?>\n<resource-agent name=\"fence_x\"><parameters><parameter "
    "name=\"plug\"/></parameters><actions><action name=\"list\"/><action name=\"status\"/>"
    "<action name=\"validate-all\"/></actions></resource-agent>";

cib::Element cib_with(const std::string& map) {
    const Result<cib::Element> cib = cib::parse_xml(concat(
        "<cib><configuration><nodes><node id=\"1\" uname=\"pm01\"/><node id=\"2\" "
        "uname=\"pm02\"/></nodes><resources><primitive id=\"f\" class=\"stonith\" "
        "type=\"fence_x\"><instance_attributes id=\"i\"><nvpair id=\"m\" name=\"pcmk_host_map\" "
        "value=\"",
        map, "\"/><nvpair id=\"p\" name=\"ip\" value=\"10.0.0.9\"/>",
        "</instance_attributes></primitive></resources></configuration></cib>"));
    EXPECT_TRUE(cib.has_value());
    return *cib;
}

// An agent that answers each action with the next row, and what it was asked.
struct Agent {
    std::uint64_t next_run = 1;
    Examiner examiner{&next_run};
    std::string asked;

    Result<std::string> examine(const cib::Element& cib, const std::vector<AgentDone>& answers) {
        EXPECT_TRUE(examiner.begin(7, "f", cib, {}));
        for (const AgentDone& answer : answers) {
            const ExaminerOutput out = examiner.take();
            EXPECT_EQ(out.run.size(), 1U);
            if (out.run.empty()) break;
            asked += out.run[0].action;
            for (const auto& [name, value] : out.run[0].parameters) {
                if (name == "plug") asked += concat('=', value);
            }
            asked += ' ';
            AgentDone done = answer;
            done.operation = out.run[0].operation;
            EXPECT_TRUE(examiner.agent_done(done));
        }
        const ExaminerOutput out = examiner.take();
        EXPECT_EQ(out.findings.size(), 1U);
        if (out.findings.empty()) return Error{Code::Corrupt, "no finding"};
        EXPECT_EQ(out.findings[0].number, 7U);
        return out.findings[0].outcome;
    }
};

AgentDone with(int rc, const std::string& output = "", AgentStatus status = AgentStatus::Done) {
    AgentDone done;
    done.status = status;
    done.rc = rc;
    done.output = output;
    return done;
}

TEST(Examiner, AsksEverythingThatSwitchesNothing) {
    Agent agent;

    const Result<std::string> found =
        agent.examine(cib_with("pm01:7;pm02:8"),
                      {with(0, kMetadata), with(0), with(0), with(0, "7\n8\n"), with(0), with(2)});

    EXPECT_EQ(agent.asked, "metadata validate-all monitor list status=7 status=8 ");
    ASSERT_TRUE(found) << found.error().context;
    EXPECT_EQ(found->find("FAILED"), std::string::npos) << *found;
    EXPECT_NE(found->find("plug 8 is off"), std::string::npos) << *found;
}

TEST(Examiner, SaysWhichAnswerWasBadAndAsksOn) {
    Agent agent;
    AgentDone refused = with(1);
    refused.exit_reason = "login denied";

    const Result<std::string> found = agent.examine(
        cib_with("pm02:8"), {with(0, kMetadata), with(0), refused, with(0, "7\n"), with(1)});

    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::Invalid);
    EXPECT_NE(found.error().context.find("FAILED  monitor: it ended with 1: login denied"),
              std::string::npos)
        << found.error().context;
    EXPECT_NE(found.error().context.find("8 is not one of"), std::string::npos);
    EXPECT_NE(found.error().context.find("ok      validate-all"), std::string::npos);
}

TEST(Examiner, ReadsGarbageAsABadAnswerAndAsksTheDeviceAllTheSame) {
    Agent agent;

    const Result<std::string> found =
        agent.examine(cib_with("pm02:8"), {with(0, "\x01\xff<resource-agent <<"), with(0)});

    EXPECT_EQ(agent.asked, "metadata monitor ");
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().context.find("FAILED  metadata"), std::string::npos);
}

TEST(Examiner, EndsWhereThereIsNoAgent) {
    Agent agent;

    const Result<std::string> found =
        agent.examine(cib_with("pm02:8"), {with(5, "", AgentStatus::NotInstalled)});

    ASSERT_FALSE(found);
    EXPECT_NE(found.error().context.find("not installed"), std::string::npos);
}

TEST(Examiner, FindsADeviceThatServesNobody) {
    Agent agent;

    const Result<std::string> found =
        agent.examine(cib_with("pm09:1"), {with(0, kMetadata), with(0), with(0)});

    ASSERT_FALSE(found);
    EXPECT_NE(found.error().context.find("serves none"), std::string::npos);
}

TEST(Examiner, RefusesUnknownDevicesAndTooMany) {
    std::uint64_t next_run = 1;
    Examiner examiner(&next_run);
    const cib::Element cib = cib_with("pm02:8");

    EXPECT_EQ(examiner.begin(1, "nosuch", cib, {}).error().code, Code::NotFound);
    for (std::size_t i = 0; i < kExaminationsMax; ++i) EXPECT_TRUE(examiner.begin(i, "f", cib, {}));
    EXPECT_EQ(examiner.begin(99, "f", cib, {}).error().code, Code::Limit);
}

}  // namespace
}  // namespace xbeat::fence
