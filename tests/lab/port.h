// A port of the lab's switch: one end of a node's cable, which is a veth in a bridge.
//
// Two ways to cut: silently, as behind a real switch (the bridge drops both directions, the node's
// carrier stays up), or by pulling the cable (the node sees its carrier go). Everything here works
// on the calling thread's network namespace, which is the switch's.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"

struct pass_bpf;

namespace xbeat::lab {

enum class Flow : std::uint8_t { Silent, Forwarding };
enum class Carrier : std::uint8_t { Down, Up };

/// Sets the bridge port's state at once; Code::System if there is no such port or bridge.
/// Source: linux/if_bridge.h, BR_STATE_DISABLED and BR_STATE_FORWARDING.
Result<void> set_flow(const std::string& port, Flow flow);

/// Sets the port administratively up or down, which the node's end sees as its carrier.
Result<void> set_carrier(const std::string& port, Carrier carrier);

/// The pass-all XDP program, loaded once for all ports.
class PassAll {
public:
    /// Code::System if the kernel refuses the program.
    static Result<PassAll> create();

    /// Puts the program on the port in native mode. It goes away together with the port.
    Result<void> attach(const std::string& port) const;

private:
    struct Destroy {
        void operator()(pass_bpf* skeleton) const;
    };
    explicit PassAll(pass_bpf* skeleton) : skeleton_(skeleton) {}
    std::unique_ptr<pass_bpf, Destroy> skeleton_;
};

}  // namespace xbeat::lab
