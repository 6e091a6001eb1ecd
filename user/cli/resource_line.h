// What the verbs of `xbeat resource` have in common: their words, and where a resource runs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/change.h"
#include "cli/grammar.h"
#include "cli/session.h"
#include "cli/status_input.h"

namespace xbeat::cli {

struct ResourceLine {
    std::string resource;
    std::string node;
    std::string name;
    std::string value;
    std::string lifetime;
    std::string operation;  // show, set or delete
    std::vector<std::string> resources;
    bool promoted_only = false;
    bool expired_only = false;
    ChangeOptions change;
};

/// The resource or instance of that name, anywhere in the tree, or null.
[[nodiscard]] const schedule::ResourceView* find_resource(
    const std::vector<schedule::ResourceView>& list, std::string_view name);

/// NotFound, with a name that may have been meant.
[[nodiscard]] Error unknown_resource(const StatusInput& input, std::string_view name);

/// The nodes where it runs, all instances together, each once. Errors as ask(), NotFound.
[[nodiscard]] Result<std::vector<std::string>> places_of(const Session& session,
                                                         const std::string& name);

/// Adds the verbs that look at a resource's configuration and past, or run its agent by hand:
/// operations, params, maintenance, trace, untrace, delete, force-*, digest of them in xbeat(8).
void add_resource_agent(const Command& noun, const std::shared_ptr<ResourceLine>& line);

}  // namespace xbeat::cli
