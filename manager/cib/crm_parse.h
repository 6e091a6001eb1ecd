// The crm shell's language as a configuration.
//
// Every statement of the shell's `configure` level is read: node, primitive, rsc_template, group,
// clone, ms, bundle, monitor, location, colocation, order, rsc_ticket, property, rsc_defaults,
// op_defaults, fencing_topology, tag, role, user, acl_target, acl_group, alert, xml. Words of older
// clusters (ms, Master, Slave, stonith-...) are read and become today's. docs/man/xbeat-crm.7.md
// describes it all.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"

namespace xbeat::cib {

constexpr std::size_t kCrmErrorsMax = 20;  // reported of one text; further ones are only counted
constexpr std::size_t kCrmErrorsCounted = 1000;  // after so many the rest of the text is not read

/// The `configuration` element that the text means, ids included. All of the text is read before an
/// error is returned: Code::Invalid with one sentence a line, each naming the line and the word and
/// saying what to do, at most kCrmErrorsMax of them. Code::Limit for a text of more than
/// kConfigBytesMax bytes or kXmlElementsMax words. An empty text is an empty configuration.
/// References to resources from constraints are not checked here but by validate(): they may name
/// what the text does not define.
[[nodiscard]] Result<Element> parse_crm(std::string_view text);

/// The same text as a list of flat objects (flat.h), ids of inner elements not yet made: what an
/// update of another configuration needs. Errors as parse_crm().
[[nodiscard]] Result<std::vector<Element>> parse_crm_objects(std::string_view text);

/// The first words of all statements, in alphabetical order.
[[nodiscard]] std::span<const std::string_view> crm_statements();

/// Collects sentences and joins the first kCrmErrorsMax of them, a line each.
class ErrorList {
public:
    void add(std::string sentence);
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t count() const { return count_; }
    /// Requires: not empty.
    [[nodiscard]] Error to_error() const;

private:
    std::string text_;
    std::size_t count_ = 0;
};

}  // namespace xbeat::cib
