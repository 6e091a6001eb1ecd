// How the manager runs one action of a fence device: its pcmk_ACTION_* parameters.
//
// Source: pacemaker-fenced(7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace xbeat::execute {

struct DeviceCall {
    std::string action;         // the agent's name for it
    std::int32_t attempts = 2;  // runs of the agent until it counts as failed; 1..100
    Duration timeout{};         // of one run; 0: whoever runs it decides
};

/// `action`: "reboot", "off", "on", "list", "status" or "monitor".
[[nodiscard]] DeviceCall device_call(
    const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view action);

}  // namespace xbeat::execute
