#include "heart/bpf_fs.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::heart {
namespace {

Result<bool> is_on_bpf_fs(const std::string& folder) {
    struct statfs information {};
    if (::statfs(folder.c_str(), &information) != 0) {
        return sys::system_error(concat("statfs ", folder));
    }
    return information.f_type == BPF_FS_MAGIC;
}

/// Folders above ours are made for everyone to pass through, as /run's are.
Result<void> make_parents(const std::string& folder) {
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), failed);
    if (failed) return sys::system_error(concat("make the parent of ", folder), failed.value());
    return {};
}

}  // namespace

Result<void> prepare_pin_folder(const std::string& folder) {
    XB_TRY(make_parents(folder));
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return sys::system_error(concat("make ", folder));
    }
    if (!XB_TRY(is_on_bpf_fs(folder))) {
        if (::mount("xbeat", folder.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                    "mode=0700") != 0) {
            return sys::system_error(concat("mount a bpf file system on ", folder));
        }
    }
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return sys::system_error(concat("stat ", folder));
    if (status.st_uid != ::geteuid()) {
        return Error{.code = Code::Denied,
                     .context = concat(folder, " belongs to another user; remove it"),
                     .system_errno = 0};
    }
    if ((status.st_mode & 07777U) != 0700 && ::chmod(folder.c_str(), 0700) != 0) {
        return sys::system_error(concat("close ", folder, " to others"));
    }
    return {};
}

void remove_pin_folder(const std::string& folder) {
    std::error_code failed;
    if (!std::filesystem::is_empty(folder, failed) || failed) return;
    // Either it is a mount of our own, or a folder on somebody's bpf file system; what cannot be
    // removed is empty and harmless.
    (void)::umount2(folder.c_str(), UMOUNT_NOFOLLOW);
    (void)::rmdir(folder.c_str());
}

}  // namespace xbeat::heart
