// Two members in the simulator's world with one service, `web`, that runs: where stories about
// beats, leases and shots begin.
#pragma once

#include <gtest/gtest.h>

#include "core/text.h"
#include "tests/sim/config.h"
#include "tests/sim/world.h"

namespace xbeat::xsim {

struct Pair {
    World world;

    static Settings with_witness(Duration exclusivity = 3s) {
        Settings settings;
        settings.seed = 7;
        settings.arbiter = node::ArbiterKind::Witness;
        settings.exclusivity = exclusivity;
        return settings;
    }
    static Settings with_fencing() {
        Settings settings;
        settings.seed = 7;
        return settings;
    }

    explicit Pair(const Settings& settings) : world(settings) {
        world.start_witness();
        world.boot(0);
        world.boot(1);
        run(12 * kSecond);  // before that the witness grants nothing
        WantedConfig config;
        config.has_fencing = settings.arbiter == node::ArbiterKind::Fence;
        config.resources.emplace_back().name = "web";
        world.request(0, node::ReplaceConfiguration{config.print(), ""});
        run(2 * kSecond);
        EXPECT_TRUE(is_well()) << world.describe();
    }
    void run(Nanos span) {
        world.run_until(world.now() + span);
        EXPECT_FALSE(world.truth().violation())
            << world.truth().violation()->invariant << ' ' << world.truth().violation()->text;
    }
    /// Asks that node for the configuration of all of these stories, where only `marker` is new.
    void change(std::size_t index, std::uint64_t marker) {
        WantedConfig config;
        config.has_fencing = false;
        config.marker = marker;
        config.resources.emplace_back().name = "web";
        world.request(index, node::ReplaceConfiguration{config.print(), ""}, marker);
    }
    void cut(int by) {
        for (std::size_t sender = 0; sender < kNodes; ++sender) cut_from(sender, by);
    }
    /// One direction of every path.
    void cut_from(std::size_t sender, int by) {
        for (std::size_t path = 0; path < kPaths; ++path) world.wire(path, sender).cuts += by;
        world.network_changed();
    }
    bool is_well() const {
        return world.is_member(0) && world.is_member(1) && world.is_idle() &&
               world.truth().is_active(0, "web") != world.truth().is_active(1, "web") &&
               world.is_gate_open(active());
    }
    std::size_t active() const { return world.truth().is_active(0, "web") ? 0 : 1; }
};

}  // namespace xbeat::xsim
