#include "cib/part.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr std::array<std::string_view, 14> kSections = {
    "acls",  "alerts",  "constraints", "crm_config",   "fencing-topology",
    "nodes", "none",    "op_defaults", "rsc_defaults", "resources",
    "tags",  "members", "status",      "tickets"};

Element without_children(const Element& element) {
    Element bare;
    bare.name = element.name;
    bare.attributes = element.attributes;
    return bare;
}

// A resource's name without the number of a clone's instance.
std::string_view base_of(std::string_view id) { return id.substr(0, id.find(':')); }

// Whether that is the history of one of these: of the resource, of an instance ("web:0"), or of
// what a bundle makes ("web-podman-0"). Of a resource whose name goes on like that as well: a part
// may have more than was asked for.
bool is_history_of(std::string_view history, const std::vector<std::string_view>& ids) {
    return std::any_of(ids.begin(), ids.end(), [history](std::string_view id) {
        if (!history.starts_with(id)) return false;
        return history.size() == id.size() || history[id.size()] == ':' ||
               history[id.size()] == '-';
    });
}

void collect_ids(const Element& element, std::vector<std::string_view>& ids) {
    const bool is_resource = element.name == "primitive" || element.name == "group" ||
                             element.name == "clone" || element.name == "master" ||
                             element.name == "bundle";
    if (!is_resource) return;
    ids.push_back(element.get("id"));
    for (const Element& below : element.children) collect_ids(below, ids);
}

// What is left of <resources>, and in `ids` every name below it.
Element resources_of(const Element& section, const std::string& wanted,
                     std::vector<std::string_view>& ids) {
    Element kept = without_children(section);
    for (const Element& resource : section.children) {
        const bool is_wanted = resource.find_id(base_of(wanted)) != nullptr;
        if (is_wanted) collect_ids(resource, ids);
        if (is_wanted || resource.name == "template") kept.children.push_back(resource);
    }
    return kept;
}

Element node_state_of(const Element& state, const std::vector<std::string_view>& ids) {
    Element kept = without_children(state);
    for (const Element& below : state.children) {
        if (below.name != "lrm") {
            kept.children.push_back(below);
            continue;
        }
        Element executor = without_children(below);
        Element& list = executor.child_or_new("lrm_resources");
        if (const Element* all = histories_of(state)) {
            for (const Element& history : all->children) {
                if (is_history_of(history.get("id"), ids)) list.children.push_back(history);
            }
        }
        kept.children.push_back(std::move(executor));
    }
    return kept;
}

bool wants(const Part& part, std::string_view section) {
    return std::find(part.sections.begin(), part.sections.end(), section) != part.sections.end();
}

Element status_of(const Element& section, const Part& part,
                  const std::vector<std::string_view>& ids) {
    Element kept = without_children(section);
    for (const Element& below : section.children) {
        const bool is_node = below.name == "node_state";
        if (wants(part, "status")) {
            const bool is_cut = is_node && !part.resource.empty();
            kept.children.push_back(is_cut ? node_state_of(below, ids) : below);
        } else if (is_node && wants(part, "members")) {
            kept.children.push_back(without_children(below));
        } else if (below.name == "tickets" && wants(part, "tickets")) {
            kept.children.push_back(below);
        }
    }
    return kept;
}

}  // namespace

Result<std::vector<std::string>> parse_sections(std::string_view text) {
    std::vector<std::string> sections;
    for (const std::string_view word : split_words(text)) {
        if (std::find(kSections.begin(), kSections.end(), word) == kSections.end()) {
            std::string known;
            for (const std::string_view name : kSections) {
                known += concat(known.empty() ? "" : ", ", name);
            }
            return Error{.code = Code::Invalid,
                         .context = concat("there is no such section; there are ", known)};
        }
        sections.emplace_back(word);
    }
    return sections;
}

Element part_of(const Element& cib, const Part& part) {
    if (part.sections.empty() && part.resource.empty()) return cib;
    Part wanted = part;
    if (wanted.sections.empty()) wanted.sections.assign(kSections.begin(), kSections.end());
    Element kept = without_children(cib);
    std::vector<std::string_view> ids;
    if (const Element* configuration = cib.child("configuration")) {
        Element below = without_children(*configuration);
        for (const Element& section : configuration->children) {
            if (!wants(wanted, section.name)) continue;
            const bool is_cut = section.name == "resources" && !wanted.resource.empty();
            below.children.push_back(is_cut ? resources_of(section, wanted.resource, ids)
                                            : section);
        }
        kept.children.push_back(std::move(below));
    }
    if (const Element* status = cib.child("status")) {
        kept.children.push_back(status_of(*status, wanted, ids));
    }
    return kept;
}

}  // namespace xbeat::cib
