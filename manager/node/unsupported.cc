#include "node/unsupported.h"

#include <vector>

#include "core/text.h"

namespace xbeat::node {
namespace {

bool has_meta(const cib::Element& resource, std::string_view name) {
    for (const cib::Element& set : resource.children) {
        if (set.name != "meta_attributes") continue;
        for (const cib::Element& pair : set.children) {
            if (pair.get("name") == name) return true;
        }
    }
    return false;
}

std::string sentence(const cib::Element& resource, std::string_view what, std::string_view means) {
    return concat(
        resource.get("id"), " is ", what, ": ", means,
        " are planned and simulated (`xbeat simulate`), but this version cannot run them; "
        "remove it");
}

}  // namespace

std::optional<std::string> what_cannot_run(const cib::Element& configuration) {
    const cib::Element* resources = configuration.child("resources");
    if (resources == nullptr) return std::nullopt;
    std::vector<const cib::Element*> to_visit = {resources};
    while (!to_visit.empty()) {
        const cib::Element& at = *to_visit.back();
        to_visit.pop_back();
        if (at.name == "bundle") return sentence(at, "a bundle", "bundles");
        if (at.name == "primitive") {
            const bool is_remote = at.get("provider") == "pacemaker" && at.get("type") == "remote";
            if (is_remote) return sentence(at, "a remote node", "remote nodes");
            if (has_meta(at, "remote-node")) {
                return sentence(at, "the container of a guest node", "guest nodes");
            }
            continue;
        }
        // Later ones first onto the stack, so that the first of the document is named.
        for (auto child = at.children.rbegin(); child != at.children.rend(); ++child) {
            to_visit.push_back(&*child);
        }
    }
    return std::nullopt;
}

}  // namespace xbeat::node
