// Two nodes of the small deterministic world in the middle of their work: where most stories begin.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/text.h"
#include "replicate/apply.h"
#include "support/sim_world.h"

namespace xbeat::sim {

inline std::string with_meta(std::string text, const std::string& resource, const std::string& name,
                             const std::string& value) {
    const std::string mark = concat("<operations><op id=\"", resource, "-monitor\"");
    const std::size_t at = text.find(mark);
    EXPECT_NE(at, std::string::npos);
    text.insert(
        at, concat("<meta_attributes id=\"", resource, "-meta\"><nvpair id=\"", resource, "-", name,
                   "\" name=\"", name, "\" value=\"", value, "\"/></meta_attributes>"));
    return text;
}

inline std::string in_maintenance(std::string text) {
    const std::string mark = "<nvpair id=\"cbo-fencing\"";
    text.insert(text.find(mark),
                "<nvpair id=\"cbo-maintenance\" name=\"maintenance-mode\" value=\"true\"/>");
    return text;
}

inline std::string with_constraints(std::string text, const std::string& constraints) {
    const std::string_view mark = "<constraints/>";
    const std::size_t at = text.find(mark);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, mark.size(), concat("<constraints>", constraints, "</constraints>"));
}

inline std::string with_parameter(std::string text, const std::string& resource,
                                  const std::string& value) {
    const std::string mark = concat("<operations><op id=\"", resource, "-monitor\"");
    text.insert(text.find(mark),
                concat("<instance_attributes id=\"", resource, "-ia\"><nvpair id=\"", resource,
                       "-state\" name=\"state\" value=\"", value, "\"/></instance_attributes>"));
    return text;
}

// Two members with a configuration in force and everything it wants running.
struct Story {
    World world;

    explicit Story(const std::string& config = configuration({"web"}, "story"),
                   Settings settings = {})
        : world(settings) {
        world.boot(0);
        world.boot(1);
        EXPECT_TRUE(world.run_until([this] { return world.both_members(); }, 10s));
        world.request(0, node::ReplaceConfiguration{config, ""});
        world.run(2s);
        EXPECT_TRUE(world.is_idle()) << world.node(0)->activity();
        const auto reply = world.last_reply(0);
        EXPECT_TRUE(reply && reply->has_value())
            << (reply && !*reply ? reply->error().context : std::string());
    }

    std::size_t where(const std::string& resource = "web") const {
        EXPECT_NE(world.is_active(0, resource), world.is_active(1, resource));
        return world.is_active(0, resource) ? 0 : 1;
    }
    // Told to, its daemon ends.
    bool leaves(std::size_t index) {
        world.request(index, node::Leave{});
        return world.run_until([this, index] { return world.node(index) == nullptr; }, 10s);
    }
    bool settles(Duration limit = 30s) {
        return world.run_until([this] { return world.both_members() && world.is_idle(); }, limit);
    }
    std::string attribute(std::size_t index, const std::string& name) {
        node::Node* any = world.node(0) != nullptr ? world.node(0) : world.node(1);
        return std::string(replicate::transient_attribute(any->cib(), concat(index + 1), name));
    }
};

}  // namespace xbeat::sim
