// xbeat-exec: started by xbeatd with one end of a socket pair as descriptor 3; see exec_server.h.

#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>

#include "agent/exec_server.h"

namespace {

using xbeat::agent::ExecServer;

constexpr int kChannelFd = 3;
constexpr int kExitUsage = 64;

constexpr const char* kHelp =
    "Usage: xbeat-exec [OPTION]...\n"
    "Runs resource agents for xbeatd, which starts it with a socket as descriptor 3.\n"
    "It is of no use by hand.\n"
    "\n"
    "  --ocf-root DIR       OCF agents are in DIR/resource.d/PROVIDER (/usr/lib/ocf)\n"
    "  --fence-dir DIR      fence agents (/usr/sbin)\n"
    "  --lsb-dir DIR        LSB scripts (/etc/init.d)\n"
    "  --shim-dir DIR       first in the agents' PATH, and their HA_SBIN_DIR\n"
    "  --temporary-dir DIR  their HA_RSCTMP (/run/resource-agents)\n"
    "  --log-file FILE      their HA_LOGFILE\n"
    "  --run-dir DIR        where a successor of xbeatd asks for a last will\n"
    "  --instance NAME      control groups are below xbeat/NAME (default)\n"
    "  --help               this text\n";

struct Arguments {
    ExecServer::Options options;
    bool wants_help = false;
};

std::optional<Arguments> parse(int count, char** values) {
    enum : int {
        kOcfRoot = 256,
        kFence,
        kLsb,
        kShim,
        kTemporary,
        kLogFile,
        kInstance,
        kRunDir,
        kHelpOption
    };
    const std::array<option, 10> known = {
        {{"ocf-root", required_argument, nullptr, kOcfRoot},
         {"fence-dir", required_argument, nullptr, kFence},
         {"lsb-dir", required_argument, nullptr, kLsb},
         {"shim-dir", required_argument, nullptr, kShim},
         {"temporary-dir", required_argument, nullptr, kTemporary},
         {"log-file", required_argument, nullptr, kLogFile},
         {"instance", required_argument, nullptr, kInstance},
         {"run-dir", required_argument, nullptr, kRunDir},
         {"help", no_argument, nullptr, kHelpOption},
         {nullptr, 0, nullptr, 0}}};
    Arguments arguments;
    ExecServer::Options& options = arguments.options;
    for (int found = 0; (found = ::getopt_long(count, values, "", known.data(), nullptr)) != -1;) {
        switch (found) {
            case kOcfRoot:
                options.roots.ocf_root = optarg;
                options.environment.ocf_root = optarg;
                break;
            case kFence:
                options.roots.fence_directory = optarg;
                break;
            case kLsb:
                options.roots.lsb_directory = optarg;
                break;
            case kShim:
                options.environment.shim_directory = optarg;
                break;
            case kTemporary:
                options.environment.temporary_directory = optarg;
                break;
            case kLogFile:
                options.environment.log_file = optarg;
                break;
            case kInstance:
                options.instance = optarg;
                break;
            case kRunDir:
                options.run_dir = optarg;
                break;
            case kHelpOption:
                arguments.wants_help = true;
                break;
            default:
                return std::nullopt;
        }
    }
    if (optind != count) return std::nullopt;
    return arguments;
}

// Agents inherit what is set here; the daemon may run with real-time priority and a raised nice
// level.
void become_ordinary() {
    for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP}) {
        // systemd and terminals signal whole groups; xbeatd's leave still needs agents to stop its
        // resources. This process ends when its channel does.
        ::signal(number, SIG_IGN);
    }
    ::signal(SIGCHLD, SIG_DFL);  // an inherited SIG_IGN would reap children behind our back
    const sched_param ordinary{};
    ::sched_setscheduler(0, SCHED_OTHER, &ordinary);
    ::setpriority(PRIO_PROCESS, 0, 0);
    // Seven descriptors an operation. Children get the soft limit back, see ChildPlan.
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        // open() gives the lowest free number, which is this one: the lower ones are open already.
        if (::fcntl(standard, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
    }
}

bool is_socket(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int count, char** values) {
    const bool has_channel = is_socket(kChannelFd);
    std::optional<Arguments> arguments = parse(count, values);
    if (!arguments) {
        std::fputs(kHelp, stderr);
        return kExitUsage;
    }
    if (arguments->wants_help) {
        std::fputs(kHelp, stdout);
        return 0;
    }
    if (!has_channel) {
        std::fputs("xbeat-exec: descriptor 3 is not a socket; it is started by xbeatd\n", stderr);
        return kExitUsage;
    }
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        arguments->options.child_files_max = files.rlim_cur;
    }
    become_ordinary();
    auto server = ExecServer::create(std::move(arguments->options), xbeat::sys::Fd(kChannelFd));
    if (!server) {
        std::fprintf(stderr, "xbeat-exec: %s\n", server.error().context.c_str());
        return 1;
    }
    const auto outcome = server->run();
    if (!outcome) {
        std::fprintf(stderr, "xbeat-exec: %s\n", outcome.error().context.c_str());
        return 1;
    }
    return 0;
}
