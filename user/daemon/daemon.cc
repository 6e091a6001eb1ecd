#include "daemon/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <csignal>

#include "agent/inherit.h"
#include "agent/shim_links.h"
#include "daemon/assemble.h"
#include "daemon/lock_file.h"
#include "daemon/loop.h"
#include "node/recording.h"
#include "sys/boot_clock.h"
#include "sys/chance.h"
#include "sys/realtime.h"
#include "sys/signals.h"
#include "sys/system_error.h"

namespace xbeat::daemon {
namespace {

Result<store::Database> open_store(const std::string& state_dir) {
    if (::mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST)
        return sys::system_error(fmt::format("cannot make {}", state_dir));
    return store::Database::open(state_dir + "/store.db");
}

/// Where agents write their own lines; nowhere if the folder cannot be made.
std::string agent_log(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) return {};
    return directory + "/agents.log";
}

Result<std::unique_ptr<agent::ExecClient>> start_executor(const Places& places,
                                                          const Config& config) {
    agent::ExecClient::Options options;
    options.program = places.exec_program;
    options.instance = fmt::format("{}-{}", config.cluster, config.self_node().name);
    if (const std::string program = agent::find_command_line(); !program.empty()) {
        options.shim_directory = XB_TRY(agent::make_shim_links(places.run_dir, program));
    }
    options.log_file = agent_log(places.log_dir);
    options.run_dir = places.run_dir;
    return std::make_unique<agent::ExecClient>(XB_TRY(agent::ExecClient::start(options)));
}

/// In the heart's bpffs, so that it survives us; with a heart that needs none, or on a kernel that
/// does not let us pin, it does not.
Result<heart::Watch> start_watch(const std::string& pin_dir, heart::Mode mode) {
    if (mode != heart::Mode::Udp) {
        Result<heart::Watch> pinned = heart::Watch::create({.pin_dir = pin_dir});
        if (pinned) return pinned;
    }
    return heart::Watch::create({});
}

/// An executor that outlived the daemon before us stops nothing further from here on; what it has
/// stopped shows in the probes.
Result<std::optional<Note>> settle_last_will(const std::string& run_dir) {
    const auto waiting = [](Duration wait) {
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
        sd_notify(0, fmt::format("EXTEND_TIMEOUT_USEC={}", us).c_str());
    };
    const std::optional<agent::WillNews> news = XB_TRY(agent::inherit(run_dir, waiting));
    if (!news || news->state == agent::WillNews::State::Unused) return std::optional<Note>();
    const bool is_known = news->state == agent::WillNews::State::Ended;
    return std::optional<Note>(
        Log::note(Level::Error, "last-will-carried-out",
                  is_known ? fmt::format("without a lease and a daemon, xbeat-exec {}", news->text)
                           : "without a lease and a daemon, xbeat-exec began to stop what ran "
                             "here; how far it came is not known"));
}

/// Nothing where leases are not used: then nobody could tell when a will is due.
Agents::WillTerms will_terms(const Config& config, const std::string& pin_dir) {
    Agents::WillTerms terms;
    if (!arbiter::hands_out_leases(config.arbiter.kind)) return terms;
    terms.pins = pin_dir;
    terms.peer = config.peer();
    return terms;
}

node::Started make_started(const heart::Heart& heart, store::Contents contents) {
    node::Started started;
    started.daemon = Incarnation{sys::random_number()};
    started.heart = Incarnation{heart.own_incarnation()};
    started.heart_adopted = heart.status().adopted;
    started.snapshot = std::move(contents.snapshot);
    started.snapshot_index = contents.snapshot_index;
    started.log = std::move(contents.log);
    started.meta = std::move(contents.meta);
    return started;
}

/// The record of this run, where one is wanted. That it cannot be made is no reason not to serve.
std::unique_ptr<store::Recorder> start_recorder(const Config& config, const Places& places,
                                                const node::Options& options, Log& log) {
    if (config.recording_megabytes == 0) return nullptr;
    Result<store::Recorder> started = store::Recorder::start(
        {.directory = places.state_dir, .bytes_max = config.recording_megabytes << 20U},
        node::encode_head(
            {.program = std::string(kVersion), .begun = sys::calendar_now(), .options = options}));
    if (started) return std::make_unique<store::Recorder>(*std::move(started));
    log.write(Log::note(Level::Warning, "recording-ended", started.error().context));
    return nullptr;
}

Note start_note(const Config& config, const heart::Status& heart, std::uint64_t seed) {
    Note note = Log::note(Level::Info, "daemon-started", "xbeatd runs");
    note.node = config.self_node().name;
    note.fields = {{"version", std::string(kVersion)},
                   {"cluster", config.cluster},
                   {"profile", config.profile},
                   {"heart_mode", std::string(heart::to_string(heart.mode))},
                   {"heart_adopted", heart.adopted ? "yes" : "no"},
                   {"seed", fmt::format("{}", seed)}};
    return note;
}

}  // namespace

Result<Ending> run_daemon(const Places& places, const Config& given, const heart::Secret& secret) {
    sys::keep_heap_small();
    Config config = given;
    Log log;
    log.set_verbose(places.verbose);
    const Instant started_at = sys::boot_now();
    sys::Fd lock = XB_TRY(take_lock(places.run_dir));
    ::signal(SIGPIPE, SIG_IGN);
    sys::Fd signals = XB_TRY(sys::catch_signals({SIGTERM, SIGINT, SIGHUP}));
    const std::optional<Note> last_will = XB_TRY(settle_last_will(places.run_dir));
    if (last_will) log.write(*last_will);
    // First of all what starts a process: nothing is locked and no thread runs yet.
    std::unique_ptr<agent::ExecClient> executor = XB_TRY(start_executor(places, config));
    store::Database database = XB_TRY(open_store(places.state_dir));
    store::Contents contents = XB_TRY(database.load());
    const Result<void> locked = sys::lock_memory();
    ring::Ring ring = XB_TRY(ring::Ring::create({}));
    heart::Heart heart =
        XB_TRY(heart::Heart::create(heart_options(config, secret, places.run_dir)));
    store::Store store = XB_TRY(store::Store::start(std::move(database)));
    store::Past past = XB_TRY(store::Past::open(places.state_dir + "/past.db"));
    net::Peers peers =
        XB_TRY(net::Peers::create(peers_options(config, secret), ring, sys::boot_now()));
    const std::string watch_pins = places.run_dir + "/bpf/watch";
    heart::Watch watch = XB_TRY(start_watch(watch_pins, heart.status().mode));
    agent::Builtins builtins = XB_TRY(agent::Builtins::create(
        {.run_dir = places.run_dir, .send = [exec = executor.get()](const agent::Request& request) {
             return exec->send(request);
         }}));
    Agents agents({.exec = std::move(executor),
                   .builtins = std::move(builtins),
                   .watch = std::move(watch),
                   .will = will_terms(config, places.run_dir + "/bpf")},
                  ring);
    Arbiter arbiter = XB_TRY(Arbiter::create(config, secret, sys::random_number(), ring));
    LeaseGuard guard = XB_TRY(LeaseGuard::create(config, places.run_dir + "/bpf"));
    control::Server server = XB_TRY(control::Server::create(places.run_dir, ring));
    Reflex reflex = XB_TRY(Reflex::start({.ping_interval = config.timing.stall_after / 10}, heart));
    const std::uint64_t seed = sys::random_number();
    SelfReport self{.started = started_at,
                    .reflex = reflex.describe(),
                    .watch = agents.describe_watch(),
                    .memory = locked ? "locked" : locked.error().context,
                    .degraded = {}};
    const Note note = start_note(config, heart.status(), seed);
    node::Options options = node_options(config, seed);
    const std::unique_ptr<store::Recorder> recorder = start_recorder(config, places, options, log);
    Loop loop({.places = places,
               .config = config,
               .ring = ring,
               .signals = signals,
               .heart = heart,
               .reflex = reflex,
               .store = store,
               .past = past,
               .peers = peers,
               .agents = agents,
               .arbiter = arbiter,
               .guard = guard,
               .server = server,
               .log = log,
               .recorder = recorder.get()},
              std::move(options), std::move(self));
    log.write(note);
    store.record(note);
    if (last_will) store.record(*last_will);
    const Ending ending = XB_TRY(loop.run(make_started(heart, std::move(contents))));
    if (ending == Ending::Left || ending == Ending::Silent) {
        agents.take_will_back();
        guard.stop(ending == Ending::Silent ? LeaseGuard::Gate::Stays : LeaseGuard::Gate::Goes);
        heart::Watch::remove_pins(watch_pins);
        XB_TRY(heart.stop());
    }
    return ending;
}

}  // namespace xbeat::daemon
