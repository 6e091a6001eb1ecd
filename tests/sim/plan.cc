// From a seed to a plan.
#include <algorithm>

#include "core/text.h"
#include "tests/sim/chaos.h"

namespace xbeat::xsim {

std::string_view name_of(FaultKind kind) {
    static constexpr std::string_view kNames[] = {
#define XSIM_FAULT_NAME(name, text) text,
        XSIM_FAULTS(XSIM_FAULT_NAME)
#undef XSIM_FAULT_NAME
    };
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(RunKind kind) {
    static constexpr std::string_view kNames[] = {"fence",  "lease", "partition", "witness",
                                                  "ambush", "echo",  "disk",      "flags",
                                                  "siege",  "move"};
    return kNames[static_cast<std::size_t>(kind)];
}

namespace {

constexpr std::size_t kFaultsMax = 400;

// Fast verdicts mostly: they are the harder case.
Timing draw_timing(Prng& prng) {
    const std::uint64_t dice = prng.below(10);
    if (dice < 6) return {.period = kMilli, .suspect = 3, .dead = 5, .stall_after = kSecond};
    if (dice < 8) return {.period = 5 * kMilli, .suspect = 3, .dead = 10, .stall_after = kSecond};
    return {.period = 10 * kMilli, .suspect = 10, .dead = 100, .stall_after = kSecond};
}

// Swarm: each kind of fault is on or off for the whole run, so that rare combinations are not
// drowned by frequent ones.
std::set<FaultKind> draw_kinds(Prng& prng, std::size_t from, std::size_t to) {
    std::set<FaultKind> kinds;
    for (std::size_t i = from; i < to; ++i) {
        const auto kind = static_cast<FaultKind>(i);
        // A device that lies voids the promise that is to be tested, so it seldom does.
        const std::uint64_t percent = kind == FaultKind::FenceLies ? 3 : 50;
        if (chance(prng, percent)) kinds.insert(kind);
    }
    // Somebody has to switch on again what others switch off.
    kinds.insert(FaultKind::Start);
    return kinds;
}

std::vector<Fault> draw_faults(Prng& prng, const Plan& plan, Nanos at, Nanos gap) {
    std::vector<Fault> faults;
    const std::vector<FaultKind> kinds(plan.kinds.begin(), plan.kinds.end());
    while (at < plan.chaos && faults.size() < kFaultsMax) {
        faults.push_back({.at = at, .kind = kinds[prng.below(kinds.size())], .seed = prng.next()});
        at += between(prng, 0, 2 * gap);
    }
    return faults;
}

// A witness, and clocks as far apart as they may be.
void draw_lease(Prng& prng, Plan& plan) {
    Settings& settings = plan.settings;
    settings.arbiter = node::ArbiterKind::Witness;
    settings.lease =
        Duration(std::max<Nanos>(2 * settings.timing.dead * settings.timing.period, 20 * kMilli));
    static constexpr Nanos kExclusivity[] = {500 * kMilli, 3 * kSecond, 3 * kSecond, 10 * kSecond};
    settings.exclusivity = Duration(kExclusivity[prng.below(4)]);
    settings.handicap = Duration(between(prng, 20 * kMilli, 100 * kMilli));
    settings.has_watchdog = chance(prng, 70);
}

void draw_extreme_drift(Prng& prng, Plan& plan) {
    for (std::int64_t& drift : plan.settings.drift_ppm) drift = chance(prng, 50) ? 500 : -500;
    plan.settings.witness_drift_ppm = chance(prng, 50) ? 500 : -500;
}

Plan fence_plan(std::uint64_t seed) {
    Prng prng = stream(seed, "plan");
    Plan plan;
    plan.settings.seed = seed;
    plan.settings.timing = draw_timing(prng);
    plan.has_fencing = !chance(prng, 15);
    plan.settings.arbiter = plan.has_fencing ? node::ArbiterKind::Fence : node::ArbiterKind::None;
    plan.settings.disks_may_tear = chance(prng, 50);
    const bool has_drift = chance(prng, 10);
    for (std::int64_t& drift : plan.settings.drift_ppm) {
        const std::int64_t drawn = between(prng, -500, 500);
        if (has_drift) drift = drawn;
    }
    plan.resources_max = static_cast<std::size_t>(spread(prng, 1, 20));
    plan.chaos = 10 * kSecond + spread(prng, 20 * kSecond, 1800 * kSecond);
    // Laps that cannot be skipped are dear.
    if (has_drift) plan.chaos = std::min(plan.chaos, 60 * kSecond);
    // A pair that is being upgraded (claim I-32).
    Prng releases = stream(seed, "releases");
    if (chance(releases, 20)) plan.settings.newest[releases.below(kNodes)] = wire::kProtocolOldest;
    plan.kinds = draw_kinds(prng, 0, kFenceFaultKinds);
    const Nanos gap = spread(prng, 50 * kMilli, 30 * kSecond);
    plan.faults = draw_faults(prng, plan, 10 * kSecond, gap);
    return plan;
}

// What was acknowledged is lost in the milliseconds around the answer, or never: so that is when
// the power goes. Each comes with a change that will be answered.
void draw_crashes_at_acks(Prng prng, Plan& plan) {
    if (!chance(prng, 50)) return;
    plan.kinds.insert(FaultKind::CrashAtAck);
    for (std::uint64_t i = 1 + prng.below(8); i > 0; --i) {
        const Nanos at = between(prng, 10 * kSecond, plan.chaos);
        plan.faults.push_back({.at = at, .kind = FaultKind::CrashAtAck, .seed = prng.next()});
        plan.faults.push_back(
            {.at = at + kMilli, .kind = FaultKind::Configure, .seed = prng.next()});
    }
}

// As with fencing, and a witness beside it or in its place.
Plan lease_plan(std::uint64_t seed) {
    Plan plan = fence_plan(seed);
    Prng prng = stream(seed, "lease plan");
    plan.kind = RunKind::Lease;
    plan.has_fencing = chance(prng, 50);
    draw_lease(prng, plan);
    plan.settings.drift_ppm = {};
    plan.chaos = 10 * kSecond + spread(prng, 20 * kSecond, 900 * kSecond);
    if (chance(prng, 15)) {
        draw_extreme_drift(prng, plan);
        plan.chaos = std::min(plan.chaos, 40 * kSecond);
    }
    plan.kinds.merge(draw_kinds(prng, kFenceFaultKinds, kLeaseFaultKinds));
    const Nanos gap = spread(prng, 50 * kMilli, 15 * kSecond);
    plan.faults = draw_faults(prng, plan, 10 * kSecond, gap);
    draw_crashes_at_acks(stream(seed, "crashes at acks"), plan);
    return plan;
}

// A disk in place of the witness, and what can befall the ways to it in place of the witness's.
Plan disk_plan(std::uint64_t seed) {
    Plan plan = lease_plan(seed);
    Prng prng = stream(seed, "disk plan");
    plan.settings.arbiter = node::ArbiterKind::Disk;
    std::erase_if(plan.kinds, [](FaultKind kind) {
        return (kind >= FaultKind::WitnessCrash && kind <= FaultKind::WitnessReplay) ||
               kind == FaultKind::CrashAtAck;
    });
    plan.kinds.merge(draw_kinds(prng, kFirstSharedKind, kSharedFaultKinds));
    plan.faults = draw_faults(prng, plan, 10 * kSecond, spread(prng, 50 * kMilli, 15 * kSecond));
    draw_crashes_at_acks(stream(seed, "crashes at acks"), plan);
    return plan;
}

// As many as possible: few resources, few seconds, nothing but the network.
Plan partition_plan(std::uint64_t seed) {
    Prng prng = stream(seed, "partition plan");
    Plan plan;
    plan.kind = RunKind::Partition;
    plan.settings.seed = seed;
    plan.settings.timing = draw_timing(prng);
    plan.settings.progress_interval = 500 * kMilli;
    // A witness, a witness beside devices, devices alone, nothing.
    const std::uint64_t dice = prng.below(8);
    plan.has_fencing = dice >= 3 && dice < 7;
    plan.settings.arbiter = plan.has_fencing ? node::ArbiterKind::Fence : node::ArbiterKind::None;
    if (dice < 5) draw_lease(prng, plan);
    plan.resources_max = chance(prng, 80) ? 1 : 3;
    plan.chaos = 3 * kSecond + spread(prng, kSecond, 20 * kSecond);
    if (chance(prng, 3)) draw_extreme_drift(prng, plan);
    static constexpr FaultKind kMaybe[] = {
        FaultKind::CutPath,     FaultKind::CutOneWay,    FaultKind::Loss, FaultKind::Jitter,
        FaultKind::CutChannel,  FaultKind::DropChannel,  FaultKind::Flap, FaultKind::WitnessCut,
        FaultKind::WitnessLoss, FaultKind::WitnessReplay};
    plan.kinds = {FaultKind::Partition};
    for (const FaultKind kind : kMaybe) {
        const bool is_witness = static_cast<std::size_t>(kind) >= kFenceFaultKinds;
        if (chance(prng, 40) && (!is_witness || dice < 5)) plan.kinds.insert(kind);
    }
    const Nanos gap = spread(prng, 200 * kMilli, 5 * kSecond);
    plan.faults = draw_faults(prng, plan, 3 * kSecond, gap);
    return plan;
}

// What an ambush strikes with, and what strikes beside it. Nothing that lies and no person's word:
// those void promises.
constexpr FaultKind kBlows[] = {
    FaultKind::Crash,        FaultKind::Reboot,      FaultKind::KillDaemon,
    FaultKind::StallDaemon,  FaultKind::Freeze,      FaultKind::Partition,
    FaultKind::CutPath,      FaultKind::CutOneWay,   FaultKind::Loss,
    FaultKind::Jitter,       FaultKind::Forgery,     FaultKind::CutChannel,
    FaultKind::DropChannel,  FaultKind::KillService, FaultKind::KillExecutor,
    FaultKind::AgentsFail,   FaultKind::AgentsHang,  FaultKind::DiskFails,
    FaultKind::DiskSlow,     FaultKind::DiskCrawls,  FaultKind::FenceRefuses,
    FaultKind::FenceHangs,   FaultKind::Configure,   FaultKind::Cleanup,
    FaultKind::Leave,        FaultKind::Flap,        FaultKind::CrashAtAck,
    FaultKind::WitnessCrash, FaultKind::WitnessCut,  FaultKind::WitnessLoss,
    FaultKind::WitnessReplay};

// The first two are most of what a pair does.
constexpr std::string_view kMoments[] = {"action-started",
                                         "transition-started",
                                         "transition-done",
                                         "config-changed",
                                         "coordinator",
                                         "peer-met",
                                         "joined",
                                         "channel-up",
                                         "channel-resumed",
                                         "channel-down",
                                         "started",
                                         "left",
                                         "peer-suspect",
                                         "peer-dead",
                                         "peer-stalled",
                                         "fence-requested",
                                         "fence-succeeded",
                                         "fence-failed",
                                         "exclusivity-granted",
                                         "lease-ran-out",
                                         "lease-lost",
                                         "yielded"};

// Those that rights, terms and records hang on come more often.
constexpr FaultKind kHardBlows[] = {
    FaultKind::Crash,       FaultKind::Reboot,   FaultKind::KillDaemon, FaultKind::StallDaemon,
    FaultKind::Freeze,      FaultKind::Freeze,   FaultKind::Partition,  FaultKind::CutOneWay,
    FaultKind::DropChannel, FaultKind::DiskSlow, FaultKind::AgentsFail, FaultKind::KillService,
    FaultKind::Configure};

bool is_of_witness(FaultKind kind) {
    return kind == FaultKind::WitnessCrash || kind == FaultKind::WitnessCut ||
           kind == FaultKind::WitnessLoss || kind == FaultKind::WitnessReplay;
}

bool is_of_devices(FaultKind kind) {
    return kind == FaultKind::FenceRefuses || kind == FaultKind::FenceHangs;
}

// Faults come in volleys, microseconds to seconds apart, with time to recover in between; every
// other volley waits for something to change, and brings about a change.
void draw_volleys(Prng& prng, Plan& plan, Nanos at) {
    const std::vector<FaultKind> kinds(plan.kinds.begin(), plan.kinds.end());
    const auto add = [&](Nanos when, FaultKind kind) {
        plan.faults.push_back({.at = when, .kind = kind, .seed = prng.next()});
    };
    while (at < plan.chaos && plan.faults.size() < kFaultsMax) {
        Nanos next = at;
        if (chance(prng, 50)) {
            add(next, FaultKind::Ambush);
            const std::uint64_t dice = prng.below(4);
            add(next + kMilli, dice < 2    ? FaultKind::Configure
                               : dice == 2 ? FaultKind::KillService
                                           : kinds[prng.below(kinds.size())]);
        }
        for (std::uint64_t i = 1 + prng.below(3); i > 0; --i) {
            add(next, kinds[prng.below(kinds.size())]);
            next += spread(prng, 10 * kMicro, 3 * kSecond);
        }
        if (chance(prng, 70)) add(next + spread(prng, 10 * kMilli, 10 * kSecond), FaultKind::Start);
        at = next + spread(prng, 100 * kMilli, 10 * kSecond);
    }
    std::erase_if(plan.faults, [&](const Fault& fault) { return fault.at >= plan.chaos; });
}

// Short, with few kinds of faults that meet in the moments that matter.
Plan ambush_plan(std::uint64_t seed) {
    Prng prng = stream(seed, "ambush plan");
    Plan plan;
    plan.settings.seed = seed;
    plan.settings.timing = draw_timing(prng);
    const std::uint64_t dice = prng.below(20);
    const bool has_witness = dice < 13;
    plan.has_fencing = dice >= 8 && dice < 18;
    plan.settings.arbiter = plan.has_fencing ? node::ArbiterKind::Fence : node::ArbiterKind::None;
    if (has_witness) draw_lease(prng, plan);
    plan.settings.disks_may_tear = chance(prng, 50);
    plan.settings.disks_may_garble = chance(prng, 50);
    plan.resources_max = chance(prng, 70) ? 1 : 4;
    constexpr Nanos kReady = 12 * kSecond;  // before that the witness grants nothing
    plan.chaos = kReady + spread(prng, 5 * kSecond, 120 * kSecond);
    if (has_witness && chance(prng, 5)) {
        draw_extreme_drift(prng, plan);
        plan.chaos = std::min(plan.chaos, kReady + 15 * kSecond);
    }
    plan.span_max = spread(prng, 100 * kMilli, 60 * kSecond);
    plan.has_drill = chance(prng, 30);
    plan.moments.assign(std::begin(kMoments), std::end(kMoments));
    plan.frequent_moments = 2;
    plan.kinds = {FaultKind::Start};
    for (std::uint64_t i = 2 + prng.below(5); i > 0; --i) {
        const FaultKind kind = chance(prng, 50) ? kHardBlows[prng.below(std::size(kHardBlows))]
                                                : kBlows[prng.below(std::size(kBlows))];
        if (is_of_witness(kind) && !has_witness) continue;
        if (is_of_devices(kind) && !plan.has_fencing) continue;
        plan.kinds.insert(kind);
    }
    draw_volleys(prng, plan, kReady);
    return plan;
}

// What lasts: who is down stays down while the other one takes over, has its own troubles, and is
// met again in another order.
constexpr FaultKind kLasting[] = {
    FaultKind::KillDaemon,   FaultKind::KillDaemon,  FaultKind::StallDaemon,
    FaultKind::Reboot,       FaultKind::Reboot,      FaultKind::Crash,
    FaultKind::Freeze,       FaultKind::Freeze,      FaultKind::Partition,
    FaultKind::CutOneWay,    FaultKind::CutChannel,  FaultKind::WitnessCut,
    FaultKind::WitnessCrash, FaultKind::SharedHangs, FaultKind::SharedSlow,
    FaultKind::FenceRefuses, FaultKind::FenceHangs,  FaultKind::StopsFail,
    FaultKind::BootLoop,     FaultKind::DiskCrawls,  FaultKind::DiskFails,
    FaultKind::DiskSlow,     FaultKind::Maintenance, FaultKind::KillService,
    FaultKind::Leave};

constexpr std::string_view kSiegeMoments[] = {"start-ordered", "transition-started",
                                              "peer-met",      "exclusivity-granted",
                                              "lease-ran-out", "fence-requested"};

bool has_place_for(FaultKind kind, const Plan& plan) {
    if (is_of_witness(kind)) return plan.settings.arbiter == node::ArbiterKind::Witness;
    if (is_of_devices(kind)) return plan.has_fencing;
    const auto number = static_cast<std::size_t>(kind);
    const bool is_of_disk = number >= kFirstSharedKind && number < kSharedFaultKinds;
    return !is_of_disk || plan.settings.arbiter == node::ArbiterKind::Disk;
}

// Few kinds of faults, one at a time: the pair has answered the one before it is struck again, so
// histories become long instead of dense.
Plan siege_plan(std::uint64_t seed) {
    Prng prng = stream(seed, "siege plan");
    Plan plan;
    plan.settings.seed = seed;
    plan.settings.timing = draw_timing(prng);
    const std::uint64_t dice = prng.below(10);
    plan.has_fencing = dice >= 5;
    plan.settings.arbiter = plan.has_fencing ? node::ArbiterKind::Fence : node::ArbiterKind::None;
    if (dice < 7) draw_lease(prng, plan);
    if (dice == 0 || dice == 5) plan.settings.arbiter = node::ArbiterKind::Disk;
    plan.resources_max = chance(prng, 60) ? 1 : 4;
    constexpr Nanos kReady = 12 * kSecond;  // before that the witness grants nothing
    plan.chaos = kReady + spread(prng, 30 * kSecond, 300 * kSecond);
    plan.span_min = 3 * kSecond;
    plan.moments.assign(std::begin(kSiegeMoments), std::end(kSiegeMoments));
    plan.frequent_moments = 1;
    plan.kinds = {FaultKind::Configure};
    for (std::uint64_t i = 2 + prng.below(3); i > 0; --i) {
        const FaultKind kind = kLasting[prng.below(std::size(kLasting))];
        if (has_place_for(kind, plan)) plan.kinds.insert(kind);
    }
    // What takes as long as real services do is under way whenever something happens.
    Prng slow = stream(seed, "slow services");
    if (chance(slow, 30)) {
        plan.settings.slow_agents = 30 + slow.below(71);
        plan.resources_max = 6;
    }
    const std::vector<FaultKind> kinds(plan.kinds.begin(), plan.kinds.end());
    const Nanos gap = spread(prng, kSecond, 10 * kSecond);
    for (Nanos at = kReady; at < plan.chaos; at += between(prng, 0, 2 * gap)) {
        // Who is down is switched on now and then, so that there is somebody to strike.
        const FaultKind kind =
            chance(prng, 10) ? FaultKind::Start : kinds[prng.below(kinds.size())];
        if (chance(prng, 20)) {
            plan.faults.push_back({.at = at, .kind = FaultKind::Ambush, .seed = prng.next()});
        }
        plan.faults.push_back({.at = at, .kind = kind, .seed = prng.next()});
    }
    return plan;
}

// Of both long kinds one or the other, and people who keep moving what may migrate.
Plan move_plan(std::uint64_t seed) {
    Prng prng = stream(seed, "move plan");
    Plan plan = chance(prng, 50) ? lease_plan(seed) : fence_plan(seed);
    plan.resources_max = std::min<std::size_t>(plan.resources_max, 4);
    plan.chaos = std::min(plan.chaos, 300 * kSecond);
    std::erase_if(plan.faults, [&plan](const Fault& fault) { return fault.at > plan.chaos; });
    for (Nanos at = 10 * kSecond; at < plan.chaos; at += between(prng, 0, 6 * kSecond)) {
        plan.faults.push_back({.at = at, .kind = FaultKind::Move, .seed = prng.next()});
    }
    return plan;
}

}  // namespace

Plan make_plan(RunKind kind, std::uint64_t seed, const Cuts& cuts) {
    Plan plan = kind == RunKind::Lease       ? lease_plan(seed)
                : kind == RunKind::Disk      ? disk_plan(seed)
                : kind == RunKind::Partition ? partition_plan(seed)
                : kind == RunKind::Ambush    ? ambush_plan(seed)
                : kind == RunKind::Siege     ? siege_plan(seed)
                : kind == RunKind::Move      ? move_plan(seed)
                                             : fence_plan(seed);
    plan.kind = kind;
    // What is left out is left out here, after everything has been drawn.
    if (cuts.resources_max != 0) plan.resources_max = cuts.resources_max;
    std::vector<Fault> kept;
    for (std::size_t i = 0; i < plan.faults.size(); ++i) {
        const Fault& fault = plan.faults[i];
        if ((!cuts.kept.empty() && !cuts.kept.contains(i)) || cuts.without.contains(fault.kind))
            continue;
        if (cuts.chaos_max != 0 && fault.at > cuts.chaos_max) continue;
        kept.push_back(fault);
    }
    if (cuts.chaos_max != 0) plan.chaos = std::min(plan.chaos, cuts.chaos_max);
    plan.faults = std::move(kept);
    return plan;
}

std::string describe(const Plan& plan) {
    const node::ArbiterKind arbiter = plan.settings.arbiter;
    std::string text = concat("period ", plan.settings.timing.period / kMicro, " us, ",
                              plan.has_fencing ? "fencing" : "no fencing",
                              arbiter == node::ArbiterKind::Witness ? ", a witness"
                              : arbiter == node::ArbiterKind::Disk  ? ", a shared disk"
                                                                    : "",
                              ", up to ", plan.resources_max, " resources, chaos ",
                              plan.chaos / kSecond, " s, ", plan.faults.size(), " faults:");
    for (const FaultKind kind : plan.kinds) text += concat(' ', name_of(kind));
    return text;
}

}  // namespace xbeat::xsim
