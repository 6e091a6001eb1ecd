// fence_xblab: the fence agent of the lab's power switch.
//
// It speaks the fence agents' interface: `name=value` lines on standard input, or -o ACTION -n PLUG
// on the command line; actions on off reboot status monitor list metadata validate-all; exit 0 done
// (status: on), 1 failed, 2 wrong arguments (status: off), 4 no connection, 5 no answer in time.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "core/text.h"
#include "sys/fd.h"

namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kBadArguments = 2;
constexpr int kStatusOff = 2;
constexpr int kNoConnection = 4;
constexpr int kTimeout = 5;

constexpr const char* kMetadata = R"(<?xml version="1.0" ?>
<resource-agent name="fence_xblab" shortdesc="Fence agent for the power switch of xbeat's lab">
<longdesc>Switches machines of scripts/lab off and on. Off cuts all cables and kills every process
before it answers.</longdesc>
<vendor-url></vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><getopt mixed="-o, --action=[action]"/>
<content type="string" default="reboot"/><shortdesc lang="en">Fencing action</shortdesc></parameter>
<parameter name="plug" unique="0" required="1" obsoletes="port"><getopt mixed="-n, --plug=[name]"/>
<content type="string"/><shortdesc lang="en">Machine's name</shortdesc></parameter>
<parameter name="port" unique="0" required="0" deprecated="1"><getopt mixed="-n, --plug=[name]"/>
<content type="string"/><shortdesc lang="en">Machine's name</shortdesc></parameter>
<parameter name="socket" unique="0" required="0"><getopt mixed="--socket=[path]"/>
<content type="string" default="/run/xblab/power.sock"/>
<shortdesc lang="en">Socket of the switch</shortdesc></parameter>
<parameter name="timeout" unique="0" required="0"><getopt mixed="--timeout=[seconds]"/>
<content type="second" default="20"/>
<shortdesc lang="en">Seconds to wait for the switch</shortdesc></parameter>
</parameters>
<actions>
<action name="on" automatic="0"/>
<action name="off"/>
<action name="reboot"/>
<action name="status"/>
<action name="list"/>
<action name="list-status"/>
<action name="monitor"/>
<action name="metadata"/>
<action name="validate-all"/>
</actions>
</resource-agent>
)";

struct Options {
    std::string action = "reboot";
    std::string plug;
    std::string nodename;  // the cluster adds it; the plug counts where both are given
    std::string socket = "/run/xblab/power.sock";
    std::int64_t timeout_s = 20;
};

void set(Options& options, std::string_view name, std::string value) {
    if (value.size() > 1 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0]) {
        value = value.substr(1, value.size() - 2);
    }
    if (name == "action" || name == "option") options.action = value;
    if (name == "plug" || name == "port") options.plug = value;
    if (name == "nodename") options.nodename = value;
    if (name == "socket") options.socket = value;
    if (name == "timeout") options.timeout_s = xbeat::parse_integer(value).value_or(20);
}

void read_standard_input(Options& options) {
    for (std::string line; std::getline(std::cin, line);) {
        const std::string_view text = xbeat::trim(line);
        const std::size_t equals = text.find('=');
        if (text.empty() || text[0] == '#' || equals == std::string_view::npos) continue;
        set(options, xbeat::trim(text.substr(0, equals)),
            std::string(xbeat::trim(text.substr(equals + 1))));
    }
}

/// False if an argument is not understood.
bool read_arguments(Options& options, int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const std::size_t equals = word.find('=');
        if (word.starts_with("--") && equals != std::string_view::npos) {
            set(options, word.substr(2, equals - 2), std::string(word.substr(equals + 1)));
        } else if ((word == "-o" || word == "-n") && i + 1 < argc) {
            set(options, word == "-o" ? "action" : "plug", argv[++i]);
        } else {
            return false;
        }
    }
    return true;
}

/// The switch's answer in `reply`; an exit code if there is none.
int ask(const Options& options, const std::string& request, std::string& reply) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    const xbeat::sys::Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = options.timeout_s, .tv_usec = 0};
    if (::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        ::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        std::perror(options.socket.c_str());
        return kNoConnection;
    }
    char buffer[1024];
    while (reply.find('\n') == std::string::npos) {
        const ssize_t length = ::recv(connection.get(), buffer, sizeof buffer, 0);
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            std::fputs("the power switch does not answer\n", stderr);
            return kTimeout;
        }
        if (length <= 0) {
            std::fputs("the power switch hung up\n", stderr);
            return kNoConnection;
        }
        reply.append(buffer, static_cast<std::size_t>(length));
    }
    return kDone;
}

int list(const std::string& names) {
    for (const std::string_view name : xbeat::split_words(names)) {
        std::cout << name << ",\n";
    }
    return kDone;
}

int act(const Options& options) {
    const std::string plug = options.plug.empty() ? options.nodename : options.plug;
    const bool needs_plug = options.action == "on" || options.action == "off" ||
                            options.action == "reboot" || options.action == "status";
    if (needs_plug && plug.empty()) {
        std::fputs("which machine? give plug=NAME\n", stderr);
        return kBadArguments;
    }
    const bool lists = options.action == "list" || options.action == "list-status";
    if (!needs_plug && !lists && options.action != "monitor") {
        std::fprintf(stderr, "unknown action %s\n", options.action.c_str());
        return kBadArguments;
    }
    const std::string verb = lists ? "list" : options.action;
    const std::string request =
        needs_plug ? xbeat::concat(verb, " ", plug, "\n") : xbeat::concat(verb, "\n");
    std::string reply;
    const int code = ask(options, request, reply);
    if (code != kDone) return code;
    const std::string_view text = xbeat::trim(reply);
    if (!text.starts_with("ok")) {
        std::fprintf(stderr, "%s\n", reply.c_str());
        return kFailed;
    }
    const std::string rest(xbeat::trim(text.substr(2)));
    if (lists) return list(rest);
    if (options.action == "status") return rest == "on" ? kDone : kStatusOff;
    return kDone;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (argc > 1) {
        if (!read_arguments(options, argc, argv)) {
            std::fputs("usage: fence_xblab -o ACTION [-n MACHINE], or name=value on stdin\n",
                       stderr);
            return kBadArguments;
        }
    } else {
        read_standard_input(options);
    }
    if (options.action == "metadata" || options.action == "meta-data") {
        std::fputs(kMetadata, stdout);
        return kDone;
    }
    if (options.action == "validate-all") return kDone;
    return act(options);
}
