// The configurations that simulated operators wish for: a value that can be changed at random and
// printed as a CIB.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/prng.h"

namespace xbeat::xsim {

struct WantedResource {
    std::string name;
    std::uint64_t parameter = 0;  // a change of it makes a restart
    std::uint64_t monitor_s = 10;
    int prefers = -1;         // a node, or none
    int threshold = 0;        // migration-threshold, 0: none
    bool is_stopped = false;  // target-role
    bool is_unmanaged = false;
    int group = -1;               // the place of its group, or none
    bool requires_lease = false;  // and no shot: for what is nothing but network
    bool migrates = false;        // as a virtual machine does, without being stopped
};

struct WantedConfig {
    std::uint64_t marker = 0;  // tells versions apart
    bool has_fencing = true;
    bool is_in_maintenance = false;
    bool is_standby[2] = {false, false};
    bool separate_devices = false;  // one fence device a node instead of one for both
    bool has_levels = false;        // with a second device behind the first
    int stickiness = 0;
    std::vector<WantedResource> resources;

    [[nodiscard]] std::string print() const;
    [[nodiscard]] const WantedResource* find(const std::string& name) const;
};

/// A beginning: between 1 and `most` resources, some of them in groups.
[[nodiscard]] WantedConfig make_config(Prng& prng, std::size_t most, bool has_fencing);

/// Lets some of the resources require no more than a lease.
void require_leases(WantedConfig& config, Prng& prng);

/// Lets what is in no group migrate.
void let_migrate(WantedConfig& config);

/// One of those is wanted on the other node.
void move_one(WantedConfig& config, Prng& prng);

/// One thing that an operator could want to be different.
void change_config(WantedConfig& config, Prng& prng);

/// How everything is to be in the end, so that the end can be judged: nothing stopped, nothing in
/// maintenance, no node in standby.
void calm_config(WantedConfig& config);

}  // namespace xbeat::xsim
