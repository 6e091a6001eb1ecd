// Names of pinned maps that more than one file opens.
#pragma once

namespace xbeat::heart {

inline constexpr const char* kPeersPin = "xb_peers";        // the heart's peers
inline constexpr const char* kControlPin = "gate_control";  // the gate's one element

}  // namespace xbeat::heart
