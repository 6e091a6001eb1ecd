#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/fd.h"
#include "sys/system_error.h"

extern char** environ;

namespace xbeat::cli {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

// Our own variables, those of `added` in their place.
std::vector<std::string> merged(const Environment& added) {
    std::vector<std::string> rows;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view row(*at);
        bool is_replaced = false;
        for (const auto& [name, value] : added)
            is_replaced = is_replaced || row.starts_with(concat(name, "="));
        if (!is_replaced) rows.emplace_back(row);
    }
    for (const auto& [name, value] : added) rows.push_back(concat(name, "=", value));
    return rows;
}

std::vector<char*> pointers_to(std::vector<std::string>& rows) {
    std::vector<char*> raw;
    for (std::string& row : rows) raw.push_back(row.data());
    raw.push_back(nullptr);
    return raw;
}

Error cannot_run(const std::string& name, int error) {
    if (error == ENOENT)
        return {.code = Code::NotFound, .context = concat("there is no program ", name)};
    if (error == EACCES)
        return {.code = Code::Denied, .context = concat(name, " may not be executed")};
    return sys::system_error(concat("cannot run ", name), error);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

Result<pid_t> spawn(std::span<const std::string> words, const Environment& added,
                    posix_spawn_file_actions_t* actions) {
    std::vector<std::string> arguments(words.begin(), words.end());
    std::vector<std::string> variables = merged(added);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // We ignore SIGPIPE ourselves; a child that inherits that misses its reader's end.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, arguments.front().c_str(), actions, &attributes,
                                     pointers_to(arguments).data(), pointers_to(variables).data());
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return cannot_run(words.front(), error);
    return pid;
}

Result<int> wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return sys::system_error("cannot wait for a program");
    }
    return code_of(status);
}

// Reads until the program closed its output, or the limit has passed: then false.
bool read_all(int fd, const ProgramOptions& options, std::string& output) {
    const Instant deadline = sys::boot_now() + options.limit;
    std::array<char, 16384> block{};
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - sys::boot_now()).count();
        pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&watched, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const ssize_t got = ::read(fd, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        const std::size_t room = options.bytes_max - std::min(options.bytes_max, output.size());
        output.append(block.data(), std::min(room, static_cast<std::size_t>(got)));
    }
}

}  // namespace

Result<ProgramResult> run_program(std::span<const std::string> words,
                                  const ProgramOptions& options) {
    XB_CHECK(!words.empty());
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return sys::system_error("cannot make a pipe");
    const sys::Fd reader(ends[0]);
    sys::Fd writer(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
    if (options.keeps_errors) {
        posix_spawn_file_actions_adddup2(&actions, writer.get(), STDERR_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    const Result<pid_t> pid = spawn(words, options.environment, &actions);
    posix_spawn_file_actions_destroy(&actions);
    if (!pid) return pid.error();
    writer = sys::Fd();
    ProgramResult result;
    const bool is_complete = read_all(reader.get(), options, result.output);
    if (!is_complete) ::kill(*pid, SIGKILL);
    result.code = XB_TRY(wait_for(*pid));
    if (is_complete) return result;
    return Error{.code = Code::Timeout,
                 .context = concat(words.front(), " did not end within ",
                                   options.limit.count() / 1'000'000'000, " s and was killed")};
}

Result<int> run_on_terminal(std::span<const std::string> words) {
    XB_CHECK(!words.empty());
    const pid_t pid = XB_TRY(spawn(words, {}, nullptr));
    return wait_for(pid);
}

std::string find_program(std::string_view name) {
    const char* const path = std::getenv("PATH");
    std::string folders = concat(path != nullptr ? path : "", ":/usr/sbin:/usr/bin:/sbin:/bin:");
    while (!folders.empty()) {
        const std::size_t end = folders.find(':');
        const std::string file = concat(folders.substr(0, end), "/", name);
        if (end > 0 && ::access(file.c_str(), X_OK) == 0) return file;
        folders.erase(0, end + 1);
    }
    return {};
}

}  // namespace xbeat::cli
