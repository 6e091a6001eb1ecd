// What holds for every cluster: random ones from a seed, so that a failure can be repeated.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/render_plan.h"
#include "cli/simulate_model.h"
#include "core/prng.h"
#include "example.h"

namespace xbeat::schedule {
namespace {

using testing::actions_of;
using testing::Example;
using testing::kNow;

constexpr std::uint64_t kSeeds = 150;

class Dice {
public:
    explicit Dice(std::uint64_t seed) : prng_(seed) {}
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(prng_.below(bound)); }
    bool chance(std::size_t percent) { return below(100) < percent; }

private:
    Prng prng_;
};

std::string clone(std::string_view id, std::string_view inner, bool promotable) {
    return concat("<clone id=\"", id, "\"><meta_attributes id=\"", id, "-m\"><nvpair id=\"", id,
                  "-p\" name=\"promotable\" value=\"", promotable ? "true" : "false",
                  "\"/></meta_attributes>", Example::primitive(inner), "</clone>");
}

std::string_view a_score(Dice& dice) {
    constexpr std::string_view kScores[] = {"INFINITY", "-INFINITY", "100", "-50", "7"};
    return kScores[dice.below(5)];
}

struct Made {
    Example example;
    std::vector<std::string> resources;    // elements
    std::vector<std::string> constraints;  // elements
};

Made make(std::uint64_t seed) {
    Dice dice(seed);
    Made out;
    out.example.nodes = {"alpha", "beta", "gamma"};
    std::vector<std::string> names;
    std::vector<std::string> primitives;
    const std::size_t count = 2 + dice.below(4);
    for (std::size_t at = 0; at < count; ++at) {
        const std::string id = concat("r", at);
        const std::size_t kind = dice.below(6);
        if (kind == 0) {
            out.resources.push_back(concat("<group id=\"", id, "\">", Example::primitive(id + "a"),
                                           Example::primitive(id + "b"), "</group>"));
            primitives.push_back(id + "a");
            primitives.push_back(id + "b");
        } else if (kind == 1) {
            out.resources.push_back(clone(id, id + "i", false));
            primitives.push_back(id + "i");
        } else {
            out.resources.push_back(Example::primitive(id));
            primitives.push_back(id);
        }
        names.push_back(id);
    }
    const std::size_t rules = dice.below(5);
    for (std::size_t at = 0; at < rules; ++at) {
        const std::string& one = names[dice.below(names.size())];
        const std::string& other = names[dice.below(names.size())];
        const std::size_t kind = dice.below(3);
        if (kind == 0 || one == other) {
            out.constraints.push_back(concat("<rsc_location id=\"l", at, "\" rsc=\"", one,
                                             "\" node=\"", out.example.nodes[dice.below(3)],
                                             "\" score=\"", a_score(dice), "\"/>"));
        } else if (kind == 1) {
            out.constraints.push_back(concat("<rsc_colocation id=\"c", at, "\" rsc=\"", one,
                                             "\" with-rsc=\"", other, "\" score=\"", a_score(dice),
                                             "\"/>"));
        } else {
            // From the earlier to the later only: a circle is no order.
            const std::string& first = std::min(one, other);
            const std::string& then = std::max(one, other);
            out.constraints.push_back(
                concat("<rsc_order id=\"o", at, "\" first=\"", first, "\" then=\"", then, "\"/>"));
        }
    }
    for (const std::string& primitive : primitives) {
        const std::size_t home = dice.below(5);
        for (std::size_t node = 0; node < 3; ++node) {
            const std::string& name = out.example.nodes[node];
            if (node == home) {
                out.example.history.push_back(concat(primitive, ' ', name, " start 0"));
                if (dice.chance(80)) {
                    out.example.history.push_back(concat(primitive, ' ', name, " monitor10 0"));
                }
            } else if (dice.chance(80)) {
                out.example.history.push_back(concat(primitive, ' ', name, " monitor 7"));
            }
        }
    }
    if (dice.chance(20)) out.example.down = {"gamma"};
    return out;
}

Example joined(const Made& made) {
    Example out = made.example;
    for (const std::string& each : made.resources) out.resources += each;
    for (const std::string& each : made.constraints) out.constraints += each;
    return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

TEST(Property, APlanThatIsCarriedOutLeadsToAStateWithoutOne) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Example example = joined(make(seed));
        cib::Element cib = example.parsed();

        std::vector<std::string> left{"not asked"};
        for (int round = 0; round < 4 && !left.empty(); ++round) {
            const Plan plan = schedule(cib, {.now = kNow});
            left = actions_of(plan);
            static_cast<void>(cli::carry_out(cib, plan, kNow, {}, true));
        }

        EXPECT_EQ(left, std::vector<std::string>()) << "seed " << seed << "\n" << example.text();
    }
}

TEST(Property, RenamingNodesInTheirOrderRenamesThePlan) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const std::string text = joined(make(seed)).text();
        const std::string renamed =
            replaced(replaced(replaced(text, "alpha", "xena"), "beta", "yuri"), "gamma", "zoe");
        const auto plan_of = [](const std::string& from) {
            const Result<cib::Element> cib = cib::parse_xml(from);
            return print_graph(schedule(*cib, {.now = kNow}));
        };

        const std::string back = replaced(
            replaced(replaced(plan_of(renamed), "xena", "alpha"), "yuri", "beta"), "zoe", "gamma");

        EXPECT_EQ(back, plan_of(text)) << "seed " << seed << "\n" << text;
    }
}

TEST(Property, ANodeThatCannotBeUsedChangesNothing) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Example example = joined(make(seed));
        // Clones are as large as the cluster is: they are told how large.
        example.resources = replaced(example.resources, "name=\"promotable\" value=\"false\"",
                                     "name=\"clone-max\" value=\"3\"");
        const std::vector<std::string> before = actions_of(example.plan());

        example.nodes.emplace_back("omega");
        example.down.emplace_back("omega");

        EXPECT_EQ(actions_of(example.plan()), before) << "seed " << seed << "\n" << example.text();
    }
}

TEST(Property, TheOrderOfNodesInTheFileMeansNothing) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Example example = joined(make(seed));
        cib::Element cib = example.parsed();
        const std::string before = print_graph(schedule(cib, {.now = kNow}));

        std::vector<cib::Element>& nodes =
            cib.child_or_new("configuration").child_or_new("nodes").children;
        std::reverse(nodes.begin(), nodes.end());

        EXPECT_EQ(print_graph(schedule(cib, {.now = kNow})), before) << "seed " << seed << "\n"
                                                                     << example.text();
    }
}

// The order of resources decides among equals, and so does that of the status for instances'
// numbers; with single primitives that all have a place, neither does.
TEST(Property, TheOrderOfConstraintsInTheFileMeansNothing) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Made made = make(seed);
        const std::vector<std::string> before = actions_of(joined(made).plan());

        std::reverse(made.constraints.begin(), made.constraints.end());

        EXPECT_EQ(actions_of(joined(made).plan()), before) << "seed " << seed << "\n"
                                                           << joined(made).text();
    }
}

TEST(Property, AskingTwiceGivesTheSameAnswer) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const cib::Element cib = joined(make(seed)).parsed();

        EXPECT_EQ(print_graph(schedule(cib, {.now = kNow})),
                  print_graph(schedule(cib, {.now = kNow})));
    }
}

}  // namespace
}  // namespace xbeat::schedule
