// A configuration in the crm shell's language.
//
// What is printed is checked: each statement is read back, and an object whose statement would not
// mean the same is printed as `xml <...>`, as the crm shell does with what its language cannot say.
// So parse_crm(print_crm(x)) means x for every x, whatever the XML contains.
#pragma once

#include <string>
#include <string_view>

#include "cib/xml.h"

namespace xbeat::cib {

/// The statements for all objects of a `configuration` element (or of a `cib` that contains one):
/// nodes, resources (members before what holds them), constraints, fencing_topology, tags, access
/// control, alerts, property, rsc_defaults, op_defaults; in each section in the document's order.
/// Comments stand before the object they belong to. Ends with a line feed unless it is empty.
[[nodiscard]] std::string print_crm(const Element& configuration);

/// The statements for one object of a configuration and for the resources inside it; as
/// print_crm(). `configuration` is needed to know which ids others refer to.
[[nodiscard]] std::string print_crm_object(const Element& object, const Element& configuration);

}  // namespace xbeat::cib
