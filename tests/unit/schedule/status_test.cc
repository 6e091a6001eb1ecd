// What the status section means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "example.h"
#include "schedule/history.h"

namespace xbeat::schedule {
namespace {

using testing::actions_of;
using ::testing::Contains;
using testing::Example;

Example service_on_lost_node() {
    Example example;
    example.resources = Example::primitive("web");
    example.down = {"pm02"};
    example.history = {"web pm02 start 0", "web pm02 monitor10 0", "web pm01 monitor 7"};
    return example;
}

TEST(Status, WithoutFencingWhatANodeRanEndsWithTheNode) {
    EXPECT_THAT(actions_of(service_on_lost_node().plan()), Contains("start web pm01"));
}

TEST(Status, WithFencingAnUncleanNodeIsTakenToRunItStill) {
    Example example = service_on_lost_node();
    example.options = Example::pair("stonith-enabled", "true");
    example.resources += "<primitive id=\"shooter\" class=\"stonith\" type=\"fence_xvm\"/>";
    cib::Element cib = example.parsed();
    cib.child_or_new("status").children[1].set("expected", "member");

    const std::vector<std::string> actions = actions_of(schedule(cib, {.now = testing::kNow}));

    EXPECT_THAT(actions, Contains("stonith pm02"));
    EXPECT_THAT(actions, Contains("start web pm01"));
}

// Claim I-24: their clocks may be hours apart, and the one whose clock is ahead is not always
// right.
TEST(Record, OfTwoNodesTheNumberTellsWhichIsNewer) {
    const auto record = [](const std::string& change, const std::string& number) {
        cib::Element entry;
        entry.name = "lrm_rsc_op";
        entry.set("id", "vm_last_0");
        entry.set("last-rc-change", change);
        if (!number.empty()) entry.set("xbeat-record", number);
        return entry;
    };
    const cib::Element probe = record("1700036034", "7");
    const cib::Element migration = record("1700000049", "12");
    const cib::Element from_pacemaker = record("1700000049", "");

    EXPECT_LT(compare_age(decode_record(probe), decode_record(migration), false), 0);
    EXPECT_GT(compare_age(decode_record(migration), decode_record(probe), false), 0);
    EXPECT_GT(compare_age(decode_record(probe), decode_record(from_pacemaker), false), 0);
}

}  // namespace
}  // namespace xbeat::schedule
