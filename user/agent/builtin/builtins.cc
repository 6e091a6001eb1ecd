#include "agent/builtin/builtins.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/builtin/metadata.h"
#include "agent/builtin/process.h"
#include "core/check.h"
#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent {

using builtin::Outcome;
using builtin::Run;
using builtin::Step;

namespace {

constexpr std::string_view kProvider = "xbeat";

class MetadataRun final : public builtin::LocalRun {
public:
    explicit MetadataRun(std::string_view text) : text_(text) {}
    Step begin(Instant /*now*/) override {
        Step step;
        step.outcome =
            Outcome{.code = builtin::kOcfSuccess, .reason = {}, .output = std::string(text_)};
        return step;
    }
    Step resume(Instant /*now*/) override { return {}; }

private:
    std::string_view text_;
};

}  // namespace

Builtins::Builtins(Builtins&&) noexcept = default;
Builtins& Builtins::operator=(Builtins&&) noexcept = default;
Builtins::~Builtins() = default;

Result<Builtins> Builtins::create(Options options) {
    XB_CHECK(options.send != nullptr);
    Builtins self;
    self.epoll_ = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!self.epoll_.is_open()) return sys::system_error("making an epoll set");
    self.timer_ = sys::Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!self.timer_.is_open()) return sys::system_error("making a timer");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = self.timer_.get();
    if (::epoll_ctl(self.epoll_.get(), EPOLL_CTL_ADD, self.timer_.get(), &event) != 0) {
        return sys::system_error("watching a timer");
    }
    self.vip_ = XB_TRY(builtin::VipTools::create());
    self.records_ = std::make_unique<builtin::ProcessRecords>(
        XB_TRY(builtin::ProcessRecords::open(options.run_dir + "/process")));
    self.marks_ = std::make_unique<builtin::ProbeMarks>(
        XB_TRY(builtin::ProbeMarks::open(options.run_dir + "/probes")));
    self.options_ = std::move(options);
    return self;
}

bool Builtins::has(std::string_view provider, std::string_view type) {
    return provider == kProvider && !builtin::metadata_of(type).empty();
}

std::unique_ptr<Run> Builtins::make_run(const Spawn& spawn) {
    if (spawn.action == "meta-data") {
        return std::make_unique<MetadataRun>(builtin::metadata_of(spawn.type));
    }
    if (spawn.type == "VIP") return builtin::make_vip_run(spawn, *vip_);
    if (builtin::is_probe_type(spawn.type)) return builtin::make_probe_run(spawn, *marks_);
    return builtin::make_process_run(spawn, *records_);
}

Result<void> Builtins::start(const Spawn& spawn, Instant now) {
    if (runs_.contains(spawn.id)) {
        return Error{.code = Code::Exists,
                     .context = concat("agent operation ", spawn.id.value, " is running already")};
    }
    if (runs_.size() >= kOperationsMax) {
        return Error{.code = Code::Limit,
                     .context = concat(kOperationsMax, " operations are running")};
    }
    if (!has(spawn.provider, spawn.type)) {
        replies_.emplace_back(
            Failed{.id = spawn.id,
                   .reason = FailReason::Missing,
                   .text = concat("there is no agent ocf:", spawn.provider, ':', spawn.type)});
        make_readable();
        return {};
    }
    Active active;
    active.run = make_run(spawn);
    active.started_at = now;
    active.deadline = now + std::clamp(spawn.timeout, kTimeoutMin, kTimeoutMax);
    const Place at = runs_.emplace(spawn.id, std::move(active)).first;
    take(at, at->second.run->begin(now), now);
    arm_timer();
    return {};
}

void Builtins::kill(OperationId id, Instant now) {
    const Place at = runs_.find(id);
    if (at != runs_.end()) give_up(at, false, now);
    arm_timer();
}

bool Builtins::consume(const Reply& reply, Instant now) {
    const Place at = runs_.find(operation_of(reply));
    if (at == runs_.end()) return false;
    take(at, at->second.run->answered(reply, now), now);
    arm_timer();
    return true;
}

std::vector<Reply> Builtins::receive(Instant now) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd != timer_.get()) resume_ready(fd, now);
    }
    resume_due(now);
    announce_due(now);
    std::uint64_t expirations = 0;
    // Only to make it unreadable; the due times have been looked at above.
    [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &expirations, sizeof expirations);
    std::vector<Reply> replies = std::exchange(replies_, {});
    readable_ = false;
    arm_timer();
    return replies;
}

void Builtins::take(Place at, Step step, Instant now) {
    const OperationId id = at->first;
    if (step.spawned) replies_.emplace_back(*step.spawned);
    if (step.spawned) make_readable();
    if (step.request) {
        const Result<void> sent = options_.send(*step.request);
        if (!sent) {
            const Reply answer =
                Failed{.id = id, .reason = FailReason::System, .text = sent.error().context};
            return take(at, at->second.run->answered(answer, now), now);
        }
    }
    if (step.hush) {
        std::erase_if(announcements_, [&](const auto& one) { return one.address == *step.hush; });
    }
    if (step.announce && step.announce->rounds_left > 0) {
        std::erase_if(announcements_,
                      [&](const auto& one) { return one.address == step.announce->address; });
        announcements_.push_back(*step.announce);
    }
    if (step.attribute) attributes_.push_back(*step.attribute);
    if (step.outcome) return finish(at, *step.outcome, now);
    at->second.wake_at = step.wake_at;
    wait_on(at->second, step.fd);
}

void Builtins::finish(Place at, const Outcome& outcome, Instant now) {
    Done done;
    done.id = at->first;
    done.exit_code = outcome.code;
    done.exit_reason = outcome.reason.substr(0, kReasonBytesMax);
    done.output = outcome.output;
    done.queued_at = at->second.started_at;
    done.started_at = at->second.started_at;
    done.ended_at = now;
    replies_.emplace_back(std::move(done));
    wait_on(at->second, -1);
    runs_.erase(at);
    make_readable();
}

void Builtins::give_up(Place at, bool timed_out, Instant now) {
    at->second.run->abandon();
    Done done;
    done.id = at->first;
    done.exit_code = builtin::kOcfGeneric;
    done.timed_out = timed_out;
    done.killed = !timed_out;
    done.queued_at = at->second.started_at;
    done.started_at = at->second.started_at;
    done.ended_at = now;
    replies_.emplace_back(std::move(done));
    wait_on(at->second, -1);
    runs_.erase(at);
    make_readable();
}

void Builtins::wait_on(Active& active, int fd) {
    if (active.fd == fd) return;
    const auto before = waited_on_.find(active.fd);
    if (before != waited_on_.end() && --before->second == 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, active.fd, nullptr);
        waited_on_.erase(before);
    }
    active.fd = fd;
    if (fd < 0 || ++waited_on_[fd] > 1) return;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    // As in xbeat-exec: without the event a run would never be answered.
    XB_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Builtins::resume_ready(int fd, Instant now) {
    std::vector<OperationId> ready;
    for (const auto& [id, active] : runs_) {
        if (active.fd == fd) ready.push_back(id);
    }
    for (const OperationId id : ready) {
        const Place at = runs_.find(id);
        if (at != runs_.end()) take(at, at->second.run->resume(now), now);
    }
}

void Builtins::resume_due(Instant now) {
    std::vector<OperationId> due;
    for (const auto& [id, active] : runs_) {
        if (active.deadline <= now || (active.wake_at && *active.wake_at <= now)) due.push_back(id);
    }
    for (const OperationId id : due) {
        const Place at = runs_.find(id);
        if (at == runs_.end()) continue;
        if (at->second.deadline <= now) {
            give_up(at, true, now);
        } else {
            take(at, at->second.run->resume(now), now);
        }
    }
}

void Builtins::announce_due(Instant now) {
    for (builtin::Announcement& one : announcements_) {
        if (one.next > now) continue;
        // A frame that cannot be sent now (link down) is one of several.
        [[maybe_unused]] const Result<void> sent = vip_->announcer.announce(one);
        --one.rounds_left;
        one.next = now + one.interval;
    }
    std::erase_if(announcements_, [](const auto& one) { return one.rounds_left <= 0; });
}

void Builtins::make_readable() { readable_ = true; }

void Builtins::arm_timer() {
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) {
        if (!next || at < *next) next = at;
    };
    for (const auto& [id, active] : runs_) {
        consider(active.deadline);
        if (active.wake_at) consider(*active.wake_at);
    }
    for (const builtin::Announcement& one : announcements_) consider(one.next);
    if (readable_) next = Instant(Duration(1));  // long ago: fires at once
    itimerspec when{};
    if (next) {
        const std::int64_t ns = std::max<std::int64_t>(next->time_since_epoch().count(), 1);
        when.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        when.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    XB_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

}  // namespace xbeat::agent
