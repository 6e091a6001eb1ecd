// xbeat:process: a program that runs in the foreground, started and stopped without a shell.
//
// start has xbeat-exec launch it, held, writes down who it is, and lets it go; the start is over
// when the program has been executed. It lives on when xbeatd or xbeat-exec die, and a later daemon
// finds it by its record. monitor is one look at /proc; its end is reported by the watch, not by
// polling. stop sends the stop signal, waits for the end on a pidfd, and after stop_timeout sends
// SIGKILL to it and its process group.
#pragma once

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "agent/builtin/process_record.h"
#include "agent/builtin/run.h"

namespace xbeat::agent::builtin {

struct ProcessSettings {
    std::string program = {};
    std::vector<std::string> arguments = {};
    std::vector<Parameter> environment = {};
    std::string user = {};
    std::string directory = {};
    int stop_signal = SIGTERM;
    Duration stop_timeout{};  // 0: two thirds of the stop operation's own timeout
};

/// The settings of a request. Code::Invalid with a sentence that names the parameter.
[[nodiscard]] Result<ProcessSettings> process_settings(const Spawn& spawn);

/// A run of start, stop, monitor, status or validate-all; other actions end with "unimplemented".
/// With spawn.hold, start tells of the new process (Step::spawned) and goes on when the caller has
/// sent Release to xbeat-exec. `records` must outlive it.
[[nodiscard]] std::unique_ptr<Run> make_process_run(const Spawn& spawn,
                                                    const ProcessRecords& records);

}  // namespace xbeat::agent::builtin
