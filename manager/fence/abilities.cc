#include "fence/abilities.h"

#include "cib/xml.h"
#include "core/text.h"

namespace xbeat::fence {
namespace {

bool has_entry(const cib::Element& root, std::string_view list, std::string_view name) {
    const cib::Element* entries = root.child(list);
    if (entries == nullptr) return false;
    for (const cib::Element& entry : entries->children) {
        if (entry.get("name") == name) return true;
    }
    return false;
}

}  // namespace

Result<Abilities> read_abilities(std::string_view metadata) {
    const std::size_t root_at = metadata.find("<resource-agent");
    if (root_at == std::string_view::npos) {
        return Error{Code::Invalid, "the agent printed no metadata"};
    }
    Result<cib::Element> root = cib::parse_xml(metadata.substr(root_at));
    if (!root) {
        return Error{Code::Invalid,
                     concat("the agent's metadata cannot be read: ", root.error().context)};
    }
    return Abilities{.has_list = has_entry(*root, "actions", "list"),
                     .has_status = has_entry(*root, "actions", "status"),
                     .has_validation = has_entry(*root, "actions", "validate-all"),
                     .has_plug = has_entry(*root, "parameters", "plug"),
                     .has_port = has_entry(*root, "parameters", "port")};
}

}  // namespace xbeat::fence
