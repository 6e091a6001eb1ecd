#include "agent/builtin/probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/builtin/values.h"
#include "core/check.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

class ProbeRun final : public LocalRun {
public:
    ProbeRun(Spawn spawn, const ProbeMarks& marks) : spawn_(std::move(spawn)), marks_(marks) {}

    Step begin(Instant now) override {
        if (spawn_.action == "stop") return stop();
        const bool is_start = spawn_.action == "start";
        const bool is_check = spawn_.action == "validate-all";
        if (!is_start && !is_check && spawn_.action != "monitor") {
            return Step::over(kOcfUnimplemented, concat("there is no action ", spawn_.action));
        }
        if (spawn_.action == "monitor" && !marks_.has(spawn_.resource)) {
            return Step::over(kOcfNotRunning);
        }
        Result<std::unique_ptr<Measurement>> made = spawn_.type == "ping"   ? make_ping(spawn_)
                                                    : spawn_.type == "disk" ? make_disk(spawn_)
                                                                            : make_link(spawn_);
        if (!made) {
            const bool is_system = made.error().code == Code::System;
            return Step::over(is_system ? kOcfGeneric : kOcfConfigured, made.error().context);
        }
        constexpr Duration kDay = std::chrono::hours(24);
        const bool is_ping = spawn_.type == "ping";
        const Result<Duration> dampening = duration_parameter(
            spawn_, "dampen",
            {.min = Duration{}, .max = kDay, .fallback = is_ping ? Duration(1s) : Duration{}});
        if (!dampening) return Step::over(kOcfConfigured, dampening.error().context);
        dampening_ = *dampening;
        if (is_check) return Step::over(kOcfSuccess);
        if (is_start) {
            const Result<void> marked = marks_.set(spawn_.resource);
            if (!marked) return Step::over(kOcfGeneric, marked.error().context);
        }
        measurement_ = *std::move(made);
        return follow(measurement_->begin(now));
    }

    Step resume(Instant now) override { return follow(measurement_->resume(now)); }

private:
    Step stop() {
        marks_.clear(spawn_.resource);
        Step step = Step::over(kOcfSuccess);
        step.attribute =
            AttributeUpdate{.node = node(), .name = name(), .value = {}, .dampening = {}};
        return step;
    }

    Step follow(const Measurement::Progress& progress) {
        if (!progress.reading) {
            Step step;
            step.fd = progress.fd;
            step.wake_at = progress.wake_at;
            return step;
        }
        const Measurement::Reading& reading = *progress.reading;
        Step step = Step::over(reading.is_bad ? kOcfGeneric : kOcfSuccess, reading.reason);
        step.attribute = AttributeUpdate{
            .node = node(), .name = name(), .value = reading.value, .dampening = dampening_};
        return step;
    }

    [[nodiscard]] std::string node() const {
        return std::string(parameter(spawn_, "CRM_meta_on_node"));
    }

    [[nodiscard]] std::string name() const {
        const std::string_view given = parameter(spawn_, "name");
        if (!given.empty()) return std::string(given);
        if (spawn_.type == "ping") return "pingd";
        if (spawn_.type == "disk") return "diskd";
        return concat("link-", parameter(spawn_, "interface"));
    }

    Spawn spawn_;
    const ProbeMarks& marks_;
    Duration dampening_{};
    std::unique_ptr<Measurement> measurement_;
};

}  // namespace

Result<ProbeMarks> ProbeMarks::open(std::string folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return sys::system_error(concat("making ", folder));
    }
    return ProbeMarks(std::move(folder));
}

// A resource's name may hold what a file's may not.
std::string ProbeMarks::path_of(std::string_view resource) const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string path = concat(folder_, "/_");
    for (const char c : resource) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (is_plain) {
            path += c;
        } else {
            path += '%';
            path += kDigits[byte >> 4U];
            path += kDigits[byte & 0xfU];
        }
    }
    return path;
}

bool ProbeMarks::has(std::string_view resource) const {
    return ::access(path_of(resource).c_str(), F_OK) == 0;
}

Result<void> ProbeMarks::set(std::string_view resource) const {
    const std::string path = path_of(resource);
    const sys::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return sys::system_error(concat("making ", path));
    return {};
}

void ProbeMarks::clear(std::string_view resource) const {
    (void)::unlink(path_of(resource).c_str());
}

bool is_probe_type(std::string_view type) {
    return type == "ping" || type == "disk" || type == "link";
}

std::unique_ptr<Run> make_probe_run(const Spawn& spawn, const ProbeMarks& marks) {
    XB_CHECK(is_probe_type(spawn.type));
    return std::make_unique<ProbeRun>(spawn, marks);
}

}  // namespace xbeat::agent::builtin
