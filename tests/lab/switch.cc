#include "lab/switch.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::lab {
namespace {

constexpr std::int64_t kScrapAfterMs = 2000;  // not while the survivor takes over: it needs rtnl
constexpr std::int64_t kPowerCycleMs = 2000;  // from `reboot` to the start of the machine
constexpr std::size_t kRequestMax = 4096;
constexpr int kBacklog = 64;

Error invalid(std::string_view why) {
    return Error{.code = Code::Invalid, .context = std::string(why)};
}

void say(std::string_view line) {
    const std::string text = concat(now_ns() / 1'000'000, "ms ", line, "\n");
    std::fputs(text.c_str(), stderr);
}

Result<std::string> at(std::int64_t when_ns) { return concat("at_ns=", when_ns); }

}  // namespace

std::int64_t now_ns() { return sys::boot_now().time_since_epoch().count(); }

Switch::Switch(const Site& site, PassAll pass, std::vector<MachineSpec> specs)
    : site_(site), pass_(std::move(pass)), faults_(specs.size()) {
    for (MachineSpec& spec : specs) machines_.emplace_back(site_, std::move(spec));
}

Result<void> Switch::open_door(int caller, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return invalid(concat("path too long: ", path));
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    sys::Fd door(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!door.is_open()) return sys::system_error("socket");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return sys::system_error(path);
    if (::bind(door.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        return sys::system_error(path);
    }
    if (::listen(door.get(), kBacklog) != 0) return sys::system_error(path);
    doors_.push_back({std::move(door), caller});
    return {};
}

Result<void> Switch::serve() {
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        XB_TRY(open_door(static_cast<int>(i), machines_[i].directory() + "/power.sock"));
    }
    XB_TRY(open_door(-1, site_.directory + "/admin.sock"));
    while (!stopping_) {
        std::vector<pollfd> waits;
        for (const Door& door : doors_) waits.push_back({door.socket.get(), POLLIN, 0});
        for (const Machine& machine : machines_) waits.push_back({machine.init_fd(), POLLIN, 0});
        for (const auto& [descriptor, client] : clients_) waits.push_back({descriptor, POLLIN, 0});
        if (::poll(waits.data(), waits.size(), milliseconds_to_next()) < 0 && errno != EINTR) {
            return sys::system_error("poll");
        }
        std::size_t i = 0;
        for (std::size_t d = 0; d < doors_.size(); ++d, ++i) {
            if (waits[i].revents != 0) accept_from(d);
        }
        for (std::size_t m = 0; m < machines_.size(); ++m, ++i) {
            if (waits[i].revents != 0) bury(m);
        }
        for (; i < waits.size(); ++i) {
            if (waits[i].revents != 0) read_from(waits[i].fd);
        }
        run_due();
    }
    for (Machine& machine : machines_) XB_TRY(machine.power_off());
    for (Machine& machine : machines_) XB_TRY(machine.bury());
    return {};
}

void Switch::accept_from(std::size_t door) {
    sys::Fd connection(
        ::accept4(doors_[door].socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.is_open()) return;  // the client has gone again
    const int descriptor = connection.get();
    clients_[descriptor] = {std::move(connection), doors_[door].caller, {}};
}

void Switch::read_from(int descriptor) {
    const auto found = clients_.find(descriptor);
    if (found == clients_.end()) return;
    std::array<char, kRequestMax> buffer{};
    const ssize_t length = ::recv(descriptor, buffer.data(), buffer.size(), 0);
    if (length <= 0) {
        std::erase_if(later_, [&](const Later& item) { return item.client == descriptor; });
        clients_.erase(found);
        return;
    }
    Client& client = found->second;
    client.received.append(buffer.data(), static_cast<std::size_t>(length));
    for (std::size_t end = 0; (end = client.received.find('\n')) != std::string::npos;) {
        const std::string line = client.received.substr(0, end);
        client.received.erase(0, end + 1);
        handle(client, line);
    }
    if (client.received.size() > kRequestMax) clients_.erase(found);
}

void Switch::answer(Client& client, std::string_view text) {
    const std::string line = concat(text, "\n");
    // Whoever asked may have died of the answer.
    if (::send(client.connection.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) {
        say("the client has gone before its answer");
    }
}

void Switch::handle(Client& client, const std::string& line) {
    const Words words = split_words(line);
    if (words.empty()) return answer(client, "error empty request");
    if (client.caller >= 0 && words.size() > 1 && words[0] != "status") {
        const Result<std::size_t> target = find(words[1]);
        if (target && delayed(client, line, *target)) return;
    }
    const Result<std::string> done = perform(client.caller, words);
    const std::string from = client.caller < 0
                                 ? std::string("operator")
                                 : machines_[static_cast<std::size_t>(client.caller)].spec().name;
    const std::string text = done ? concat("ok ", *done) : concat("error ", done.error().context);
    if (words[0] != "states") say(concat(from, ": ", line, ": ", text));
    answer(client, text);
}

bool Switch::delayed(Client& client, const std::string& line, std::size_t machine) {
    const Fault& fault = faults_[machine];
    switch (fault.kind) {
        case Fault::Kind::None:
            return false;
        case Fault::Kind::Hang:
            say(concat("hangs as told: ", line));
            return true;
        case Fault::Kind::Refuse:
            answer(client, "error the switch refuses, as told");
            return true;
        case Fault::Kind::Lie:
            answer(client, "ok but nothing was done, as told");
            return true;
        case Fault::Kind::Delay:
            later_.push_back({.at_ns = now_ns() + fault.delay_ms * 1'000'000,
                              .what = Later::What::Answer,
                              .machine = machine,
                              .client = client.connection.get(),
                              .request = line});
            return true;
    }
    return false;
}

Result<std::size_t> Switch::find(std::string_view name) const {
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        if (machines_[i].spec().name == name) return i;
    }
    return Error{.code = Code::NotFound, .context = concat("no machine is called ", name)};
}

Result<std::string> Switch::perform(int caller, const Words& words) {
    if (caller >= 0 && !machines_[static_cast<std::size_t>(caller)].is_running()) {
        return Error{.code = Code::Denied, .context = "the machine that asks is off"};
    }
    const std::string_view verb = words[0];
    if (verb == "monitor") return std::string("the switch works");
    if (verb == "list") {
        std::string names;
        for (const Machine& machine : machines_) names += machine.spec().name + " ";
        return names;
    }
    if (caller < 0 && verb == "states") return states();
    if (caller < 0 && verb == "stop") {
        stopping_ = true;
        return std::string();
    }
    if (words.size() < 2) return invalid("which machine?");
    const std::size_t index = XB_TRY(find(words[1]));
    Machine& machine = machines_[index];
    if (verb == "off" || verb == "on" || verb == "reboot" || verb == "status") {
        return fence(verb, machine, index);
    }
    if (caller >= 0) return Error{.code = Code::Denied, .context = "only the operator may do that"};
    if (verb == "fault") return set_fault(index, words);
    const Result<std::string> done = operate(verb, machine, words);
    if (done && verb == "crash") schedule(Later::What::Scrap, index, kScrapAfterMs);
    return done;
}

Result<std::string> Switch::fence(std::string_view verb, Machine& machine, std::size_t index) {
    const std::int64_t when = now_ns();
    if (verb == "status") return std::string(machine.is_powered() ? "on" : "off");
    if (verb == "on") {
        if (!machine.is_running()) XB_TRY(machine.boot(pass_));
        return at(when);
    }
    XB_TRY(machine.power_off());
    schedule(verb == "reboot" ? Later::What::Boot : Later::What::Scrap, index,
             verb == "reboot" ? kPowerCycleMs : kScrapAfterMs);
    return at(when);
}

Result<std::string> Switch::operate(std::string_view verb, Machine& machine, const Words& words) {
    const std::int64_t when = now_ns();
    if (verb == "boot") {
        if (machine.is_running()) return invalid("it runs already");
        XB_TRY(machine.boot(pass_));
        return at(when);
    }
    if (!machine.is_running()) return invalid(concat(machine.spec().name, " does not run"));
    if (verb == "crash") {
        XB_TRY(machine.crash());
        return at(when);
    }
    if (verb == "freeze" || verb == "thaw") {
        XB_TRY(verb == "freeze" ? machine.freeze() : machine.thaw());
        return at(when);
    }
    if (verb == "cut" || verb == "mend") return cable(verb, machine, words);
    if (words.size() < 3) return invalid("say what");
    if (verb == "kill") {
        const unsigned count = XB_TRY(machine.kill_process(words[2]));
        return concat("at_ns=", when, " killed=", count);
    }
    if (verb == "daemon") return tell_daemon(machine, words);
    return invalid(concat("unknown verb ", verb));
}

Result<std::string> Switch::cable(std::string_view verb, Machine& machine, const Words& words) {
    const std::int64_t when = now_ns();
    if (words.size() < 3) return invalid("which link?");
    if (!machine.has_link(words[2])) {
        return invalid(concat(machine.spec().name, " has no link ", words[2]));
    }
    const std::string port = machine.port(words[2]);
    const bool with_carrier = words.size() > 3 && words[3] == "carrier";
    if (verb == "cut") {
        XB_TRY(with_carrier ? set_carrier(port, Carrier::Down) : set_flow(port, Flow::Silent));
        return at(when);
    }
    XB_TRY(set_carrier(port, Carrier::Up));
    // A bridge refuses to open a port whose other end is still coming up, and opens it by itself.
    const Result<void> opened = set_flow(port, Flow::Forwarding);
    if (!opened && opened.error().system_errno != ENETDOWN) return opened.error();
    return at(when);
}

Result<std::string> Switch::tell_daemon(Machine& machine, const Words& words) {
    const int signal = words[2] == "start" ? SIGUSR1 : words[2] == "stop" ? SIGUSR2 : 0;
    if (signal == 0) return invalid("daemon start or daemon stop");
    XB_TRY(machine.signal_init(signal));
    return at(now_ns());
}

Result<std::string> Switch::set_fault(std::size_t machine, const Words& words) {
    if (words.size() < 3) return invalid("fault MACHINE none|hang|refuse|lie|delay MS");
    const std::string_view kind = words[2];
    Fault fault;
    if (kind == "hang") fault.kind = Fault::Kind::Hang;
    if (kind == "refuse") fault.kind = Fault::Kind::Refuse;
    if (kind == "lie") fault.kind = Fault::Kind::Lie;
    if (kind == "delay") {
        const auto delay = words.size() > 3 ? parse_integer(words[3]) : std::nullopt;
        if (!delay || *delay < 0) return invalid("delay takes milliseconds");
        fault = {.kind = Fault::Kind::Delay, .delay_ms = *delay};
    }
    if (fault.kind == Fault::Kind::None && kind != "none") {
        return invalid(concat("no such fault: ", kind));
    }
    faults_[machine] = fault;
    return std::string(kind);
}

std::string Switch::states() const {
    std::string text;
    for (const Machine& machine : machines_) {
        const char* state = machine.is_frozen()    ? "frozen"
                            : machine.is_running() ? "running"
                            : machine.is_powered() ? "crashed"
                                                   : "off";
        text += concat(machine.spec().name, "=", state, " ");
    }
    return text;
}

void Switch::schedule(Later::What what, std::size_t machine, std::int64_t after_ms) {
    std::erase_if(later_, [&](const Later& item) {
        return item.machine == machine && item.what != Later::What::Answer;
    });
    later_.push_back({.at_ns = now_ns() + after_ms * 1'000'000,
                      .what = what,
                      .machine = machine,
                      .client = -1,
                      .request = {}});
}

int Switch::milliseconds_to_next() const {
    std::int64_t next = -1;
    for (const Later& item : later_) {
        const std::int64_t wait = std::max<std::int64_t>(0, item.at_ns - now_ns());
        if (next < 0 || wait < next) next = wait;
    }
    return next < 0 ? -1 : static_cast<int>((next + 999'999) / 1'000'000);
}

void Switch::run_due() {
    const std::int64_t now = now_ns();
    std::vector<Later> due;
    std::erase_if(later_, [&](const Later& item) {
        if (item.at_ns <= now) due.push_back(item);
        return item.at_ns <= now;
    });
    for (const Later& item : due) {
        Machine& machine = machines_[item.machine];
        Result<void> done;
        if (item.what == Later::What::Answer) {
            const auto client = clients_.find(item.client);
            if (client == clients_.end()) continue;
            const Result<std::string> result =
                perform(client->second.caller, split_words(item.request));
            answer(client->second,
                   result ? concat("ok ", *result) : concat("error ", result.error().context));
        } else if (!machine.is_running()) {
            done = item.what == Later::What::Boot ? machine.boot(pass_) : machine.scrap();
        }
        if (!done) say(concat(machine.spec().name, ": ", done.error().context));
    }
}

void Switch::bury(std::size_t machine) {
    Machine& dead = machines_[machine];
    if (dead.is_running()) {
        say(concat(dead.spec().name, ": its PID 1 is gone, so the machine has crashed"));
        const Result<void> cut = dead.crash();
        if (!cut) say(cut.error().context);
        schedule(Later::What::Scrap, machine, kScrapAfterMs);
    }
    const Result<void> done = dead.bury();
    if (!done) say(done.error().context);
}

}  // namespace xbeat::lab
