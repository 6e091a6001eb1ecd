// ocf:xbeat:ping, ocf:xbeat:disk and ocf:xbeat:link: what a node can reach and read, as attributes
// of the node that location rules can ask for.
//
// Such a resource holds nothing. That it is started is a mark in the run directory, which a reboot
// clears and a restart of the daemon does not. Start and monitor probe and hand the value over;
// a stop removes the attribute. Only the value changes when the world does: the monitor succeeds,
// unless it was asked to fail with what it finds.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/builtin/run.h"
#include "core/result.h"

namespace xbeat::agent::builtin {

/// Which probes are started, one empty file each.
class ProbeMarks {
public:
    /// Makes the folder (0700). Code::System if the kernel refuses.
    static Result<ProbeMarks> open(std::string folder);

    [[nodiscard]] bool has(std::string_view resource) const;
    Result<void> set(std::string_view resource) const;
    void clear(std::string_view resource) const;

private:
    explicit ProbeMarks(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] std::string path_of(std::string_view resource) const;
    std::string folder_;
};

[[nodiscard]] bool is_probe_type(std::string_view type);

/// A run of one action. Requires: is_probe_type(spawn.type).
[[nodiscard]] std::unique_ptr<Run> make_probe_run(const Spawn& spawn, const ProbeMarks& marks);

/// One measurement, driven like a run. Private to the probes.
class Measurement {
public:
    struct Reading {
        std::string value;
        bool is_bad = false;  // what a probe that is to fail with its finding fails for
        std::string reason = {};
    };
    Measurement() = default;
    Measurement(const Measurement&) = delete;
    Measurement& operator=(const Measurement&) = delete;
    virtual ~Measurement() = default;
    /// What it waits for, or the reading.
    struct Progress {
        std::optional<Reading> reading = {};
        int fd = -1;
        std::optional<Instant> wake_at = {};
    };
    virtual Progress begin(Instant now) = 0;
    virtual Progress resume(Instant now) = 0;
};

/// Code::Invalid, with the parameter's name, for parameters that cannot be used.
[[nodiscard]] Result<std::unique_ptr<Measurement>> make_ping(const Spawn& spawn);
[[nodiscard]] Result<std::unique_ptr<Measurement>> make_disk(const Spawn& spawn);
[[nodiscard]] Result<std::unique_ptr<Measurement>> make_link(const Spawn& spawn);

}  // namespace xbeat::agent::builtin
