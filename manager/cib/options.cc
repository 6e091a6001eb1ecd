#include "cib/options.h"

#include <algorithm>
#include <array>
#include <vector>

#include "cib/duration.h"
#include "cib/suggest.h"
#include "core/score.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using Type = OptionType;

// Names, types and defaults follow Pacemaker 3.0's option reference; the words of help are ours.
constexpr std::array kOptions = {
    Option{"batch-limit", Type::Integer, "0",
           "Actions that may run at once in the whole cluster; 0: as many as the load allows"},
    Option{"cluster-delay", Type::Duration, "60s",
           "How long a message between nodes may take on top of an action's own timeout"},
    Option{.name = "cluster-infrastructure",
           .type = Type::Text,
           .help = "The membership layer in use; for information",
           .is_read_only = true},
    Option{"cluster-ipc-limit", Type::Integer, "500",
           "Messages that may wait for a local client before it is disconnected"},
    Option{"cluster-name", Type::Text, "",
           "A name for the cluster, usable in rules as #cluster-name"},
    Option{"cluster-recheck-interval", Type::Duration, "15min",
           "How often time-based rules and expired failures are looked at again at the latest"},
    Option{"concurrent-fencing", Type::Boolean, "true", "Fence several nodes at the same time"},
    Option{"dc-deadtime", Type::Duration, "20s",
           "How long a starting node waits for others before it elects a coordinator"},
    Option{.name = "dc-version",
           .type = Type::Text,
           .help = "The version that the coordinator runs; for information",
           .is_read_only = true},
    Option{.name = "default-action-timeout",
           .type = Type::Duration,
           .help = "Old form of op_defaults timeout"},
    Option{.name = "default-resource-failure-stickiness",
           .type = Type::Score,
           .help = "Old form of rsc_defaults migration-threshold; ignored"},
    Option{.name = "default-resource-stickiness",
           .type = Type::Score,
           .help = "Old form of rsc_defaults resource-stickiness"},
    Option{"election-timeout", Type::Duration, "2min",
           "After how long an undecided election of the coordinator counts as failed"},
    Option{"enable-acl", Type::Boolean, "false",
           "Check access control lists for other users than root"},
    Option{"enable-startup-probes", Type::Boolean, "true",
           "Ask a joining node which resources already run there"},
    Option{.name = "expected-quorum-votes",
           .type = Type::Integer,
           .help = "Kept for old clusters; ignored"},
    Option{"fence-remote-without-quorum", Type::Boolean, "false",
           "Let a partition without quorum fence remote nodes it cannot reach"},
    Option{"fencing-action", Type::Choice, "reboot", "What fencing does to a node",
           "reboot off poweroff", "stonith-action"},
    Option{.name = "fencing-enabled",
           .type = Type::Boolean,
           .default_value = "true",
           .help = "Fence nodes whose state is unknown before their resources start elsewhere",
           .old_names = "stonith-enabled stonith_enabled"},
    Option{.name = "fencing-max-attempts",
           .type = Type::Integer,
           .default_value = "10",
           .help = "Failed fencing attempts in a row before a node is no longer retried at once",
           .old_names = "stonith-max-attempts"},
    Option{"fencing-reaction", Type::Choice, "stop",
           "What a node does that learns of its own fencing", "stop panic", "fence-reaction"},
    Option{.name = "fencing-timeout",
           .type = Type::Duration,
           .default_value = "60s",
           .help = "How long one fencing action may take",
           .old_names = "stonith-timeout"},
    Option{.name = "fencing-watchdog-timeout",
           .type = Type::SignedDuration,
           .default_value = "0",
           .help = "After how long a lost node has surely reset itself; 0: never, negative: twice "
                   "the watchdog's",
           .old_names = "stonith-watchdog-timeout"},
    Option{.name = "have-watchdog",
           .type = Type::Boolean,
           .default_value = "false",
           .help = "Whether a watchdog is in use; set by the cluster",
           .is_read_only = true},
    Option{.name = "is-managed-default",
           .type = Type::Boolean,
           .help = "Old form of rsc_defaults is-managed"},
    Option{.name = "join-finalization-timeout",
           .type = Type::Duration,
           .default_value = "30min",
           .help = "How long the end of a join may take",
           .old_names = "crmd-finalization-timeout"},
    Option{.name = "join-integration-timeout",
           .type = Type::Duration,
           .default_value = "3min",
           .help = "How long a joining node may take to answer",
           .old_names = "crmd-integration-timeout"},
    Option{.name = "last-lrm-refresh",
           .type = Type::Text,
           .help = "When the operation history was last refreshed; set by tools"},
    Option{"load-threshold", Type::Percentage, "80%",
           "Load of a node above which it is given fewer actions at once"},
    Option{"maintenance-mode", Type::Boolean, "false",
           "Leave every resource as it is: no start, no stop, no monitor"},
    Option{"migration-limit", Type::Integer, "-1",
           "Live migrations at once per node; -1: no limit"},
    Option{"no-quorum-policy", Type::Choice, "stop",
           "What a partition without quorum does with its resources",
           "stop freeze ignore demote fence suicide", "no_quorum_policy"},
    Option{"node-action-limit", Type::Integer, "0",
           "Actions at once per node; 0: twice its processors"},
    Option{"node-health-base", Type::Score, "0",
           "Score that every node starts with; strategy progressive"},
    Option{"node-health-green", Type::Score, "0", "What a health attribute of green counts"},
    Option{"node-health-red", Type::Score, "-INFINITY", "What a health attribute of red counts"},
    Option{"node-health-strategy", Type::Choice, "none",
           "How health attributes of nodes move resources",
           "none migrate-on-red only-green progressive custom"},
    Option{"node-health-yellow", Type::Score, "0", "What a health attribute of yellow counts"},
    Option{"node-pending-timeout", Type::Duration, "0",
           "Fence a node that has not joined this long after it was seen; 0: never"},
    Option{"pe-error-series-max", Type::Integer, "-1", "Decisions with errors to keep; -1: all"},
    Option{"pe-input-series-max", Type::Integer, "4000",
           "Decisions without remarks to keep; -1: all"},
    Option{"pe-warn-series-max", Type::Integer, "5000", "Decisions with warnings to keep; -1: all"},
    Option{"placement-strategy", Type::Choice, "default", "How capacities of nodes are respected",
           "default utilization minimal balanced"},
    Option{"priority-fencing-delay", Type::Duration, "0",
           "Head start in a fencing race for the node whose resources have the higher priority"},
    Option{.name = "remove-after-stop",
           .type = Type::Boolean,
           .default_value = "false",
           .help = "Forget a resource's history when it stops; deprecated"},
    Option{"shutdown-escalation", Type::Duration, "20min",
           "After how long a node that cannot finish its shutdown exits all the same"},
    Option{"shutdown-lock", Type::Boolean, "false",
           "Keep resources for a node that was shut down cleanly"},
    Option{"shutdown-lock-limit", Type::Duration, "0",
           "For how long at most; 0: until the node returns"},
    Option{"start-failure-is-fatal", Type::Boolean, "true",
           "One failed start bans the resource from that node, without counting"},
    Option{"startup-fencing", Type::Boolean, "true",
           "Fence nodes that were never seen since the start"},
    Option{"stop-all-resources", Type::Boolean, "false", "Stop everything"},
    Option{.name = "stop-removed-actions",
           .type = Type::Boolean,
           .default_value = "true",
           .help = "Cancel recurring operations that are no longer configured",
           .old_names = "stop-orphan-actions"},
    Option{.name = "stop-removed-resources",
           .type = Type::Boolean,
           .default_value = "true",
           .help = "Stop resources that are no longer configured",
           .old_names = "stop-orphan-resources"},
    Option{"symmetric-cluster", Type::Boolean, "true",
           "Every resource may run on every node unless a constraint forbids it", "",
           "symmetric_cluster"},
    Option{.name = "transition-delay",
           .type = Type::Duration,
           .default_value = "0s",
           .help = "Wait this long for more events before deciding; slows every recovery",
           .old_names = "crmd-transition-delay"},
    Option{
        .name = "unsafe-takeover",
        .type = Type::Boolean,
        .default_value = "false",
        .help =
            "Let the survivor of a pair take over although nothing proves that the peer is silent"},
};

bool is_percentage(std::string_view value) {
    if (!value.ends_with('%')) return false;
    const std::optional<std::int64_t> number = parse_integer(value.substr(0, value.size() - 1));
    return number.has_value() && *number >= 0;
}

bool is_choice(std::string_view value, std::string_view choices) {
    const std::vector<std::string_view> words = split_words(choices);
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return equals_ignoring_case(word, value); });
}

bool fits(OptionType type, std::string_view choices, std::string_view value) {
    switch (type) {
        case OptionType::Text:
            return true;
        case OptionType::Boolean:
            return parse_boolean(value).has_value();
        case OptionType::Integer:
            return parse_integer(value).has_value() || parse_score(value).has_value();
        case OptionType::Duration:
            return parse_duration(value).has_value();
        case OptionType::SignedDuration:
            return parse_duration(value).has_value() || parse_integer(value).has_value();
        case OptionType::Percentage:
            return is_percentage(value);
        case OptionType::Score:
            return parse_score(value).has_value();
        case OptionType::Choice:
            return is_choice(value, choices);
    }
    return false;
}

std::string wanted(OptionType type, std::string_view choices) {
    switch (type) {
        case OptionType::Boolean:
            return "true or false";
        case OptionType::Integer:
            return "a whole number";
        case OptionType::Duration:
            return "a duration such as 20s, 500ms or 2min";
        case OptionType::SignedDuration:
            return "a duration such as 20s, or a negative number";
        case OptionType::Percentage:
            return "a percentage such as 80%";
        case OptionType::Score:
            return "a score: a whole number, INFINITY or -INFINITY";
        case OptionType::Choice: {
            std::string out = "one of";
            for (const std::string_view word : split_words(choices)) out += concat(" ", word);
            return out;
        }
        case OptionType::Text:
            break;
    }
    return "text";
}

std::vector<std::string_view> all_names() {
    std::vector<std::string_view> names;
    for (const Option& option : kOptions) names.push_back(option.name);
    for (const Option& option : kOptions) {
        for (const std::string_view old : split_words(option.old_names)) names.push_back(old);
    }
    return names;
}

}  // namespace

std::span<const Option> cluster_options() { return kOptions; }

const Option* find_option(std::string_view name) {
    for (const Option& option : kOptions) {
        if (option.name == name) return &option;
        if (option.old_names.find(name) == std::string_view::npos) continue;
        for (const std::string_view old : split_words(option.old_names)) {
            if (old == name) return &option;
        }
    }
    return nullptr;
}

std::span<const std::string_view> option_names() {
    static const std::vector<std::string_view> names = all_names();
    return names;
}

std::string check_typed_value(std::string_view name, OptionType type, std::string_view choices,
                              std::string_view value) {
    if (fits(type, choices, value)) return {};
    std::string out =
        concat("'", value, "' is no value for ", name, "; give ", wanted(type, choices));
    if (type == OptionType::Choice) out += did_you_mean(value, split_words(choices));
    return out;
}

std::string check_option_value(const Option& option, std::string_view value) {
    return check_typed_value(option.name, option.type, option.choices, value);
}

std::string_view to_string(OptionType type) {
    switch (type) {
        case OptionType::Text:
            return "text";
        case OptionType::Boolean:
            return "boolean";
        case OptionType::Integer:
            return "integer";
        case OptionType::Duration:
        case OptionType::SignedDuration:
            return "duration";
        case OptionType::Percentage:
            return "percentage";
        case OptionType::Score:
            return "score";
        case OptionType::Choice:
            return "choice";
    }
    return "text";
}

}  // namespace xbeat::cib
