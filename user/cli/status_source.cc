#include "cli/status_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/words.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr std::int32_t kNotRunning = 7;  // OCF_NOT_RUNNING

Duration nanoseconds_of(const json& object, const char* member) {
    return Duration(number_of(object, member));
}

Duration microseconds_of(const json& object, const char* member) {
    return Duration(static_cast<std::int64_t>(fraction_of(object, member) * 1000.0));
}

// Since when, as a length; the clock is the daemon's own.
Duration age(const json& object, Duration now) {
    const Duration since = nanoseconds_of(object, "since_ns");
    return since.count() == 0 ? Duration{} : std::max(Duration{}, now - since);
}

LinkStatus read_link(const json& path, Duration now) {
    LinkStatus link{.name = text_of(path, "name"),
                    .interface = text_of(path, "interface"),
                    .local = text_of(path, "local"),
                    .remote = text_of(path, "remote"),
                    .mode = text_of(path, "mode"),
                    .reason = text_of(path, "reason"),
                    .channel = text_of(path, "channel")};
    link.is_up = flag_of(path, "is_up");
    link.rtt_p50 = microseconds_of(path, "rtt_p50_us");
    link.rtt_p99 = microseconds_of(path, "rtt_p99_us");
    link.rtt_max = microseconds_of(path, "rtt_max_us");
    link.sent = static_cast<std::uint64_t>(number_of(path, "sent"));
    link.answered = static_cast<std::uint64_t>(number_of(path, "answered"));
    link.lost = static_cast<std::uint64_t>(number_of(path, "lost"));
    link.since = age(path, now);
    return link;
}

PeerStatus read_peer(const json& object, Duration now) {
    PeerStatus peer;
    peer.name = text_of(object, "name");
    peer.state = text_of(object, "state");
    peer.has_channel = flag_of(object, "has_channel");
    peer.is_member = flag_of(object, "is_member");
    peer.since = age(object, now);
    for (const json& path : objects_of(object, "paths")) peer.links.push_back(read_link(path, now));
    return peer;
}

std::int64_t integer_of(const cib::Element& element, std::string_view attribute) {
    return parse_integer(element.get(attribute)).value_or(0);
}

void read_operations(const cib::Element& history, const std::string& node,
                     std::vector<OperationStatus>& rows) {
    std::vector<OperationStatus> own;
    for (const cib::Element& operation : history.children) {
        if (operation.name != "lrm_rsc_op") continue;
        own.push_back({.node = node,
                       .resource = std::string(history.get("id")),
                       .task = std::string(operation.get("operation")),
                       .interval_ms = integer_of(operation, "interval"),
                       .call_id = integer_of(operation, "call-id"),
                       .rc = static_cast<std::int32_t>(integer_of(operation, "rc-code")),
                       .exec_time_ms = integer_of(operation, "exec-time"),
                       .queue_time_ms = integer_of(operation, "queue-time"),
                       .last_change = {integer_of(operation, "last-rc-change")}});
    }
    std::stable_sort(own.begin(), own.end(),
                     [](const auto& a, const auto& b) { return a.call_id < b.call_id; });
    rows.insert(rows.end(), own.begin(), own.end());
}

std::vector<OperationStatus> operations_of(const cib::Element& cib) {
    std::vector<OperationStatus> rows;
    const cib::Element* status = cib.child("status");
    if (status == nullptr) return rows;
    for (const cib::Element& state : status->children) {
        const cib::Element* list = state.name == "node_state" ? cib::histories_of(state) : nullptr;
        if (list == nullptr) continue;
        const std::string node(state.has("uname") ? state.get("uname") : state.get("id"));
        for (const cib::Element& history : list->children) {
            if (history.name == "lrm_resource") read_operations(history, node, rows);
        }
    }
    return rows;
}

// One failure a key and node, the first of them: a history has the record of the last failure
// beside that of the run itself.
void drop_repeated(std::vector<schedule::FailedActionView>& failures) {
    std::vector<schedule::FailedActionView> kept;
    for (schedule::FailedActionView& failure : failures) {
        const bool is_known = std::any_of(kept.begin(), kept.end(), [&](const auto& one) {
            return one.key == failure.key && one.node == failure.node;
        });
        if (!is_known) kept.push_back(std::move(failure));
    }
    failures = std::move(kept);
}

LastChange last_change_of(const cib::Element& cib) {
    const auto text = [&cib](const char* name) { return std::string(cib.get(name)); };
    return {.time = text("cib-last-written"),
            .user = text("update-user"),
            .client = text("update-client"),
            .origin = text("update-origin")};
}

std::string version_of(const cib::Element& cib) {
    return concat(integer_of(cib, "admin_epoch"), '.', integer_of(cib, "epoch"), '.',
                  integer_of(cib, "num_updates"));
}

LeaseStatus read_lease(const json& object, Duration now) {
    LeaseStatus lease{.is_used = flag_of(object, "is_used"),
                      .arbiter = text_of(object, "arbiter"),
                      .standing = text_of(object, "standing"),
                      .said = text_of(object, "arbiter_said"),
                      .watchdog = text_of(object, "watchdog")};
    for (const char* const member : {"granted_until_ns", "exclusive_until_ns"}) {
        // Without an end it is a word instead of an instant.
        lease.without_end = lease.without_end || !text_of(object, member).empty();
        lease.left = std::max(lease.left, nanoseconds_of(object, member) - now);
    }
    const auto gate = object.find("gate");
    if (gate == object.end() || !gate->is_object()) return lease;
    lease.is_open = flag_of(*gate, "is_open");
    for (const json& nic : objects_of(*gate, "nics")) {
        lease.nics.push_back({.interface = text_of(nic, "interface"),
                              .trouble = text_of(nic, "trouble"),
                              .is_armed = flag_of(nic, "is_armed")});
    }
    const auto managed = gate->find("managed");
    if (managed == gate->end() || !managed->is_array()) return lease;
    for (const json& address : *managed) {
        if (address.is_string()) lease.managed.push_back(address.get<std::string>());
    }
    return lease;
}

void read_live(const json& reply, StatusInput& input) {
    const Duration now = nanoseconds_of(reply, "now_ns");
    input.is_live = true;
    input.cluster = text_of(reply, "cluster");
    input.self = text_of(reply, "node");
    input.version = text_of(reply, "version");
    input.profile = text_of(reply, "profile");
    input.activity = text_of(reply, "activity");
    input.period = nanoseconds_of(reply, "period_ns");
    input.term = static_cast<std::uint64_t>(number_of(reply, "term"));
    input.unsafe_takeover = flag_of(reply, "unsafe_takeover");
    input.situation.coordinator = text_of(reply, "coordinator");
    if (const auto daemon = reply.find("daemon"); daemon != reply.end()) {
        input.mode = text_of(*daemon, "mode");
    }
    for (const json& peer : objects_of(reply, "peers")) input.peers.push_back(read_peer(peer, now));
    for (const json& row : objects_of(reply, "fence_history")) {
        input.fence_history.push_back({.target = text_of(row, "target"),
                                       .action = text_of(row, "action"),
                                       .origin = text_of(row, "origin"),
                                       .device = text_of(row, "device"),
                                       .outcome = text_of(row, "outcome"),
                                       .reason = text_of(row, "reason"),
                                       .when = {number_of(row, "time_s")}});
    }
    if (const auto lease = reply.find("lease"); lease != reply.end() && lease->is_object())
        input.lease = read_lease(*lease, now);
    for (const json& row : objects_of(reply, "degraded")) {
        input.degraded.push_back({.what = text_of(row, "what"), .reason = text_of(row, "reason")});
    }
}

TimelineStatus read_timeline(const json& object) {
    TimelineStatus timeline;
    timeline.cause = text_of(object, "cause");
    timeline.when = {number_of(object, "time_s")};
    timeline.is_finished = flag_of(object, "finished");
    timeline.succeeded = flag_of(object, "succeeded");
    timeline.is_failover = flag_of(object, "failover");
    for (const json& entry : objects_of(object, "entries")) {
        timeline.phases.push_back({.phase = text_of(entry, "phase"),
                                   .detail = text_of(entry, "detail"),
                                   .from = Instant(nanoseconds_of(entry, "from_ns")),
                                   .to = Instant(nanoseconds_of(entry, "to_ns")),
                                   .succeeded = flag_of(entry, "succeeded")});
    }
    return timeline;
}

}  // namespace

std::string text_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

double fraction_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

bool flag_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::vector<json> objects_of(const json& object, const char* member) {
    std::vector<json> rows;
    const auto found = object.find(member);
    if (found == object.end() || !found->is_array()) return rows;
    for (const json& row : *found) {
        if (row.is_object()) rows.push_back(row);
    }
    return rows;
}

bool is_of_interest(const OperationStatus& row) {
    const bool is_probe = row.task == "monitor" && row.interval_ms == 0;
    return row.task != "notify" && !(is_probe && row.rc == kNotRunning);
}

StatusInput status_from_cib(const cib::Element& cib, EpochSeconds clock) {
    StatusInput input;
    input.updated = clock;
    input.cib_version = version_of(cib);
    input.last_change = last_change_of(cib);
    input.situation = schedule::observe(cib, {.now = schedule::effective_time(cib, clock)});
    drop_repeated(input.situation.failed_actions);
    input.operations = operations_of(cib);
    for (const schedule::NameValue& option : input.situation.options) {
        if (option.name == "dc-version") input.version = option.value;
        if (option.name == "cluster-name") input.cluster = option.value;
    }
    return input;
}

Result<StatusInput> status_from_reply(const json& reply) {
    const Result<cib::Element> parsed = cib::parse_xml(text_of(reply, "cib"));
    if (!parsed) {
        return Error{
            .code = Code::Corrupt,
            .context = concat("the daemon's configuration cannot be read (", parsed.error().context,
                              "); are xbeat and xbeatd of one version?")};
    }
    const EpochSeconds updated{number_of(reply, "time_ms") / 1000};
    StatusInput input = status_from_cib(*parsed, updated);
    read_live(reply, input);
    const std::string version = text_of(reply, "cib_version");
    if (!version.empty()) input.cib_version = version;
    return input;
}

std::vector<TimelineStatus> timelines_from_reply(const json& reply) {
    std::vector<TimelineStatus> timelines;
    for (const json& object : objects_of(reply, "timelines")) {
        timelines.push_back(read_timeline(object));
    }
    return timelines;
}

}  // namespace xbeat::cli
