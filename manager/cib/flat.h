// A configuration as a list of objects, each saying only its own: the form between XML and crm
// text.
//
// In XML a group contains its primitives; in the crm language it names them. A flat object is the
// element of a configuration with each resource inside it replaced by a reference, `crm-ref`.
// Parsing makes flat objects and assembles them; printing takes a configuration apart; an update
// replaces flat objects by id and assembles again.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"

namespace xbeat::cib {

/// The element that stands for a resource inside another one: `<crm-ref id="..."/>`.
constexpr std::string_view kRefName = "crm-ref";
/// An operation said apart from its primitive (`monitor web 10s`): `<crm-monitor rsc="..." .../>`.
constexpr std::string_view kMonitorName = "crm-monitor";

constexpr std::size_t kFencingLevelsMax =
    10'000;  // after expansion over all nodes; more are an error

/// The section of a configuration that an element of this name stands in ("resources" for a
/// primitive); empty if it is none of those that sections hold.
[[nodiscard]] std::string_view section_of(std::string_view element_name);

/// primitive, group, clone, master or bundle (a template is none).
[[nodiscard]] bool is_resource(std::string_view element_name);

/// The flat objects of a configuration, in an order that assemble() turns back into the same order:
/// sections in the language's order, members before what holds them. Comments that stand between
/// elements go into the element that follows. `rsc_defaults` and `op_defaults` give one object a
/// set, wrapped in their section. Elements that no section knows come wrapped in their section.
[[nodiscard]] std::vector<Element> flatten(const Element& configuration);

/// One element with the resources inside it replaced by references.
[[nodiscard]] Element flatten_one(const Element& element);

/// The configuration that the objects make. All that is wrong goes to `errors`, one sentence with
/// its line each (unknown members, members of two, an id twice, a group inside itself); the result
/// is then not to be used. Objects of several lists may be merged: property and defaults sets of
/// one id become one and later values win; one with rules replaces the earlier one.
[[nodiscard]] Element assemble(std::vector<Element> objects, std::vector<std::string>& errors);

/// Gives every element that must have an id and has none one of its own, made from where it stands,
/// as the crm shell does: web-meta_attributes, web-monitor-10s... Unique in the configuration.
void assign_ids(Element& configuration);

using IdSet = std::set<std::string, std::less<>>;

/// The ids that other elements name (id-ref, acl references) and that therefore must be kept.
[[nodiscard]] IdSet referenced_ids(const Element& configuration);

/// True if two flat objects mean the same: comments, ids of inner elements that nobody names,
/// defaults spelt out and the order of attributes do not count.
[[nodiscard]] bool same_meaning(const Element& a, const Element& b, const IdSet& referenced);

/// `id` in the characters that an id may have, at most kIdBytesMax of them.
[[nodiscard]] std::string clean_id(std::string_view id);

/// One line of a comment without the # and the blanks at its ends, and as XML can hold it (no two
/// hyphens in a row).
[[nodiscard]] std::string clean_comment(std::string_view line);

/// The XML comment for one line of comment, in the crm shell's form: `<!--# text -->`.
[[nodiscard]] Element make_comment(std::string_view line);

}  // namespace xbeat::cib
