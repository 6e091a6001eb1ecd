#include "agent/shim_links.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent {

Result<std::string> make_shim_links(const std::string& run_dir, const std::string& program) {
    const std::string folder = concat(run_dir, '/', kShimFolder);
    for (const std::string& each : {run_dir, folder}) {
        if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) {
            return sys::system_error(concat("making ", each));
        }
    }
    for (const std::string_view name : kShimNames) {
        const std::string link = concat(folder, '/', name);
        std::error_code failed;
        const std::filesystem::path target = std::filesystem::read_symlink(link, failed);
        if (!failed && target == program) continue;
        // A new link replaces the old one at once: agents of an earlier daemon may be running.
        const std::string fresh = link + ".new";
        (void)::unlink(fresh.c_str());
        if (::symlink(program.c_str(), fresh.c_str()) != 0 ||
            ::rename(fresh.c_str(), link.c_str()) != 0) {
            return sys::system_error(concat("linking ", link));
        }
    }
    return folder;
}

std::string find_command_line() {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    const std::filesystem::path beside = self.parent_path() / "xbeat";
    if (!failed && std::filesystem::exists(beside, failed)) return beside.string();
    const std::filesystem::path usual = "/usr/bin/xbeat";
    return std::filesystem::exists(usual, failed) ? usual.string() : std::string();
}

}  // namespace xbeat::agent
