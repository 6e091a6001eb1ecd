// Which element may stand where, with which attributes; ids.
#include <algorithm>
#include <array>

#include "cib/flat.h"
#include "cib/suggest.h"
#include "cib/validate_context.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

enum class Id : std::uint8_t { None, Optional, Needed, Reference };

struct Shape {
    std::string_view name;
    std::string_view children;
    std::string_view attributes;  // besides id
    Id id = Id::Needed;
};

constexpr std::string_view kSetChildren = "nvpair rule attributes";

// Pacemaker's schemas 1.0 to 3.10, together.
constexpr std::array kShapes = {
    Shape{"configuration",
          "crm_config nodes resources domains constraints acls fencing-topology tags alerts "
          "rsc_defaults op_defaults",
          "", Id::None},
    Shape{"crm_config", "cluster_property_set", "", Id::None},
    Shape{"cluster_property_set", kSetChildren, "id-ref score"},
    Shape{"instance_attributes", kSetChildren, "id-ref score"},
    Shape{"meta_attributes", kSetChildren, "id-ref score"},
    Shape{"utilization", kSetChildren, "id-ref score"},
    Shape{"nvpair", "", "id-ref name value"},
    Shape{"nodes", "node", "", Id::None},
    Shape{"node", "instance_attributes utilization", "uname type description score"},
    Shape{"resources", "primitive template group clone master bundle", "", Id::None},
    Shape{"primitive", "instance_attributes meta_attributes utilization operations",
          "class provider type template description"},
    Shape{"template", "instance_attributes meta_attributes utilization operations",
          "class provider type description"},
    Shape{"operations", "op", "id-ref", Id::Optional},
    Shape{"op", "instance_attributes meta_attributes",
          "name interval timeout role on-fail enabled interval-origin start-delay record-pending "
          "requires description"},
    Shape{"group", "primitive instance_attributes meta_attributes", "description"},
    Shape{"clone", "primitive group instance_attributes meta_attributes", "description"},
    Shape{"master", "primitive group instance_attributes meta_attributes", "description"},
    Shape{"bundle", "docker podman rkt network storage primitive meta_attributes", "description"},
    Shape{"docker", "",
          "image replicas replicas-per-host promoted-max masters run-command network options",
          Id::Optional},
    Shape{"podman", "",
          "image replicas replicas-per-host promoted-max masters run-command network options",
          Id::Optional},
    Shape{"rkt", "",
          "image replicas replicas-per-host promoted-max masters run-command network options",
          Id::Optional},
    Shape{"network", "port-mapping",
          "ip-range-start control-port host-interface host-netmask add-host", Id::Optional},
    Shape{"port-mapping", "", "port internal-port range"},
    Shape{"storage", "storage-mapping", "", Id::Optional},
    Shape{"storage-mapping", "", "source-dir source-dir-root target-dir options"},
    Shape{"constraints", "rsc_location rsc_colocation rsc_order rsc_ticket", "", Id::None},
    Shape{"rsc_location", "rule resource_set lifetime",
          "rsc rsc-pattern role node score score-attribute score-attribute-mangled "
          "resource-discovery description"},
    Shape{
        "rsc_colocation", "resource_set rule lifetime",
        "rsc with-rsc rsc-role with-rsc-role rsc-instance with-rsc-instance score score-attribute "
        "score-attribute-mangled node-attribute influence description"},
    Shape{"rsc_order", "resource_set lifetime",
          "first then first-action then-action first-instance then-instance score kind symmetrical "
          "require-all description"},
    Shape{"rsc_ticket", "resource_set", "rsc rsc-role rsc-instance ticket loss-policy description"},
    Shape{"resource_set", "resource_ref",
          "id-ref sequential require-all ordering role action score kind"},
    Shape{"resource_ref", "", "", Id::Reference},
    Shape{"lifetime", "rule", "id-ref", Id::Optional},
    Shape{"rule", "expression date_expression rule rsc_expression op_expression",
          "id-ref score score-attribute score-attribute-mangled boolean-op role"},
    Shape{"expression", "", "attribute operation value type value-source"},
    Shape{"date_expression", "duration date_spec", "operation start end"},
    Shape{"duration", "", "id-ref years months weeks days hours minutes seconds"},
    Shape{"date_spec", "",
          "id-ref years months weeks weekyears days monthdays weekdays yeardays yearsdays hours "
          "minutes seconds moon"},
    Shape{"rsc_expression", "", "class provider type"},
    Shape{"op_expression", "", "name interval"},
    Shape{"rsc_defaults", "meta_attributes", "", Id::Optional},
    Shape{"op_defaults", "meta_attributes instance_attributes", "", Id::Optional},
    Shape{"acls", "acl_role acl_target acl_group acl_user", "", Id::None},
    Shape{"acl_role", "acl_permission read write deny", "description"},
    Shape{"acl_permission", "", "kind xpath reference object-type attribute description"},
    Shape{"acl_target", "role", "name description"},
    Shape{"acl_group", "role", "name description"},
    Shape{"acl_user", "role_ref read write deny", "name"},
    Shape{"read", "", "xpath ref tag attribute"},
    Shape{"write", "", "xpath ref tag attribute"},
    Shape{"deny", "", "xpath ref tag attribute"},
    Shape{"role", "", "", Id::Reference},
    Shape{"role_ref", "", "", Id::Reference},
    Shape{"fencing-topology", "fencing-level", "", Id::None},
    Shape{"fencing-level", "",
          "target target-pattern target-attribute target-value index devices description"},
    Shape{"tags", "tag", "", Id::None},
    Shape{"tag", "obj_ref", "description"},
    Shape{"obj_ref", "", "", Id::Reference},
    Shape{"alerts", "alert", "", Id::None},
    Shape{"alert", "meta_attributes instance_attributes recipient select", "path description"},
    Shape{"recipient", "meta_attributes instance_attributes", "value description"},
    Shape{"select", "select_nodes select_fencing select_resources select_attributes", "", Id::None},
    Shape{"select_nodes", "", "", Id::None},
    Shape{"select_fencing", "", "", Id::None},
    Shape{"select_resources", "", "", Id::None},
    Shape{"select_attributes", "attribute", "", Id::None},
    Shape{"attribute", "", "name"},
    Shape{"domains", "domain", "", Id::None},
    Shape{"domain", "node", ""},
};

const Shape* find_shape(std::string_view name) {
    const auto found = std::find_if(kShapes.begin(), kShapes.end(),
                                    [&](const Shape& shape) { return shape.name == name; });
    return found == kShapes.end() ? nullptr : &*found;
}

bool has_word(std::string_view words, std::string_view word) {
    for (std::size_t at = words.find(word); at != std::string_view::npos;
         at = words.find(word, at + 1)) {
        const bool begins = at == 0 || words[at - 1] == ' ';
        const bool ends = at + word.size() == words.size() || words[at + word.size()] == ' ';
        if (begins && ends) return true;
    }
    return false;
}

class StructureCheck {
public:
    explicit StructureCheck(Checker& checker) : checker_(checker) {
        for (const Shape& shape : kShapes) names_.push_back(shape.name);
    }

    void check(const Element& element, const Shape& shape, std::string_view owner) {
        checker_.set_owner(owner);
        check_id(element, shape, owner);
        check_attributes(element, shape);
        const std::string_view below = element.has("id") ? element.get("id") : owner;
        for (const Element& child : element.children) {
            if (child.kind == NodeKind::Comment) continue;
            checker_.set_owner(below);
            if (child.kind == NodeKind::Text) {
                checker_.warn(element, "misplaced-element",
                              concat("the text '", std::string_view(child.text).substr(0, 40),
                                     "' in ", element.name, " means nothing; make it a comment"));
                continue;
            }
            const Shape* inner = find_shape(child.name);
            if (inner == nullptr) {
                checker_.warn(child, "unknown-element",
                              concat("unknown element '", child.name, "' in ", element.name,
                                     " is ignored", checker_.hint(child.name, names_)));
                continue;
            }
            if (!has_word(shape.children, child.name)) {
                checker_.error(
                    child, "misplaced-element",
                    concat(
                        "a ", child.name, " cannot stand in a ", element.name,
                        shape.children.empty() ? "" : concat("; there may be: ", shape.children)));
            }
            check(child, *inner, below);
        }
    }

private:
    void check_id(const Element& element, const Shape& shape, std::string_view owner) {
        const bool is_reference = element.has("id-ref");
        if (shape.id == Id::Needed && !is_reference && element.get("id").empty()) {
            checker_.error(element, "missing-id",
                           concat("a ", element.name, " needs an id; give it a unique one"));
            return;
        }
        if (!element.has("id")) return;
        const std::string_view id = element.get("id");
        if (id.size() > kIdBytesMax) {
            checker_.error(element, "bad-id",
                           concat("an id is longer than ", kIdBytesMax, " characters; shorten it"));
        } else if (id.empty() || (clean_id(id) != id && shape.id != Id::Reference)) {
            report_bad_id(element, id);
        }
        // A remote node and the resource that is its connection share their name: nodes are checked
        // apart.
        if (shape.id == Id::Reference || shape.id == Id::None || element.name == "node") return;
        const auto [first, is_new] = checker_.ids.emplace(id, &element);
        if (is_new) {
            owners_.emplace(id, owner);
            return;
        }
        report_duplicate(element, *first->second, owner);
    }

    // Objects that users name must have a plain name; ids of inner parts are only strange.
    void report_bad_id(const Element& element, std::string_view id) {
        const std::string text =
            concat("'", id, "' is no proper id; use letters, digits and _ - . :");
        const bool is_object = !section_of(element.name).empty();
        if (is_object || id.empty()) {
            checker_.error(element, "bad-id", text);
        } else {
            checker_.warn(element, "bad-id", text);
        }
    }

    static std::string place_of(std::string_view owner) {
        return owner.empty() ? "at the top" : concat("in '", owner, "'");
    }

    void report_duplicate(const Element& element, const Element& first, std::string_view owner) {
        const bool is_resource_twice = is_resource(element.name) && is_resource(first.name);
        const std::string where =
            first.line == 0 ? std::string() : concat(", first on line ", first.line);
        if (is_resource_twice) {
            checker_.error(element, "duplicate-id",
                           concat("resource '", element.get("id"), "' stands twice, ",
                                  place_of(owners_[element.get("id")]), " and ", place_of(owner),
                                  where, "; a resource can be in one place only"));
            return;
        }
        checker_.error(element, "duplicate-id",
                       concat("the id '", element.get("id"), "' of a ", element.name,
                              " is used twice, by a ", first.name, where, "; change one of them"));
    }

    void check_attributes(const Element& element, const Shape& shape) {
        for (const Attribute& attribute : element.attributes) {
            if (attribute.name == "id" || has_word(shape.attributes, attribute.name)) continue;
            if (attribute.name.starts_with("xml:") || attribute.name.starts_with("__")) continue;
            checker_.warn(element, "unknown-attribute",
                          concat("unknown attribute '", attribute.name, "' of a ", element.name,
                                 " is ignored",
                                 checker_.hint(attribute.name, split_words(shape.attributes))));
        }
    }

    Checker& checker_;
    std::vector<std::string_view> names_;
    std::map<std::string_view, std::string_view> owners_;
};

}  // namespace

void check_structure(Checker& checker, const Element& configuration) {
    StructureCheck(checker).check(configuration, kShapes.front(), "");
}

}  // namespace xbeat::cib
