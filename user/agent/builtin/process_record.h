// Which process belongs to a resource, remembered where a restarted daemon finds it.
//
// A file FOLDER/RESOURCE holds the number and the start time of the process. Both together name one
// process for as long as the machine is up: the number may be used again, the pair not. The folder
// is below /run, so nothing is remembered across a boot. Source: proc(5), /proc/PID/stat, field 22.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::agent::builtin {

struct ProcessRecord {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // since boot, in clock ticks
    friend bool operator==(const ProcessRecord&, const ProcessRecord&) = default;
};

/// The record of a process that runs now; empty if there is none of that number or it is a zombie.
[[nodiscard]] std::optional<ProcessRecord> describe_process(pid_t pid);

/// Exactly the recorded process runs, and is no zombie.
[[nodiscard]] bool is_alive(const ProcessRecord& record);

/// A pidfd of exactly the recorded process; empty if it has ended. Code::System.
[[nodiscard]] Result<std::optional<sys::Fd>> open_process(const ProcessRecord& record);

class ProcessRecords {
public:
    /// `folder` is made, 0700, if it is missing. Code::System.
    static Result<ProcessRecords> open(const std::string& folder);

    /// What was recorded for the resource; empty if nothing was. Code::Corrupt for a file that
    /// save() has not written: somebody must look.
    Result<std::optional<ProcessRecord>> load(std::string_view resource) const;
    /// Replaces it, whole or not at all. Code::System.
    Result<void> save(std::string_view resource, const ProcessRecord& record) const;
    /// No error if there is none. Code::System.
    Result<void> remove(std::string_view resource) const;

    /// The file for a resource: plain characters as they are, others as %XX.
    [[nodiscard]] std::string path_of(std::string_view resource) const;

private:
    explicit ProcessRecords(std::string folder) : folder_(std::move(folder)) {}
    std::string folder_;
};

}  // namespace xbeat::agent::builtin
