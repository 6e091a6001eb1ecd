#include "agent/builtin/process.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <variant>

#include "agent/builtin/values.h"
#include "agent/environment.h"
#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

Error invalid(std::string context) {
    return {.code = Code::Invalid, .context = std::move(context)};
}

bool send_signal(const sys::Fd& process, int signal) {
    return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

class ProcessRun final : public Run {
public:
    ProcessRun(const Spawn& spawn, const ProcessRecords& records)
        : spawn_(spawn), settings_(process_settings(spawn)), records_(records) {}

    Step begin(Instant now) override {
        // What is recorded must be stoppable even if the configuration has become nonsense.
        if (spawn_.action == "stop") return stop(now);
        if (spawn_.action == "monitor" || spawn_.action == "status") return monitor();
        if (spawn_.action != "start" && spawn_.action != "validate-all") {
            return Step::over(kOcfUnimplemented,
                              concat("xbeat:process has no action ", spawn_.action));
        }
        if (!settings_) return Step::over(kOcfConfigured, settings_.error().context);
        if (spawn_.action == "validate-all") return Step::over(kOcfSuccess);
        return start();
    }

    Step answered(const Reply& reply, Instant /*now*/) override {
        if (const auto* spawned = std::get_if<Spawned>(&reply)) return record(*spawned);
        if (std::holds_alternative<Executed>(reply)) return Step::over(kOcfSuccess);
        if (const auto* done = std::get_if<Done>(&reply)) return ended_at_once(*done);
        const auto& failed = std::get<Failed>(reply);
        // The launched program may have been let go just before xbeat-exec died: then it runs.
        if (failed.reason == FailReason::ExecutorDied && recorded_ && is_alive(*recorded_)) {
            return Step::over(kOcfSuccess);
        }
        forget();
        return Step::over(ocf_code(failed.reason), failed.text);
    }

    Step resume(Instant now) override {
        // Only stop waits. Either its pidfd is readable or it is time for SIGKILL.
        if (!recorded_ || !is_alive(*recorded_)) return stopped();
        if (now >= kill_at_) {
            // It has not been waited for (it lives), so the numbers are still its own.
            ::kill(-recorded_->pid, SIGKILL);
            send_signal(process_, SIGKILL);
            Step step;
            step.fd = process_.get();
            return step;
        }
        return wait_for_end();
    }

    void abandon() override {
        // A start that is given up leaves nothing behind that nobody knows of.
        if (spawn_.action != "start" || !recorded_) return;
        const Result<std::optional<sys::Fd>> process = open_process(*recorded_);
        if (process && process->has_value()) {
            ::kill(-recorded_->pid, SIGKILL);
            send_signal(**process, SIGKILL);
        }
        forget();
    }

private:
    Step start() {
        Result<std::optional<ProcessRecord>> known = records_.load(spawn_.resource);
        if (!known) return Step::over(kOcfGeneric, known.error().context);
        if (known->has_value() && is_alive(**known)) return Step::over(kOcfSuccess);
        Step step;
        step.request = Launch{.id = spawn_.id,
                              .resource = spawn_.resource,
                              .program = settings_->program,
                              .arguments = settings_->arguments,
                              .environment = settings_->environment,
                              .user = settings_->user,
                              .directory = settings_->directory,
                              .hold = true};
        return step;
    }

    // Before the program runs, so that there is no moment in which it is running and unknown.
    Step record(const Spawned& spawned) {
        recorded_ = describe_process(spawned.pid);
        if (!recorded_) return Step::over(kOcfGeneric, "the new process ended before it began");
        const Result<void> saved = records_.save(spawn_.resource, *recorded_);
        if (!saved) {
            abandon();
            return Step::over(kOcfGeneric, saved.error().context);
        }
        Step step;
        if (spawn_.hold) {
            step.spawned = spawned;
        } else {
            step.request = Release{spawn_.id};
        }
        return step;
    }

    Step ended_at_once(const Done& done) {
        forget();
        return Step::over(
            kOcfGeneric,
            done.signal != 0
                ? concat(settings_->program, " was ended by signal ", done.signal)
                : concat(settings_->program, " ended at once with exit code ", done.exit_code));
    }

    Step monitor() {
        Result<std::optional<ProcessRecord>> known = records_.load(spawn_.resource);
        if (!known) return Step::over(kOcfGeneric, known.error().context);
        if (!known->has_value()) return Step::over(kOcfNotRunning, "it was not started here");
        if (is_alive(**known)) return Step::over(kOcfSuccess);
        return Step::over(kOcfNotRunning, concat("process ", (*known)->pid, " has ended"));
    }

    Step stop(Instant now) {
        Result<std::optional<ProcessRecord>> known = records_.load(spawn_.resource);
        if (!known) return Step::over(kOcfGeneric, known.error().context);
        if (!known->has_value()) return Step::over(kOcfSuccess);
        recorded_ = **known;
        Result<std::optional<sys::Fd>> process = open_process(*recorded_);
        if (!process) return Step::over(kOcfGeneric, process.error().context);
        if (!process->has_value()) return stopped();
        process_ = std::move(**process);
        const int signal = settings_ ? settings_->stop_signal : SIGTERM;
        if (!send_signal(process_, signal) && errno != ESRCH) {
            return Step::over(
                kOcfGeneric,
                sys::system_error(concat("signalling process ", recorded_->pid)).context);
        }
        const Duration patience = settings_ ? settings_->stop_timeout : Duration{};
        kill_at_ = now + (patience > Duration{} ? patience : spawn_.timeout * 2 / 3);
        return wait_for_end();
    }

    Step wait_for_end() {
        Step step;
        step.fd = process_.get();
        step.wake_at = kill_at_;
        return step;
    }

    // What is left of its group (workers that outlived it) goes too: it must be able to start
    // elsewhere. The group's number cannot be another's while one of its members lives.
    Step stopped() {
        if (recorded_ && process_.is_open()) ::kill(-recorded_->pid, SIGKILL);
        const Result<void> removed = records_.remove(spawn_.resource);
        if (!removed) return Step::over(kOcfGeneric, removed.error().context);
        return Step::over(kOcfSuccess);
    }

    void forget() {
        if (!recorded_) return;
        recorded_.reset();
        // A record of a dead process is harmless: it names nothing that runs.
        [[maybe_unused]] const Result<void> removed = records_.remove(spawn_.resource);
    }

    const Spawn spawn_;
    const Result<ProcessSettings> settings_;
    const ProcessRecords& records_;
    std::optional<ProcessRecord> recorded_;
    sys::Fd process_;
    Instant kill_at_{};
};

Result<std::vector<Parameter>> environment_of(std::string_view text) {
    std::vector<Parameter> variables;
    for (const std::string& word : XB_TRY(split_command(text))) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || !is_variable_name(word.substr(0, equals))) {
            return invalid(concat("parameter env: \"", word, "\" is not NAME=VALUE"));
        }
        variables.push_back({word.substr(0, equals), word.substr(equals + 1)});
    }
    return variables;
}

}  // namespace

Result<ProcessSettings> process_settings(const Spawn& spawn) {
    ProcessSettings settings;
    const std::string_view binfile = parameter(spawn, "binfile");
    const std::string_view cmdline = parameter(spawn, "cmdline");
    const std::string_view args = parameter(spawn, "args");
    if (binfile.empty() == cmdline.empty()) {
        return invalid("exactly one of the parameters binfile and cmdline must be given");
    }
    if (!cmdline.empty()) {
        settings.arguments = XB_TRY(split_command(cmdline));
        if (settings.arguments.empty()) return invalid("parameter cmdline is blank");
        settings.program = settings.arguments.front();
        settings.arguments.erase(settings.arguments.begin());
    } else {
        settings.program = binfile;
    }
    for (std::string& word : XB_TRY(split_command(args))) {
        settings.arguments.push_back(std::move(word));
    }
    if (!settings.program.starts_with('/')) {
        return invalid(concat("the program \"", settings.program, "\" is not an absolute path"));
    }
    settings.environment = XB_TRY(environment_of(parameter(spawn, "env")));
    settings.user = parameter(spawn, "user");
    settings.directory = parameter(spawn, "directory");
    if (!settings.directory.empty() && !settings.directory.starts_with('/')) {
        return invalid(
            concat("parameter directory: \"", settings.directory, "\" is not an absolute path"));
    }
    if (const std::string_view signal = parameter(spawn, "stop_signal"); !signal.empty()) {
        settings.stop_signal = XB_TRY(parse_signal(signal));
    }
    settings.stop_timeout = XB_TRY(duration_parameter(
        spawn, "stop_timeout", {std::chrono::milliseconds(0), kTimeoutMax, Duration{}}));
    return settings;
}

std::unique_ptr<Run> make_process_run(const Spawn& spawn, const ProcessRecords& records) {
    return std::make_unique<ProcessRun>(spawn, records);
}

}  // namespace xbeat::agent::builtin
