// The daemon's side of the witness: the manager's questions become datagrams, answers become
// events.
//
// One connected socket. A question leaves at once, not with the loop's next turn. While nothing is
// asked, the witness is polled, so that its life and the lease's version are known when a claim is
// due (one round trip less), and so that a witness that is gone is told before it is needed. What
// counts as an answer is decided in arbiter/witness_asker.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arbiter/arbiter.h"
#include "arbiter/witness_asker.h"
#include "core/note.h"
#include "core/result.h"
#include "heart/ip_address.h"
#include "ring/ring.h"
#include "sys/fd.h"
#include "witness/keys.h"

namespace xbeat::witness {

/// For who looks: `xbeat status`, `xbeat witness status`.
struct ClientStatus {
    std::string address;     // "10.77.0.101 port 7456"
    bool is_judged = false;  // false: too young to say
    bool is_reachable = false;
    std::string trouble;  // why not; empty if it is
    std::optional<Instant> heard;
    Duration round_trip{};
    std::uint64_t restarts = 0;  // of the witness, as seen from here
    std::uint64_t strays = 0;    // authentic answers to no open question: late, twice, replayed
    std::uint64_t refused = 0;   // datagrams that were no authentic answers
    NodeId holder;               // at the newest answer
    bool is_starting = false;    // it was started anew and grants nothing yet
};

class Client {
public:
    struct Options {
        heart::IpAddress address;
        std::uint16_t port = wire::kWitnessPort;
        NodeId node;
        std::uint64_t life = 0;  // random, never 0
        Duration poll_every = 1s;
        Duration poll_patience = 1s;
        int misses_max = 3;  // polls without an answer until the witness counts as unreachable
    };

    /// Errors: System for the socket. An unreachable witness is no error. The ring outlives it.
    static Result<Client> create(Options options, ClusterKey key, ring::Ring& ring, Instant now);

    /// Answered by exactly one ArbiterAnswer, at the latest after its patience.
    void ask(const arbiter::AskArbiter& question, Instant now);
    void complete(const ring::Completion& completion, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] std::vector<arbiter::ArbiterAnswer> take_answers();
    [[nodiscard]] std::vector<Note> take_notes() { return std::exchange(notes_, {}); }
    [[nodiscard]] ClientStatus status() const;

private:
    Client(sys::Fd socket, Options options, ClusterKey key, ring::Ring& ring, Instant now);
    void drain(Instant now);
    void aim();
    void send();
    void digest(Instant now);
    void judge(const arbiter::WitnessFinding& found, Instant now);
    void heard(const arbiter::WitnessFinding& found);
    void missed();
    [[nodiscard]] arbiter::ArbiterAnswer answer_to(const arbiter::WitnessFinding& found) const;
    [[nodiscard]] std::string where() const;

    sys::Fd socket_;
    Options options_;
    ClusterKey key_;
    ring::Ring* ring_;
    arbiter::WitnessAsker asker_;
    Instant poll_at_{};
    int misses_ = 0;
    std::uint64_t refused_ = 0;
    bool is_aimed_ = false;     // the socket is connected
    bool was_refused_ = false;  // the kernel said that nobody listens there
    bool is_reachable_ = false;
    bool was_judged_ = false;  // reachable or not has been noted once
    bool is_starting_ = false;
    NodeId holder_;
    std::uint64_t restarts_noted_ = 0;
    std::vector<arbiter::ArbiterAnswer> answers_;
    std::vector<Note> notes_;
};

}  // namespace xbeat::witness
