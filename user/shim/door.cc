#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "agent/shim_links.h"
#include "control/client.h"
#include "shim/background.h"
#include "shim/door.h"
#include "shim/shim.h"
#include "sys/detach.h"

namespace xbeat::shim {
namespace {

std::string from_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

// Agents are told where the tools are, and the daemon's folder is the one above.
std::string daemon_directory() {
    const std::string tools = from_environment("HA_SBIN_DIR");
    const std::string_view ending = agent::kShimFolder;
    if (tools.size() > ending.size() && tools.ends_with(ending) &&
        tools[tools.size() - ending.size() - 1] == '/') {
        return tools.substr(0, tools.size() - ending.size() - 1);
    }
    return control::run_directory();
}

// A pipe whose other end is closed says so, whichever write it was that failed.
bool is_reader_gone() {
    pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

std::optional<int> run_as(std::string_view program, std::vector<std::string>& words,
                          std::string& run_dir) {
    const std::string_view name = program.substr(program.rfind('/') + 1);
    if (!is_shim(name)) return std::nullopt;
    run_dir = daemon_directory();
    if (name == "crm_mon") {
        if (const std::optional<Background> background = as_background(words)) {
            if (const Result<void> gone = sys::detach(background->pid_file); !gone) {
                std::cerr << name << ": " << gone.error().context << '\n';
                return kFailed;
            }
            words = background->words;
        }
    }
    if (std::optional<std::vector<std::string>> command = as_command(name, words)) {
        words = *std::move(command);
        return std::nullopt;
    }
    Io io{.in = std::cin, .out = std::cout, .err = std::cerr, .environment = from_environment};
    const std::unique_ptr<Cluster> cluster = connect_to_daemon(run_dir);
    const int code = run(name, words, io, *cluster);
    errno = 0;
    std::cout.flush();
    const int error = errno;
    if (std::cout.good() || code != kOk) return code;
    // Who reads no further has what it wanted.
    if (error == EPIPE || is_reader_gone()) return kOk;
    std::cerr << name << ": cannot write the answer"
              << (error == 0 ? "" : std::string(": ") + std::strerror(error)) << '\n';
    return kOutput;
}

}  // namespace xbeat::shim
