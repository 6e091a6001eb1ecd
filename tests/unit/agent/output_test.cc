#include "agent/output.h"

#include <gtest/gtest.h>

#include "agent/exec_protocol.h"

namespace xbeat::agent {
namespace {

std::string reason_of(std::string_view text) {
    Output output;
    output.feed(text);
    return output.exit_reason();
}

TEST(AgentOutput, FindsTheLastExitReason) {
    EXPECT_EQ(reason_of("x\nocf-exit-reason: first\nocf-exit-reason:second \ny\n"), "second");
    EXPECT_EQ(reason_of("ocf-exit-reason:unfinished"), "unfinished");
    EXPECT_EQ(reason_of("ocf-exit-reason:"), "");
    EXPECT_EQ(reason_of(" ocf-exit-reason:not at the beginning\n"), "");
    EXPECT_EQ(reason_of(""), "");
}

TEST(AgentOutput, FindsAnExitReasonThatArrivesInPieces) {
    Output output;
    for (const char c : std::string_view("noise\nocf-exit-reason:piece by piece\nmore\n")) {
        output.feed({&c, 1});
    }
    EXPECT_EQ(output.exit_reason(), "piece by piece");
}

TEST(AgentOutput, MakesAnExitReasonPrintableAndBounded) {
    EXPECT_EQ(reason_of("ocf-exit-reason:a\x1b[31mred\x07\n"), "a?[31mred?");
    EXPECT_EQ(reason_of("ocf-exit-reason:gr\xc3\xbcn\n"), "gr\xc3\xbcn");
    EXPECT_EQ(reason_of("ocf-exit-reason:" + std::string(5000, 'x')).size(), kReasonBytesMax);
}

TEST(AgentOutput, KeepsExactlyTheLimit) {
    Output output;
    output.feed(std::string(kAgentOutputBytesMax, 'x'));
    EXPECT_FALSE(output.is_cut());
    output.feed("y");
    EXPECT_TRUE(output.is_cut());
    EXPECT_EQ(output.text().size(), kAgentOutputBytesMax);
    EXPECT_EQ(output.text().back(), 'x');
}

TEST(AgentOutput, FindsAnExitReasonBehindTheLimit) {
    Output output;
    output.feed(std::string(kAgentOutputBytesMax + 10, 'x') + "\nocf-exit-reason:late\n");
    EXPECT_EQ(output.exit_reason(), "late");
}

}  // namespace
}  // namespace xbeat::agent
