// The third host of a simulated pair, and each node's way to it: real bytes, real tags, the real
// ledger and the real asker, with plain calls in place of sockets.
//
// What the host around them does is that of user/witness: the server answers what carries the right
// tag, the client asks for the manager and polls while nothing is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arbiter/arbiter.h"
#include "arbiter/witness_asker.h"
#include "arbiter/witness_ledger.h"
#include "tests/sim/streams.h"
#include "wire/witness.h"

namespace xbeat::xsim {

/// What a cluster and its witness share.
struct WitnessKeys {
    std::uint64_t cluster = 0;
    std::uint64_t request[2]{};
    std::uint64_t answer[2]{};
};
[[nodiscard]] WitnessKeys make_witness_keys(std::uint64_t secret);

class WitnessHost {
public:
    explicit WitnessHost(const WitnessKeys& keys) : keys_(keys) {}

    /// A new life that remembers nothing. `life` is not 0; `now` is the witness's own clock.
    void start(std::uint64_t life, Instant now);
    void stop() { ledger_.reset(); }
    [[nodiscard]] bool is_up() const { return ledger_.has_value(); }
    /// True if whoever was granted exclusivity until then (by the witness's clock) is safe from any
    /// other one: it counts as the holder all that time, or this life of the witness grants nothing
    /// before.
    [[nodiscard]] bool keeps_for(NodeId node, Instant until) const;
    /// The answer to a datagram; nothing if it is down, or the datagram none of this cluster's.
    [[nodiscard]] std::optional<wire::WitnessDatagram> take(const wire::WitnessDatagram& datagram,
                                                            Instant now);

private:
    WitnessKeys keys_;
    std::optional<arbiter::WitnessLedger> ledger_;
};

class WitnessClient {
public:
    struct Options {
        WitnessKeys keys;
        NodeId node;
        std::uint64_t life = 0;  // random, not 0
        Duration poll_every = std::chrono::seconds(1);
    };
    WitnessClient(const Options& options, Instant now);

    void ask(const arbiter::AskArbiter& question, Instant now);
    void take(const wire::WitnessDatagram& datagram, Instant now);
    void tick(Instant now);
    [[nodiscard]] Instant deadline() const;
    [[nodiscard]] std::vector<wire::WitnessDatagram> take_datagrams();
    [[nodiscard]] std::vector<arbiter::ArbiterAnswer> take_answers();

private:
    void digest(Instant now);
    [[nodiscard]] static arbiter::ArbiterAnswer answer_to(const arbiter::WitnessFinding& found,
                                                          Instant now);

    Options options_;
    arbiter::WitnessAsker asker_;
    Instant poll_at_;
    std::vector<arbiter::ArbiterAnswer> answers_;
};

}  // namespace xbeat::xsim
