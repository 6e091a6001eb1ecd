#include "schedule/options.h"

#include "core/number.h"
#include "core/text.h"
#include "rules/calendar.h"

namespace xbeat::schedule {
namespace {

const std::string* find(const Attributes& all, std::string_view name, std::string_view old_name) {
    auto at = all.find(name);
    if (at == all.end()) at = all.find(old_name);
    return at == all.end() ? nullptr : &at->second;
}

struct Reader {
    const Attributes& all;

    bool boolean(std::string_view name, bool fallback, std::string_view old_name = {}) const {
        const std::string* text = find(all, name, old_name);
        return text == nullptr ? fallback : parse_boolean(*text).value_or(fallback);
    }
    std::int64_t milliseconds(std::string_view name, std::int64_t fallback,
                              std::string_view old_name = {}) const {
        const std::string* text = find(all, name, old_name);
        return text == nullptr ? fallback : rules::parse_interval_ms(*text).value_or(fallback);
    }
    std::string text(std::string_view name, std::string_view fallback,
                     std::string_view old_name = {}) const {
        const std::string* found = find(all, name, old_name);
        return found == nullptr || found->empty() ? std::string(fallback) : *found;
    }
};

QuorumPolicy parse_policy(std::string_view text) {
    if (equals_ignoring_case(text, "ignore")) return QuorumPolicy::Ignore;
    if (equals_ignoring_case(text, "freeze")) return QuorumPolicy::Freeze;
    if (equals_ignoring_case(text, "demote")) return QuorumPolicy::Demote;
    if (equals_ignoring_case(text, "fence") || equals_ignoring_case(text, "suicide")) {
        return QuorumPolicy::Fence;
    }
    return QuorumPolicy::Stop;
}

void unpack_fencing(const Reader& read, ClusterOptions& out) {
    out.fencing_enabled = read.boolean("fencing-enabled", true, "stonith-enabled");
    out.fencing_action = to_lower(read.text("fencing-action", "reboot", "stonith-action"));
    if (out.fencing_action == "poweroff") out.fencing_action = "off";
    out.fencing_timeout = read.text("fencing-timeout", "60s", "stonith-timeout");
    out.fencing_timeout_ms = rules::parse_interval_ms(out.fencing_timeout).value_or(60000);
    out.concurrent_fencing = read.boolean("concurrent-fencing", true);
    out.startup_fencing = read.boolean("startup-fencing", true);
    out.priority_fencing_delay_ms = read.milliseconds("priority-fencing-delay", 0);
    out.fence_remote_without_quorum = read.boolean("fence-remote-without-quorum", false);
    if (read.boolean("have-watchdog", false)) {
        out.watchdog_timeout_ms =
            read.milliseconds("fencing-watchdog-timeout", 0, "stonith-watchdog-timeout");
        if (out.watchdog_timeout_ms != 0) out.have_fence_device = true;
    }
}

}  // namespace

void unpack_options(World& world) {
    ClusterOptions& out = world.options;
    if (const cib::Element* configuration = world.cib->child("configuration")) {
        if (const cib::Element* config = configuration->child("crm_config")) {
            const rules::RuleInput input{.now = world.now, .ids = &world.ids};
            rules::collect_attributes(*config, "cluster_property_set", input,
                                      "cib-bootstrap-options", out.all, &world.recheck_by);
        }
    }
    const Reader read{out.all};
    out.have_quorum = parse_boolean(world.cib->get("have-quorum")).value_or(false);
    out.quorum_panic_allowed = parse_boolean(world.cib->get("no-quorum-panic")).value_or(false);
    out.symmetric = read.boolean("symmetric-cluster", true);
    out.stop_all = read.boolean("stop-all-resources", false);
    out.maintenance_mode = read.boolean("maintenance-mode", false);
    out.stop_orphans = read.boolean("stop-removed-resources", true, "stop-orphan-resources");
    out.stop_orphan_actions = read.boolean("stop-removed-actions", true, "stop-orphan-actions");
    out.start_failure_fatal = read.boolean("start-failure-is-fatal", true);
    out.startup_probes = read.boolean("enable-startup-probes", true);
    out.shutdown_lock = read.boolean("shutdown-lock", false);
    out.shutdown_lock_ms = read.milliseconds("shutdown-lock-limit", 0);
    out.node_pending_ms = read.milliseconds("node-pending-timeout", 0);
    out.placement = to_lower(read.text("placement-strategy", "default"));
    if (out.placement != "utilization" && out.placement != "balanced" &&
        out.placement != "minimal") {
        out.placement = "default";
    }
    out.health_strategy = to_lower(read.text("node-health-strategy", "none"));
    out.health_base = effective_score(read.text("node-health-base", "0")).points();
    unpack_fencing(read, out);

    out.no_quorum_policy = parse_policy(read.text("no-quorum-policy", "stop"));
    if (out.no_quorum_policy == QuorumPolicy::Fence &&
        (!out.fencing_enabled || !out.quorum_panic_allowed)) {
        out.no_quorum_policy = QuorumPolicy::Stop;
    }
}

Score health_score(const World& world, std::string_view text) {
    const auto configured = [&world](std::string_view name, Score fallback) {
        const auto at = world.options.all.find(name);
        if (at == world.options.all.end()) return fallback;
        return effective_score(at->second, fallback);
    };
    const bool counts =
        world.options.health_strategy == "progressive" || world.options.health_strategy == "custom";
    if (equals_ignoring_case(text, "red")) {
        return counts ? configured("node-health-red", Score::never()) : Score::never();
    }
    if (equals_ignoring_case(text, "yellow")) {
        if (world.options.health_strategy == "only-green") return Score::never();
        return counts ? configured("node-health-yellow", Score()) : Score();
    }
    if (equals_ignoring_case(text, "green")) {
        return counts ? configured("node-health-green", Score()) : Score();
    }
    return effective_score(text);
}

}  // namespace xbeat::schedule
