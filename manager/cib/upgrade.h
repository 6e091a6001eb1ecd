// Configurations of older Pacemakers, brought to today's elements when they are read.
//
// The rest of the program knows one form, that of schema 3.x. What Pacemaker 0.6, 1.x, 2.x and the
// transitional schema wrote differently is rewritten here, once; what has no counterpart any more
// is left for validate() to name.
#pragma once

#include <string>
#include <vector>

#include "cib/xml.h"

namespace xbeat::cib {

/// The schema that upgraded documents follow, and the newest that Debian 12's Pacemaker (2.1.5)
/// reads: its tools are used on copies of our documents.
constexpr std::string_view kSchema = "pacemaker-3.9";
/// The feature set of Pacemaker whose decisions and records these are (crm_feature_set).
constexpr std::string_view kFeatureSet = "3.19.7";

/// The schema that a document names if that is newer than ours and looks like one of Pacemaker's,
/// since it may use what came later; ours otherwise.
[[nodiscard]] std::string schema_of(const Element& cib);

/// Rewrites a `cib` or a `configuration` in place and says what was done, a sentence for each kind
/// of change with the number of places; empty, and nothing touched, for a document of today. Done
/// twice it does nothing more.
///
/// `attributes` wrappers in sets; master_slave and master (promotable clones); from/to/type/action
/// of orders and from/to of colocations; underscores in names of options, meta-attributes and
/// attributes of operations; settings written as attributes of resources; is-managed-default,
/// default-resource-stickiness, default-action-timeout (defaults); the roles Master and Slave;
/// master-max; access control without targets; bundles' masters. Source: Pacemaker's release notes
/// and schemas 0.6 to 3.10; what 3.10 brought needs no change.
std::vector<std::string> upgrade(Element& cib_or_configuration);

}  // namespace xbeat::cib
