// What clients ask for. A node that is not the coordinator passes it on and the answer back.
#include <algorithm>

#include "cib/upgrade.h"
#include "cib/validate.h"
#include "core/limits.h"
#include "core/text.h"
#include "node/mind.h"
#include "node/unsupported.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

namespace {

Error unavailable(std::string text) { return {Code::Unavailable, std::move(text)}; }

// The history of a resource on a node says that something failed.
bool has_failed(const cib::Element& cib, const execute::Place& place, std::string_view resource) {
    return !execute::clear_failures_records(cib, place.id, resource).empty();
}

// All errors, each with its line, or nothing if there are only warnings.
Result<void> check_configuration(const cib::Element& document) {
    const std::vector<cib::Problem> problems = cib::validate(document);
    if (!cib::has_error(problems)) return {};
    std::string text;
    for (const cib::Problem& problem : problems) {
        if (problem.severity != cib::Severity::Error) continue;
        if (!text.empty()) text += '\n';
        text += cib::to_string(problem);
    }
    return Error{Code::Invalid, std::move(text)};
}

}  // namespace

void Mind::reply(const Asker& asker, Result<std::string> outcome) {
    if (!asker.is_remote) {
        out_.replies.push_back({.client = asker.client, .outcome = std::move(outcome)});
        return;
    }
    wire::Answer answer;
    answer.client = asker.client;
    answer.succeeded = outcome.has_value();
    if (outcome) {
        answer.text = *outcome;
    } else {
        answer.code = static_cast<std::uint8_t>(outcome.error().code);
        answer.text = outcome.error().context;
    }
    say(std::move(answer));
}

void Mind::heard(const wire::Forward& forward) {
    const Asker asker{.is_remote = true, .client = forward.client, .user = forward.user};
    if (!is_coordinator()) {
        return reply(asker, unavailable("the node asked is not the coordinator any more"));
    }
    std::visit([this, &asker](const auto& body) { request(asker, body); }, forward.body);
}

void Mind::heard(const wire::Answer& answer) {
    const auto found = forwarded_.find(answer.client);
    if (found == forwarded_.end()) return;
    const Asker asker = found->second.asker;
    forwarded_.erase(found);
    if (answer.succeeded) return reply(asker, answer.text);
    const auto last = static_cast<std::uint8_t>(Code::Corrupt);
    const auto code = static_cast<Code>(std::min(answer.code, last));
    reply(asker, Error{.code = code, .context = answer.text, .system_errno = 0});
}

void Mind::fail_forwarded(const std::string& reason) {
    for (const auto& [client, waiting] : forwarded_) reply(waiting.asker, unavailable(reason));
    forwarded_.clear();
}

// From a client of this node.
void Mind::request(const Asker& asker, const RequestBody& body) {
    if (const auto* leave = std::get_if<Leave>(&body)) return request(asker, *leave);
    if (const auto* device = std::get_if<ValidateDevice>(&body)) return request(asker, *device);
    const auto* attribute = std::get_if<SetAttribute>(&body);
    if (attribute != nullptr && attribute->dampen_ms != 0) return dampen(asker, *attribute);
    if (attribute != nullptr) dampened_.erase({attribute->node, attribute->name});
    if (phase_ != Phase::Active) {
        if (const auto* confirm = std::get_if<ConfirmFenced>(&body)) {
            return confirm_fenced(asker, confirm->node);
        }
        return reply(asker,
                     unavailable(concat("this node is not in the cluster yet: ", activity())));
    }
    // The release before knows neither this request nor its record.
    constexpr std::uint16_t kForgetsSince = 4;
    if (std::holds_alternative<ForgetFences>(body) && peer_ && peer_->has_channel &&
        peer_->version < kForgetsSince) {
        return reply(asker, unavailable(concat(peer_->node.name,
                                               " runs an older release: the history of fencing can "
                                               "be forgotten when it is upgraded")));
    }
    if (is_coordinator()) {
        return std::visit([this, &asker](const auto& each) { request(asker, each); }, body);
    }
    // The coordinator may be the very node that a person vouches for.
    if (const auto* confirm = std::get_if<ConfirmFenced>(&body)) {
        if (peer_ && confirm->node == peer_->node.name) {
            return confirm_fenced(asker, confirm->node);
        }
    }
    if (forwarded_.size() >= kForwardedMax) {
        return reply(asker, Error{Code::Limit, "too many requests wait for the coordinator"});
    }
    const auto* fence = std::get_if<FenceNode>(&body);
    forwarded_.emplace(asker.client,
                       Forwarded{.asker = asker, .fences = fence != nullptr ? fence->node : ""});
    say(wire::Forward{.client = asker.client, .user = asker.user, .body = body});
}

void Mind::request(const Asker& asker, const ReplaceConfiguration& wanted) {
    const std::string present = replicate::configuration_version_of(shared_.cib);
    if (!wanted.base_version.empty() && wanted.base_version != present) {
        return reply(asker,
                     Error{Code::Conflict,
                           concat("the configuration changed in the meantime: it is version ",
                                  present, ", yours began from ", wanted.base_version,
                                  "; read it again and repeat the change")});
    }
    Result<cib::Element> parsed = cib::parse_xml(wanted.configuration);
    if (!parsed) return reply(asker, parsed.error());
    cib::Element document = std::move(*parsed);
    if (document.name != "cib" && document.name != "configuration") {
        return reply(asker, Error{Code::Invalid,
                                  "line 1: the text is neither <cib> nor "
                                  "<configuration>"});
    }
    (void)cib::upgrade(document);
    Result<void> checked = check_configuration(document);
    if (!checked) return reply(asker, checked.error());
    cib::Element* configuration =
        document.name == "cib" ? document.child("configuration") : &document;
    if (configuration == nullptr) {
        return reply(asker, Error{Code::Invalid, "line 1: <cib> holds no <configuration>"});
    }
    if (const std::optional<std::string> obstacle = what_cannot_run(*configuration)) {
        return reply(asker, Error{Code::Invalid, *obstacle});
    }
    WantedChange change{.asker = asker,
                        .configuration = {},
                        .validate_with = cib::schema_of(document),
                        .admin_epoch = parse_integer(document.get("admin_epoch")),
                        .answer = "the configuration was replaced"};
    change.configuration = std::move(*configuration);
    const cib::Element* before = shared_.cib.child("configuration");
    // People raise the admin_epoch to make older copies void, whatever else they change.
    const std::int64_t present_epoch = parse_integer(shared_.cib.get("admin_epoch")).value_or(0);
    const bool raises = change.admin_epoch && *change.admin_epoch > present_epoch;
    if (before != nullptr && !change_ && !raises && *before == change.configuration) {
        return reply(asker, std::string("the configuration is the same as before"));
    }
    propose(std::move(change));
}

void Mind::forget_failures(const execute::Place& place, const std::string& resource, bool all,
                           std::set<std::string>& touched) {
    const cib::Element* node = replicate::node_state(shared_.cib, place.id);
    const cib::Element* resources = node == nullptr ? nullptr : cib::histories_of(*node);
    std::vector<std::string> names;
    if (resources != nullptr) {
        for (const cib::Element& known : resources->children) {
            const std::string name(known.get("id"));
            if (!resource.empty() && name != resource && !name.starts_with(resource + ":"))
                continue;
            if (all || has_failed(shared_.cib, place, name)) names.push_back(name);
        }
    }
    append_all(execute::clear_failures_records(shared_.cib, place.id, resource));
    for (const std::string& name : names) {
        append(wire::EraseHistory{.node = place.id, .resource = name, .entry = {}});
        // The probe will say whether it runs; only then its monitors begin again.
        if (place.name == self_.name) {
            local_.end_monitors(name);
        } else if (is_peer_member()) {
            say(wire::EndMonitors{.resource = name});
        }
        touched.insert(name);
    }
}

void Mind::request(const Asker& asker, const Cleanup& wanted) {
    if (!wanted.node.empty() && !place_of(wanted.node)) {
        return reply(asker, Error{Code::NotFound, concat("there is no node ", wanted.node)});
    }
    const cib::Element* configuration = shared_.cib.child("configuration");
    std::vector<std::string> resources;
    if (!wanted.resource.empty()) {
        const cib::Element* configured = configuration->child("resources");
        const cib::Element* found =
            configured == nullptr ? nullptr : configured->find_id(wanted.resource);
        if (found == nullptr) {
            return reply(asker,
                         Error{Code::NotFound, concat("there is no resource ", wanted.resource)});
        }
        // A group or clone stands for the primitives in it.
        std::vector<const cib::Element*> to_visit = {found};
        while (!to_visit.empty()) {
            const cib::Element* at = to_visit.back();
            to_visit.pop_back();
            if (at->name == "primitive") resources.emplace_back(at->get("id"));
            for (const cib::Element& child : at->children) to_visit.push_back(&child);
        }
    } else {
        resources.emplace_back();
    }
    std::set<std::string> touched;
    for (const NodeName& node : options_.nodes) {
        if (!wanted.node.empty() && node.name != wanted.node) continue;
        const execute::Place place = *place_of(node.name);
        clear_fence_counts(node.name);
        for (const std::string& resource : resources) {
            forget_failures(place, resource, !wanted.failed_only, touched);
        }
    }
    if (touched.empty()) return reply(asker, std::string("there was nothing to clean up"));
    std::string names;
    for (const std::string& name : touched) {
        if (!names.empty()) names += ", ";
        names += name;
    }
    note(Level::Info, "cleanup", concat("cleaned up ", names, " for ", asker.user));
    want_plan(concat("operator: cleanup of ", names));
    reply(asker, concat("cleaned up ", names));
}

void Mind::request(const Asker& asker, const FenceNode& wanted) {
    if (wanted.action != "reboot" && wanted.action != "off" && wanted.action != "on") {
        return reply(asker, Error{Code::Invalid,
                                  concat("\"", wanted.action, "\" is none of reboot, off, on")});
    }
    if (!place_of(wanted.node)) {
        return reply(asker, Error{Code::NotFound, concat("there is no node ", wanted.node)});
    }
    if (!fence::has_devices(shared_.cib)) {
        return reply(asker, Error{Code::NotFound, "no fence device is configured"});
    }
    const bool is_self = wanted.node == self_.name;
    if (is_self && !is_peer_member()) {
        return reply(asker, Error{Code::Unavailable, "no other node is there to fence this one"});
    }
    if (std::string spared = reason_to_spare(wanted.node); !spared.empty()) {
        return reply(asker, Error{Code::Unsafe, std::move(spared)});
    }
    note_node(Level::Warning, "fence-asked", wanted.node,
              concat(asker.user, " asks to fence ", wanted.node));
    clear_fence_counts(wanted.node);
    FenceOrder& order = fences_[wanted.node];
    order.askers.push_back(asker);
    if (order.is_running) return;
    order_fence({.target = wanted.node,
                 .action = wanted.action,
                 .timeout = fence::fencing_timeout(shared_.cib),
                 .delay = {}},
                !is_self);
}

void Mind::request(const Asker& asker, const ConfirmFenced& wanted) {
    confirm_fenced(asker, wanted.node);
}

// A person vouches that the peer is off. Every node is asked itself: the coordinator may be the
// very node that is vouched for.
void Mind::confirm_fenced(const Asker& asker, std::string_view node) {
    if (!peer_ || node != peer_->node.name) {
        return reply(asker, Error{Code::NotFound, concat("there is no other node ", node)});
    }
    if (peer_->has_channel && peer_->health.state() == PeerState::Alive) {
        return reply(asker, Error{Code::Unsafe, concat(node, " answers: it is not off")});
    }
    // What it left running, or runs on without a lease, it may be running still.
    const bool may_run = !left_running_.empty() ||
                         (phase_ == Phase::Active && lease_.is_used() && !lease_.is_alone());
    if (peer_->standing == Standing::Out && !may_run) {
        return reply(asker, concat(node, " is already known to be off"));
    }
    note_node(Level::Warning, "fence-confirmed", std::string(node),
              concat(asker.user, " vouches that ", node, " is off"), {{"user", asker.user}});
    (void)fencer_.recall(node);
    if (const auto order = fences_.find(std::string(node)); order != fences_.end()) {
        if (order->second.action && transition_) {
            transition_->set(*order->second.action, execute::Progress::Failed);
            transition_->abort();
        }
        fences_.erase(order);
    }
    clear_fence_counts(node);
    peer_is_out("is off, as a person confirmed", Proof::Word);
    if (is_coordinator()) {
        record_fence({.target = std::string(node),
                      .action = "off",
                      .succeeded = true,
                      .device = {},
                      .reason = concat("confirmed by ", asker.user),
                      .began = now_.boot,
                      .ended = now_.boot},
                     self_.name, "confirmed by operator");
        chronicle_.add({.phase = "proof",
                        .detail = "confirmed by operator",
                        .from = now_.boot,
                        .to = now_.boot,
                        .succeeded = true});
        want_plan(concat("operator: ", node, " confirmed off"));
    }
    reply(asker, concat(node, " counts as off now"));
}

void Mind::request(const Asker& asker, const ForgetFences& wanted) {
    const auto is_meant = [&wanted](const wire::RecordFence& fence) {
        return wanted.node.empty() || fence.target == wanted.node;
    };
    const auto count = std::count_if(shared_.fences.begin(), shared_.fences.end(), is_meant);
    if (count == 0) {
        return reply(asker, concat("there is no history of fencing", wanted.node.empty() ? "" : " ",
                                   wanted.node));
    }
    append(wire::EraseFences{.target = wanted.node});
    note(Level::Info, "fence-history-cleaned",
         concat(asker.user, " had ", count, " entries of the history of fencing forgotten"),
         {{"node", wanted.node}, {"user", asker.user}});
    reply(asker, concat("forgot ", count, " entries of the history of fencing"));
}

// Of this node and its agents, in whatever state the cluster is: it changes nothing.
void Mind::request(const Asker& asker, const ValidateDevice& wanted) {
    const std::uint64_t number = next_examination_++;
    const Result<void> begun = examiner_.begin(number, wanted.device, shared_.cib, now_.calendar);
    if (!begun) return reply(asker, begun.error());
    examined_for_.emplace(number, asker);
}

void Mind::examinations_ended(std::vector<fence::Finding> findings) {
    for (fence::Finding& finding : findings) {
        const auto asker = examined_for_.extract(finding.number);
        if (!asker.empty()) reply(asker.mapped(), std::move(finding.outcome));
    }
}

void Mind::request(const Asker& asker, const FailResource& wanted) {
    const std::optional<execute::Place> place = place_of(wanted.node);
    if (!place) {
        return reply(asker, Error{Code::NotFound, concat("there is no node ", wanted.node)});
    }
    const cib::Element* history = replicate::history_of(shared_.cib, place->id, wanted.resource);
    if (history == nullptr) {
        return reply(asker, Error{Code::NotFound,
                                  concat(wanted.resource, " has no history on ", wanted.node)});
    }
    std::int64_t newest = 0;
    for (const cib::Element& op : history->children) {
        newest = std::max(newest, parse_integer(op.get("call-id")).value_or(0));
    }
    wire::Report report;
    wire::Operation& operation = report.operation;
    operation.resource = wanted.resource;
    operation.agent_class = history->get("class");
    operation.agent_provider = history->get("provider");
    operation.agent_type = history->get("type");
    operation.task = "asyncmon";
    operation.key = concat(wanted.resource, "_asyncmon_0");
    operation.transition_key = "0:0:0:00000000-0000-4000-8000-000000000000";
    report.result.rc = 1;
    report.result.call_id = newest + 1;
    report.result.exit_reason = concat("failed on request of ", asker.user);
    report.result.changed = now_.calendar;
    result(report, *place);
    reply(asker, concat(wanted.resource, " counts as failed on ", wanted.node));
}

// Leaving cleanly: everything of this node stops or moves first, then it says goodbye.
void Mind::request(const Asker& asker, const Leave& /*wanted*/) {
    if (phase_ != Phase::Active) {
        leaver_ = asker;
        return say_goodbye();
    }
    if (leaver_) return reply(asker, std::string("this node is leaving already"));
    is_leaving_ = true;
    leaver_ = asker;
    const SetAttribute shutdown{.node = self_.name,
                                .name = "shutdown",
                                .value = concat(now_.calendar.value),
                                .remove = false,
                                .is_permanent = false};
    note_node(Level::Info, "leaving", self_.name, concat(self_.name, " is to leave"));
    if (is_coordinator()) {
        append(wire::SetTransient{.node = self_place().id,
                                  .name = shutdown.name,
                                  .value = shutdown.value,
                                  .remove = false});
        return want_plan(concat("operator: ", self_.name, " leaves"));
    }
    // Nobody waits for this answer: MayLeave is it.
    say(wire::Forward{.client = {}, .user = asker.user, .body = shutdown});
}

}  // namespace xbeat::node
