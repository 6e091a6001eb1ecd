// What differs between two configurations, in words.
#include <algorithm>
#include <map>

#include "cib/crm_parse.h"
#include "cib/edit.h"
#include "cib/flat.h"
#include "cib/secret.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

std::string word_of(const Element& object) {
    if (object.name == "template") return "rsc_template";
    if (object.name == "cluster_property_set") return "property";
    if (object.name == "fencing-topology") return "fencing_topology";
    if (object.name == "acl_role") return "role";
    if (object.name.starts_with("rsc_") && object.name != "rsc_ticket" &&
        object.name != "rsc_defaults")
        return object.name.substr(4);
    return object.name;
}

std::string id_of(const Element& object) {
    if (object.name == "node") return std::string(object.get("uname"));
    if (object.name == "fencing-topology") return {};
    if (object.has("id")) return std::string(object.get("id"));
    if (object.has("id-ref")) return std::string(object.get("id-ref"));
    for (const Element& child : object.children) {
        if (child.has("id")) return std::string(child.get("id"));
        if (child.has("id-ref")) return std::string(child.get("id-ref"));
    }
    return {};
}

std::string word_of_set(std::string_view name) {
    if (name == "instance_attributes") return "params";
    if (name == "meta_attributes") return "meta";
    if (name == "cluster_property_set") return {};
    return std::string(name);
}

// Every value of an object under a readable name: "params ip", "op monitor 10s timeout", "score".
using Values = std::map<std::string, std::string>;

void collect(const Element& element, const std::string& prefix, Values& values,
             const IdSet& referenced) {
    const auto named = [&](std::string_view name) {
        return prefix.empty() ? std::string(name) : concat(prefix, " ", name);
    };
    if (element.kind != NodeKind::Element) return;
    if (element.name == "nvpair") {
        std::string name = named(element.has("name") ? element.get("name") : element.get("id-ref"));
        values.emplace(std::move(name),
                       element.has("value") ? element.get("value") : element.get("id-ref"));
        return;
    }
    for (const Attribute& attribute : element.attributes) {
        if (attribute.name != "id") values.emplace(named(attribute.name), attribute.value);
    }
    std::map<std::string, int> count;
    for (const Element& child : element.children) {
        std::string name;
        if (child.name == "op") {
            name = concat("op ", child.get("name"), " ",
                          child.has("interval") ? child.get("interval") : "0");
            if (child.has("role")) name += concat(" ", child.get("role"));
        } else if (child.name == "nvpair" || child.name == "operations") {
            name = {};
        } else if (child.name == kRefName || child.name == "resource_ref" ||
                   child.name == "obj_ref") {
            name = concat("member ", ++count[child.name]);
            values.emplace(named(name), child.get("id"));
            continue;
        } else {
            name = word_of_set(child.name);
            const int number = ++count[child.name];
            if (number > 1) name += concat(" ", number);
        }
        collect(child, name.empty() ? prefix : named(name), values, referenced);
    }
}

std::vector<std::string> details(const Element& before, const Element& after,
                                 const IdSet& referenced) {
    constexpr std::size_t kDetailsMax = 50;
    Values old_values;
    Values new_values;
    collect(before, "", old_values, referenced);
    collect(after, "", new_values, referenced);
    // Differences are logged, and shown to whoever may read the log.
    const auto shown = [](const std::string& name, const std::string& value) {
        return is_secret_name(name) ? std::string(kSecretMask) : value;
    };
    std::vector<std::string> out;
    for (const auto& [name, value] : old_values) {
        const auto found = new_values.find(name);
        if (found == new_values.end()) {
            out.push_back(concat(name, ": ", shown(name, value), " -> (none)"));
        } else if (found->second != value) {
            out.push_back(
                concat(name, ": ", shown(name, value), " -> ", shown(name, found->second)));
        }
    }
    for (const auto& [name, value] : new_values) {
        if (old_values.find(name) == old_values.end())
            out.push_back(concat(name, ": (none) -> ", shown(name, value)));
    }
    if (out.size() > kDetailsMax) {
        const std::size_t more = out.size() - kDetailsMax;
        out.resize(kDetailsMax);
        out.push_back(concat("(and ", more, " more)"));
    }
    return out;
}

struct Object {
    std::string key;
    Element element;
};

std::vector<Object> objects_of(const Element& configuration) {
    std::vector<Object> out;
    for (Element& element : flatten(configuration)) {
        if (element.kind != NodeKind::Element) continue;
        std::string key = concat(word_of(element), " ", id_of(element));
        out.push_back({std::move(key), std::move(element)});
    }
    return out;
}

}  // namespace

std::vector<Change> diff(const Element& before, const Element& after) {
    const std::vector<Object> old_objects = objects_of(before);
    const std::vector<Object> new_objects = objects_of(after);
    IdSet referenced = referenced_ids(before);
    referenced.merge(referenced_ids(after));
    std::map<std::string_view, const Element*> new_by_key;
    for (const Object& object : new_objects) new_by_key.emplace(object.key, &object.element);
    std::map<std::string_view, const Element*> old_by_key;
    for (const Object& object : old_objects) old_by_key.emplace(object.key, &object.element);

    std::vector<Change> out;
    for (const Object& object : old_objects) {
        const auto found = new_by_key.find(object.key);
        if (found == new_by_key.end()) {
            out.push_back(
                {Change::Kind::Removed, word_of(object.element), id_of(object.element), {}});
        } else if (!same_meaning(object.element, *found->second, referenced)) {
            out.push_back({Change::Kind::Changed, word_of(object.element), id_of(object.element),
                           details(object.element, *found->second, referenced)});
        }
    }
    for (const Object& object : new_objects) {
        if (old_by_key.find(object.key) == old_by_key.end())
            out.push_back(
                {Change::Kind::Added, word_of(object.element), id_of(object.element), {}});
    }
    return out;
}

std::string to_string(const Change& change) {
    std::string out = concat(change.what, change.id.empty() ? "" : " ", change.id);
    if (change.kind == Change::Kind::Added) return out + " added";
    if (change.kind == Change::Kind::Removed) return out + " removed";
    out += " changed";
    std::string_view join = ": ";
    for (const std::string& detail : change.details) {
        out += concat(join, detail);
        join = "; ";
    }
    return out;
}

}  // namespace xbeat::cib
