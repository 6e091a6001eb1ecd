#include "tests/sim/duel.h"

#include <algorithm>
#include <array>
#include <deque>

#include "core/text.h"
#include "tests/sim/witness.h"

namespace xbeat::xsim {
namespace {

constexpr Nanos kSpan = 60 * kSecond;
constexpr std::size_t kRemembered = 64;
constexpr std::size_t kRememberedLong = 4096;  // all of a run, nearly

class Duel {
public:
    explicit Duel(const RunOptions& options)
        : options_(options),
          is_echo_(options.kind == RunKind::Echo),
          prng_(stream(options.seed, is_echo_ ? "echo" : "duel")),
          keys_(make_witness_keys(sub_seed(options.seed, "witness keys"))),
          witness_(keys_) {
        for (Clock& clock : clocks_) {
            clock.offset = between(prng_, 0, 1'000 * kSecond);
            clock.drift = chance(prng_, 50) ? 500 : chance(prng_, 50) ? -500 : 0;
        }
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
        witness_.start(prng_.next() | 1U, time(kNodes));
        for (std::size_t i = 0; i < kNodes; ++i) start(i);
        if (is_echo_ || chance(prng_, 50)) crash_later();
        if (is_echo_ || chance(prng_, 50)) replay_later();
    }

    Outcome run() {
        Outcome out;
        const Nanos end = options_.until != 0 ? std::min(options_.until, kSpan) : kSpan;
        while (!violation_ && !agenda_.empty() && agenda_.first_at() <= end) {
            now_ = agenda_.first_at();
            const Action action = agenda_.take();
            action();
            ++out.steps;
        }
        out.violation = violation_;
        out.digest = digest_.value();
        out.simulated = now_;
        out.reached = reached_;
        return out;
    }

private:
    struct Clock {
        Nanos offset = 0;
        std::int64_t drift = 0;
    };
    struct Node {
        std::optional<WitnessClient> client;
        std::uint64_t life = 0;
        std::uint64_t question = 0;
        std::uint64_t timer = 0;
        arbiter::Asking asking = arbiter::Asking::Claim;
        Instant until{};  // it believes to hold the lease, by its own clock
    };

    // The witness's clock comes behind those of the nodes.
    Instant time(std::size_t whose) const {
        const Clock& clock = clocks_[whose];
        return Instant(Duration(clock.offset + now_ + now_ / 1'000'000 * clock.drift));
    }
    bool holds(std::size_t node) const { return nodes_[node].until > time(node); }
    // The witness's clock at the last moment in which that node believes to hold the lease.
    Instant end_at_witness(std::size_t node) const {
        constexpr Nanos kMillion = 1'000'000;
        const Nanos left = (nodes_[node].until - time(node)).count();
        const Nanos span = left * kMillion / (kMillion + clocks_[node].drift);
        return time(kNodes) + Duration(span + span * clocks_[kNodes].drift / kMillion);
    }
    void trace(std::string_view text) const {
        if (options_.trace) options_.trace(now_, text);
    }

    // A new life of a node has forgotten that the old one held anything, and so has the truth.
    void start(std::size_t index) {
        Node& node = nodes_[index];
        node.life = prng_.next() | 1U;
        const Instant held = node.until;
        node.client.emplace(
            WitnessClient::Options{.keys = keys_,
                                   .node = NodeId{static_cast<std::uint16_t>(index + 1)},
                                   .life = node.life},
            time(index));
        node.until = held;  // its gate goes on
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
        node.asking = chance(prng_, 15) ? arbiter::Asking::Release : arbiter::Asking::Claim;
        // Who gives the lease back does not use it any more.
        if (node.asking == arbiter::Asking::Release) node.until = {};
        const Nanos lease = chance(prng_, 70) ? lease_ : spread(prng_, 10 * kMilli, lease_);
        node.client->ask({.arbiter = arbiter::ArbiterKind::Witness,
                          .request = ++node.question,
                          .asking = node.asking,
                          .lease = Duration(lease),
                          .patience = Duration(spread(prng_, 20 * kMilli, 3 * kSecond))},
                         time(index));
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
        Node& node = nodes_[index];
        if (answer.request != node.question) return;
        trace(concat(index + 1, ": ", arbiter::to_string(answer.reply)));
        digest_.add(static_cast<std::uint64_t>(now_) * 8 +
                    static_cast<std::uint64_t>(answer.reply));
        ask_later(index);
        if (answer.reply != arbiter::Reply::Granted) return;
        node.until = std::max(node.until, answer.until);
        check_ends();
        if (!holds(0) || !holds(1)) return;
        violate(concat("the witness's lease is held twice, by node ", index + 1, " since now"));
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
    void violate(std::string text) {
        if (!violation_) violation_ = {.invariant = "I-5", .text = std::move(text), .at = now_};
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
            const auto answer = witness_.take(datagram, time(kNodes));
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
                witness_.start(prng_.next() | 1U, time(kNodes));
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

    const RunOptions& options_;
    bool is_echo_ = false;
    Prng prng_;
    WitnessKeys keys_;
    WitnessHost witness_;
    Agenda<Action> agenda_;
    Nanos now_ = 0;
    std::array<Clock, kNodes + 1> clocks_;
    std::array<Node, kNodes> nodes_;
    std::array<std::array<Wire, 2>, kNodes> wires_;
    std::array<std::array<std::deque<wire::WitnessDatagram>, 2>, kNodes> said_;
    Nanos lease_ = 0;
    Nanos pause_ = 0;
    Digest digest_;
    Reached reached_;
    std::optional<Violation> violation_;
};

}  // namespace

Outcome run_duel(const RunOptions& options) { return Duel(options).run(); }

}  // namespace xbeat::xsim
