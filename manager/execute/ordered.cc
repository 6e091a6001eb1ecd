#include "execute/ordered.h"

#include <map>
#include <utility>
#include <vector>

#include "cib/flat.h"
#include "cib/walk.h"

namespace xbeat::execute {
namespace {

/// Ids of which each is connected with all others.
using Circle = std::set<std::string>;

/// What has members, with them; and what a template or tag stands for, with it.
void collect_families(const cib::Element& at, std::vector<Circle>& out) {
    for (const cib::Element& child : at.children) {
        Circle family;
        for (const cib::Element& member : child.children) {
            if (cib::is_resource(member.name)) family.emplace(member.get("id"));
        }
        if (child.has("template")) family.emplace(child.get("template"));
        if (!family.empty() && child.has("id")) {
            family.emplace(child.get("id"));
            out.push_back(std::move(family));
        }
        collect_families(child, out);
    }
}

Circle mentioned_by(const cib::Element& element) {
    Circle out;
    for (cib::Mention& mention : cib::mentions_in(element)) out.insert(std::move(mention.id));
    return out;
}

std::vector<Circle> circles_of(const cib::Element& configuration) {
    std::vector<Circle> out;
    if (const cib::Element* resources = configuration.child("resources")) {
        collect_families(*resources, out);
    }
    if (const cib::Element* constraints = configuration.child("constraints")) {
        for (const cib::Element& each : constraints->children) {
            if (each.name == "rsc_order") out.push_back(mentioned_by(each));
        }
    }
    if (const cib::Element* tags = configuration.child("tags")) {
        for (const cib::Element& tag : tags->children) {
            Circle circle = mentioned_by(tag);
            circle.emplace(tag.get("id"));
            out.push_back(std::move(circle));
        }
    }
    return out;
}

}  // namespace

std::set<std::string> ordered_with(const cib::Element& cib, std::string_view primitive) {
    std::set<std::string> seen = {std::string(primitive)};
    const cib::Element* configuration = cib.child("configuration");
    if (configuration == nullptr) return seen;
    const std::vector<Circle> circles = circles_of(*configuration);
    std::map<std::string, std::vector<const Circle*>> of;
    for (const Circle& circle : circles) {
        for (const std::string& id : circle) of[id].push_back(&circle);
    }
    std::vector<std::string> to_visit = {std::string(primitive)};
    while (!to_visit.empty()) {
        const std::string at = std::move(to_visit.back());
        to_visit.pop_back();
        // What was looked through once has nothing new.
        for (const Circle* circle : std::exchange(of[at], {})) {
            for (const std::string& id : *circle) {
                if (seen.insert(id).second) to_visit.push_back(id);
            }
        }
    }
    return seen;
}

}  // namespace xbeat::execute
