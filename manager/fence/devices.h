// Which fence devices can shoot a node, in which order, and with which parameters.
//
// A device is a primitive of class stonith. Which targets it serves is said by its pcmk_*
// parameters; fencing levels say in which order devices are tried and which belong together.
// Running the shots is left to fencer.h.
// Source: pacemaker-fenced(7) for pcmk_*; "Pacemaker Explained", chapter "Fencing".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cib/xml.h"
#include "core/time.h"

namespace xbeat::fence {

/// One device, ready to be used against one target.
struct Device {
    std::string id;
    std::string type;  // the agent: fence_ipmilan, ...
    std::string plug;  // what the device calls the target
    std::vector<std::pair<std::string, std::string>> parameters;  // for the agent; no pcmk_*
    std::string plug_argument = "plug";  // name of the parameter for the plug; empty: give none
    bool must_ask_list = false;          // ask the device itself whether it knows the target
    Duration delay_base{};               // before the shot
    Duration delay_max{};                // a random part on top, up to this in all
    std::int32_t attempts = 2;           // runs of the agent for one shot
    Duration timeout{};                  // 0: the cluster's
    std::string agent_action;            // the agent's name for the wanted action
};

/// Devices that must all succeed together.
using Level = std::vector<Device>;

/// The levels to try against `target` from the node `executor`, first to last; empty if nothing can
/// shoot it. Without configured levels each device is a level of its own, in the order of the
/// configuration. Devices that are disabled (target-role Stopped) or banned from the executor by a
/// location of -INFINITY are left out. `action`: "reboot", "off" or "on".
[[nodiscard]] std::vector<Level> levels_for(const cib::Element& cib, std::string_view target,
                                            std::string_view executor, std::string_view action);

/// True if any fence device is configured.
[[nodiscard]] bool has_devices(const cib::Element& cib);
/// The option fencing-enabled (stonith-enabled); true by default.
[[nodiscard]] bool is_fencing_enabled(const cib::Element& cib);
/// A cluster option by its present or an old name; empty if it is not set.
[[nodiscard]] std::string_view cluster_option(const cib::Element& cib, std::string_view name,
                                              std::string_view old_name = {});

/// True if a fence agent's `list` output names the target: one plug a line, or names between
/// blanks, commas and semicolons.
[[nodiscard]] bool lists(std::string_view output, std::string_view plug);

}  // namespace xbeat::fence
