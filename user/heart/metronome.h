// The metronome: one packet going round for ever between the two ends of a private veth pair.
//
// `xb-beat0` holds the packet in a token-bucket queue whose rate is one packet a period; at the
// ingress of `xb-beat1` the tick program runs and puts it back. All of it outlives this process. A
// packet can be lost (a full queue, a link taken down): then a new one of a new generation is sent,
// and the tick drops what is left of the old.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "core/time.h"
#include "heart/netlink.h"
#include "heart/store.h"
#include "sys/fd.h"

namespace xbeat::heart {

class Metronome {
public:
    /// Makes or takes over the pair, sets the rate, attaches the tick and, if none circulates,
    /// starts a packet. `store` and `netlink` outlive the metronome. Errors: NotFound without
    /// sch_tbf; System.
    static Result<Metronome> create(Netlink& netlink, const Store& store, int tick_program,
                                    Duration period);

    /// Puts right what is missing of pair, queue and program. True if something was.
    Result<bool> repair(Netlink& netlink, const Store& store, int tick_program, Duration period);

    /// Sends a packet of a new generation; all earlier ones end with that. No allocation.
    Result<void> start(const Store& store) const;

    /// Removes the pair, and with it the packet. No error if there is none.
    static Result<void> remove(Netlink& netlink);

private:
    Metronome() = default;

    int in_ = 0;   // where the packet is put in
    int out_ = 0;  // where it comes out
    std::uint32_t tick_id_ = 0;
    sys::Fd socket_;
};

}  // namespace xbeat::heart
