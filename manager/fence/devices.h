// Which fence devices can shoot a node, in which order, and with which parameters.
//
// A device is a primitive of class stonith. Which targets it serves is said by its pcmk_*
// parameters; fencing levels say in which order devices are tried and which belong together.
// Running the shots is left to fencer.h.
// Source: pacemaker-fenced(7) for pcmk_*; "Pacemaker Explained", chapter "Fencing".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cib/xml.h"
#include "core/time.h"
#include "execute/agent_call.h"
#include "execute/device_call.h"
#include "fence/abilities.h"

namespace xbeat::fence {

/// How it is found out whether a device can shoot a target (pcmk_host_check).
enum class HostCheck : std::uint8_t {
    Known,    // the configuration says so
    List,     // the device is asked which plugs it has
    Status,   // the device is asked for the target's power
    Default,  // List, Status or Known: the first that the agent's metadata offers
};

/// One device, ready to be used against one target.
struct Device {
    std::string id;
    std::string type;  // the agent: fence_ipmilan, ...
    std::string plug;  // what the device calls the target
    std::vector<std::pair<std::string, std::string>> parameters;  // for the agent; no pcmk_*
    std::string plug_argument;  // name of the parameter for the plug; empty: by the agent's kind
    std::int32_t action_limit = 1;  // of its agents at one time; -1: any number
    bool wants_no_plug = false;     // pcmk_host_argument=none
    HostCheck check = HostCheck::Known;
    Duration delay_base{};  // before the shot
    Duration delay_max{};   // a random part on top, up to this in all
    execute::DeviceCall shot;
    execute::DeviceCall list;
    execute::DeviceCall status;
    execute::DeviceCall monitor;
};

/// Devices that must all succeed together.
using Level = std::vector<Device>;

/// The levels to try against `target` from the node `executor`, first to last; empty if nothing can
/// shoot it. Without configured levels each device is a level of its own, in the order of the
/// configuration. Devices that are disabled (target-role Stopped) or banned from the executor by a
/// location of -INFINITY are left out. `action`: "reboot", "off" or "on". Levels are those of the
/// node's name; without such ones, those of the first pattern or node attribute that fits it.
/// Templates, sets by reference and rules are resolved as the scheduler does, with `now` for rules
/// by date, in all of these functions.
[[nodiscard]] std::vector<Level> levels_for(const cib::Element& cib, std::string_view target,
                                            std::string_view executor, std::string_view action,
                                            EpochSeconds now);

/// The devices with provides=unfencing that serve the target, as one level: each of them has to let
/// the node in before it may use what they guard. Run by the target itself; empty if there is none.
[[nodiscard]] Level unfencing_of(const cib::Element& cib, std::string_view target,
                                 EpochSeconds now);

/// The device of that id as it would be used for `action` against `target`; nothing if there is no
/// such device, or it does not serve the target. An empty target: for what needs no plug.
[[nodiscard]] std::optional<Device> find_device(const cib::Element& cib, std::string_view id,
                                                std::string_view target, std::string_view action,
                                                EpochSeconds now);
/// One run of the device's agent, without its number. `known`: what its agent can do, or null.
/// `timeout`: where the device names none. An empty target: without a plug.
[[nodiscard]] execute::RunAgent make_run(const Device& device, const execute::DeviceCall& call,
                                         const Abilities* known, std::string_view target,
                                         Duration timeout);
/// The ids of all devices, in the order of the configuration.
[[nodiscard]] std::vector<std::string> device_ids(const cib::Element& cib);

/// True if any fence device is configured.
[[nodiscard]] bool has_devices(const cib::Element& cib);
/// The option fencing-enabled (stonith-enabled); true by default.
[[nodiscard]] bool is_fencing_enabled(const cib::Element& cib);
/// The option fencing-timeout (stonith-timeout) of one run of an agent; 60 s by default.
[[nodiscard]] Duration fencing_timeout(const cib::Element& cib);
/// A cluster option by its present or an old name; empty if it is not set.
[[nodiscard]] std::string_view cluster_option(const cib::Element& cib, std::string_view name,
                                              std::string_view old_name = {});

/// How a run of a device's agent ended, for people: "off timed out", "list ended with 1: ...".
[[nodiscard]] std::string failure_text(std::string_view action, const execute::AgentDone& done);

/// True if a fence agent's `list` output names the target: one plug a line, or names between
/// blanks, commas and semicolons.
[[nodiscard]] bool lists(std::string_view output, std::string_view plug);

}  // namespace xbeat::fence
