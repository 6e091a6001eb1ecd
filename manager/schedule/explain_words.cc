#include "schedule/explain_words.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/text.h"
#include "schedule/explain.h"
#include "schedule/resources.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

std::string_view meta_of(const Step& step, std::string_view name) {
    for (const auto& [key, value] : step.meta) {
        if (key == name) return value;
    }
    return {};
}

std::string_view after_prefix(std::string_view text, std::string_view prefix) {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

// What does not belong to a resource is an event of our own making, or an action on a node.
std::string name_without_resource(const Step& step) {
    if (step.task == Task::Fence) {
        const bool switches_on = meta_of(step, "stonith_action") == "on";
        return concat(switches_on ? "unfencing" : "fencing",
                      step.node == nullptr ? std::string() : concat(" of ", step.node->name));
    }
    if (step.task == Task::Shutdown) {
        return concat("shutdown",
                      step.node == nullptr ? std::string() : concat(" of ", step.node->name));
    }
    for (const std::string_view prefix : {"clone-one-or-more:", "one-or-more:"}) {
        const std::string_view id = after_prefix(step.key, prefix);
        if (!id.empty()) return "start of enough instances";
    }
    const std::string_view node = after_prefix(step.key, "load_stopped_");
    if (!node.empty()) return concat("end of what leaves ", node);
    return step.key;
}

std::string interval_words(std::int64_t interval_ms) {
    if (interval_ms % 1000 != 0) return concat(interval_ms, "ms");
    return concat(interval_ms / 1000, "s");
}

std::string_view verb_of(const Step& step) {
    switch (step.task) {
        case Task::Started:
            return "start";
        case Task::Stopped:
            return "stop";
        case Task::Promoted:
            return "promote";
        case Task::Demoted:
            return "demote";
        case Task::ClearFailCount:
            return "clearing of the fail count";
        case Task::Delete:
            return "deletion of the record";
        default:
            return task_text(step);
    }
}

std::string task_words(const Step& step) {
    if (step.task == Task::Notify || step.task == Task::Notified) {
        return concat(meta_of(step, "notify_type"), '-', meta_of(step, "notify_operation"),
                      " notification");
    }
    if (step.task == Task::Cancel) {
        return concat("cancelling of the ", to_string(step.cancelled_task), " every ",
                      interval_words(step.interval_ms));
    }
    if (step.task != Task::Monitor) return std::string(verb_of(step));
    return step.interval_ms == 0 ? "probe"
                                 : concat("monitor every ", interval_words(step.interval_ms));
}

// How many usable nodes refuse the resource for one kind of reason, and whether all for the same.
struct Refusals {
    std::size_t usable = 0;
    std::size_t surplus = 0;
    std::size_t full = 0;
    std::size_t locations = 0;
    std::size_t failures = 0;
    std::size_t rooms = 0;
    std::size_t colocations = 0;
    std::set<std::string_view> partners;  // of those colocations
    std::size_t same = 0;
    const ScoreChange* first = nullptr;
};

void count(Refusals& out, const ScoreChange& change) {
    switch (change.cause) {
        case ScoreCause::Surplus:
            ++out.surplus;
            break;
        case ScoreCause::Instances:
            ++out.full;
            break;
        case ScoreCause::Location:
            ++out.locations;
            break;
        case ScoreCause::Failures:
        case ScoreCause::Failure:
            ++out.failures;
            break;
        case ScoreCause::Capacity:
            ++out.rooms;
            break;
        case ScoreCause::Colocation:
            ++out.colocations;
            out.partners.insert(change.other);
            break;
        default:
            break;
    }
    if (out.first == nullptr) out.first = &change;
    const bool is_same = change.cause == out.first->cause && change.id == out.first->id &&
                         change.other == out.first->other;
    if (is_same) ++out.same;
}

Refusals refusals_of(const World& world, const Resource& resource) {
    // The last change that made a node impossible counts.
    std::map<std::string_view, const ScoreChange*> last;
    for (const ScoreChange& change : world.record.explanation->changes) {
        if (change.resource != resource.id || change.is_promotion) continue;
        if (change.after < Score()) last[change.node] = &change;
    }
    Refusals out;
    for (const Allowed& entry : resource.allowed) {
        if (!is_usable(*entry.node) || entry.discovery == Discovery::Never) continue;
        if (entry.node->variant == NodeVariant::Ping) continue;
        ++out.usable;
        if (const auto at = last.find(entry.node->name); at != last.end()) count(out, *at->second);
    }
    return out;
}

std::string by_constraint(const ScoreChange& change) {
    return change.id.empty() || change.id.front() == '#' ? std::string()
                                                         : concat(" (constraint ", change.id, ")");
}

std::string no_node_because(const World& world, const Resource& resource) {
    const bool is_named =
        std::any_of(resource.allowed.begin(), resource.allowed.end(), [](const Allowed& entry) {
            return entry.score >= Score() && entry.discovery != Discovery::Never;
        });
    if (!world.options.symmetric && !is_named) {
        return "no location constraint allows it anywhere (symmetric-cluster=false)";
    }
    return "no node is there that it could run on";
}

// Each node has a reason of its own.
std::string mixed_reasons(const Refusals& found) {
    if (found.locations + found.failures + found.rooms + found.colocations < found.usable) {
        return "no node that is there may have it";
    }
    std::vector<std::string> parts;
    if (found.locations > 0) parts.emplace_back("location constraints");
    if (found.failures > 0) parts.emplace_back("failures");
    if (found.rooms > 0) parts.emplace_back("lack of room (utilization)");
    for (const std::string_view partner : found.partners) {
        parts.push_back(concat("having to be with ", partner));
    }
    std::string text = parts.front();
    for (std::size_t at = 1; at < parts.size(); ++at) {
        text += concat(at + 1 == parts.size() ? " and " : ", ", parts[at]);
    }
    return concat(text, " keep it off every node that is there");
}

std::string nowhere_because(const World& world, const Resource& resource) {
    const Refusals found = refusals_of(world, resource);
    if (found.surplus > 0) {
        return "there are as many instances already as there may be (clone-max)";
    }
    if (found.full > 0) {
        return "every node that can have an instance has its share already (clone-node-max)";
    }
    if (found.locations == found.usable) return "constraints keep it off every node that is there";
    if (found.failures == found.usable) return "it has failed on every node that is there";
    if (found.rooms == found.usable) return "no node has room for what it uses (utilization)";
    if (found.same == found.usable) {
        const ScoreChange& change = *found.first;
        if (change.cause == ScoreCause::Colocation) {
            return concat("it has to be with ", change.other, by_constraint(change));
        }
        if (change.cause == ScoreCause::Ticket) {
            return concat("ticket ", change.other, " does not allow it", by_constraint(change));
        }
        if (change.cause == ScoreCause::Health) {
            return concat(
                "the health of every node that is there is too bad (node-health-strategy ",
                change.id, ")");
        }
        if (change.cause == ScoreCause::Multiple) {
            return "it is active on several nodes, with multiple-active=stop_only";
        }
    }
    return mixed_reasons(found);
}

std::string unpromoted_because(const World& world, const Resource& resource) {
    const Resource& clone = *top_of(resource);
    const ClusterOptions& options = world.options;
    const std::int32_t score = std::min(resource.sort_index, resource.priority);
    if (score < 0) {
        return concat("its score for being promoted is ", to_string(Score::of(score)));
    }
    if (!options.have_quorum && options.no_quorum_policy == QuorumPolicy::Freeze) {
        return "there is no quorum (no-quorum-policy=freeze)";
    }
    if (clone.clone.promoted_count >= clone.clone.promoted_max) {
        return concat("others come before it (promoted-max=", clone.clone.promoted_max, ")");
    }
    if (resource.assigned != nullptr && !is_usable(*resource.assigned, true)) {
        return concat(resource.assigned->name, " is ", unusable_because(*resource.assigned));
    }
    return "its node has its share of promoted instances (promoted-node-max)";
}

bool is_part_of(const Resource& resource, const Resource& whole) {
    for (const Resource* at = &resource; at != nullptr; at = at->parent) {
        if (at == &whole) return true;
    }
    return false;
}

std::string_view last_role_change(const World& world, const Resource& resource) {
    std::string_view out;
    for (const auto& [whose, change] : world.record.roles) {
        if (whose == &resource) out = change.second;
    }
    return out;
}

// The same, where a word was recorded that says more than where it goes.
std::string by_word(const Resource& resource, std::string_view word) {
    if (word == "target-role") return "its target-role is Unpromoted";
    if (word == "failure" || word == "on-fail=stop") {
        return resource.next_role == Role::Stopped ? "it failed, with on-fail=stop"
                                                   : "it failed while it was promoted";
    }
    if (word == "demote with on-fail=block") return "it could not be demoted, with on-fail=block";
    if (word == "remote shutdown") return "its remote node is shutting down";
    if (word == "remote reset") return "its reconnect_interval has to pass first";
    if (word.starts_with("no-quorum-policy")) return concat("there is no quorum (", word, ")");
    return {};
}

}  // namespace

std::string_view unusable_because(const Node& node) {
    if (!node.online) return node.unclean ? "lost and not yet fenced" : "offline";
    if (node.unclean) return "to be fenced";
    if (node.pending) return "still joining";
    if (node.shutting_down) return "shutting down";
    if (node.standby_on_fail) return "in standby after a failure";
    if (node.standby) return "in standby";
    if (node.maintenance) return "in maintenance";
    if (is_guest(node) && node.remote->launcher->assigned == nullptr) {
        return "a guest whose host resource will not run";
    }
    return {};
}

std::string_view no_fencing_because(const ClusterOptions& options) {
    if (!options.fencing_enabled) return "fencing is off (fencing-enabled=false)";
    if (!options.have_fence_device) return "no fence device is configured";
    if (!options.have_quorum && options.no_quorum_policy != QuorumPolicy::Ignore) {
        return "there is no quorum";
    }
    return {};
}

std::string unmanaged_because(const World& world, const Resource& resource) {
    if (resource.managed) return {};
    if (resource.blocked) {
        for (const TicketConstraint& each : world.ticket_constraints) {
            const bool is_lost = !each.ticket->granted || each.ticket->standby;
            if (is_lost && each.policy == LossPolicy::Freeze &&
                is_part_of(resource, *each.resource)) {
                return concat("ticket ", each.ticket->id,
                              " does not allow it, with loss-policy=freeze (", "constraint ",
                              each.id, ")");
            }
        }
        if (resource.running_on.size() > 1 && resource.multiple_active == MultipleActive::Block) {
            return "it is active on several nodes, with multiple-active=block";
        }
        return "a failure has to be repaired by hand, then `xbeat resource cleanup`";
    }
    const ClusterOptions& options = world.options;
    if (options.maintenance_mode) return "the cluster is in maintenance-mode";
    for (const Node* node : resource.running_on) {
        if (node->maintenance) return concat(node->name, " is in maintenance");
    }
    if (resource.maintenance) return "it is in maintenance";
    if (options.fencing_enabled && !options.have_fence_device) {
        return "fencing is enabled, but no fence device is configured";
    }
    if (resource.orphan && !options.stop_orphans) {
        return "it is not configured any more, and such are left alone";
    }
    return "is-managed=false";
}

std::string name_of(const Step& step) {
    if (step.resource == nullptr) return name_without_resource(step);
    std::string out = concat(task_words(step), " of ", step.resource->id);
    if (step.node != nullptr) out += concat(" on ", step.node->name);
    return out;
}

std::string restraint_of(const World& world, const Resource& resource) {
    const bool is_stopped = resource.next_role == Role::Stopped || resource.assigned == nullptr;
    if (resource.orphan && is_stopped) return "it is not configured any more";
    if (!resource.managed) return {};
    if (is_stopped && world.options.stop_all) {
        return "everything is to be stopped (stop-all-resources)";
    }
    if (is_stopped) {
        if (target_role(resource) == Role::Stopped) return "its target-role is Stopped";
        if (refusals_of(world, resource).usable == 0) return no_node_because(world, resource);
        for (const auto& [instance, why] : world.record.unpaired) {
            if (instance == &resource || instance == resource.parent) return why;
        }
    }
    const std::string_view word = last_role_change(world, resource);
    if (is_stopped || resource.next_role == Role::Unpromoted) {
        if (std::string text = by_word(resource, word); !text.empty()) return text;
    }
    if (is_stopped) return nowhere_because(world, resource);
    if (word == "unpromoted instance") return unpromoted_because(world, resource);
    return {};
}

}  // namespace xbeat::schedule
