#include "execute/activity.h"

#include <algorithm>
#include <optional>

#include "core/text.h"
#include "execute/history.h"
#include "replicate/apply.h"

namespace xbeat::execute {
namespace {

bool has_true_meta(const cib::Element& resource, std::string_view name) {
    for (const cib::Element& set : resource.children) {
        if (set.name != "meta_attributes") continue;
        for (const cib::Element& pair : set.children) {
            if (pair.get("name") == name && parse_boolean(pair.get("value")).value_or(true)) {
                return true;
            }
        }
    }
    return false;
}

// Nothing if the primitive is not below this element.
std::optional<bool> is_like_everywhere(const cib::Element& at, std::string_view primitive,
                                       bool is_plain_clone) {
    for (const cib::Element& child : at.children) {
        if (child.name == "primitive") {
            if (child.get("id") == primitive) return is_plain_clone;
        } else if (child.name == "group") {
            if (auto found = is_like_everywhere(child, primitive, is_plain_clone)) return found;
        } else if (child.name == "clone" || child.name == "master") {
            const bool is_plain = child.name == "clone" && !has_true_meta(child, "promotable") &&
                                  !has_true_meta(child, "globally-unique");
            if (auto found = is_like_everywhere(child, primitive, is_plain)) return found;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> known_on(const cib::Element& cib, std::string_view node_id) {
    std::vector<std::string> out;
    const cib::Element* node = replicate::node_state(cib, node_id);
    const cib::Element* resources = node == nullptr ? nullptr : cib::histories_of(*node);
    if (resources == nullptr) return out;
    for (const cib::Element& resource : resources->children) out.emplace_back(resource.get("id"));
    return out;
}

std::set<std::string> active_on(const cib::Element& cib, std::string_view node_id) {
    std::set<std::string> out;
    for (const std::string& resource : known_on(cib, node_id)) {
        const cib::Element* history = replicate::history_of(cib, node_id, resource);
        if (history->get("class") == "stonith" || !may_be_active(cib, node_id, resource)) continue;
        out.emplace(primitive_of(resource));
    }
    return out;
}

bool must_run_once(const cib::Element& cib, std::string_view primitive) {
    const cib::Element* configuration = cib.child("configuration");
    const cib::Element* resources =
        configuration == nullptr ? nullptr : configuration->child("resources");
    if (resources == nullptr) return true;
    return !is_like_everywhere(*resources, primitive, false).value_or(false);
}

}  // namespace xbeat::execute
