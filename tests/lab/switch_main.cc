// xblab-switch: the lab's power switch and bench (see switch.h).
//
//   xblab-switch serve --prefix P --directory D --programs B [--cgroup C] --machine M...
//   xblab-switch ask SOCKET WORD...      one request, prints the answer; exit 0 ok, 1 error
//
// M is NAME,ID,LINK+LINK...[,PROGRAM[ ARGUMENT]...]. `serve` runs in the switch's network
// namespace and in the host's mount namespace, where /run/netns is.
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "core/text.h"
#include "lab/switch.h"
#include "sys/system_error.h"

namespace {

using xbeat::Code;
using xbeat::concat;
using xbeat::Error;
using xbeat::Result;

constexpr int kUsage = 64;
constexpr int kPriority = 70;  // a power switch does not starve with the machines that it switches

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(separator, start), text.size());
        parts.emplace_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

Result<xbeat::lab::MachineSpec> parse_machine(std::string_view text) {
    const std::vector<std::string> parts = split(text, ',');
    const auto id = parts.size() > 2 ? xbeat::parse_integer(parts[1]) : std::nullopt;
    if (!id || *id < 1 || *id > 254) {
        return Error{.code = Code::Invalid, .context = concat("not a machine: ", text)};
    }
    xbeat::lab::MachineSpec spec{.name = parts[0],
                                 .id = static_cast<unsigned>(*id),
                                 .links = split(parts[2], '+'),
                                 .program = {}};
    if (parts.size() > 3) spec.program = split(parts[3], ' ');
    return spec;
}

Result<void> serve(const std::vector<std::string>& words) {
    xbeat::lab::Site site;
    std::vector<xbeat::lab::MachineSpec> machines;
    for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
        const std::string& value = words[i + 1];
        if (words[i] == "--prefix") site.prefix = value;
        if (words[i] == "--directory") site.directory = value;
        if (words[i] == "--programs") site.programs = value;
        if (words[i] == "--cgroup") site.cgroup = value;
        if (words[i] == "--machine") machines.push_back(XB_TRY(parse_machine(value)));
    }
    const sched_param priority{.sched_priority = kPriority};
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0) {
        std::fputs("no real-time priority: the switch may be late under load\n", stderr);
    }
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) std::fputs("memory is not locked\n", stderr);
    xbeat::lab::Switch power(site, XB_TRY(xbeat::lab::PassAll::create()), std::move(machines));
    return power.serve();
}

Result<std::string> ask(const std::string& path, const std::string& request) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const xbeat::sys::Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!connection.is_open()) return xbeat::sys::system_error("socket");
    if (::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        return xbeat::sys::system_error(path);
    }
    if (::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        return xbeat::sys::system_error(path);
    }
    std::string reply;
    char buffer[1024];
    while (reply.find('\n') == std::string::npos) {
        const ssize_t length = ::recv(connection.get(), buffer, sizeof buffer, 0);
        if (length < 0) return xbeat::sys::system_error(path);
        if (length == 0) {
            return Error{.code = Code::Unavailable, .context = "the switch hung up"};
        }
        reply.append(buffer, static_cast<std::size_t>(length));
    }
    return reply;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv, argv + argc);
    if (words.size() > 3 && words[1] == "ask") {
        std::string request;
        for (std::size_t i = 3; i < words.size(); ++i) request += words[i] + " ";
        const Result<std::string> reply = ask(words[2], request + "\n");
        if (!reply) {
            std::fprintf(stderr, "%s\n", reply.error().context.c_str());
            return 1;
        }
        const bool good = reply->starts_with("ok");
        std::fputs(reply->substr(reply->find(' ') + 1).c_str(), good ? stdout : stderr);
        return good ? 0 : 1;
    }
    if (words.size() > 2 && words[1] == "serve") {
        const Result<void> done = serve(words);
        if (done) return 0;
        std::fprintf(stderr, "xblab-switch: %s\n", done.error().context.c_str());
        return 1;
    }
    std::fputs("usage: xblab-switch serve OPTIONS | ask SOCKET WORD...\n", stderr);
    return kUsage;
}
