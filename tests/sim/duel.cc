// The witness alone: claims, renewals and releases over a network that does everything, and a
// witness that dies.
#include <algorithm>
#include <array>
#include <deque>

#include "core/text.h"
#include "tests/sim/duel.h"
#include "tests/sim/rivals.h"
#include "tests/sim/witness.h"

namespace xbeat::xsim {
namespace {

constexpr std::size_t kRemembered = 64;
constexpr std::size_t kRememberedLong = 4096;  // all of a run, nearly

class WitnessDuel : public Rivals {
public:
    explicit WitnessDuel(const RunOptions& options)
        : Rivals(options, stream(options.seed, is_echo(options) ? "echo" : "duel")),
          is_echo_(is_echo(options)),
          keys_(make_witness_keys(sub_seed(options.seed, "witness keys"))),
          witness_(keys_) {
        const Nanos delay = spread(prng_, 10 * kMicro, 500 * kMilli);
        for (auto& way : wires_) {
            for (Wire& wire : way) {
                wire.delay = between(prng_, 10 * kMicro, delay);
                wire.jitter = chance(prng_, 50) ? delay : 0;
                wire.loss_permille = chance(prng_, 50) ? prng_.below(500) : 0;
                wire.duplicate_permille = chance(prng_, 50) ? prng_.below(500) : 0;
                wire.prng = Prng(prng_.next());
            }
        }
        lease_ = spread(prng_, 100 * kMilli, 10 * kSecond);
        pause_ = spread(prng_, kMilli, kSecond);
        witness_.start(prng_.next() | 1U, time(kArbiter));
        for (std::size_t i = 0; i < kNodes; ++i) start(i);
        if (is_echo_ || chance(prng_, 50)) crash_later();
        if (is_echo_ || chance(prng_, 50)) replay_later();
    }

private:
    struct Node {
        std::optional<WitnessClient> client;
        std::uint64_t life = 0;
        std::uint64_t timer = 0;
    };

    static bool is_echo(const RunOptions& options) { return options.kind == RunKind::Echo; }
    // The witness's clock at the last moment in which that node believes to hold the lease.
    Instant end_at_witness(std::size_t node) const {
        const Nanos span = end_of(node) - now_;
        return time(kArbiter) + Duration(span + span * clocks_[kArbiter].drift / 1'000'000);
    }

    // A new life of a node has forgotten that the old one held anything; its gate goes on.
    void start(std::size_t index) {
        Node& node = nodes_[index];
        node.life = prng_.next() | 1U;
        granted_[index] = {};
        node.client.emplace(
            WitnessClient::Options{.keys = keys_,
                                   .node = NodeId{static_cast<std::uint16_t>(index + 1)},
                                   .life = node.life},
            time(index));
        pump(index);
        ask_later(index);
    }

    void ask_later(std::size_t index) {
        agenda_.add(now_ + between(prng_, 0, 2 * pause_), [this, index, life = nodes_[index].life] {
            if (nodes_[index].life == life) ask(index);
        });
    }

    void ask(std::size_t index) {
        Node& node = nodes_[index];
        if (chance(prng_, 2)) return start(index);
        node.client->ask(question(index, arbiter::ArbiterKind::Witness, lease_), time(index));
        pump(index);
    }

    void pump(std::size_t index) {
        Node& node = nodes_[index];
        for (const wire::WitnessDatagram& datagram : node.client->take_datagrams()) {
            send(index, 0, datagram);
        }
        for (const arbiter::ArbiterAnswer& answer : node.client->take_answers()) {
            answered(index, answer);
        }
        const Nanos span = (node.client->deadline() - time(index)).count();
        agenda_.add(now_ + std::max<Nanos>(span, 0) + kMicro, [this, index, number = ++node.timer] {
            if (nodes_[index].timer != number) return;
            nodes_[index].client->tick(time(index));
            pump(index);
        });
    }

    void answered(std::size_t index, const arbiter::ArbiterAnswer& answer) {
        if (!take_answer(index, answer)) return;
        ask_later(index);
        if (answer.reply != arbiter::Reply::Granted) return;
        check_ends();
        check_holders();
    }

    // It need not come to two holders: it is enough that the witness would allow it.
    void check_ends() {
        for (std::size_t i = 0; i < kNodes; ++i) {
            const NodeId node{static_cast<std::uint16_t>(i + 1)};
            if (!holds(i) || witness_.keeps_for(node, end_at_witness(i))) continue;
            violate(
                concat("node ", i + 1, " holds the lease for longer than the witness keeps it"));
        }
    }
    void send(std::size_t node, std::size_t from_witness, const wire::WitnessDatagram& datagram) {
        Wire& wire = wires_[node][from_witness];
        auto& said = said_[node][from_witness];
        said.push_back(datagram);
        if (said.size() > (is_echo_ ? kRememberedLong : kRemembered)) said.pop_front();
        const int copies = wire.prng.below(1000) < wire.duplicate_permille ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            if (wire.prng.below(1000) < wire.loss_permille) continue;
            Nanos delay = wire.delay;
            if (wire.jitter > 0) delay += between(wire.prng, 0, wire.jitter);
            agenda_.add(now_ + delay, [this, node, from_witness, datagram] {
                arrive(node, from_witness, datagram);
            });
        }
    }

    void arrive(std::size_t node, std::size_t from_witness, const wire::WitnessDatagram& datagram) {
        if (from_witness == 0) {
            const auto answer = witness_.take(datagram, time(kArbiter));
            check_ends();
            if (answer) send(node, 1, *answer);
            return;
        }
        nodes_[node].client->take(datagram, time(node));
        pump(node);
    }

    void crash_later() {
        agenda_.add(now_ + spread(prng_, kSecond, 30 * kSecond), [this] {
            reached_(State::WitnessCrashed);
            witness_.stop();
            agenda_.add(now_ + spread(prng_, kMilli, 5 * kSecond), [this] {
                witness_.start(prng_.next() | 1U, time(kArbiter));
                crash_later();
            });
        });
    }

    void replay_later() {
        const Nanos pause = spread(prng_, kMilli, is_echo_ ? 50 * kMilli : 5 * kSecond);
        agenda_.add(now_ + pause, [this] {
            const std::size_t node = prng_.below(kNodes);
            const std::size_t way = prng_.below(2);
            const auto& said = said_[node][way];
            reached_(State::DatagramReplayed);
            if (!said.empty()) arrive(node, way, said[prng_.below(said.size())]);
            replay_later();
        });
    }

    bool is_echo_ = false;
    WitnessKeys keys_;
    WitnessHost witness_;
    std::array<Node, kNodes> nodes_;
    std::array<std::array<Wire, 2>, kNodes> wires_;
    std::array<std::array<std::deque<wire::WitnessDatagram>, 2>, kNodes> said_;
    Nanos lease_ = 0;
    Nanos pause_ = 0;
};

}  // namespace

Outcome duel_over_witness(const RunOptions& options) { return WitnessDuel(options).run(); }

}  // namespace xbeat::xsim
