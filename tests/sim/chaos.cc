#include "tests/sim/chaos.h"

#include <algorithm>

#include "core/text.h"
#include "tests/sim/duel.h"

namespace xbeat::xsim {
namespace {

constexpr Nanos kHealRound = 30 * kSecond;
constexpr int kHealRounds = 4;
constexpr Nanos kWellWithin = 120 * kSecond;  // after the last fault and a cleanup
constexpr Nanos kQuiet = 60 * kSecond;
constexpr Nanos kAloneWithin = 30 * kSecond;  // without anything that fails
constexpr Nanos kLateShots = 100 * kSecond;   // of devices whose callers timed out
constexpr Nanos kLastShots = 6 * kSecond;     // of devices whose callers died

class Chaos {
public:
    Chaos(const Plan& plan, const RunOptions& options)
        : plan_(plan),
          end_(options.until),
          world_(plan.settings),
          config_prng_(stream(plan.settings.seed, "configuration")) {
        config_ = make_config(config_prng_, plan.resources_max, plan.has_fencing);
        if (plan.kind == RunKind::Move) let_migrate(config_);
        std::map<std::string, std::string> before;
        for (std::size_t i = 1; i < config_.resources.size(); ++i) {
            const WantedResource& resource = config_.resources[i];
            const WantedResource& last = config_.resources[i - 1];
            if (resource.group >= 0 && resource.group == last.group) {
                before[resource.name] = last.name;
            }
        }
        world_.require_order(std::move(before));
        if (!has_witness() || !plan.has_fencing) return;
        require_leases(config_, config_prng_);
        std::set<std::string> others;
        for (const WantedResource& resource : config_.resources) {
            if (!resource.requires_lease) others.insert(resource.name);
        }
        world_.require_fencing(std::move(others));
    }

    Outcome run() {
        world_.boot(0);
        world_.boot(1);
        world_.start_witness();
        advance(is_short() ? kSecond : 5 * kSecond);
        ask_configuration(0);
        for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
            const Fault fault = plan_.faults[i];
            world_.at(fault.at, [this, fault] { strike(fault); });
        }
        advance(plan_.chaos);
        if (is_short()) {
            heal_quickly();
        } else if (heals_soon()) {
            heal_soon();
        } else {
            heal();
        }
        return outcome();
    }

private:
    bool has_witness() const { return arbiter::hands_out_leases(plan_.settings.arbiter); }
    bool is_short() const { return plan_.kind == RunKind::Partition; }
    bool heals_soon() const {
        return plan_.kind == RunKind::Ambush || plan_.kind == RunKind::Siege;
    }
    bool is_over() const { return world_.has_failed() || (end_ != 0 && world_.now() >= end_); }
    void advance(Nanos until) {
        if (end_ != 0) until = std::min(until, end_);
        if (!is_over()) world_.run_until(until);
    }

    Outcome outcome() const {
        Outcome out;
        out.violation = world_.truth().violation();
        out.digest = world_.digest();
        out.reached = world_.reached();
        out.simulated = world_.now();
        out.steps = world_.steps();
        out.faults = plan_.faults.size();
        out.partitions = partitions_;
        out.acknowledged = world_.acknowledged();
        out.power_cuts = world_.power_cuts_while_writing();
        return out;
    }

    // --- Faults.
    /// Undoes something after a while, but not later than the chaos ends.
    void until(Nanos span, Action undo) {
        world_.at(std::min(world_.now() + span, plan_.chaos), std::move(undo));
    }
    void strike(const Fault& fault);
    /// The usual longest span of a fault, or what this run allows.
    Nanos longest(Nanos usual) const { return std::min(usual, plan_.span_max); }
    Nanos shortest(Nanos usual) const { return std::max(usual, plan_.span_min); }
    void lie_in_wait(Prng& prng);
    void strike_machine(const Fault& fault, std::size_t node, Prng& prng);
    void strike_wires(const Fault& fault, std::size_t node, Prng& prng);
    void strike_witness(const Fault& fault, std::size_t node, Prng& prng);
    void strike_shared_disk(const Fault& fault, std::size_t node, Prng& prng);
    void flap(Nanos on, Nanos off, std::uint64_t times);
    void strike_parts(const Fault& fault, std::size_t node, Prng& prng);
    void strike_as_operator(const Fault& fault, std::size_t node, Prng& prng);
    void cut(std::size_t path, std::size_t sender, Nanos span);
    void ask_configuration(std::size_t node) {
        config_.marker = next_marker_++;
        world_.request(node, node::ReplaceConfiguration{config_.print(), ""}, config_.marker);
    }

    // --- The end.
    void mend();
    void heal();
    void heal_quickly();
    void heal_soon();
    void end_faults();
    void switch_on();
    void wait_until_well();
    void drill();
    void ask_until_answered(std::size_t node);
    [[nodiscard]] bool serves_alone(std::size_t node, bool by_lease) const;
    void serve_alone(std::size_t node, bool by_lease, std::string_view after);
    void calm();
    [[nodiscard]] bool is_well() const;
    void judge_well();
    [[nodiscard]] std::string missing() const;
    void judge_still(Nanos span);
    void judge_quiet();

    const Plan& plan_;
    Nanos end_ = 0;
    World world_;
    Prng config_prng_;
    WantedConfig config_;
    std::uint64_t next_marker_ = 1;
    std::uint64_t partitions_ = 0;
    AgentFaults agents_;
    FenceFaults fences_;
};

void Chaos::strike(const Fault& fault) {
    Prng prng(fault.seed);
    const std::size_t node = prng.below(kNodes);
    switch (fault.kind) {
        case FaultKind::Crash:
        case FaultKind::Reboot:
        case FaultKind::CrashAtAck:
        case FaultKind::KillDaemon:
        case FaultKind::StallDaemon:
        case FaultKind::Freeze:
        case FaultKind::ClockSteps:
        case FaultKind::Start:
        case FaultKind::BootLoop:
        case FaultKind::KillExecutor:
            return strike_machine(fault, node, prng);
        case FaultKind::Partition:
        case FaultKind::CutPath:
        case FaultKind::CutOneWay:
        case FaultKind::Loss:
        case FaultKind::Jitter:
        case FaultKind::Forgery:
        case FaultKind::CutChannel:
        case FaultKind::DropChannel:
        case FaultKind::Flap:
            return strike_wires(fault, node, prng);
        case FaultKind::WitnessCrash:
        case FaultKind::WitnessCut:
        case FaultKind::WitnessLoss:
        case FaultKind::WitnessReplay:
            return strike_witness(fault, node, prng);
        case FaultKind::SharedHangs:
        case FaultKind::SharedFails:
        case FaultKind::SharedSlow:
            return strike_shared_disk(fault, node, prng);
        case FaultKind::Configure:
        case FaultKind::Cleanup:
        case FaultKind::OperatorFence:
        case FaultKind::Confirm:
        case FaultKind::Leave:
        case FaultKind::Attribute:
        case FaultKind::Maintenance:
        case FaultKind::Move:
            return strike_as_operator(fault, node, prng);
        case FaultKind::Ambush:
            return lie_in_wait(prng);
        default:
            return strike_parts(fault, node, prng);
    }
}

// One or two blows, as soon as something happens or a little later.
void Chaos::lie_in_wait(Prng& prng) {
    const std::vector<FaultKind> kinds(plan_.kinds.begin(), plan_.kinds.end());
    const std::string_view moment =
        plan_.moments[prng.below(chance(prng, 40) ? plan_.frequent_moments : plan_.moments.size())];
    const std::uint64_t nth = chance(prng, 60) ? 1 : 1 + prng.below(6);
    for (std::uint64_t i = 1 + prng.below(2); i > 0; --i) {
        const Nanos delay = chance(prng, 20) ? 0 : spread(prng, kMicro, 200 * kMilli);
        const Fault blow{.at = 0, .kind = kinds[prng.below(kinds.size())], .seed = prng.next()};
        world_.on_note(std::string(moment), nth, [this, delay, blow] {
            world_.reach(State::Ambushed);
            world_.after(delay, [this, blow] {
                if (world_.now() < plan_.chaos) strike(blow);
            });
        });
    }
}

void Chaos::strike_machine(const Fault& fault, std::size_t node, Prng& prng) {
    switch (fault.kind) {
        case FaultKind::Crash:
            world_.cut_power(node);
            if (!chance(prng, 70)) return;
            return world_.after(spread(prng, shortest(longest(kSecond)), longest(120 * kSecond)),
                                [this, node] { world_.boot(node); });
        case FaultKind::CrashAtAck:
            world_.crash_at_ack(
                World::CrashAtAck{.both = chance(prng, 50),
                                  .after = spread(prng, kMicro, 20 * kMilli),
                                  .boots_after = spread(prng, kMilli, 5 * kSecond)});
            return;
        case FaultKind::Reboot:
            world_.cut_power(node);
            return world_.after(spread(prng, kMilli, 2 * kSecond),
                                [this, node] { world_.boot(node); });
        case FaultKind::KillDaemon:
            world_.kill_daemon(node);
            if (!chance(prng, 80)) return;
            return world_.after(spread(prng, shortest(10 * kMilli), longest(30 * kSecond)),
                                [this, node] { world_.start_daemon(node); });
        case FaultKind::StallDaemon:
            return world_.stall_daemon(node, spread(prng, shortest(kMilli), longest(60 * kSecond)));
        case FaultKind::Freeze:
            return world_.freeze(node, spread(prng, kMilli, longest(30 * kSecond)));
        case FaultKind::BootLoop: {
            const Nanos after = spread(prng, 10 * kMilli, 5 * kSecond);
            // Half of them do not live for long enough to join again.
            if (chance(prng, 50)) world_.disk(node).usual_latency = after;
            world_.crash_after_boot(node, after);
            until(spread(prng, 10 * kSecond, 300 * kSecond), [this, node] {
                world_.crash_after_boot(node, {});
                world_.disk(node).usual_latency = 0;
            });
            return world_.cut_power(node);
        }
        case FaultKind::KillExecutor:
            return world_.kill_executor(node);
        case FaultKind::ClockSteps:
            return world_.step_calendar(node, between(prng, -86'400, 86'400));
        default:
            for (std::size_t i = 0; i < kNodes; ++i) {
                world_.boot(i);
                world_.start_daemon(i);
            }
    }
}

void Chaos::cut(std::size_t path, std::size_t sender, Nanos span) {
    ++world_.wire(path, sender).cuts;
    until(span, [this, path, sender] {
        --world_.wire(path, sender).cuts;
        world_.network_changed();
    });
}

void Chaos::strike_wires(const Fault& fault, std::size_t node, Prng& prng) {
    const Nanos span = spread(prng, shortest(kMilli), longest(600 * kSecond));
    const std::size_t path = prng.below(kPaths);
    Wire& wire = world_.wire(path, node);
    switch (fault.kind) {
        case FaultKind::Partition:
            ++partitions_;
            for (std::size_t i = 0; i < kPaths; ++i) {
                for (std::size_t sender = 0; sender < kNodes; ++sender) cut(i, sender, span);
            }
            break;
        case FaultKind::Flap:
            ++partitions_;
            return flap(spread(prng, kMilli, 2 * kSecond), spread(prng, kMilli, 2 * kSecond),
                        1 + prng.below(20));
        case FaultKind::CutPath:
            cut(path, 0, span);
            cut(path, 1, span);
            break;
        case FaultKind::CutOneWay:
            ++partitions_;
            world_.reach(State::OneWaySilence);
            for (std::size_t i = 0; i < kPaths; ++i) cut(i, node, span);
            break;
        case FaultKind::Loss:
            wire.loss_permille = prng.below(300);
            wire.duplicate_permille = prng.below(50);
            until(spread(prng, 10 * kMilli, 10 * kSecond),
                  [&wire] { wire.loss_permille = wire.duplicate_permille = 0; });
            break;
        case FaultKind::Jitter:
            wire.jitter = spread(prng, 100 * kMicro, 100 * kMilli);
            until(spread(prng, 10 * kMilli, 10 * kSecond), [&wire] { wire.jitter = 0; });
            break;
        case FaultKind::Forgery:
            wire.damage_permille = prng.below(200);
            until(spread(prng, 10 * kMilli, 10 * kSecond), [this, &wire, node, seed = fault.seed] {
                wire.damage_permille = 0;
                Prng dice(seed);
                for (int i = 0; i < 20; ++i) world_.replay_beat(1 - node, dice);
            });
            break;
        case FaultKind::CutChannel:
            world_.cut_channel(1);
            until(span, [this] { world_.cut_channel(-1); });
            break;
        default:
            world_.drop_channel();
            break;
    }
    world_.network_changed();
}

// Cut and mended, again and again.
void Chaos::flap(Nanos on, Nanos off, std::uint64_t times) {
    if (times == 0 || world_.now() + on >= plan_.chaos) return;
    for (std::size_t i = 0; i < kPaths; ++i) {
        for (std::size_t sender = 0; sender < kNodes; ++sender) cut(i, sender, on);
    }
    world_.network_changed();
    world_.after(on + off, [this, on, off, times] { flap(on, off, times - 1); });
}

void Chaos::strike_witness(const Fault& fault, std::size_t node, Prng& prng) {
    const Nanos span = spread(prng, shortest(kMilli), longest(120 * kSecond));
    const bool is_both = chance(prng, 40);
    const std::size_t ways = 1 + prng.below(3);  // to it, from it, both
    if (fault.kind == FaultKind::WitnessReplay) {
        for (int i = 0; i < 20; ++i) world_.replay_datagrams(node, prng);
        return;
    }
    if (fault.kind == FaultKind::WitnessCrash) {
        world_.crash_witness();
        return until(chance(prng, 50) ? kMilli : span, [this] { world_.start_witness(); });
    }
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (i != node && !is_both) continue;
        for (std::size_t way = 0; way < 2; ++way) {
            if ((ways & (std::size_t{1} << way)) == 0) continue;
            Wire& wire = world_.witness_wire(i, way);
            if (fault.kind == FaultKind::WitnessCut) {
                ++wire.cuts;
                until(span, [&wire] { --wire.cuts; });
                continue;
            }
            wire.loss_permille = prng.below(600);
            wire.duplicate_permille = prng.below(500);
            wire.damage_permille = prng.below(100);
            wire.jitter = spread(prng, kMilli, 12 * kSecond);
            until(span, [&wire] {
                wire.loss_permille = wire.duplicate_permille = wire.damage_permille = 0;
                wire.jitter = 0;
            });
        }
    }
}

// The disk itself, or one node's way to it.
void Chaos::strike_shared_disk(const Fault& fault, std::size_t node, Prng& prng) {
    const Nanos span = spread(prng, shortest(kMilli), 60 * kSecond);
    const bool is_both = chance(prng, 40);
    const Nanos latency = spread(prng, kMilli, 5 * kSecond);
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (i != node && !is_both) continue;
        SharedDisk::Way& way = world_.shared_disk(i);
        if (fault.kind == FaultKind::SharedHangs) {
            world_.hold_shared_disk(i, 1);
            until(span, [this, i] { world_.hold_shared_disk(i, -1); });
        } else if (fault.kind == FaultKind::SharedFails) {
            ++way.fails;
            until(span, [&way] { --way.fails; });
        } else {
            way.extra_latency = latency;
            until(span, [&way] { way.extra_latency = 0; });
        }
    }
}

void Chaos::strike_parts(const Fault& fault, std::size_t node, Prng& prng) {
    const Nanos span = spread(prng, shortest(100 * kMilli), longest(120 * kSecond));
    switch (fault.kind) {
        case FaultKind::KillService: {
            const auto& resources = config_.resources;
            return world_.kill_service(node, resources[prng.below(resources.size())].name);
        }
        case FaultKind::AgentsFail:
            agents_.fail = prng.below(30);
            agents_.slow = prng.below(20);
            until(span, [this] {
                agents_.fail = agents_.slow = 0;
                world_.set_agent_faults(agents_);
            });
            break;
        case FaultKind::AgentsHang:
            agents_.hang = prng.below(20);
            until(span, [this] {
                agents_.hang = 0;
                world_.set_agent_faults(agents_);
            });
            break;
        case FaultKind::StopsFail:
            world_.break_stops(node, true);
            return until(span, [this, node] { world_.break_stops(node, false); });
        case FaultKind::DiskFails:
            world_.disk(node).works = false;
            until(span, [this, node] { world_.disk(node).works = true; });
            break;
        case FaultKind::DiskSlow:
            world_.disk(node).extra_latency = spread(prng, kMilli, 10 * kSecond);
            until(span, [this, node] { world_.disk(node).extra_latency = 0; });
            break;
        case FaultKind::DiskCrawls:
            // For the rest of the run, through every boot: slower than others are patient.
            world_.disk(node).usual_latency = spread(prng, kSecond, 20 * kSecond);
            world_.at(plan_.chaos, [this, node] { world_.disk(node).usual_latency = 0; });
            break;
        case FaultKind::FenceRefuses:
            fences_.refuse = chance(prng, 50) ? 100 : prng.below(60);
            fences_.never_boot = prng.below(30);
            until(span, [this] {
                fences_.refuse = fences_.never_boot = 0;
                world_.set_fence_faults(fences_);
            });
            break;
        case FaultKind::FenceHangs:
            fences_.hang = prng.below(60);
            until(span, [this] {
                fences_.hang = 0;
                world_.set_fence_faults(fences_);
            });
            break;
        default:
            fences_.lie = prng.below(100);
            until(span, [this] {
                fences_.lie = 0;
                world_.set_fence_faults(fences_);
            });
            break;
    }
    world_.set_agent_faults(agents_);
    world_.set_fence_faults(fences_);
}

void Chaos::strike_as_operator(const Fault& fault, std::size_t node, Prng& prng) {
    const std::string name = World::name_of(node);
    const std::size_t at = prng.below(kNodes);
    switch (fault.kind) {
        case FaultKind::Configure:
            change_config(config_, prng);
            if (config_.is_in_maintenance) world_.reach(State::Maintenance);
            if (config_.is_standby[0] || config_.is_standby[1]) world_.reach(State::StandbyNode);
            return ask_configuration(at);
        case FaultKind::Maintenance:
            config_.is_in_maintenance = !config_.is_in_maintenance;
            world_.reach(State::Maintenance);
            return ask_configuration(at);
        case FaultKind::Move:
            move_one(config_, prng);
            return ask_configuration(at);
        case FaultKind::Cleanup:
            world_.request(at, node::Cleanup{"", "", chance(prng, 50)});
            return;
        case FaultKind::OperatorFence:
            if (!plan_.has_fencing) return;
            world_.request(at, node::FenceNode{name, chance(prng, 80) ? "reboot" : "off"});
            return;
        case FaultKind::Confirm:
            // This person looks before he speaks.
            if (world_.is_powered(node) || world_.node(1 - node) == nullptr) return;
            // Nor does he make a node begin that was down when the other one went on without it.
            if (!world_.lost_change(1 - node).empty()) return;
            world_.reach(State::Confirmed);
            world_.truth().proven_off(node);
            world_.keep_off(node);
            world_.request(1 - node, node::ConfirmFenced{name});
            return;
        case FaultKind::Leave:
            world_.request(node, node::Leave{});
            return world_.after(spread(prng, 10 * kSecond, 120 * kSecond), [this, node] {
                world_.reach(State::LeaverReturned);
                world_.start_daemon(node);
            });
        default:
            world_.request(at, node::SetAttribute{.node = name,
                                                  .name = concat("load", prng.below(3)),
                                                  .value = concat(prng.below(100)),
                                                  .remove = chance(prng, 20),
                                                  .is_permanent = false});
    }
}

// --- The end ------------------------------------------------------------------------------------

// What people do: the witness runs, and what no watchdog could reset is reset.
void Chaos::mend() {
    world_.start_witness();
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (world_.is_helpless(i)) world_.cut_power(i);
    }
}

// The network is whole again, and everything has to find back by itself.
void Chaos::heal_quickly() {
    mend();
    advance(world_.now() + kLastShots);
    wait_until_well();
    judge_still(2 * kSecond);
}

void Chaos::end_faults() {
    world_.set_agent_faults({});
    world_.set_fence_faults({});
    world_.crash_at_ack({});
    world_.forget_ambushes();
}

void Chaos::switch_on() {
    for (std::size_t i = 0; i < kNodes; ++i) {
        world_.boot(i);
        world_.start_daemon(i);
    }
}

void Chaos::wait_until_well() {
    const Nanos limit = world_.now() + kWellWithin;
    while (!is_over() && !is_well() && world_.now() < limit) {
        switch_on();
        advance(world_.now() + 500 * kMilli);
    }
    judge_well();
}

// As heal(), but nothing waits for longer than it has to.
void Chaos::heal_soon() {
    end_faults();
    mend();
    const bool are_late =
        plan_.kind == RunKind::Siege && plan_.kinds.contains(FaultKind::FenceHangs);
    advance(world_.now() + (are_late ? kLateShots : kLastShots));
    const Nanos limit = world_.now() + kHealRounds * kHealRound;
    while (!is_over() && world_.now() < limit && !(world_.is_member(0) && world_.is_member(1))) {
        mend();
        switch_on();
        advance(world_.now() + kSecond);
    }
    for (std::size_t i = 0; i < kNodes && !is_over(); ++i) {
        std::string lost = world_.lost_change(i);
        if (!lost.empty()) world_.truth().violate("I-10", std::move(lost), world_.now());
    }
    if (is_over()) return;
    calm_config(config_);
    ask_until_answered(0);
    // What still hangs may fail, and has to be cleaned up as well.
    const Nanos rest = world_.now() + kHealRound;
    while (!is_over() && !world_.is_idle() && world_.now() < rest) advance(world_.now() + kSecond);
    calm();
    wait_until_well();
    if (is_over()) return;
    judge_still(2 * kSecond);
    if (is_over()) return;
    for (std::size_t i = 0; i < kNodes && !is_over(); ++i) {
        if (world_.are_paths_up(i)) continue;
        world_.truth().violate("I-29", concat(World::name_of(i), " takes a whole path for broken"),
                               world_.now());
    }
    if (plan_.has_drill && (has_witness() || plan_.has_fencing)) drill();
}

// More than once: what was under way when the peer was lost or a disk was full is refused.
void Chaos::ask_until_answered(std::size_t node) {
    // What was asked for before may still be answered, and is not what is wanted now.
    const std::uint64_t first = next_marker_;
    const Nanos limit = world_.now() + kWellWithin;
    while (!is_over() && world_.newest_marker() < first && world_.now() < limit) {
        ask_configuration(node);
        advance(world_.now() + 3 * kSecond);
    }
    if (is_over() || world_.newest_marker() >= first) return;
    world_.truth().violate("I-17", concat(World::name_of(node), " does not take a change"),
                           world_.now());
}

// All, or what needs no more than a lease and waits for nothing else.
bool Chaos::serves_alone(std::size_t node, bool by_lease) const {
    return std::all_of(config_.resources.begin(), config_.resources.end(),
                       [this, node, by_lease](const WantedResource& resource) {
                           return (by_lease && (!resource.requires_lease || resource.group >= 0)) ||
                                  world_.truth().is_active(node, resource.name);
                       });
}

void Chaos::serve_alone(std::size_t node, bool by_lease, std::string_view after) {
    const Nanos limit = world_.now() + kAloneWithin;
    while (!is_over() && !serves_alone(node, by_lease) && world_.now() < limit) {
        advance(world_.now() + 100 * kMilli);
    }
    if (is_over() || serves_alone(node, by_lease)) return;
    world_.truth().violate(
        "I-17",
        concat(World::name_of(node), " does not serve alone ", after, ": ", world_.describe()),
        world_.now());
}

// What a pair is for: one machine is gone for good, and the other one serves, takes changes, and
// does so after a boot as well.
void Chaos::drill() {
    world_.reach(State::Drilled);
    advance(world_.now() + kLateShots);
    const std::size_t victim = config_prng_.below(kNodes);
    const std::size_t survivor = 1 - victim;
    const bool by_lease = has_witness() && plan_.has_fencing && chance(config_prng_, 50);
    world_.set_fence_faults({.refuse = by_lease ? 100U : 0U, .never_boot = 100});
    // In the middle of its work: everything is to move there.
    for (WantedResource& resource : config_.resources) {
        resource.prefers = static_cast<int>(victim);
    }
    const Nanos delay = spread(config_prng_, kMicro, 5 * kMilli);
    world_.on_note("action-started", 1 + config_prng_.below(4), [this, victim, delay] {
        world_.after(delay, [this, victim] { world_.cut_power(victim); });
    });
    ask_configuration(survivor);
    advance(world_.now() + kSecond);
    world_.forget_ambushes();
    world_.cut_power(victim);
    serve_alone(survivor, by_lease, "after its peer had lost its power");
    if (is_over()) return;
    // Whom no device can switch off is the business of people.
    if (by_lease) {
        world_.set_fence_faults({});
        world_.boot(victim);
        return wait_until_well();
    }
    ask_until_answered(survivor);
    if (is_over()) return;
    world_.cut_power(survivor);
    advance(world_.now() + kSecond);
    world_.boot(survivor);
    serve_alone(survivor, false, "after it was booted alone");
    if (is_over()) return;
    world_.set_fence_faults({});
    wait_until_well();
}

void Chaos::judge_well() {
    if (is_over() || is_well()) return;
    world_.truth().violate(world_.are_equal() ? "I-17" : "I-15",
                           concat("not well long after the last fault: ", missing()), world_.now());
}

void Chaos::heal() {
    end_faults();
    for (int round = 0; round < kHealRounds && !is_over(); ++round) {
        for (std::size_t i = 0; i < kNodes; ++i) {
            // A device that lied left a life behind that nobody speaks to any more.
            const bool is_shunned =
                round == 2 &&
                world_.reached().count(static_cast<std::size_t>(State::FenceLied)) > 0;
            if (is_shunned && !world_.is_member(i)) world_.kill_daemon(i);
            if (has_witness() && round < 3) mend();
            world_.boot(i);
            world_.start_daemon(i);
        }
        advance(world_.now() + kHealRound);
    }
    if (is_over()) return;
    for (std::size_t i = 0; i < kNodes; ++i) {
        std::string lost = world_.lost_change(i);
        if (!lost.empty() && world_.truth().is_exclusivity_promised())
            return world_.truth().violate("I-10", std::move(lost), world_.now());
    }
    calm();
    const Nanos limit = world_.now() + kWellWithin;
    while (!is_over() && !is_well() && world_.now() < limit) {
        // Who had asked to leave may have done so only now.
        for (std::size_t i = 0; i < kNodes; ++i) world_.start_daemon(i);
        advance(world_.now() + kSecond);
    }
    judge_well();
    if (!is_over()) judge_quiet();
}

// What people do when it is over: the last wish, and a clean slate.
void Chaos::calm() {
    calm_config(config_);
    ask_configuration(0);
    advance(world_.now() + 5 * kSecond);
    for (std::size_t i = 0; i < kNodes; ++i) world_.request(i, node::Cleanup{});
    advance(world_.now() + 10 * kSecond);
}

bool Chaos::is_well() const {
    return world_.is_member(0) && world_.is_member(1) && world_.is_idle() && world_.are_equal() &&
           missing() == world_.describe();
}

std::string Chaos::missing() const {
    std::string text = world_.describe();
    for (const WantedResource& resource : config_.resources) {
        const bool here = world_.truth().is_active(0, resource.name);
        const bool there = world_.truth().is_active(1, resource.name);
        if (here == there)
            text += concat(resource.name, here ? " runs twice; " : " runs nowhere; ");
        if (here != there && !world_.is_gate_open(here ? 0 : 1)) {
            text += concat(resource.name, " runs without a lease; ");
        }
    }
    return text;
}

// Claim I-22: what is at rest stays at rest.
void Chaos::judge_still(Nanos span) {
    const std::uint64_t transitions = world_.transitions();
    advance(world_.now() + span);
    if (is_over() || world_.transitions() == transitions) return;
    world_.truth().violate("I-22",
                           concat(world_.transitions() - transitions, " transitions in ",
                                  span / kSecond, " s in which nothing happened"),
                           world_.now());
}

// And claim I-23: it is looked after.
void Chaos::judge_quiet() {
    judge_still(kQuiet);
    if (is_over()) return;
    for (const WantedResource& resource : config_.resources) {
        const std::size_t node = world_.truth().is_active(0, resource.name) ? 0 : 1;
        const Nanos last = world_.last_monitor(node, resource.name);
        const Nanos interval = static_cast<Nanos>(resource.monitor_s) * kSecond;
        if (last >= 0 && world_.now() - last <= 2 * interval + kSecond) continue;
        return world_.truth().violate("I-23",
                                      concat(resource.name, " on ", World::name_of(node),
                                             " was not monitored for two intervals"),
                                      world_.now());
    }
}

}  // namespace

Outcome run(const RunOptions& options) {
    if (options.kind == RunKind::Witness || options.kind == RunKind::Echo) {
        return duel_over_witness(options);
    }
    if (options.kind == RunKind::Flags) return duel_over_disk(options);
    Plan plan = make_plan(options.kind, options.seed, options.cuts);
    plan.settings.may_skip = options.may_skip;
    plan.settings.trace = options.trace;
    Chaos chaos(plan, options);
    return chaos.run();
}

}  // namespace xbeat::xsim
