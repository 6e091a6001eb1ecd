// What the parts of crm_resource share. Private to shim/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "schedule/schedule.h"
#include "shim/tools.h"

namespace xbeat::shim {

/// "d" of "d:1".
[[nodiscard]] std::string base_of(const std::string& id);
void collect_leaves(const schedule::ResourceView& view,
                    std::vector<const schedule::ResourceView*>& leaves);
/// The leaves of the resources of that name: itself, its instances, or its members' ones.
void find_views(const std::vector<schedule::ResourceView>& views, std::string_view id,
                std::vector<const schedule::ResourceView*>& found);
[[nodiscard]] EpochSeconds clock_now();
/// Of one resource, or (empty) of all: without what only matters for where things should run.
[[nodiscard]] Result<schedule::Situation> observe(const Tool& tool, const std::string& resource);
/// Whether something that runs, or a template, is called so in the configuration.
[[nodiscard]] bool is_resource(const Tool& tool, const std::string& id);
[[nodiscard]] bool has_node(const schedule::Situation& situation, std::string_view name);

/// For a resource or a node that is not there: the words of Pacemaker's tool, and 105.
int no_such(const Tool& tool, std::string_view id);
/// The same, unless nobody is there to know.
int no_such_or_down(const Tool& tool, std::string_view id);
int no_such_node(const Tool& tool, std::string_view name);

/// --node or its older form.
[[nodiscard]] std::string node_of(const Arguments& given);

int change_place(const Tool& tool, const Arguments& given);      // --ban --move --clear
int show_constraints(const Tool& tool, const Arguments& given);  // --constraints --stack

}  // namespace xbeat::shim
