// One control group (cgroup v2) for each running operation, so that a time-out can kill everything
// that it started, however far it forked away.
//
// The tree is ROOT/xbeat/INSTANCE/OPERATION, where ROOT is the first writable cgroup2 mount of
// /sys/fs/cgroup and /sys/fs/cgroup/unified. Daemons that an action leaves behind stay in its
// group; the group is then marked as done (an extended attribute, since a group cannot be renamed
// and moving processes stalls for an RCU grace period) and removed once it is empty. What is found
// without the mark when xbeat-exec starts belonged to an operation of a dead predecessor: it is
// killed. Where no tree is writable the caller falls back to process group and session. Source:
// Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::agent {

/// The group of one operation. Empty (is_open() false) where there is no tree.
struct CgroupLeaf {
    std::string name;
    sys::Fd folder;
    [[nodiscard]] bool is_open() const { return folder.is_open(); }
};

class CgroupTree {
public:
    /// Never fails: where nothing is writable, is_available() is false and make() gives empty
    /// leaves. `instance`: one name (made plain) for each daemon of the machine; two with one name
    /// would kill each other's operations. Kills what a predecessor left running.
    static CgroupTree open(const std::string& instance);

    [[nodiscard]] bool is_available() const { return folder_.is_open(); }
    /// Where the groups are, for logs; empty if nowhere.
    [[nodiscard]] const std::string& path() const { return path_; }

    /// A new group. `name` is made plain; the caller keeps it unique. Empty if the kernel refuses.
    CgroupLeaf make(std::string_view name);

    /// SIGKILL to every process in it, forks in progress included. False if the kernel has no
    /// cgroup.kill (before 5.14).
    static bool kill(const CgroupLeaf& leaf);

    /// The operation is over. An empty group is removed; one that still holds daemons is marked,
    /// its limit of processes lifted, and it is removed by a later call.
    void finish(CgroupLeaf leaf);

    /// Its processes are a service from now on: the next xbeat-exec leaves them alone.
    static void mark_done(const CgroupLeaf& leaf);

    /// Removes the group if it is empty and leaves it unmarked otherwise (it was killed).
    void discard(CgroupLeaf leaf);

    /// Removes what is empty of the tree itself. No call but the destructor may follow.
    void close();

    static constexpr int kProcessesMax =
        4096;  // in a group while its operation runs: fork bombs end there
    static constexpr std::size_t kNameBytesMax = 150;

private:
    void clean_up_after_predecessor();
    void sweep();

    std::string path_;
    sys::Fd folder_;
    std::vector<std::string> occupied_;  // done, but daemons live in them
};

}  // namespace xbeat::agent
