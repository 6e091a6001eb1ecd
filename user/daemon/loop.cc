#include "daemon/loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "sys/boot_clock.h"

namespace xbeat::daemon {
namespace {

// A turn in which the parts keep making news for one another ends here; the rest waits for the next
// turn, so that the kernel's completions are never kept out.
constexpr int kRoundsMax = 64;
// Tells the completions of the record of the past from those of the store.
constexpr std::uint16_t kPastSlot = 1;
constexpr std::size_t kVerdictsKept = 16;
// A peer or client that does not take our last words by then is not waited for.
constexpr Duration kLastWordsMax = std::chrono::milliseconds(500);

}  // namespace

Loop::Loop(Parts parts, node::Options options, SelfReport self)
    : parts_(parts),
      host_(std::move(options), {.store = parts.store,
                                 .past = parts.past,
                                 .peers = parts.peers,
                                 .heart = parts.heart,
                                 .reflex = parts.reflex,
                                 .agents = parts.agents,
                                 .arbiter = parts.arbiter,
                                 .guard = parts.guard,
                                 .log = parts.log,
                                 .recorder = parts.recorder}),
      self_(std::move(self)),
      translator_(parts.config) {}

void Loop::arm_polls() {
    parts_.ring.poll(parts_.signals.get(), POLLIN, {.op = ring::Op::Signal});
    parts_.ring.poll(parts_.reflex.fd(), POLLIN, {.op = ring::Op::ReflexMessage});
    parts_.ring.poll(parts_.store.fd(), POLLIN, {.op = ring::Op::StoreDone});
    parts_.ring.poll(parts_.past.fd(), POLLIN, {.op = ring::Op::StoreDone, .slot = kPastSlot});
    parts_.ring.poll(parts_.heart.netlink_fd(), POLLIN, {.op = ring::Op::HeartNetlink});
}

Result<Ending> Loop::run(node::Started started) {
    arm_polls();
    sd_watchdog_enabled(0, &watchdog_us_);
    host_.handle(node::Event{std::move(started)});
    settle();
    sd_notify(0, "READY=1");
    const auto handle = [this](const ring::Completion& completion) { complete(completion); };
    while (!host_.exit() && !is_abandoned_ && !parts_.agents.is_overtaken()) {
        arm_timer();
        static_cast<void>(XB_TRY(parts_.ring.wait(handle)));
        tick();
        settle();
    }
    if (parts_.agents.is_overtaken()) {
        for (const Note& note : parts_.agents.take_notes()) host_.note(note);
        return Ending::Overtaken;
    }
    sd_notify(0, "STOPPING=1");
    take_replies();
    XB_TRY(flush());
    if (is_abandoned_) return Ending::Abandoned;
    return host_.exit()->keeps_gate ? Ending::Silent : Ending::Left;
}

/// The last words: a goodbye to the peers and replies to clients leave before the sockets close.
Result<void> Loop::flush() {
    const Instant deadline = sys::boot_now() + kLastWordsMax;
    const ring::Token timer{.op = ring::Op::Timer, .slot = 0, .generation = ++timer_generation_};
    parts_.ring.timeout_at(deadline, timer);
    const auto handle = [this](const ring::Completion& completion) { complete(completion); };
    while ((parts_.peers.has_unsent() || parts_.server.has_unsent()) && sys::boot_now() < deadline)
        static_cast<void>(XB_TRY(parts_.ring.wait(handle)));
    return {};
}

void Loop::complete(const ring::Completion& completion) {
    const Instant now = sys::boot_now();
    const auto again = [&](int fd) {
        if (!completion.more) parts_.ring.poll(fd, POLLIN, completion.token);
    };
    switch (completion.token.op) {
        case ring::Op::Timer:
            if (completion.token.generation == timer_generation_) armed_at_.reset();
            break;
        case ring::Op::Signal:
            again(parts_.signals.get());
            take_signals();
            break;
        case ring::Op::ReflexMessage:
            again(parts_.reflex.fd());
            break;
        case ring::Op::StoreDone:
            again(completion.token.slot == kPastSlot ? parts_.past.fd() : parts_.store.fd());
            break;
        case ring::Op::HeartNetlink:
            again(parts_.heart.netlink_fd());
            handle_netlink();
            break;
        case ring::Op::ExecReplies:
        case ring::Op::BuiltinReplies:
        case ring::Op::WatchEvents:
            parts_.agents.complete(completion, now);
            break;
        case ring::Op::PeerAccept:
        case ring::Op::PeerConnect:
        case ring::Op::PeerReceive:
        case ring::Op::PeerSend:
            parts_.peers.complete(completion, now);
            break;
        case ring::Op::ArbiterNews:
        case ring::Op::ArbiterDisk:
            parts_.arbiter.complete(completion, now);
            break;
        case ring::Op::ControlAccept:
        case ring::Op::ControlReceive:
        case ring::Op::ControlSend:
            parts_.server.complete(completion, now);
            break;
        default:
            break;  // cancellations, and what nobody waits for any more
    }
}

void Loop::settle() {
    has_more_ = true;
    // Before any news: who stood still for long may know nothing that still counts.
    if (parts_.agents.hear_of_will(sys::boot_now())) return;
    for (int round = 0; round < kRoundsMax && has_more_; ++round) has_more_ = gather();
}

bool Loop::gather() {
    bool any = false;
    take_heart_events();
    if (parts_.reflex.answer(parts_.agents.executor_alive())) report_to_systemd();
    take_store();
    take_past();
    for (node::Event& event : parts_.agents.take()) {
        any = true;
        host_.handle(event);
    }
    for (const Note& note : parts_.agents.take_notes()) host_.note(note);
    net::Peers::News news = parts_.peers.take();
    for (const Note& note : news.notes) host_.note(note);
    for (const node::Event& event : news.events) {
        any = true;
        host_.handle(event);
    }
    any = take_arbiter() || any;
    take_requests();
    take_replies();
    return any;
}

void Loop::tick() {
    const Instant now = sys::boot_now();
    parts_.peers.tick(now);
    parts_.server.tick(now);
    parts_.arbiter.tick(now);
    if (host_.wake_at() && *host_.wake_at() <= now) host_.handle(node::Wake{});
}

void Loop::arm_timer() {
    std::optional<Instant> next = host_.wake_at();
    const auto consider = [&](const std::optional<Instant>& at) {
        if (at) next = next ? std::min(*next, *at) : *at;
    };
    consider(parts_.peers.deadline());
    consider(parts_.server.deadline());
    consider(parts_.arbiter.deadline());
    if (has_more_) next = Instant{};  // the next turn follows without waiting
    if (!next) return;
    next = std::max(*next, Instant{});
    // Waking too early is harmless: a timer that is set for earlier stays.
    if (armed_at_ && *armed_at_ <= *next) return;
    if (armed_at_)
        parts_.ring.cancel_timeout({.op = ring::Op::Timer, .generation = timer_generation_});
    armed_at_ = next;
    parts_.ring.timeout_at(*next, {.op = ring::Op::Timer, .generation = ++timer_generation_});
}

void Loop::hear(const node::Event& event) {
    if (const auto* path = std::get_if<node::PathVerdict>(&event); path != nullptr && path->is_up)
        parts_.peers.path_up(path->peer, path->path, sys::boot_now());
    // A peer that answers again, or whose daemon is back, takes connections on every path.
    if (const auto* peer = std::get_if<node::PeerVerdict>(&event);
        peer != nullptr && peer->state == node::PeerState::Alive) {
        for (std::size_t path = 0; path < parts_.config.self_node().links.size(); ++path)
            parts_.peers.path_up(peer->peer, PathId{static_cast<std::uint8_t>(path)},
                                 sys::boot_now());
    }
    if (const auto* degraded = std::get_if<node::Degraded>(&event))
        set_degraded(degraded->what, degraded->reason);
    host_.handle(event);
    // Only now: what the verdict brings about is under way.
    if (const auto* verdict = std::get_if<node::PeerVerdict>(&event)) keep_verdict(*verdict);
}

/// The flight recorder: what the heart had counted when it judged, for who asks later.
void Loop::keep_verdict(const node::PeerVerdict& verdict) {
    if (verdict.state == node::PeerState::Alive) return;
    nlohmann::json heart = answer_heart(make_sources());
    heart.erase("ok");
    const node::Evidence& evidence = verdict.evidence;
    const nlohmann::json kept{{"time_s", sys::calendar_now().value},
                              {"peer", verdict.peer.value},
                              {"state", health::to_string(verdict.state)},
                              {"judged_at_ns", evidence.judged_at.time_since_epoch().count()},
                              {"last_answer_ns", evidence.last_answer.time_since_epoch().count()},
                              {"last_heard_ns", evidence.last_heard.time_since_epoch().count()},
                              {"unanswered", evidence.unanswered},
                              {"rtt_p99_ns", evidence.rtt_p99.count()},
                              {"ticks_late", evidence.ticks_late},
                              {"heart", std::move(heart)}};
    verdicts_.push_back(kept.dump());
    if (verdicts_.size() > kVerdictsKept) verdicts_.pop_front();
}

Sources Loop::make_sources() const {
    return {.config = parts_.config,
            .node = host_.node(),
            .heart = parts_.heart,
            .peers = parts_.peers,
            .guard = parts_.guard,
            .self = self_,
            .now = sys::boot_now()};
}

void Loop::take_heart_events() {
    while (const auto event = parts_.reflex.next()) {
        for (const node::Event& translated : translator_.translate(*event)) hear(translated);
    }
    if (!parts_.reflex.lost_events()) return;
    host_.note(Log::note(Level::Warning, "heart-events-lost",
                         "this process was too slow to take the heart's events; its state was read "
                         "anew"));
    for (const node::Event& translated :
         translator_.translate(parts_.heart.status(), sys::boot_now()))
        hear(translated);
}

void Loop::handle_netlink() {
    const Result<void> outcome =
        parts_.heart.handle_netlink([this](const heart::HeartEvent& event) {
            for (const node::Event& translated : translator_.translate(event)) hear(translated);
        });
    if (!outcome) host_.note(Log::note(Level::Error, "heart-failed", outcome.error().context));
    const std::string gate = parts_.guard.check();
    if (gate == gate_told_) return;
    gate_told_ = gate;
    set_degraded("gate", gate);
    host_.handle(node::Degraded{.what = "gate", .reason = gate});
}

void Loop::take_store() {
    store::Store::Answers answers = parts_.store.take();
    self_.events_dropped = answers.events_dropped;
    const std::string store = answers.trouble.empty() ? "ok" : answers.trouble;
    if (store != self_.store) {
        self_.store = store;
        set_degraded("store", answers.trouble);
        host_.handle(node::Degraded{.what = "store", .reason = answers.trouble});
    }
    for (node::Persisted& persisted : answers.persisted)
        host_.handle(node::Event{std::move(persisted)});
    for (const store::EventAnswer& answer : answers.queried) {
        const auto asked = questions_.extract(answer.id);
        if (asked.empty()) continue;
        Asked& question = asked.mapped();
        const Instant now = sys::boot_now();
        if (!question.follow || !answer.rows) {
            parts_.server.finish(question.peer, print_line(answer_events(answer), question.echo),
                                 now);
            continue;
        }
        for (const store::EventRow& row : *answer.rows)
            parts_.server.stream(
                question.peer,
                print_line({{"ok", true}, {"event", event_json(row)}}, question.echo), now);
        question.last = answer.last;
        followers_.insert_or_assign(question.peer, question);
    }
    for (const store::EventRow& row : answers.recorded) stream(row);
}

/// Rows go to each follower as they are recorded, but for those that its first answer contained.
void Loop::stream(const store::EventRow& row) {
    const Instant now = sys::boot_now();
    for (auto follower = followers_.begin(); follower != followers_.end();) {
        const bool is_new = row.sequence > follower->second.last;
        const bool is_there =
            !is_new ||
            parts_.server.stream(
                follower->first,
                print_line({{"ok", true}, {"event", event_json(row)}}, follower->second.echo), now);
        follower = is_there ? std::next(follower) : followers_.erase(follower);
    }
}

/// What the arbiter has answered, and whether it could.
bool Loop::take_arbiter() {
    for (const Note& note : parts_.arbiter.take_notes()) host_.note(note);
    const std::string trouble = parts_.arbiter.trouble();
    if (trouble != arbiter_told_) {
        arbiter_told_ = trouble;
        set_degraded("arbiter", trouble);
        host_.handle(node::Degraded{.what = "arbiter", .reason = trouble});
    }
    const std::vector<node::ArbiterAnswer> answers = parts_.arbiter.take_answers();
    for (const node::ArbiterAnswer& answer : answers) host_.handle(answer);
    return !answers.empty();
}

void Loop::take_requests() {
    for (control::Incoming& incoming : parts_.server.take()) serve(std::move(incoming));
}

void Loop::serve(control::Incoming incoming) {
    if (auto* body = std::get_if<node::RequestBody>(&incoming.request.body)) {
        node::RequestBody taken = std::move(*body);
        return request_change(std::move(incoming), std::move(taken));
    }
    if (std::holds_alternative<control::ReadEvents>(incoming.request.body))
        return ask_events(incoming);
    if (std::holds_alternative<control::ReadHistory>(incoming.request.body))
        return ask_history(incoming);
    answer(incoming);
}

void Loop::ask_history(const control::Incoming& incoming) {
    const auto& wanted = std::get<control::ReadHistory>(incoming.request.body);
    const std::uint64_t id = next_id_++;
    questions_.emplace(id,
                       Asked{.peer = incoming.peer, .echo = incoming.echo, .role = incoming.role});
    parts_.past.ask({.id = id, .number = wanted.number, .limit = wanted.limit});
}

void Loop::take_past() {
    for (const store::PastAnswer& answer : parts_.past.take().answers) {
        const auto asked = questions_.extract(answer.id);
        if (asked.empty()) continue;
        const Asked& question = asked.mapped();
        parts_.server.finish(question.peer,
                             print_line(answer_history(answer, question.role), question.echo),
                             sys::boot_now());
    }
}

void Loop::ask_events(const control::Incoming& incoming) {
    const auto& wanted = std::get<control::ReadEvents>(incoming.request.body);
    const std::uint64_t id = next_id_++;
    questions_.emplace(
        id, Asked{.peer = incoming.peer, .echo = incoming.echo, .follow = wanted.follow});
    parts_.store.query({.id = id, .since = wanted.since, .limit = wanted.limit});
}

void Loop::answer(const control::Incoming& incoming) {
    self_.executor_pid = parts_.agents.executor_pid();
    self_.executor_restarts = parts_.agents.executor_restarts();
    self_.control_refused = parts_.server.refused();
    self_.channel_refused = parts_.peers.refused();
    const Sources sources = make_sources();
    const auto* const asked = std::get_if<control::ReadCib>(&incoming.request.body);
    const cib::Part part = asked != nullptr ? asked->part : cib::Part{};
    nlohmann::json reply;
    switch (incoming.request.op) {
        case control::Op::Ping:
            reply = answer_ping(sources, incoming.role);
            break;
        case control::Op::Status:
            reply = answer_status(sources, incoming.role, part);
            break;
        case control::Op::Cib:
            reply = answer_cib(sources, incoming.role, part);
            break;
        case control::Op::Attributes:
            reply = answer_attributes(sources, incoming.role);
            break;
        case control::Op::Timeline:
            reply = answer_timeline(sources);
            break;
        case control::Op::Heart:
            reply = answer_heart(sources);
            reply["verdicts"] = nlohmann::json::array();
            for (const std::string& kept : verdicts_)
                reply["verdicts"].push_back(nlohmann::json::parse(kept));
            break;
        default:
            XB_CHECK(false);  // parse_request() gives every other operation another body
    }
    parts_.server.finish(incoming.peer, print_line(std::move(reply), incoming.echo), sources.now);
}

void Loop::request_change(control::Incoming incoming, node::RequestBody body) {
    const auto* const row =
        std::find_if(control::kOps.begin(), control::kOps.end(),
                     [&](const control::OpRow& entry) { return entry.op == incoming.request.op; });
    XB_CHECK(row != control::kOps.end());
    Note audit = Log::note(Level::Info, "change-requested",
                           fmt::format("`{}` was asked for on the control socket", row->name));
    audit.fields = {{"op", std::string(row->name)},
                    {"uid", std::to_string(incoming.uid)},
                    {"pid", std::to_string(incoming.pid)},
                    {"role", std::string(control::to_string(incoming.role))}};
    host_.note(audit);
    const ClientId client{next_id_++};
    changes_.emplace(client, Asked{.peer = incoming.peer, .echo = std::move(incoming.echo)});
    host_.handle(node::ClientRequest{
        .client = client, .user = fmt::format("uid {}", incoming.uid), .body = std::move(body)});
}

void Loop::take_replies() {
    for (const node::Reply& reply : host_.take_replies()) {
        if (leaving_ == reply.client) {
            if (reply.outcome) continue;
            leaving_.reset();
            host_.note(Log::note(
                Level::Error, "leave-refused",
                fmt::format("cannot leave cleanly: {}. A second signal ends the daemon and leaves "
                            "the resources as they are",
                            reply.outcome.error().context)));
            continue;
        }
        const auto asked = changes_.extract(reply.client);
        if (asked.empty()) continue;
        const Asked& change = asked.mapped();
        const std::string line = reply.outcome
                                     ? control::print_message(*reply.outcome, change.echo)
                                     : control::print_error(reply.outcome.error(), change.echo);
        parts_.server.finish(change.peer, line, sys::boot_now());
    }
}

void Loop::take_signals() {
    signalfd_siginfo info{};
    while (::read(parts_.signals.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            reload();
        } else if (leaving_) {
            host_.note(
                Log::note(Level::Warning, "abandoned",
                          "a second signal: ending without leaving, resources and heart stay "
                          "as they are"));
            is_abandoned_ = true;
        } else {
            leave();
        }
    }
}

void Loop::leave() {
    sd_notify(0, "STOPPING=1");
    leaving_ = ClientId{next_id_++};
    host_.handle(node::ClientRequest{.client = *leaving_, .user = "signal", .body = node::Leave{}});
}

/// Nothing of this file can change while the daemon runs, so a reload says what a restart would do.
void Loop::reload() {
    sd_notify(0, "RELOADING=1");
    const Result<Config> read = load_config(parts_.places.config_file);
    if (!read) {
        host_.note(Log::note(Level::Error, "configuration-rejected", read.error().context));
    } else if (const auto keys = needs_restart(parts_.config, *read); !keys.empty()) {
        std::string list;
        for (const std::string& key : keys) list += (list.empty() ? "" : ", ") + key;
        host_.note(
            Log::note(Level::Warning, "configuration-needs-restart",
                      fmt::format("the configuration is right, and takes effect at a restart: "
                                  "{} changed",
                                  list)));
    } else {
        host_.note(Log::note(Level::Info, "configuration-unchanged",
                             "the configuration was read again; nothing changed"));
    }
    sd_notify(0, "READY=1");
}

void Loop::report_to_systemd() {
    const Instant now = sys::boot_now();
    parts_.guard.feed_watchdog(now);
    parts_.agents.say_alive(now);
    if (watchdog_us_ > 0 && now >= watchdog_at_) {
        sd_notify(0, "WATCHDOG=1");
        watchdog_at_ = now + std::chrono::microseconds(watchdog_us_ / 2);
    }
    const std::string_view coordinator = host_.node().coordinator();
    std::string status = fmt::format("STATUS={}; coordinator: {}", host_.node().activity(),
                                     coordinator.empty() ? "none" : coordinator);
    if (status == status_told_) return;
    sd_notify(0, status.c_str());
    status_told_ = std::move(status);
}

void Loop::set_degraded(const std::string& what, const std::string& reason) {
    std::erase_if(self_.degraded, [&](const node::Degraded& entry) { return entry.what == what; });
    if (!reason.empty()) self_.degraded.push_back({.what = what, .reason = reason});
}

}  // namespace xbeat::daemon
