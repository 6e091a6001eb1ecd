#include "agent/builtin/process_record.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <vector>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

constexpr std::size_t kFileBytesMax = 256;
constexpr std::string_view kHeading = "xbeat-process 1 ";

// A short file at once; empty if it cannot be read.
std::optional<std::string> read_short(const std::string& path, std::size_t most) {
    const sys::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.is_open()) return std::nullopt;
    std::string text(most, '\0');
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    if (got < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(got));
    return text;
}

constexpr std::size_t kState = 0;       // field 3
constexpr std::size_t kFlags = 6;       // field 9
constexpr std::size_t kThreads = 17;    // field 20
constexpr std::size_t kStartTime = 19;  // field 22

// The fields of a stat file from the state on. The name before it, in parentheses, may hold
// anything, so they begin behind the last closing one. Empty if there is no such file.
std::vector<std::string_view> fields_of(const std::optional<std::string>& text) {
    const std::size_t name_end = text ? text->rfind(')') : std::string::npos;
    if (name_end == std::string::npos) return {};
    return split_words(std::string_view(*text).substr(name_end + 1));
}

// A thread on its way out (PF_EXITING of linux/sched.h) runs no more of its program.
bool is_exiting(const std::vector<std::string_view>& fields) {
    constexpr std::int64_t kExiting = 0x4;
    return fields.size() > kFlags && (parse_integer(fields[kFlags]).value_or(0) & kExiting) != 0;
}

// Whether no thread of the process will run its program again. The kernel announces an exit before
// it tears the memory down, and until that is done the process does not show as a zombie.
bool are_all_exiting(pid_t pid) {
    const std::string folder = concat("/proc/", pid, "/task");
    DIR* tasks = ::opendir(folder.c_str());
    if (tasks == nullptr) return true;
    bool all = true;
    while (const dirent* entry = ::readdir(tasks)) {
        if (entry->d_name[0] == '.') continue;
        const std::optional<std::string> text =
            read_short(concat(folder, "/", entry->d_name, "/stat"), 2048);
        const std::vector<std::string_view> fields = fields_of(text);
        all = all && (fields.empty() || is_exiting(fields));
    }
    ::closedir(tasks);
    return all;
}

}  // namespace

std::optional<ProcessRecord> describe_process(pid_t pid) {
    const std::optional<std::string> text = read_short(concat("/proc/", pid, "/stat"), 2048);
    const std::vector<std::string_view> words = fields_of(text);
    if (words.size() <= kStartTime || words[kState] == "X") return std::nullopt;
    // The first thread may be gone while others work on: then it shows as a zombie, but not alone.
    if (words[kState] == "Z" && parse_integer(words[kThreads]).value_or(0) <= 1)
        return std::nullopt;
    if (is_exiting(words) && are_all_exiting(pid)) return std::nullopt;
    const std::optional<std::int64_t> ticks = parse_integer(words[kStartTime]);
    if (!ticks || *ticks < 0) return std::nullopt;
    return ProcessRecord{pid, static_cast<std::uint64_t>(*ticks)};
}

bool is_alive(const ProcessRecord& record) { return describe_process(record.pid) == record; }

Result<std::optional<sys::Fd>> open_process(const ProcessRecord& record) {
    sys::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, record.pid, 0)));
    if (!process.is_open()) {
        if (errno == ESRCH || errno == EINVAL) return std::optional<sys::Fd>();
        return sys::system_error(concat("opening process ", record.pid));
    }
    // Looked at after the opening: from now on the number cannot become another's unnoticed.
    if (!is_alive(record)) return std::optional<sys::Fd>();
    return std::optional<sys::Fd>(std::move(process));
}

Result<ProcessRecords> ProcessRecords::open(const std::string& folder) {
    for (std::size_t end = folder.find('/', 1); end != std::string::npos;
         end = folder.find('/', end + 1)) {
        if (::mkdir(folder.substr(0, end).c_str(), 0755) != 0 && errno != EEXIST) {
            return sys::system_error(concat("making ", folder.substr(0, end)));
        }
    }
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return sys::system_error(concat("making ", folder));
    }
    return ProcessRecords(folder);
}

std::string ProcessRecords::path_of(std::string_view resource) const {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string name;
    for (const char c : resource) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_';
        const auto byte = static_cast<unsigned char>(c);
        if (is_plain) {
            name += c;
        } else {
            name += {'%', kDigits[byte >> 4U], kDigits[byte & 0xfU]};
        }
    }
    return concat(folder_, '/', name);
}

Result<std::optional<ProcessRecord>> ProcessRecords::load(std::string_view resource) const {
    const std::string path = path_of(resource);
    errno = 0;
    const std::optional<std::string> text = read_short(path, kFileBytesMax);
    if (!text) {
        if (errno == ENOENT) return std::optional<ProcessRecord>();
        return sys::system_error(concat("reading ", path));
    }
    const Error corrupt{.code = Code::Corrupt,
                        .context = concat(path,
                                          " is not a record of a process; remove it if no "
                                          "process of the resource runs")};
    if (!text->starts_with(kHeading)) return corrupt;
    const std::vector<std::string_view> words =
        split_words(std::string_view(*text).substr(kHeading.size()));
    if (words.size() != 2) return corrupt;
    const std::optional<std::int64_t> pid = parse_integer(words[0]);
    const std::optional<std::int64_t> ticks = parse_integer(words[1]);
    if (!pid || *pid < 1 || *pid > std::numeric_limits<pid_t>::max()) return corrupt;
    if (!ticks || *ticks < 0) return corrupt;
    return std::optional(
        ProcessRecord{static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*ticks)});
}

Result<void> ProcessRecords::save(std::string_view resource, const ProcessRecord& record) const {
    const std::string path = path_of(resource);
    // The new file cannot be mistaken for a resource's: '.' is never part of their names.
    const std::string fresh = path + ".new";
    const std::string text = concat(kHeading, record.pid, ' ', record.start_ticks, '\n');
    {
        const sys::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!file.is_open() ||
            ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return sys::system_error(concat("writing ", fresh));
        }
    }
    // No sync: it need not survive the machine, only the daemon.
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        return sys::system_error(concat("writing ", path));
    }
    return {};
}

Result<void> ProcessRecords::remove(std::string_view resource) const {
    if (::unlink(path_of(resource).c_str()) == 0 || errno == ENOENT) return {};
    return sys::system_error(concat("removing ", path_of(resource)));
}

}  // namespace xbeat::agent::builtin
