#include "daemon/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cib/xml.h"
#include "core/text.h"
#include "node/recording.h"
#include "sys/boot_clock.h"

namespace xbeat::daemon {

Host::Host(node::Options options, Parts parts) : node_(std::move(options)), parts_(parts) {}

void Host::handle(const node::Event& event) {
    const node::Now now{.boot = sys::boot_now(), .calendar = sys::calendar_now()};
    const bool is_wake = std::holds_alternative<node::Wake>(event);
    const bool has_started = !std::holds_alternative<node::Started>(event);
    if (const auto seen = has_started ? parts_.guard.look(now.boot, is_wake) : std::nullopt) {
        carry_out(step(now, *seen), now.boot);
    }
    carry_out(step(now, event), now.boot);
}

node::Output Host::step(node::Now now, const node::Event& event) {
    node::Output output = node_.step(now, event);
    if (parts_.recorder == nullptr) return output;
    // The copy of the event is the price of a recording, as are the bytes.
    const bool goes_on = parts_.recorder->keep(
        node::encode_step({.now = now, .event = event, .output = node::digest_of(output)}));
    if (goes_on) return output;
    const std::optional<std::string> why = parts_.recorder->take_trouble();
    note(Log::note(Level::Warning, "recording-ended", why.value_or("the recording has ended")));
    parts_.recorder = nullptr;
    return output;
}

void Host::note(const Note& note) {
    parts_.log.write(note);
    parts_.store.record(note);
}

void Host::carry_out(node::Output output, Instant now) {
    for (node::Write& write : output.persist) parts_.store.write(std::move(write));
    for (const node::Message& message : output.send) {
        const Result<void> sent = parts_.peers.send(message.peer, message.bytes, now);
        if (!sent) note(Log::note(Level::Warning, "message-dropped", sent.error().context));
    }
    for (const node::Command& entry : output.run) command(entry, now);
    for (node::Reply& reply : output.replies) replies_.push_back(std::move(reply));
    wake_at_ = output.wake_at;
    for (const Note& entry : output.notes) note(entry);
    remember(output.notes);
}

/// The document as it is after a step that began a transition or brought a new configuration. Last
/// of all, when the first actions are under way: nothing waits for the past.
void Host::remember(const std::vector<Note>& notes) {
    const cib::Element& cib = node_.cib();
    const std::string configuration = concat(cib.get("admin_epoch"), '.', cib.get("epoch"));
    const bool is_new = configuration != configuration_ && configuration != ".";
    const auto began = std::find_if(notes.begin(), notes.end(), [](const Note& entry) {
        return entry.kind == "transition-started";
    });
    if (!is_new && began == notes.end()) return;
    const std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
    store::PastRow row{.number = 0,
                       .calendar_ms = ms,
                       .kind = store::PastKind::Configuration,
                       .cause = "configuration changed",
                       .version = concat(configuration, ".0"),
                       .cib = cib::print_xml(cib)};
    const auto changed = std::find_if(notes.begin(), notes.end(), [](const Note& entry) {
        return entry.kind == "config-changed";
    });
    if (changed != notes.end()) row.cause = changed->text;
    if (is_new) {
        configuration_ = configuration;
        parts_.past.keep(row);
    }
    if (began == notes.end()) return;
    row.kind = store::PastKind::Transition;
    row.cause = began->text;
    row.version = concat(configuration, '.', cib.get("num_updates"));
    parts_.past.keep(std::move(row));
}

void Host::command(const node::Command& command, Instant now) {
    const auto check = [&](const Result<void>& outcome, const char* kind) {
        if (!outcome) note(Log::note(Level::Error, kind, outcome.error().context));
    };
    if (const auto* run = std::get_if<node::RunAgent>(&command)) {
        parts_.agents.run(*run, now);
    } else if (const auto* kill = std::get_if<node::KillAgent>(&command)) {
        parts_.agents.kill(kill->operation, now);
    } else if (const auto* unwatch = std::get_if<node::Unwatch>(&command)) {
        parts_.agents.unwatch(unwatch->resource);
    } else if (const auto* accept = std::get_if<node::AcceptPeer>(&command)) {
        check(parts_.heart.set_peer(accept->peer, accept->heart.value), "heart-failed");
    } else if (const auto* forget = std::get_if<node::ForgetPeer>(&command)) {
        check(parts_.heart.forget_peer(forget->peer), "heart-failed");
    } else if (const auto* grant = std::get_if<node::SetGrant>(&command)) {
        parts_.heart.set_grant(grant->peer, grant->lease);
    } else if (const auto* reset = std::get_if<node::ResetChannel>(&command)) {
        parts_.peers.reset(reset->peer, now);
    } else if (const auto* question = std::get_if<node::AskArbiter>(&command)) {
        parts_.arbiter.ask(*question, now);
    } else if (const auto* exit = std::get_if<node::Exit>(&command)) {
        exit_ = *exit;
    } else if (const auto* will = std::get_if<node::LeaveWill>(&command)) {
        parts_.agents.leave_will(*will);
    } else if (!lease_command(command)) {
        XB_CHECK(false);  // a command that nobody carries out
    }
}

/// What the lease's guard carries out; false if it is none of that.
bool Host::lease_command(const node::Command& command) {
    const auto check = [&](const Result<void>& outcome, const char* kind) {
        if (!outcome) note(Log::note(Level::Error, kind, outcome.error().context));
    };
    if (const auto* managed = std::get_if<node::SetManaged>(&command)) {
        check(parts_.guard.set_managed(*managed), "gate-failed");
    } else if (const auto* exclusivity = std::get_if<node::SetExclusivity>(&command)) {
        parts_.guard.set_exclusivity(*exclusivity);
    } else if (std::holds_alternative<node::StopWatchdog>(command)) {
        check(parts_.guard.stop_watchdog(), "watchdog-missing");
    } else {
        return false;
    }
    return true;
}

std::vector<node::Reply> Host::take_replies() { return std::exchange(replies_, {}); }

}  // namespace xbeat::daemon
