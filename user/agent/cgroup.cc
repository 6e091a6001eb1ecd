#include "agent/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "agent/allow_list.h"
#include "core/text.h"

namespace xbeat::agent {
namespace {

constexpr long kCgroup2Magic = 0x63677270;  // CGROUP2_SUPER_MAGIC of linux/magic.h
constexpr std::array<const char*, 2> kRoots = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
constexpr int kAttemptsMax = 5;
constexpr const char* kDoneMark = "trusted.xbeat.done";

sys::Fd open_folder(int at, const char* path) {
    return sys::Fd(::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

bool write_file(int folder, const char* name, std::string_view text) {
    const sys::Fd file(::openat(folder, name, O_WRONLY | O_CLOEXEC));
    return file.is_open() &&
           ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// The folder, made if it is missing. Closed if neither works (read-only mount, no privilege).
sys::Fd make_folder(int at, const char* name) {
    if (::mkdirat(at, name, 0755) != 0 && errno != EEXIST) return sys::Fd();
    return open_folder(at, name);
}

std::vector<std::string> subfolders(int folder) {
    std::vector<std::string> names;
    const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return names;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
    if (!stream) return names;
    while (const dirent* entry = ::readdir(stream.get())) {
        if (entry->d_type == DT_DIR && is_plain_name(entry->d_name))
            names.emplace_back(entry->d_name);
    }
    return names;
}

std::string plain(std::string_view name) {
    std::string out(name.substr(0, CgroupTree::kNameBytesMax));
    for (char& c : out) {
        if (!is_plain_name(std::string_view(&c, 1)) && c != '.' && c != '-') c = '_';
    }
    if (!is_plain_name(out)) out.insert(0, "_");
    return out;
}

bool is_done(int folder) {
    char value = 0;
    return ::fgetxattr(folder, kDoneMark, &value, 1) == 1;
}

}  // namespace

CgroupTree CgroupTree::open(const std::string& instance) {
    CgroupTree tree;
    const std::string folder = plain(instance);
    for (const char* root : kRoots) {
        struct statfs status {};
        if (::statfs(root, &status) != 0 || status.f_type != kCgroup2Magic) continue;
        const sys::Fd top = open_folder(AT_FDCWD, root);
        sys::Fd ours;
        sys::Fd own;
        // Another daemon that ends may remove the common folder between the two steps.
        for (int attempt = 0; attempt < kAttemptsMax && !own.is_open(); ++attempt) {
            ours = make_folder(top.get(), "xbeat");
            if (ours.is_open()) own = make_folder(ours.get(), folder.c_str());
        }
        if (!own.is_open() || ::faccessat(own.get(), "cgroup.kill", W_OK, 0) != 0) continue;
        // The bound on processes needs the pids controller all the way down. Where it is not to be
        // had (a v1 hierarchy holds it), time-outs alone end a fork bomb.
        write_file(ours.get(), "cgroup.subtree_control", "+pids");
        write_file(own.get(), "cgroup.subtree_control", "+pids");
        tree.folder_ = std::move(own);
        tree.path_ = concat(root, "/xbeat/", folder);
        tree.clean_up_after_predecessor();
        return tree;
    }
    return tree;
}

void CgroupTree::clean_up_after_predecessor() {
    for (std::string& name : subfolders(folder_.get())) {
        const sys::Fd leaf = open_folder(folder_.get(), name.c_str());
        if (leaf.is_open() && !is_done(leaf.get())) write_file(leaf.get(), "cgroup.kill", "1");
        occupied_.push_back(std::move(name));
    }
    sweep();
}

CgroupLeaf CgroupTree::make(std::string_view name) {
    CgroupLeaf leaf;
    if (!is_available()) return leaf;
    leaf.name = plain(name);
    leaf.folder = make_folder(folder_.get(), leaf.name.c_str());
    if (leaf.is_open()) write_file(leaf.folder.get(), "pids.max", concat(kProcessesMax));
    return leaf;
}

bool CgroupTree::kill(const CgroupLeaf& leaf) {
    return leaf.is_open() && write_file(leaf.folder.get(), "cgroup.kill", "1");
}

void CgroupTree::finish(CgroupLeaf leaf) {
    if (!leaf.is_open()) return;
    sweep();
    if (::unlinkat(folder_.get(), leaf.name.c_str(), AT_REMOVEDIR) == 0) return;
    mark_done(leaf);
    occupied_.push_back(std::move(leaf.name));
}

void CgroupTree::mark_done(const CgroupLeaf& leaf) {
    if (!leaf.is_open()) return;
    ::fsetxattr(leaf.folder.get(), kDoneMark, "1", 1, 0);
    write_file(leaf.folder.get(), "pids.max", "max");
}

void CgroupTree::discard(CgroupLeaf leaf) {
    if (leaf.is_open()) ::unlinkat(folder_.get(), leaf.name.c_str(), AT_REMOVEDIR);
}

void CgroupTree::close() {
    if (!is_available()) return;
    sweep();
    const std::string ours = path_.substr(0, path_.rfind('/'));
    // Both fail while services or other daemons have groups below: then they are needed.
    if (::rmdir(path_.c_str()) == 0) ::rmdir(ours.c_str());
    folder_ = sys::Fd();
}

void CgroupTree::sweep() {
    std::erase_if(occupied_, [this](const std::string& name) {
        return ::unlinkat(folder_.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
    });
}

}  // namespace xbeat::agent
