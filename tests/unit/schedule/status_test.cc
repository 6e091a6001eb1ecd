// What the status section means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "example.h"

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

}  // namespace
}  // namespace xbeat::schedule
