// What usually goes wrong, looked for: one function a question, one finding an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "cli/session.h"
#include "cli/status_input.h"
#include "daemon/config.h"

namespace xbeat::cli {

enum class Health : std::uint8_t { Good, Skipped, Doubtful, Bad };
[[nodiscard]] std::string_view to_string(Health health);

struct Finding {
    Health health = Health::Good;
    std::string about = {};   // "kernel", "link ic0", "clock"...
    std::string text = {};    // what was found, one sentence
    std::string remedy = {};  // what to do; empty if nothing
};

/// Where the machine's facts are; another folder in tests.
struct MachinePlaces {
    std::string proc = "/proc";
    std::string sys = "/sys";
    std::string modules = "/lib/modules";
};

/// The kernel, its BTF, bpffs, cgroups, limits, clock, and strangers such as Pacemaker.
[[nodiscard]] std::vector<Finding> examine_machine(const MachinePlaces& places);
/// The interfaces, addresses and MTUs of this node's links.
[[nodiscard]] std::vector<Finding> examine_links(const MachinePlaces& places,
                                                 const daemon::Config& config);
/// What the daemon says of itself and of its peers.
[[nodiscard]] std::vector<Finding> examine_daemon(const StatusInput& input);
/// What is configured: fencing, agents that are installed and usable.
[[nodiscard]] std::vector<Finding> examine_configuration(const cib::Element& configuration,
                                                         bool has_fence_arbiter);

/// One line a finding, its remedy below it.
[[nodiscard]] std::string render_findings(const std::vector<Finding>& findings);

}  // namespace xbeat::cli
