// xbeat-witness: the command line and the loop of the witness. See xbeat-witness(8).
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "ring/ring.h"
#include "sys/boot_clock.h"
#include "sys/chance.h"
#include "sys/log.h"
#include "sys/realtime.h"
#include "sys/signals.h"
#include "sys/system_error.h"
#include "witness/filter.h"
#include "witness/server.h"
#include "witness/status_socket.h"

namespace {

using xbeat::Error;
using xbeat::Instant;
using xbeat::Level;
using xbeat::Note;
using xbeat::Result;
using xbeat::sys::Log;
namespace ring = xbeat::ring;
namespace sys = xbeat::sys;
namespace witness = xbeat::witness;

constexpr const char* kVersion = "0.1.0";
// Those of sysexits(3) that a daemon needs, as xbeatd uses them.
constexpr int kExitUsage = 64;
constexpr int kExitConfig = 78;
constexpr int kPriority = 40;             // below what the kernel's own threads use
constexpr std::uint16_t kStatusSlot = 1;  // tells a question from a signal

struct Choices {
    std::string listen;
    std::uint16_t port = xbeat::wire::kWitnessPort;
    std::string keys = "/etc/xbeat/witness.keys";
    std::string xdp = "auto";
    std::vector<std::string> interfaces;
    std::string status_socket{witness::kStatusSocket};
    bool only_check = false;
};

using Filter = std::optional<witness::Filter>;

std::string mode_of(const Filter& filter) {
    return filter ? filter->describe() : std::string("plain sockets");
}

Note counters_note(const witness::Server& server, const Filter& filter, Instant now) {
    const witness::Counters& counters = server.counters();
    Note note = Log::note(Level::Info, "counters", "what became of the datagrams so far");
    const auto add = [&](const char* name, std::uint64_t value) {
        note.fields.emplace_back(name, std::to_string(value));
    };
    add("clusters", server.clusters());
    add("leases", server.leases(now));
    add("told", counters.told);
    add("granted", counters.granted);
    add("held", counters.held);
    add("stale", counters.stale);
    add("starting", counters.starting);
    add("released", counters.released);
    add("malformed", counters.malformed);
    add("unknown_cluster", counters.unknown_cluster);
    add("wrong_tag", counters.wrong_tag);
    add("unsent", counters.unsent);
    note.fields.emplace_back("mode", mode_of(filter));
    if (!filter) return note;
    const witness::Filter::Counts dropped = filter->counts();
    add("xdp_passed", dropped.passed);
    add("xdp_malformed", dropped.malformed);
    add("xdp_unknown_cluster", dropped.unknown_cluster);
    add("xdp_wrong_tag", dropped.wrong_tag);
    return note;
}

/// The same for `xbeat witness status`: names and numbers need no escaping, the mode names
/// interfaces.
std::string status_line(const witness::Server& server, const Filter& filter, Instant now) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [name, value] : counters_note(server, filter, now).fields) {
        const std::optional<std::int64_t> number = xbeat::parse_integer(value);
        if (number)
            object[name] = *number;
        else
            object[name] = value;
    }
    object["version"] = kVersion;
    object["starting_ms"] =
        std::max<std::int64_t>(0, (server.starting_until() - now).count() / 1'000'000);
    return object.dump() + "\n";
}

/// Nobody needs it to be served: without it the witness only says less.
std::optional<witness::StatusSocket> open_status_socket(const Choices& choices, Log& log) {
    if (choices.status_socket.empty()) return std::nullopt;
    Result<witness::StatusSocket> made = witness::StatusSocket::listen(choices.status_socket);
    if (made) return *std::move(made);
    log.write(Log::note(Level::Info, "status-socket-off",
                        fmt::format("'xbeat witness status' on this host will find nothing: {}",
                                    made.error().context)));
    return std::nullopt;
}

Result<void> take_keys(witness::Server& server, Filter& filter, const Choices& choices) {
    std::vector<witness::ClusterKey> keys = XB_TRY(witness::load_keys(choices.keys));
    const std::vector<witness::ClusterKey> copy = keys;
    XB_TRY(server.replace_keys(std::move(keys), sys::boot_now()));
    // Without the new keys the filter would drop what the server answers: better none at all.
    if (filter && !filter->replace_keys(copy)) filter.reset();
    return {};
}

void reload(witness::Server& server, Filter& filter, const Choices& choices, Log& log) {
    sd_notify(0, "RELOADING=1");
    const Result<void> outcome = take_keys(server, filter, choices);
    if (outcome)
        log.write(Log::note(
            Level::Info, "keys-loaded",
            fmt::format("{} was read again: {} clusters", choices.keys, server.clusters())));
    else
        log.write(Log::note(
            Level::Error, "keys-rejected",
            fmt::format("{}; the keys of before stay in force", outcome.error().context)));
    sd_notify(0, "READY=1");
}

/// False once the witness is to end.
bool take_signals(const sys::Fd& signals, witness::Server& server, Filter& filter,
                  const Choices& choices, Log& log) {
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
            case SIGHUP:
                reload(server, filter, choices, log);
                break;
            case SIGUSR1:
                log.write(counters_note(server, filter, sys::boot_now()));
                break;
            default:
                return false;
        }
    }
    return true;
}

/// A witness that waits for a processor makes every takeover wait; without the right to a priority
/// it serves as well as it can.
void hurry(Log& log) {
    const Result<void> locked = sys::lock_memory();
    const Result<void> real_time = sys::become_realtime(kPriority);
    for (const Result<void>& outcome : {locked, real_time}) {
        if (!outcome)
            log.write(Log::note(
                Level::Warning, "not-realtime",
                fmt::format("answers may be late under load: {}", outcome.error().context)));
    }
}

/// The fast path, where it is wanted and there is one; the plain socket serves without it.
Filter make_filter(const Choices& choices, const xbeat::heart::IpAddress& address,
                   std::uint16_t port, const std::vector<witness::ClusterKey>& keys, Log& log) {
    const witness::FilterMode mode =
        witness::parse_filter_mode(choices.xdp).value_or(witness::FilterMode::Off);
    Filter filter;
    if (mode != witness::FilterMode::Off) {
        Result<witness::Filter> made = witness::Filter::create(
            {.mode = mode, .interfaces = choices.interfaces, .address = address, .port = port},
            keys);
        if (made)
            filter.emplace(*std::move(made));
        else
            // With `auto` nobody asked for it in particular.
            log.write(Log::note(mode == witness::FilterMode::Auto ? Level::Info : Level::Warning,
                                "xdp-off",
                                fmt::format("plain sockets only, {}", made.error().context)));
    }
    const std::string shown = mode_of(filter);
    log.write(Log::note(Level::Info, "mode", shown));
    sd_notify(0, fmt::format("STATUS={}", shown).c_str());
    return filter;
}

Result<void> serve(const Choices& choices, const xbeat::heart::IpAddress& address,
                   std::vector<witness::ClusterKey> keys) {
    Log log;
    const sys::Fd signals = XB_TRY(sys::catch_signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1}));
    hurry(log);
    // The ring goes first: nothing may write into the server's slots once they are gone.
    std::optional<witness::Server> server;
    ring::Ring ring = XB_TRY(ring::Ring::create({}));
    const std::vector<witness::ClusterKey> copy = keys;
    server.emplace(XB_TRY(witness::Server::create(
        {.address = address, .port = choices.port, .life = sys::random_number()}, std::move(keys),
        ring, sys::boot_now())));
    Filter filter = make_filter(choices, address, server->port(), copy, log);
    ring.poll(signals.get(), POLLIN, {.op = ring::Op::Signal});
    const std::optional<witness::StatusSocket> door = open_status_socket(choices, log);
    if (door) ring.poll(door->fd(), POLLIN, {.op = ring::Op::Signal, .slot = kStatusSlot});
    Note note = Log::note(
        Level::Info, "witness-started",
        fmt::format(
            "xbeat-witness serves {} clusters; it grants nothing for {} s, until the "
            "leases that a former life may have granted have run out",
            server->clusters(),
            std::chrono::ceil<std::chrono::seconds>(server->starting_until() - sys::boot_now())
                .count()));
    note.fields = {{"version", kVersion}, {"port", std::to_string(server->port())}};
    log.write(note);
    sd_notify(0, "READY=1");
    bool goes_on = true;
    const auto handle = [&](const ring::Completion& completion) {
        if (completion.token.op == ring::Op::WitnessDatagram)
            return server->complete(completion, sys::boot_now());
        if (completion.token.op != ring::Op::Signal) return;
        const bool is_question = completion.token.slot == kStatusSlot;
        if (!completion.more)
            ring.poll(is_question ? door->fd() : signals.get(), POLLIN, completion.token);
        if (is_question) return door->tell(status_line(*server, filter, sys::boot_now()));
        goes_on = take_signals(signals, *server, filter, choices, log) && goes_on;
    };
    while (goes_on) {
        static_cast<void>(XB_TRY(ring.wait(handle)));
        for (const Note& entry : server->take_notes()) log.write(entry);
    }
    sd_notify(0, "STOPPING=1");
    log.write(counters_note(*server, filter, sys::boot_now()));
    return {};
}

int fail(const Error& error, int code) {
    Log log;
    log.write(Log::note(Level::Error, "start-failed", error.context));
    return code;
}

int run(const Choices& choices) {
    xbeat::heart::IpAddress address;
    if (!choices.listen.empty()) {
        const auto parsed = xbeat::heart::IpAddress::parse(choices.listen);
        if (!parsed)
            return fail(
                {.code = xbeat::Code::Invalid,
                 .context = fmt::format("`{}` is not an IPv4 or IPv6 address", choices.listen)},
                kExitUsage);
        address = *parsed;
    }
    Result<std::vector<witness::ClusterKey>> keys = witness::load_keys(choices.keys);
    if (!keys) return fail(keys.error(), kExitConfig);
    if (choices.only_check) {
        fmt::print("{}: right; {} keys\n", choices.keys, keys->size());
        return EXIT_SUCCESS;
    }
    const Result<void> outcome = serve(choices, address, *std::move(keys));
    return outcome ? EXIT_SUCCESS : fail(outcome.error(), EXIT_FAILURE);
}

}  // namespace

int main(int argc, char** argv) {
    Choices choices;
    CLI::App app{"The xbeat witness: breaks the tie of pairs of nodes. See xbeat-witness(8)."};
    app.set_version_flag("--version", fmt::format("xbeat-witness {}", kVersion));
    app.add_option("--listen", choices.listen, "the address to listen on; default: all of them")
        ->type_name("ADDRESS");
    app.add_option("--port", choices.port, "the UDP port")->capture_default_str();
    app.add_option("--keys", choices.keys, "the file with a line for each cluster")
        ->envname("XBEAT_WITNESS_KEYS")
        ->capture_default_str();
    app.add_option("--xdp", choices.xdp, "the fast path: auto, native, generic or off")
        ->check(CLI::IsMember({"auto", "native", "generic", "off"}))
        ->capture_default_str();
    app.add_option("--interface", choices.interfaces,
                   "where the fast path is; default: every interface that is up")
        ->type_name("NAME");
    app.add_option("--status-socket", choices.status_socket,
                   "where the counters can be asked for on this host; empty: nowhere")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_flag("--check", choices.only_check, "check the file of keys, and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? EXIT_SUCCESS : kExitUsage;
    }
    return run(choices);
}
