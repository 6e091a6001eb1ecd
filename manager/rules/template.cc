#include "rules/template.h"

#include <algorithm>
#include <string>

#include "core/text.h"

namespace xbeat::rules {
namespace {

std::string operation_identity(const cib::Element& operation) {
    const std::string_view role = operation.get("role");
    return concat(operation.get("name"), '-', role.empty() ? "Started" : role);
}

}  // namespace

std::optional<cib::Element> merge_template(const cib::Element& primitive, const IdIndex& ids) {
    const std::string_view name = primitive.get("template");
    if (name.empty()) return std::nullopt;
    const cib::Element* base = ids.find(name);
    if (base == nullptr || base->name != "template") return std::nullopt;
    // What the primitive says itself comes last, and so has precedence.
    cib::Element merged = *base;
    merged.name = primitive.name;
    for (const cib::Attribute& attribute : primitive.attributes) {
        if (attribute.name != "template") merged.set(attribute.name, attribute.value);
    }
    for (const cib::Element& child : primitive.children) {
        cib::Element* operations = merged.child("operations");
        if (child.name != "operations" || operations == nullptr) {
            merged.children.push_back(child);
            continue;
        }
        cib::Element own = child;
        for (const cib::Element& operation : operations->children) {
            if (operation.name != "op") continue;
            const auto same = [&operation](const cib::Element& each) {
                return each.name == "op" &&
                       operation_identity(each) == operation_identity(operation);
            };
            if (std::none_of(own.children.begin(), own.children.end(), same)) {
                own.children.push_back(operation);
            }
        }
        *operations = std::move(own);
    }
    return merged;
}

}  // namespace xbeat::rules
