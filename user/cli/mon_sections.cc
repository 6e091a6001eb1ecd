#include "cli/mon_sections.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace xbeat::cli {
namespace {

using schedule::ResourceView;

// What a name switches. The summary is shown as a whole: each of its parts means it.
struct Section {
    std::string_view name;
    bool StatusOptions::*flag = nullptr;  // null: fencing, by `level`
    int level = 0;
};
constexpr std::array kSections{
    Section{"attributes", &StatusOptions::attributes},
    Section{"bans", &StatusOptions::bans},
    Section{"counts", &StatusOptions::headers},
    Section{"dc", &StatusOptions::headers},
    Section{"failcounts", &StatusOptions::fail_counts},
    Section{"failures", &StatusOptions::failures},
    Section{"fencing", nullptr, 2},
    Section{"fencing-failed", nullptr, 1},
    Section{"fencing-pending", nullptr, 1},
    Section{"fencing-succeeded", nullptr, 2},
    Section{"links", &StatusOptions::links},
    Section{"maint-mode", &StatusOptions::headers},
    Section{"nodes", &StatusOptions::nodes},
    Section{"operations", &StatusOptions::operations},
    Section{"options", &StatusOptions::headers},
    Section{"resources", &StatusOptions::resources},
    Section{"stack", &StatusOptions::headers},
    Section{"summary", &StatusOptions::headers},
    Section{"tickets", &StatusOptions::tickets},
    Section{"times", &StatusOptions::headers},
};

void show_all(StatusOptions& options, bool is_shown) {
    for (const Section& section : kSections) {
        if (section.flag != nullptr) options.*section.flag = is_shown;
    }
    options.fence_history = is_shown ? 2 : 0;
}

Result<void> apply_one(std::string_view word, StatusOptions& options) {
    const bool is_shown = !word.starts_with('-');
    std::string_view name = word;
    if (!name.empty() && (name.front() == '+' || name.front() == '-')) name.remove_prefix(1);
    // crm_mon's bans may name a prefix; all are shown here.
    name = name.substr(0, name.find(':'));
    if (name == "all" || name == "none") {
        show_all(options, is_shown == (name == "all"));
        return {};
    }
    if (name == "default") {
        const StatusOptions present = options;
        options = StatusOptions{.links = false};
        options.inactive = present.inactive;
        options.by_node = present.by_node;
        options.brief = present.brief;
        options.detail = present.detail;
        options.timing = present.timing;
        return {};
    }
    const auto* const found =
        std::find_if(kSections.begin(), kSections.end(),
                     [name](const Section& section) { return section.name == name; });
    if (found == kSections.end()) {
        return Error{.code = Code::Invalid, .context = concat("sections: ", section_names())};
    }
    if (found->flag != nullptr) {
        options.*found->flag = is_shown;
    } else if (is_shown) {
        options.fence_history = std::max(options.fence_history, found->level);
    } else {
        options.fence_history = std::min(options.fence_history, found->level - 1);
    }
    return {};
}

// Whether the view, or anything in it, is of that resource.
bool is_of(const ResourceView& view, std::string_view resource) {
    if (view.id == resource || view.display_name == resource) return true;
    return std::any_of(view.children.begin(), view.children.end(),
                       [resource](const ResourceView& child) { return is_of(child, resource); });
}

bool runs_on(const ResourceView& view, std::string_view node) {
    return std::find(view.nodes.begin(), view.nodes.end(), node) != view.nodes.end();
}

// What is stopped belongs to no node; what holds nothing any more is gone, too.
void keep_on(std::vector<ResourceView>& views, std::string_view node) {
    std::erase_if(views, [node](ResourceView& view) {
        if (!view.children.empty()) {
            keep_on(view.children, node);
            return view.children.empty();
        }
        return view.role != schedule::RoleView::Stopped && !runs_on(view, node);
    });
    for (ResourceView& view : views) {
        std::erase_if(view.nodes, [node](const std::string& each) { return each != node; });
    }
}

Error unknown(std::string_view kind, std::string_view name) {
    return {.code = Code::NotFound, .context = concat("there is no ", kind, " '", name, "'")};
}

}  // namespace

std::string section_names() {
    std::string names = "all, default, none";
    for (const Section& section : kSections) names += concat(", ", section.name);
    return names;
}

Result<void> apply_sections(std::string_view list, StatusOptions& options) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        XB_TRY(apply_one(trim(list.substr(0, comma)), options));
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return {};
}

Result<void> keep_only(StatusInput& input, std::string_view node, std::string_view resource) {
    schedule::Situation& situation = input.situation;
    if (!node.empty()) {
        std::erase_if(situation.nodes, [node](const auto& each) { return each.name != node; });
        if (situation.nodes.empty()) return unknown("node", node);
        keep_on(situation.resources, node);
        const auto is_elsewhere = [node](const auto& each) { return each.node != node; };
        std::erase_if(situation.fail_counts, is_elsewhere);
        std::erase_if(situation.failed_actions, is_elsewhere);
        std::erase_if(situation.bans, is_elsewhere);
        std::erase_if(input.operations, is_elsewhere);
    }
    if (!resource.empty()) {
        std::erase_if(situation.resources,
                      [resource](const auto& each) { return !is_of(each, resource); });
        if (situation.resources.empty()) return unknown("resource", resource);
        const auto is_other = [&situation](const auto& each) {
            return std::none_of(situation.resources.begin(), situation.resources.end(),
                                [&each](const auto& view) { return is_of(view, each.resource); });
        };
        std::erase_if(situation.fail_counts, is_other);
        std::erase_if(situation.failed_actions, is_other);
        std::erase_if(situation.bans, is_other);
        std::erase_if(input.operations, is_other);
    }
    return {};
}

}  // namespace xbeat::cli
