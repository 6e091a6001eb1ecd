#include "cli/keygen.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "cli/nouns.h"
#include "core/text.h"
#include "sys/chance.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using Key = std::array<std::uint8_t, kKeyBytes>;

Error cannot_create(const std::string& file, int error) {
    if (error == EEXIST) {
        return {
            .code = Code::Exists,
            .context = concat(file,
                              " exists already and stays as it is; remove it yourself if no node "
                              "uses it any more")};
    }
    if (error == ENOENT) {
        const std::string folder = file.substr(0, file.find_last_of('/'));
        return sys::system_error(concat("cannot create ", file,
                                        " (make its folder first: mkdir -p -m 0700 ", folder, ")"),
                                 error);
    }
    return sys::system_error(concat("cannot create ", file), error);
}

Result<void> write_and_sync(int fd, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys::system_error("cannot write the key");
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    if (::fsync(fd) != 0) return sys::system_error("cannot write the key to the disk");
    return {};
}

}  // namespace

Result<void> write_new_key(const std::string& file) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const sys::Fd fd(::open(file.c_str(), flags, 0400));
    if (!fd.is_open()) return cannot_create(file, errno);
    Key key{};
    sys::random_bytes(key);
    Result<void> outcome = write_and_sync(fd.get(), key);
    // A umask may have taken bits away, never added some; 0400 exactly is what the daemon wants.
    if (outcome && ::fchmod(fd.get(), 0400) != 0) {
        outcome = sys::system_error(concat("cannot set the mode of ", file));
    }
    ::explicit_bzero(key.data(), key.size());
    if (!outcome) ::unlink(file.c_str());
    return outcome;
}

namespace {

struct KeygenLine {
    std::string file;
    ChangeOptions change;
};

ExitCode run_keygen(Session& session, const KeygenLine& line) {
    if (line.change.dry_run) {
        if (::access(line.file.c_str(), F_OK) == 0)
            return fail(session, cannot_create(line.file, EEXIST));
        say(session, concat("would write ", kKeyBytes, " random bytes to ", line.file,
                            " (mode 0400; nothing was written)"));
        return ExitCode::Ok;
    }
    const Result<void> outcome = write_new_key(line.file);
    if (!outcome) return fail(session, outcome.error());
    say(session, concat("wrote ", kKeyBytes, " random bytes to ", line.file,
                        " (mode 0400); copy it to every node of the cluster"));
    return ExitCode::Ok;
}

}  // namespace

void add_keygen(const Command& root) {
    Command keygen = root.verb("keygen", "Make the cluster's key");
    const auto line = std::make_shared<KeygenLine>();
    keygen.required("FILE", line->file, "where to write it; must not exist");
    keygen.footer(
        "Examples:\n"
        "  xbeat keygen /etc/xbeat/keys/cluster.key\n"
        "Copy the same file to every node of the cluster, by a way that nobody else can read.");
    keygen.makes(line->change, with(line, run_keygen));
}

}  // namespace xbeat::cli
