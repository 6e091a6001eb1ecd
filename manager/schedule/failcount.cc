#include "schedule/failcount.h"

#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "rules/calendar.h"
#include "schedule/history.h"

namespace xbeat::schedule {
namespace {

// Whether `rest`, what follows "fail-count-NAME", belongs to the resource: nothing, or "#task_ms",
// both after an instance number for anonymous clones.
bool is_suffix_of_resource(std::string_view rest, bool unique) {
    if (!unique && rest.starts_with(':')) {
        rest.remove_prefix(1);
        const std::size_t digits = rest.find_first_not_of("0123456789");
        if (digits == 0) return false;
        rest = digits == std::string_view::npos ? std::string_view() : rest.substr(digits);
    }
    return rest.empty() || rest.starts_with('#');
}

bool matches_failure(std::string_view name, const cib::Element& operation,
                     const cib::Element& record) {
    if (operation.get("name") != record.get("operation")) return false;
    const std::int64_t interval = rules::parse_interval_ms(operation.get("interval")).value_or(0);
    if (interval != parse_integer(record.get("interval")).value_or(0)) return false;
    const std::string_view id = record.get("id");
    if (id == concat(name, "_last_failure_0")) return true;
    if (id != concat(name, '_', operation.get("name"), '_', interval)) return false;
    const Recorded decoded = decode_record(record);
    return decoded.rc != decoded.target_rc;
}

// An operation with on-fail=block keeps its failure until someone clears it.
bool is_block_failure(const Resource& resource, const Node& node, const cib::Element* record) {
    if (resource.operations == nullptr) return false;
    for (const cib::Element& operation : resource.operations->children) {
        if (operation.name != "op" || !equals_ignoring_case(operation.get("on-fail"), "block")) {
            continue;
        }
        if (record != nullptr) {
            if (matches_failure(resource.history_name, operation, *record)) return true;
            continue;
        }
        const cib::Element* history = find_history(node, resource.history_name);
        if (history == nullptr) continue;
        for (const cib::Element& each : history->children) {
            if (each.name == "lrm_rsc_op" &&
                matches_failure(resource.history_name, operation, each)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

FailCount fail_count(World& world, Resource& resource, const Node& node, bool effective,
                     bool with_launched, const cib::Element* operation) {
    FailCount out;
    const std::string_view name =
        resource.unique ? std::string_view(resource.id) : base_name(resource.id);
    const std::string count_prefix = concat("fail-count-", name);
    const std::string failure_prefix = concat("last-failure-", name);
    for (auto at = node.attributes.lower_bound(count_prefix);
         at != node.attributes.end() && at->first.starts_with(count_prefix); ++at) {
        const std::string_view rest = std::string_view(at->first).substr(count_prefix.size());
        if (!is_suffix_of_resource(rest, resource.unique)) continue;
        out.count = out.count + effective_score(at->second);
    }
    for (auto at = node.attributes.lower_bound(failure_prefix);
         at != node.attributes.end() && at->first.starts_with(failure_prefix); ++at) {
        const std::string_view rest = std::string_view(at->first).substr(failure_prefix.size());
        if (!is_suffix_of_resource(rest, resource.unique)) continue;
        out.last_failure = std::max(out.last_failure, parse_integer(at->second).value_or(0));
    }
    if (out.count > Score() && out.last_failure > 0 && resource.failure_timeout_ms > 0 &&
        is_block_failure(resource, node, operation)) {
        resource.failure_timeout_ms = 0;  // such a failure never expires
    }
    const std::int64_t timeout_s = resource.failure_timeout_ms / 1000;
    if (effective && out.count > Score() && out.last_failure > 0 && timeout_s > 0 &&
        world.now.value > out.last_failure + timeout_s) {
        out.count = Score();
    }
    if (with_launched) {
        for (Resource* launched : resource.launched) {
            const FailCount inner =
                fail_count(world, *launched, node, effective, with_launched, operation);
            out.count = out.count + inner.count;
            out.last_failure = std::max(out.last_failure, inner.last_failure);
        }
    }
    return out;
}

bool threshold_reached(World& world, Resource& resource, const Node& node, Resource** banned) {
    if (resource.migration_threshold == 0 || resource.failure_ignored) return false;
    const FailCount failures = fail_count(world, resource, node, true, true);
    if (failures.count <= Score()) return false;
    if (failures.count.points() < resource.migration_threshold) return false;
    if (banned != nullptr) *banned = resource.unique ? &resource : top_of(resource);
    return true;
}

}  // namespace xbeat::schedule
