// What a fence agent says it can do: the part of its metadata that decides how it is asked.
//
// Source: the fence agents' API, "metadata".
#pragma once

#include <string_view>

#include "core/result.h"

namespace xbeat::fence {

struct Abilities {
    bool has_list = false;        // names its plugs
    bool has_status = false;      // tells whether a plug is on
    bool has_validation = false;  // checks its parameters without touching the device
    bool has_plug = false;        // takes the parameter `plug`
    bool has_port = false;        // takes its older name
    friend bool operator==(const Abilities&, const Abilities&) = default;
};

/// Reads an agent's metadata, whatever stands before its root element. Errors: Invalid for what is
/// no metadata of an agent.
[[nodiscard]] Result<Abilities> read_abilities(std::string_view metadata);

}  // namespace xbeat::fence
