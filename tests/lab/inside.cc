#include "lab/inside.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::lab {
namespace {

Result<void> make_directory(const std::string& path, mode_t mode = 0755) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return sys::system_error(path);
    // The process's umask does not count: a sticky directory must be one.
    if (::chmod(path.c_str(), mode) != 0) return sys::system_error(path);
    return {};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<void> mount_at(const std::string& source, const std::string& target, const char* type,
                      unsigned long flags, const std::string& data = {}) {
    if (::mount(source.c_str(), target.c_str(), type, flags, data.c_str()) != 0) {
        return sys::system_error(concat("mount ", target));
    }
    return {};
}

Result<void> bind(const std::string& source, const std::string& target, unsigned long flags = 0) {
    return mount_at(source, target, nullptr, MS_BIND | flags);
}

/// `target` of the host with the machine's own changes in DIRECTORY/KEY laid over it.
Result<void> lay_over(const std::string& target, const std::string& directory,
                      const std::string& key) {
    const std::string upper = concat(directory, "/", key);
    const std::string work = concat(directory, "/.work-", key);
    XB_TRY(make_directory(upper));
    XB_TRY(make_directory(work));
    return mount_at("overlay", target, "overlay", 0,
                    concat("lowerdir=", target, ",upperdir=", upper, ",workdir=", work));
}

Result<void> join_cgroup(const std::string& cgroup) {
    if (cgroup.empty()) return {};
    std::ofstream file(cgroup + "/cgroup.procs");
    file << "0" << std::flush;
    if (!file) return sys::system_error(concat("join ", cgroup));
    // From here on this folder is the root of the tree, for the machine.
    if (::unshare(CLONE_NEWCGROUP) != 0) return sys::system_error("cgroup namespace");
    return {};
}

Result<void> join_network(const std::string& path) {
    const sys::Fd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!network.is_open()) return sys::system_error(path);
    if (::setns(network.get(), CLONE_NEWNET) != 0) return sys::system_error(path);
    return {};
}

/// A sysfs of the machine's own network namespace, with the host's cgroup trees bound back and the
/// machine's own cgroup in place of the root of the cgroup2 tree.
Result<void> mount_sys(const Inside& inside) {
    const std::string kept = inside.directory + "/.cgroup";
    XB_TRY(make_directory(kept));
    XB_TRY(bind("/sys/fs/cgroup", kept, MS_REC));
    const bool has_tracefs = exists("/sys/kernel/tracing/events");
    const std::string tracing = inside.directory + "/.tracing";
    if (has_tracefs) {
        XB_TRY(make_directory(tracing));
        XB_TRY(bind("/sys/kernel/tracing", tracing));
    }
    XB_TRY(mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC));
    XB_TRY(mount_at(kept, "/sys/fs/cgroup", nullptr, MS_MOVE));
    if (has_tracefs) XB_TRY(mount_at(tracing, "/sys/kernel/tracing", nullptr, MS_MOVE));
    XB_TRY(mount_at("bpf", "/sys/fs/bpf", "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"));
    if (inside.cgroup.empty()) return {};
    const bool is_hybrid = exists("/sys/fs/cgroup/unified/cgroup.procs");
    // The path was the host's; seen from here the tree hangs where it always hangs.
    return bind(inside.cgroup, is_hybrid ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup", MS_REC);
}

/// What a boot leaves in /run on a Debian with the agents' packages, and the door of the power
/// switch.
Result<void> fill_run(const Inside& inside) {
    XB_TRY(make_directory("/run/lock", 01777));
    XB_TRY(make_directory("/run/resource-agents", 01755));
    XB_TRY(make_directory("/run/fence-agents", 01755));
    XB_TRY(make_directory("/run/xblab"));
    const sys::Fd door(::open("/run/xblab/power.sock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    if (!door.is_open()) return sys::system_error("/run/xblab/power.sock");
    return bind(inside.directory + "/power.sock", "/run/xblab/power.sock");
}

Result<void> furnish(const Inside& inside) {
    XB_TRY(join_cgroup(inside.cgroup));
    XB_TRY(join_network(inside.namespace_path));
    XB_TRY(mount_at("none", "/", nullptr, MS_REC | MS_PRIVATE));
    XB_TRY(mount_sys(inside));
    XB_TRY(mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
    XB_TRY(mount_at("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
    XB_TRY(lay_over("/etc", inside.directory, "etc"));
    XB_TRY(lay_over("/var/lib", inside.directory, "lib"));
    XB_TRY(mount_at("overlay", "/usr/sbin", "overlay", MS_RDONLY,
                    concat("lowerdir=", inside.sbin, ":/usr/sbin")));
    if (exists("/usr/lib/ocf/resource.d")) {
        XB_TRY(mount_at("overlay", "/usr/lib/ocf/resource.d", "overlay", MS_RDONLY,
                        concat("lowerdir=", inside.ocf, ":/usr/lib/ocf/resource.d")));
    }
    XB_TRY(make_directory("/var/lib/xbeat", 0700));
    XB_TRY(bind(inside.directory + "/state", "/var/lib/xbeat"));
    XB_TRY(bind(inside.directory + "/log", "/var/log"));
    // Last, because the folders above may themselves lie in the host's /run: from here on they are
    // reachable only through what is mounted.
    const sys::Fd home(::open(inside.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!home.is_open()) return sys::system_error(inside.directory);
    XB_TRY(mount_at("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
    Inside seen = inside;
    seen.directory = concat("/proc/self/fd/", home.get());
    XB_TRY(fill_run(seen));
    if (::sethostname(inside.name.data(), inside.name.size()) != 0) {
        return sys::system_error("host name");
    }
    return {};
}

}  // namespace

Error become_init(const Inside& inside) {
    const Result<void> furnished = furnish(inside);
    if (!furnished) return furnished.error();
    if (::chdir("/") != 0) return sys::system_error("/");
    ::umask(022);
    std::vector<char*> arguments;
    for (const std::string& word : inside.init) arguments.push_back(const_cast<char*>(word.data()));
    arguments.push_back(nullptr);
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char home[] = "HOME=/root";
    char lang[] = "LANG=C.UTF-8";
    char* environment[] = {path, home, lang, nullptr};
    ::execve(arguments[0], arguments.data(), environment);
    return sys::system_error(inside.init.at(0));
}

}  // namespace xbeat::lab
