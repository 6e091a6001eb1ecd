// A live migration, and what happens beside it.
#include "tests/sim/story.h"

namespace xbeat::sim {
namespace {

// A resource that may migrate runs at `source`, and is moved by the wish of a person.
struct Move {
    const std::string text =
        with_meta(configuration({"vm"}, "moves"), "vm", "allow-migrate", "true");
    Story story{text};
    const std::size_t source = story.where("vm");
    const std::size_t target = 1 - source;

    void want_at(std::size_t index, const std::string& more) {
        const std::string wish =
            concat("<rsc_location id=\"wish\" rsc=\"vm\" score=\"500\" node=\"",
                   World::name_of(index), "\"/>");
        story.world.request(
            0, node::ReplaceConfiguration{with_constraints(text, concat(wish, more)), ""});
    }
    // Until that step, which takes long, is under way.
    void begin(const std::string& slow) {
        story.world.delay_next(slow, "vm", 3s);
        want_at(target, "");
        EXPECT_TRUE(
            story.world.run_until([&] { return story.world.count_runs(slow, "vm") == 1; }, 10s));
        story.world.run(500ms);
    }
};

// A change comes that has nothing to do with the migration. Its history once did not tell between
// which nodes it goes: the next plan took the source for unknown, and stopped nothing there.
TEST(MigrateStory, AMigrationGoesOnWhateverElseIsChanged) {
    for (const std::string slow : {"migrate_to", "migrate_from", "stop"}) {
        SCOPED_TRACE(slow);
        Move move;
        move.begin(slow);
        move.want_at(move.target,
                     "<rsc_location id=\"other\" rsc=\"vm\" score=\"1\" node=\"pm01\"/>");
        move.story.world.run(10s);

        EXPECT_EQ(move.story.where("vm"), move.target);
        for (const char* once : {"migrate_to", "migrate_from", "stop", "start"}) {
            EXPECT_EQ(move.story.world.count_runs(once, "vm"), 1) << once;
        }
        EXPECT_TRUE(move.story.world.is_idle());
        EXPECT_EQ(move.story.world.violation(), "");
    }
}

// Before it has arrived its person wants it back: it is never active twice, and ends where it is
// wanted.
TEST(MigrateStory, WhoIsCalledBackInTheMiddleRunsInOnePlace) {
    for (const std::string slow : {"migrate_to", "migrate_from", "stop"}) {
        SCOPED_TRACE(slow);
        Move move;
        move.begin(slow);
        move.want_at(move.source, "");
        move.story.world.run(15s);

        EXPECT_EQ(move.story.where("vm"), move.source);
        EXPECT_TRUE(move.story.world.is_idle());
        EXPECT_EQ(move.story.world.violation(), "");
    }
}

}  // namespace
}  // namespace xbeat::sim
