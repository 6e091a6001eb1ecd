// The shared disk alone: two nodes raise and lower their flags as often as they like, by ways that
// hang, fail and take seconds, and daemons and machines die under their requests.
#include <algorithm>
#include <array>

#include "core/text.h"
#include "tests/sim/duel.h"
#include "tests/sim/rivals.h"
#include "tests/sim/shared_disk.h"

namespace xbeat::xsim {
namespace {

class DiskDuel : public Rivals {
public:
    explicit DiskDuel(const RunOptions& options)
        : Rivals(options, stream(options.seed, "flags")),
          disk_(options.seed,
                {.now = [this] { return now_; },
                 .after = [this](Nanos span, Action action) { after(span, std::move(action)); },
                 .ended = [this](std::size_t node,
                                 const SharedDisk::Request& request) { ended(node, request); },
                 .reach = [this](State state) { reached_(state); }}) {
        for (std::size_t i = 0; i < kNodes; ++i) {
            if (chance(prng_, 30)) disk_.way(i).extra_latency = spread(prng_, kMilli, kSecond);
        }
        lease_ = spread(prng_, 100 * kMilli, 10 * kSecond);
        // Some ask much more often than their lease lasts, some let it run out.
        pause_ = spread(prng_, kMilli, 5 * kSecond);
        for (std::size_t i = 0; i < kNodes; ++i) start(i);
        const bool hangs = chance(prng_, 50);
        const bool fails = chance(prng_, 50);
        const bool dies = chance(prng_, 50);
        if (hangs) trouble_later([this](std::size_t node, int by) { disk_.hold(node, by); });
        if (fails) trouble_later([this](std::size_t node, int by) { disk_.way(node).fails += by; });
        if (dies) lose_power_later();
    }

private:
    struct Node {
        std::optional<arbiter::DiskLease> lease;  // nothing: its machine has no power
        std::uint64_t life = 0;
        std::uint64_t timer = 0;
    };

    // A new life of a daemon; what the former one was granted goes on in the gate.
    void start(std::size_t index) {
        Node& node = nodes_[index];
        node.life = prng_.next() | 1U;
        granted_[index] = {};
        node.lease.emplace(
            arbiter::DiskLease::Options{.self = NodeId{static_cast<std::uint16_t>(index + 1)},
                                        .other = NodeId{static_cast<std::uint16_t>(2 - index)},
                                        .life = node.life});
        pump(index);
        ask_later(index);
    }

    void ask_later(std::size_t index) {
        after(between(prng_, 0, 2 * pause_), [this, index, life = nodes_[index].life] {
            if (nodes_[index].life == life) ask(index);
        });
    }

    void ask(std::size_t index) {
        if (chance(prng_, 2)) return start(index);
        nodes_[index].lease->ask(question(index, arbiter::ArbiterKind::Disk, lease_), time(index));
        pump(index);
    }

    void pump(std::size_t index) {
        Node& node = nodes_[index];
        if (!disk_.is_busy(index)) {
            if (const auto access = node.lease->take_access(time(index))) {
                disk_.begin(index, *access, node.life);
            }
        }
        for (const arbiter::ArbiterAnswer& answer : node.lease->take_answers()) {
            if (!take_answer(index, answer)) continue;
            ask_later(index);
            if (answer.reply == arbiter::Reply::Granted) check();
        }
        const auto wake = node.lease->wake_at();
        if (!wake) return;
        const Nanos span = (*wake - time(index)).count();
        after(std::max<Nanos>(span, 0) + kMicro, [this, index, number = ++node.timer] {
            if (nodes_[index].timer != number || !nodes_[index].lease) return;
            nodes_[index].lease->tick(time(index));
            pump(index);
        });
    }

    void ended(std::size_t index, const SharedDisk::Request& request) {
        Node& node = nodes_[index];
        if (!node.lease) return;
        if (request.life == node.life) {
            node.lease->done(request.access.id, request.trouble, request.block, time(index));
        }
        pump(index);
    }

    // It need not come to two holders: it is enough that the disk would allow it.
    void check() {
        check_holders();
        for (std::size_t i = 0; i < kNodes; ++i) {
            if (!holds(i) || disk_.keeps_for(i, end_of(i))) continue;
            violate(concat("node ", i + 1, " holds the lease for longer than the disk says"));
        }
    }

    void trouble_later(const std::function<void(std::size_t, int)>& change) {
        after(spread(prng_, 10 * kMilli, 20 * kSecond), [this, change] {
            const std::size_t node = prng_.below(kNodes);
            change(node, 1);
            after(spread(prng_, kMilli, 10 * kSecond), [change, node] { change(node, -1); });
            trouble_later(change);
        });
    }

    void lose_power_later() {
        after(spread(prng_, 100 * kMilli, 30 * kSecond), [this] {
            const std::size_t index = prng_.below(kNodes);
            Node& node = nodes_[index];
            if (node.lease) {
                trace(concat(index + 1, " loses power"));
                disk_.lose_power(index);
                node.lease.reset();
                node.life = 0;
                until_[index] = granted_[index] = {};
                after(spread(prng_, kMilli, 10 * kSecond), [this, index] { start(index); });
            }
            lose_power_later();
        });
    }

    SharedDisk disk_;
    std::array<Node, kNodes> nodes_;
    Nanos lease_ = 0;
    Nanos pause_ = 0;
};

}  // namespace

Outcome duel_over_disk(const RunOptions& options) { return DiskDuel(options).run(); }

}  // namespace xbeat::xsim
