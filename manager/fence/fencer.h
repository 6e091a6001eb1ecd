// Shooting a node: delays, devices, levels, retries; from the order to the device's confirmation.
//
// One job a target. Only an agent's exit code 0 for "off" or "reboot" is success: a request, a
// timeout or an agent that could not run proves nothing. Who may be shot and what a success means
// is decided elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/prng.h"
#include "core/time.h"
#include "execute/agent_call.h"
#include "fence/abilities.h"
#include "fence/devices.h"

namespace xbeat::fence {

struct Order {
    std::string target;  // node name
    std::string action;  // "reboot", "off" or "on"
    Duration timeout{};  // of one run of an agent, unless the device says otherwise
    Duration delay{};    // before anything is shot; the order can be recalled until then
};

struct Outcome {
    std::string target;
    std::string action;
    bool succeeded = false;
    std::string device;  // that confirmed; several with "," in between
    std::string reason;  // why it failed: the last device's words
    Instant began{};
    Instant ended{};
};

struct FencerOutput {
    std::vector<execute::RunAgent> run;
    std::vector<Outcome> outcomes;
};

class Fencer {
public:
    /// `executor`: this node's name. Numbers of agent runs are handed out by `next_run`.
    Fencer(std::string executor, std::uint64_t* next_run, std::uint64_t seed)
        : executor_(std::move(executor)), next_run_(next_run), prng_(seed) {}

    /// Takes the order; the devices are chosen from `cib` when it begins. An order for a target
    /// that has a job already joins it and changes nothing. Switching this node itself on is its
    /// unfencing: all devices that ask for it, where there are any.
    void begin(const Order& order, const cib::Element& cib, Now now);
    /// Drops the job if no agent was run for it yet. True if there is no job (any more).
    bool recall(std::string_view target);
    [[nodiscard]] bool has_job(std::string_view target) const { return jobs_.contains(target); }
    /// True once an agent ran against the target in its present job.
    [[nodiscard]] bool has_shot(std::string_view target) const;

    /// False if the run is not one of this class's.
    bool agent_done(const execute::AgentDone& done, Now now);
    void wake(Now now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] FencerOutput take();

private:
    // One thing to do with one device.
    struct Shot {
        Device device;
        std::string action;
        bool may_fail = false;  // switching on again after the proof
    };
    // What a device is asked before it is used.
    enum class Asking : std::uint8_t { Nothing, Metadata, List, Status };
    struct Job {
        Order order;
        std::vector<std::vector<Shot>> levels;
        std::size_t level = 0;
        std::size_t shot = 0;
        std::int32_t attempt = 0;
        Asking asking = Asking::Nothing;  // the run in flight
        bool has_asked = false;           // the device serves the target
        bool is_mute = false;             // its agent has no metadata that can be read
        std::optional<OperationId> run;
        std::optional<Instant> resume_at;
        bool is_waiting = false;   // its device has as many runs as it takes
        bool has_delayed = false;  // the device's own delay is over
        bool has_shot = false;
        std::string confirmed;
        std::string reason;
        Instant began{};
    };

    void advance(Job& job, Now now);
    void advance_waiting(Now now);
    [[nodiscard]] bool is_busy(const Device& device) const;
    [[nodiscard]] Asking question_for(const Job& job, const Device& device) const;
    void ask(Job& job, const Device& device, Asking asking);
    void launch(Job& job, const Device& device, const execute::DeviceCall& call);
    void asked(Job& job, const execute::AgentDone& done);
    void next_shot(Job& job);
    void next_level(Job& job);
    void finish(Job& job, bool succeeded, Now now);
    void shot_done(Job& job, const execute::AgentDone& done, Now now);

    std::string executor_;
    std::uint64_t* next_run_;
    Prng prng_;
    std::map<std::string, Job, std::less<>> jobs_;             // by target
    std::map<std::string, Abilities, std::less<>> abilities_;  // of agents that were asked, by type
    FencerOutput out_;
};

}  // namespace xbeat::fence
