#include "lab/machine.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/text.h"
#include "lab/inside.h"
#include "sys/system_error.h"

namespace xbeat::lab {
namespace {

constexpr int kDeathMs = 5000;
constexpr int kLookAgainUs = 200;

Result<void> write_file(const std::string& path, std::string_view text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) return sys::system_error(path);
    return {};
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Which PID namespace a process lives in; 0 if it is gone.
ino_t pid_namespace(std::string_view pid) {
    struct stat status {};
    // ns/pid itself, through the magic link: its inode names the namespace.
    if (::stat(concat("/proc/", pid, "/ns/pid").c_str(), &status) != 0) return 0;
    return status.st_ino;
}

/// The last number of the NSpid line: the process's PID as its own machine sees it.
std::string inner_pid(const std::string& pid) {
    std::istringstream status(read_file(concat("/proc/", pid, "/status")));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("NSpid:")) return line.substr(line.find_last_of('\t') + 1);
    }
    return {};
}

/// Whether no thread of the process will ever run its program again (PF_EXITING, linux/sched.h).
bool are_all_exiting(pid_t pid) {
    constexpr std::int64_t kExiting = 0x4;
    constexpr std::size_t kFlags = 6;  // field 9; the fields begin with the third, behind the name
    const std::string folder = concat("/proc/", pid, "/task");
    DIR* threads = ::opendir(folder.c_str());
    if (threads == nullptr) return true;
    bool all = true;
    while (const dirent* entry = ::readdir(threads)) {
        if (entry->d_name[0] == '.') continue;
        const std::string stat = read_file(concat(folder, "/", entry->d_name, "/stat"));
        const std::size_t name_end = stat.rfind(')');
        if (name_end == std::string::npos) continue;  // cleared away meanwhile
        const auto fields = split_words(std::string_view(stat).substr(name_end + 1));
        const auto flags = fields.size() > kFlags ? parse_integer(fields[kFlags]) : std::nullopt;
        all = all && flags && (*flags & kExiting) != 0;
    }
    ::closedir(threads);
    return all;
}

bool is_called(const std::string& pid, std::string_view wanted) {
    const std::string comm = read_file(concat("/proc/", pid, "/comm"));
    if (trim(comm) == wanted.substr(0, 15)) return true;  // the kernel keeps 15 characters
    return inner_pid(pid) == wanted;
}

std::string network_of(std::string_view link) {
    if (link == "svc") return "0";
    if (link == "ic0") return "1";
    return "2";
}

/// A machine keeps its cards when it boots: its neighbours' tables stay right.
std::string hardware_address(std::string_view network, unsigned id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    return concat("02:77:00:0", network, ":00:", kDigits[id / 16], kDigits[id % 16]);
}

}  // namespace

Result<void> run(const std::vector<std::string>& arguments, std::string_view input) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0) return sys::system_error("pipe");
    const sys::Fd in_read(in[0]);
    sys::Fd in_write(in[1]);
    if (::pipe2(out.data(), O_CLOEXEC) != 0) return sys::system_error("pipe");
    const sys::Fd out_read(out[0]);
    sys::Fd out_write(out[1]);

    std::vector<char*> words;
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.data()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDERR_FILENO);
    pid_t child = -1;
    const int error = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return sys::system_error(arguments[0], error);
    out_write = sys::Fd();
    // The scripts given to `ip` are far smaller than a pipe's buffer, so this cannot block for
    // good.
    if (::write(in_write.get(), input.data(), input.size()) < 0) return sys::system_error("pipe");
    in_write = sys::Fd();
    std::string complaint;
    std::array<char, 512> buffer{};
    for (ssize_t n = 0; (n = ::read(out_read.get(), buffer.data(), buffer.size())) > 0;) {
        complaint.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    if (::waitpid(child, &status, 0) < 0) return sys::system_error("waitpid");
    if (status == 0) return {};
    return Error{.code = Code::System, .context = concat(arguments[0], ": ", trim(complaint))};
}

std::string Machine::port(std::string_view link) const { return concat(spec_.name, ".", link); }

bool Machine::has_link(std::string_view link) const {
    for (const std::string& own : spec_.links) {
        if (own == link) return true;
    }
    return false;
}

std::string Machine::cgroup() const {
    return site_->cgroup.empty() ? std::string() : concat(site_->cgroup, "/", spec_.name);
}

Result<void> Machine::scrap() {
    XB_CHECK(!is_running());
    XB_TRY(bury());
    const std::string space = namespace_name();
    // A namespace goes some time after its name; its cables have to be gone now.
    std::string cables;
    for (const std::string& link : spec_.links) {
        if (::if_nametoindex(port(link).c_str()) != 0)
            cables += concat("link del ", port(link), "\n");
    }
    if (!cables.empty()) XB_TRY(run({"ip", "-batch", "-"}, cables));
    if (::access(concat("/run/netns/", space).c_str(), F_OK) == 0) {
        XB_TRY(run({"ip", "netns", "del", space}));
    }
    return run({"ip", "netns", "add", space});
}

Result<void> Machine::plug_in(const PassAll& pass) const {
    const std::string space = namespace_name();
    std::string outside;
    std::string within = "link set lo up\n";
    for (const std::string& link : spec_.links) {
        const std::string network = network_of(link);
        outside += concat("link add ", port(link), " type veth peer name ", link, " address ",
                          hardware_address(network, spec_.id), " netns ", space, "\nlink set ",
                          port(link), " master br-", link, " up\n");
        within += concat("addr add 10.77.", network, ".", spec_.id, "/24 brd + dev ", link,
                         "\naddr add fd77:0:0:", network, "::", spec_.id, "/64 dev ", link,
                         " nodad\nlink set ", link, " up\n");
    }
    XB_TRY(run({"ip", "-batch", "-"}, outside));
    for (const std::string& link : spec_.links) XB_TRY(pass.attach(port(link)));
    // Without a spanning tree a bridge opens a port as soon as its carrier is there.
    return run({"ip", "-n", space, "-batch", "-"}, within);
}

Result<void> Machine::start_init() {
    Inside inside{.name = spec_.name,
                  .namespace_path = concat("/run/netns/", namespace_name()),
                  .directory = directory(),
                  .sbin = site_->directory + "/sbin",
                  .ocf = site_->directory + "/ocf",
                  .cgroup = cgroup(),
                  .init = {site_->programs + "/lab/xblab-init", "/var/log/xbeatd.log"}};
    inside.init.insert(inside.init.end(), spec_.program.begin(), spec_.program.end());

    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return sys::system_error("pipe");
    const sys::Fd failure(pipe[0]);
    sys::Fd report(pipe[1]);
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD;
    arguments.exit_signal = SIGCHLD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0) return sys::system_error("clone3");
    if (child == 0) {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        const Error error = become_init(inside);
        const ssize_t written = ::write(report.get(), error.context.data(), error.context.size());
        ::_exit(written < 0 ? 2 : 1);
    }
    init_ = sys::Fd(pidfd);
    init_pid_ = static_cast<pid_t>(child);
    pid_space_ = pid_namespace(concat(init_pid_));
    report = sys::Fd();
    std::array<char, 512> why{};
    const ssize_t length = ::read(failure.get(), why.data(), why.size());  // end at the exec
    if (length > 0) {
        XB_TRY(crash());
        return Error{
            .code = Code::System,
            .context = concat("machine ", spec_.name, ": ",
                              std::string_view(why.data(), static_cast<std::size_t>(length)))};
    }
    return write_file(directory() + "/init.pid", concat(init_pid_, "\n"));
}

Result<void> Machine::boot(const PassAll& pass) {
    XB_CHECK(!is_running());
    XB_TRY(scrap());
    XB_TRY(plug_in(pass));
    if (!site_->cgroup.empty()) {
        if (::mkdir(cgroup().c_str(), 0755) != 0 && errno != EEXIST) {
            return sys::system_error(cgroup());
        }
        XB_TRY(write_file(cgroup() + "/cgroup.freeze", "0"));
    }
    powered_ = true;
    frozen_ = false;
    return start_init();
}

Result<void> Machine::crash() {
    if (!is_running()) return {};
    for (const std::string& link : spec_.links) {
        // A port that is already gone carries nothing.
        const Result<void> cut = set_flow(port(link), Flow::Silent);
        if (!cut && cut.error().system_errno != ENODEV) return cut.error();
    }
    // PID 1 of a PID namespace takes all others with it, and is not cleared away before they are.
    if (::syscall(SYS_pidfd_send_signal, init_.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
        return sys::system_error(concat("kill machine ", spec_.name));
    }
    if (frozen_) XB_TRY(thaw());
    is_dying_ = true;
    frozen_ = false;
    if (::unlink((directory() + "/init.pid").c_str()) != 0 && errno != ENOENT) {
        return sys::system_error("init.pid");
    }
    for (int waited_us = 0; !is_harmless(); waited_us += kLookAgainUs) {
        if (waited_us > kDeathMs * 1000) return does_not_die();
        ::usleep(kLookAgainUs);
    }
    return {};
}

Error Machine::does_not_die() const {
    return {.code = Code::Timeout,
            .context = concat("machine ", spec_.name, " does not die"),
            .system_errno = 0};
}

bool Machine::is_harmless() const {
    for (const pid_t pid : processes()) {
        if (!are_all_exiting(pid)) return false;
    }
    return true;
}

Result<void> Machine::bury() {
    if (!init_.is_open()) return {};
    pollfd gone{.fd = init_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&gone, 1, kDeathMs);
    if (ready < 0) return sys::system_error("poll");
    if (ready == 0) return does_not_die();
    if (::waitpid(init_pid_, nullptr, 0) < 0) return sys::system_error("waitpid");
    init_ = sys::Fd();
    init_pid_ = -1;
    is_dying_ = false;
    return {};
}

Result<void> Machine::power_off() {
    XB_TRY(crash());
    powered_ = false;
    return {};
}

std::vector<pid_t> Machine::processes() const {
    std::vector<pid_t> found;
    if (!init_.is_open()) return found;
    DIR* all = ::opendir("/proc");
    if (all == nullptr) return found;
    while (const dirent* entry = ::readdir(all)) {
        const auto pid = parse_integer(entry->d_name);
        if (pid && pid_namespace(entry->d_name) == pid_space_)
            found.push_back(static_cast<pid_t>(*pid));
    }
    ::closedir(all);
    return found;
}

Result<void> Machine::signal_all(int signal) const {
    for (const pid_t pid : processes()) {
        if (::kill(pid, signal) != 0 && errno != ESRCH) return sys::system_error("kill");
    }
    return {};
}

Result<void> Machine::freeze() {
    if (!is_running()) {
        return Error{.code = Code::Unavailable, .context = concat(spec_.name, " does not run")};
    }
    frozen_ = true;
    if (cgroup().empty()) return signal_all(SIGSTOP);
    XB_TRY(write_file(cgroup() + "/cgroup.freeze", "1"));
    const sys::Fd events(::open((cgroup() + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
    if (!events.is_open()) return sys::system_error("cgroup.events");
    for (std::array<char, 128> text{};;) {
        const ssize_t length = ::pread(events.get(), text.data(), text.size(), 0);
        if (length < 0) return sys::system_error("cgroup.events");
        const std::string_view now(text.data(), static_cast<std::size_t>(length));
        if (now.find("frozen 1") != std::string_view::npos) return {};
        pollfd change{.fd = events.get(), .events = POLLPRI, .revents = 0};
        if (::poll(&change, 1, kDeathMs) <= 0) {
            return Error{.code = Code::Timeout,
                         .context = concat("machine ", spec_.name, " does not freeze")};
        }
    }
}

Result<void> Machine::thaw() {
    XB_TRY(cgroup().empty() ? signal_all(SIGCONT) : write_file(cgroup() + "/cgroup.freeze", "0"));
    frozen_ = false;
    return {};
}

Result<void> Machine::signal_init(int signal) const {
    if (::syscall(SYS_pidfd_send_signal, init_.get(), signal, nullptr, 0) != 0) {
        return sys::system_error(concat("init of ", spec_.name));
    }
    return {};
}

Result<unsigned> Machine::kill_process(std::string_view process) const {
    unsigned killed = 0;
    for (const pid_t pid : processes()) {
        if (!is_called(concat(pid), process)) continue;
        if (::kill(pid, SIGKILL) == 0) ++killed;
    }
    if (killed == 0) {
        return Error{.code = Code::NotFound,
                     .context = concat("no process ", process, " on ", spec_.name)};
    }
    return killed;
}

}  // namespace xbeat::lab
