#include "schedule/outcome.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/digest_check.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"
#include "schedule/fence_marks.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

// Result codes of the OCF resource agent interface, and the executor's statuses.
enum Rc {
    kOk = 0,
    kInvalidParameter = 2,
    kUnimplemented = 3,
    kNoPrivilege = 4,
    kNotInstalled = 5,
    kNotConfigured = 6,
    kNotRunning = 7,
    kPromotedRc = 8,
    kFailedPromoted = 9,
    kDegraded = 190,
    kDegradedPromoted = 191
};
enum Status {
    kPendingStatus = -1,
    kDoneStatus = 0,
    kCancelled = 1,
    kTimeout = 2,
    kNotSupported = 3,
    kErrorStatus = 4,
    kHard = 5,
    kFatal = 6,
    kNotInstalledStatus = 7,
    kNotConnected = 8,
    kInvalid = 9,
    kNoFenceDevice = 10,
    kNoSecrets = 11,
    kStatusMax = 11
};

struct Entry : HistoryEntry {
    bool is_probe = false;
};

bool is_probe(const Recorded& record) {
    return record.kind == Task::Monitor && record.interval_ms == 0;
}

void set_active(Resource& resource) {
    resource.role = top_of(resource)->promotable ? Role::Unpromoted : Role::Started;
}

Resource& ban_target(Resource& resource) { return resource.unique ? resource : *top_of(resource); }

// One failure is enough to keep it away: from one node, or, without `node`, from all.
void ban(Judge& judge, Resource& resource, Node* node, const Recorded& failure,
         std::string_view why) {
    const ScoreWatch watch(judge.world, resource, {ScoreCause::Failure, failure.key, why});
    add_location_score(judge.world, resource, node, Score::never());
}

void clear_past_failure(Judge& judge) {
    switch (judge.on_fail) {
        case OnFail::Stop:
        case OnFail::Ban:
        case OnFail::Standby:
        case OnFail::Fence:
            return;
        case OnFail::Block:
        case OnFail::Ignore:
        case OnFail::Demote:
        case OnFail::Restart:
        case OnFail::RestartContainer:
            break;
        case OnFail::ResetRemote:
            if (judge.resource.reconnect_interval_ms != 0) return;
            break;
    }
    judge.on_fail = OnFail::Ignore;
    set_next_role(judge.world, judge.resource, Role::Unknown, "clear past failures");
}

// A probe that failed because the resource cannot be there says that it is not.
bool is_masked(const Entry& entry) {
    return entry.is_probe && !is_bundled(entry.resource) &&
           (entry.record.rc == kNotInstalled || entry.record.rc == kInvalidParameter ||
            entry.record.status == kNotInstalledStatus);
}

void take_success(Judge& judge, Entry& entry, int rc) {
    Resource& resource = judge.resource;
    bool clear = false;
    if (rc == kNotInstalled || is_masked(entry)) {
        resource.role = Role::Stopped;
    } else if (rc == kNotRunning) {
        // What really found it stopped has said so in remap_by_rc(); an ignored failure of a probe
        // leaves the state as unknown as it was.
        clear = true;
    } else {
        switch (entry.record.kind) {
            case Task::Monitor:
                clear = judge.last_failure && judge.last_failure->key == entry.record.key;
                if (resource.role < Role::Started) set_active(resource);
                break;
            case Task::Start:
            case Task::MigrateFrom:
                resource.role = Role::Started;
                clear = true;
                break;
            case Task::Stop:
                resource.role = Role::Stopped;
                clear = true;
                break;
            case Task::Promote:
                resource.role = Role::Promoted;
                clear = true;
                break;
            case Task::Demote:
                clear = judge.on_fail == OnFail::Demote;
                resource.role = Role::Unpromoted;
                break;
            case Task::MigrateTo:
                take_migrate_to_success(judge.world, entry);
                break;
            default:
                if (resource.role < Role::Started) set_active(resource);
                break;
        }
    }
    if (clear) clear_past_failure(judge);
}

void take_failure(Judge& judge, Entry& entry, const OperationConfig& config) {
    Resource& resource = judge.resource;
    World& world = judge.world;
    judge.last_failure = entry.record;
    if (judge.on_fail < config.on_fail) judge.on_fail = config.on_fail;
    switch (entry.record.kind) {
        case Task::Stop:
            ban(judge, resource, &judge.node, entry.record, "it could not be stopped there");
            break;
        case Task::MigrateTo:
            take_migrate_to_failure(world, entry);
            break;
        case Task::MigrateFrom:
            take_migrate_from_failure(world, entry);
            break;
        case Task::Promote:
            resource.role = Role::Promoted;
            break;
        case Task::Demote:
            if (config.on_fail == OnFail::Block) {
                resource.role = Role::Promoted;
                set_next_role(world, resource, Role::Stopped, "demote with on-fail=block");
            } else if (entry.rc == kNotRunning) {
                resource.role = Role::Stopped;
            } else {
                resource.role = Role::Unpromoted;  // it will be stopped anyway
            }
            break;
        default:
            break;
    }
    if (entry.is_probe && entry.rc == kNotInstalled) {
        resource.role = Role::Stopped;
    } else if (resource.role < Role::Started) {
        set_active(resource);
    }
    if (config.fail_role != Role::Started && resource.next_role < config.fail_role) {
        set_next_role(world, resource, config.fail_role, "failure");
    }
    if (config.fail_role == Role::Stopped) {
        Resource& banned = ban_target(resource);
        for (Allowed& entry_of : banned.allowed) {
            ban(judge, banned, entry_of.node, entry.record, "it failed, with on-fail=stop");
        }
    }
}

void take_pending(Judge& judge, const Entry& entry) {
    Resource& resource = judge.resource;
    if (entry.record.kind == Task::Start) {
        resource.start_pending = true;
        set_active(resource);
    } else if (entry.record.kind == Task::Promote) {
        resource.role = Role::Promoted;
    } else if (entry.record.kind == Task::MigrateTo && judge.node.unclean) {
        Node* target = judge.world.find_node(entry.record.xml->get("migrate_target"));
        if (target != nullptr) make_stop(judge.world, resource, target, false);
    }
    if (resource.pending_node == nullptr && !entry.is_probe) {
        resource.pending_task = entry.record.task;
        resource.pending_node = &judge.node;
    }
}

bool keeps_failure(Judge& judge, const Recorded& record) {
    const Resource& resource = judge.resource;
    if (resource.reconnect_interval_ms == 0 || !judge.world.options.fencing_enabled ||
        record.kind != Task::Monitor || record.interval_ms == 0) {
        return false;
    }
    const Node* remote = judge.world.find_node(resource.id);
    return remote != nullptr && !remote->remote_was_fenced;
}

// Whether the record is old enough to be forgotten; schedules the erasure of the fail count.
bool has_expired(Judge& judge, const Entry& entry) {
    World& world = judge.world;
    Resource& resource = judge.resource;
    const Recorded& record = entry.record;
    if (record.status == kNotInstalledStatus) return false;  // somebody has to install it
    const bool is_last_failure = record.id.ends_with("_last_failure_0");
    bool expired = false;
    bool any_unexpired = false;
    std::string_view clear_reason;
    const std::int64_t timeout_s = resource.failure_timeout_ms / 1000;
    if (timeout_s > 0 && record.last_change > 0) {
        expired =
            world.now.value >= record.last_change + timeout_s && !keeps_failure(judge, record);
        const FailCount failures = fail_count(world, resource, judge.node, true, false, record.xml);
        any_unexpired = failures.count > Score();
        // The first second in which the failure does not count any more.
        const EpochSeconds due{failures.last_failure + timeout_s + 1};
        if (any_unexpired && world.now < due && (!world.recheck_by || due < *world.recheck_by)) {
            world.recheck_by = due;
        }
    }
    if (expired) {
        const FailCount failures =
            fail_count(world, resource, judge.node, false, false, record.xml);
        if (failures.count > Score()) {
            if (any_unexpired) {
                expired = false;
            } else {
                clear_reason = "it expired";
            }
        } else if (is_last_failure && resource.reconnect_interval_ms != 0) {
            clear_reason = "reconnect interval is set";
        }
    }
    if (!expired && is_last_failure &&
        failure_parameters_changed(world, resource, judge.node, record)) {
        clear_reason = "resource parameters have changed";
    }
    if (!clear_reason.empty()) {
        Step& clear = make_clear_failcount(world, resource, &judge.node, clear_reason);
        if (world.options.fencing_enabled && resource.reconnect_interval_ms != 0) {
            world.clear_after_fencing.emplace_back(&resource, &clear);
        }
    }
    if (expired && entry.is_probe) {
        switch (entry.rc) {
            case kOk:
            case kNotRunning:
            case kPromotedRc:
            case kDegraded:
            case kDegradedPromoted:
                expired = false;
                break;
            default:
                break;
        }
    }
    return expired;
}

// A stop that cannot succeed can only be made good by fencing.
void block_if_unrecoverable(Judge& judge, const Entry& entry) {
    if (entry.record.kind != Task::Stop || can_fence(judge.world, &judge.node)) return;
    judge.resource.managed = false;
    judge.resource.blocked = true;
}

void remap_by_rc(Judge& judge, Entry& entry, bool expired) {
    Resource& resource = judge.resource;
    const int target = entry.record.target_rc;
    switch (entry.rc) {
        case kOk:
            if (entry.is_probe && target == kNotRunning) entry.status = kDoneStatus;
            break;
        case kNotRunning:
            if (entry.is_probe || target == entry.rc || !resource.managed) {
                entry.status = kDoneStatus;
                resource.role = Role::Stopped;
                judge.on_fail = OnFail::Ignore;
                set_next_role(judge.world, resource, Role::Unknown, "not running");
            }
            break;
        case kPromotedRc:
        case kDegradedPromoted:  // not of a monitor, where it is no failure
            if (entry.is_probe) entry.status = kDoneStatus;
            if (!expired || entry.rc == target) resource.role = Role::Promoted;
            break;
        case kFailedPromoted:
            if (!expired) resource.role = Role::Promoted;
            entry.status = kErrorStatus;
            break;
        case kNotConfigured:
            entry.status = kFatal;
            break;
        case kUnimplemented:
            if (entry.record.interval_ms > 0) {
                entry.status = kNotSupported;
                break;
            }
            if (!expired) block_if_unrecoverable(judge, entry);
            entry.status = kHard;
            break;
        case kNotInstalled:
        case kInvalidParameter:
        case kNoPrivilege:
            if (!expired) block_if_unrecoverable(judge, entry);
            entry.status = kHard;
            break;
        default:
            // A result that means nothing is a failure, even where it was expected.
            entry.status = kErrorStatus;
            break;
    }
}

void remap(Judge& judge, Entry& entry, bool expired) {
    if (entry.record.kind == Task::Monitor) {
        // No failure, and shown all the same.
        if (entry.rc == kDegraded || entry.rc == kDegradedPromoted)
            judge.world.failed_at.emplace_back(entry.record.xml, &judge.node);
        if (entry.rc == kDegraded) entry.rc = kOk;
        if (entry.rc == kDegradedPromoted) entry.rc = kPromotedRc;
    }
    if (entry.status == kNoFenceDevice || entry.status == kNoSecrets) entry.status = kHard;
    if (entry.status != kDoneStatus && entry.status != kErrorStatus) return;
    const int target = entry.record.target_rc;
    entry.status = target >= 0 && entry.rc == target ? kDoneStatus : kErrorStatus;
    remap_by_rc(judge, entry, expired);
}

void judge_failure(Judge& judge, Entry& entry) {
    World& world = judge.world;
    Resource& resource = judge.resource;
    const OperationConfig& config =
        operation_config(world, resource, entry.record.kind, entry.record.interval_ms);
    if (entry.status == kNotInstalledStatus) {
        OperationConfig strict = config;
        if (strict.on_fail == OnFail::Ignore) strict.on_fail = OnFail::Ban;
        ban(judge, ban_target(resource), &judge.node, entry.record,
            "what it needs is not installed there");
        world.failed_at.emplace_back(entry.record.xml, &judge.node);
        take_failure(judge, entry, strict);
        return;
    }
    if (entry.status == kNotConnected && is_guest_or_remote(judge.node) &&
        judge.node.remote != nullptr && judge.node.remote->managed) {
        judge.node.remote->failed = true;
        judge.node.remote->stop_required = true;
    }
    world.failed_at.emplace_back(entry.record.xml, &judge.node);
    const bool is_container_stop =
        config.on_fail == OnFail::RestartContainer && entry.record.kind == Task::Stop;
    if (config.on_fail == OnFail::Ignore || is_container_stop) {
        take_success(judge, entry, entry.record.target_rc);
        resource.failure_ignored = true;
        if (is_container_stop && judge.on_fail <= OnFail::Restart) {
            judge.on_fail = OnFail::RestartContainer;
        }
        return;
    }
    take_failure(judge, entry, config);
    if (entry.status == kHard) {
        ban(judge, ban_target(resource), &judge.node, entry.record,
            "it failed in a way that only a change on the node mends");
    } else if (entry.status == kFatal) {
        ban(judge, ban_target(resource), nullptr, entry.record,
            "it failed in a way that only a change of its configuration mends");
    }
}

}  // namespace

void judge_record(Judge& judge, const Recorded& record) {
    if (record.id.empty() || record.task.empty()) return;
    // Neither tells where the resource is.
    if (record.kind == Task::Notify || record.task == "meta-data") return;
    if (record.status < kPendingStatus || record.status > kStatusMax ||
        record.status == kCancelled) {
        return;
    }
    Entry entry{{.resource = judge.resource,
                 .node = judge.node,
                 .record = record,
                 .rc = record.rc,
                 .status = record.status},
                is_probe(record)};
    // Of an operation with an older record it is known that it runs.
    const bool runs_already = std::find(judge.recurring.begin(), judge.recurring.end(),
                                        record.key) != judge.recurring.end();
    if (record.interval_ms > 0) judge.recurring.push_back(record.key);
    const bool expired = has_expired(judge, entry);
    remap(judge, entry, expired);
    if (expired && entry.rc != record.target_rc) {
        if (record.interval_ms == 0) return;
        if (judge.node.online && !judge.node.unclean) {
            if (!runs_already) judge.world.forced_restarts.push_back(record.xml);
            return;
        }
    }
    if (is_masked(entry)) {
        take_success(judge, entry, record.target_rc < 0 ? kNotRunning : record.target_rc);
        judge.world.failed_at.emplace_back(record.xml, &judge.node);
        ban(judge, ban_target(judge.resource), &judge.node, record,
            "it cannot run there, a probe found");
        return;
    }
    switch (entry.status) {
        case kPendingStatus:
            take_pending(judge, entry);
            break;
        case kDoneStatus:
            take_success(judge, entry, entry.rc);
            break;
        case kTimeout:
        case kNotSupported:
        case kErrorStatus:
        case kHard:
        case kFatal:
        case kNotInstalledStatus:
        case kNotConnected:
        case kInvalid:
            judge_failure(judge, entry);
            break;
        default:
            break;
    }
}

}  // namespace xbeat::schedule
