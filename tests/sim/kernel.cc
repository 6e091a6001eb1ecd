#include "tests/sim/kernel.h"

#include <algorithm>

#include "tests/sim/streams.h"

namespace xbeat::xsim {
namespace {

// As user/heart/options.cc derives them from the profile.
constexpr std::uint32_t kLatePeriods = 2;
constexpr std::uint32_t kGraceMaxPeriods = XB_SENT_SLOTS - 4;

}  // namespace

Kernel::Kernel(std::uint16_t self, const Timing& timing, std::uint64_t secret) {
    const auto period = static_cast<std::uint64_t>(timing.period);
    control_.abi_version = XB_ABI_VERSION;
    control_.self = self;
    control_.cluster_tag = mix(secret, 1);
    control_.period_ns = period;
    control_.late_ns = kLatePeriods * period;
    control_.stall_ns = std::max(kLatePeriods, timing.suspect) * period;
    control_.grace_min_ns = period / 2;
    control_.grace_max_ns = kGraceMaxPeriods * period;
    control_.fresh_ns = std::max<std::uint64_t>(2ULL * timing.dead, XB_SENT_SLOTS) * period;
    control_.k_suspect = timing.suspect;
    control_.k_dead = timing.dead;
    control_.k_up = std::clamp(2 * timing.dead, 10U, 50U);
    control_.stall_ticks = static_cast<std::uint32_t>(timing.stall_after / timing.period);
    peer_.path_mask = (1U << kPaths) - 1;
    const std::uint64_t other = 3U - self;
    for (std::size_t path = 0; path < kPaths; ++path) {
        xb_keys& keys = keys_[path];
        keys.id[0] = XB_KEY_VALID;
        for (std::uint64_t word = 0; word < 2; ++word) {
            keys.send[0][word] = mix(secret, 100 + self * 10ULL + path * 2 + word);
            keys.receive[0][word] = mix(secret, 100 + other * 10ULL + path * 2 + word);
        }
    }
}

void Kernel::boot(std::uint64_t incarnation) {
    control_.incarnation = incarnation;
    control_.daemon_progress = 0;
    laps_ = {};
    const std::uint32_t mask = peer_.path_mask;
    peer_ = {};
    peer_.path_mask = mask;
    paths_ = {};
}

void Kernel::set_peer(std::uint64_t incarnation) {
    if (peer_.incarnation == incarnation && peer_.state != XB_PEER_DEAD) return;
    peer_.grant_ns = 0;
    peer_.incarnation = incarnation;
    ++peer_.epoch;
}

void Kernel::forget_peer() {
    peer_.grant_ns = 0;
    peer_.incarnation = 0;
    ++peer_.epoch;
}

void Kernel::judge(const xb_lap& lap, Lap& out) {
    if (peer_.seen_epoch != peer_.epoch) xb_begin_epoch(&peer_, &lap);
    std::uint32_t misses = UINT32_MAX;
    const xb_path* latest = nullptr;
    for (std::uint8_t number = 0; number < kPaths; ++number) {
        xb_path& path = paths_[number];
        if (xb_judge_path(&control_, &peer_, &path, &lap) != 0) {
            out.verdicts.push_back({.is_peer = false,
                                    .path = number,
                                    .after = static_cast<std::uint8_t>(path.state),
                                    .misses = path.misses,
                                    .answered_ns = path.answered_ns,
                                    .heard_ns = peer_.heard_ns,
                                    .rtt_ns = path.rtt_ns,
                                    .grace_ns = path.grace_used_ns});
        }
        misses = std::min(misses, path.misses);
        if (latest == nullptr || path.answered_ns > latest->answered_ns) latest = &path;
    }
    if (xb_judge_peer(&control_, &peer_, misses, &lap) == 0) return;
    out.verdicts.push_back({.is_peer = true,
                            .path = 0,
                            .after = static_cast<std::uint8_t>(peer_.state),
                            .misses = misses,
                            .answered_ns = latest->answered_ns,
                            .heard_ns = peer_.heard_ns,
                            .rtt_ns = latest->rtt_ns,
                            .grace_ns = latest->grace_used_ns});
}

void Kernel::lap(std::uint64_t now, Lap& out) {
    out.verdicts.clear();
    out.probes.clear();
    const xb_lap lap = xb_begin_lap(&control_, &laps_, now);
    if (peer_.incarnation == 0) return;
    judge(lap, out);
    const auto receiver = static_cast<std::uint16_t>(3 - control_.self);
    for (std::uint8_t number = 0; number < kPaths; ++number) {
        xb_path& path = paths_[number];
        ++path.sequence;
        xb_beat& probe = out.probes.emplace_back();
        xb_make_probe(&probe, &control_, &peer_, &path, &keys_[number], receiver, number, now);
        xb_note_sending(&path, XB_SENT, now);
    }
}

std::optional<xb_beat> Kernel::receive(const xb_beat& frame, std::uint8_t path_here,
                                       std::uint64_t now) {
    int outcome = xb_judge_shape(&frame, &control_, path_here);
    if (outcome == XB_OK && XB_LE16(frame.sender) != 3 - control_.self) outcome = XB_DROP_SENDER;
    if (outcome != XB_OK) {
        ++dropped_;
        return std::nullopt;
    }
    xb_path& path = paths_[path_here];
    const xb_keys& keys = keys_[path_here];
    outcome = xb_judge_frame(&frame, &control_, &peer_, &path, &keys, now);
    if (outcome == XB_REFLECTIONS_TAKEN) return std::nullopt;
    if (outcome != XB_PROBES_REFLECTED) {
        ++dropped_;
        return std::nullopt;
    }
    xb_beat answer = frame;
    xb_make_reflection(&answer, &control_, &peer_, &path, &keys, now);
    return answer;
}

bool Kernel::are_paths_up() const {
    return std::all_of(paths_.begin(), paths_.end(),
                       [](const xb_path& path) { return path.state == XB_PATH_UP; });
}

// --- Skipping what is known to bring nothing new
// ----------------------------------------------------

template <class Self, class Visit>
void Kernel::visit(Self& self, Visit&& visit) {
    auto& laps = self.laps_;
    visit(laps.count), visit(laps.late), visit(laps.first_ns), visit(laps.last_ns);
    visit(laps.gap_ns), visit(laps.gap_max_ns), visit(laps.hold_until_ns), visit(laps.stalls);
    auto& peer = self.peer_;
    visit(peer.incarnation), visit(peer.grant_ns), visit(peer.epoch), visit(peer.seen_epoch);
    visit(peer.state), visit(peer.since_ns), visit(peer.answers_seen), visit(peer.progress_seen);
    visit(peer.still_ticks), visit(peer.stalls_seen), visit(peer.lease_until_ns);
    visit(peer.heard_ns), visit(peer.answers), visit(peer.state_sent_ns);
    visit(peer.daemon_progress), visit(peer.fresh_probes), visit(peer.fresh_seen);
    visit(peer.quiet_laps), visit(peer.word_ns);
    for (auto& path : self.paths_) {
        visit(path.seen_epoch), visit(path.state), visit(path.sequence);
        visit(path.sent_sequence), visit(path.sent_ns), visit(path.due_sequence);
        visit(path.seen_answered), visit(path.seen_answers), visit(path.stalls_seen);
        visit(path.misses), visit(path.unsent_misses), visit(path.good_run);
        visit(path.grace_used_ns), visit(path.sent), visit(path.unsent), visit(path.lost);
        visit(path.peer_incarnation), visit(path.heard.highest), visit(path.heard.bits);
        visit(path.heard_sent_ns), visit(path.heard_ns), visit(path.answered.highest);
        visit(path.answered.bits), visit(path.answered_ns), visit(path.answers);
        visit(path.rtt_ns), visit(path.rtt_min_ns), visit(path.rtt_max_ns);
        visit(path.rtt_mean_ns), visit(path.rtt_dev_ns);
    }
}

Scalars Kernel::scalars() const {
    Scalars out{};
    std::size_t place = 0;
    visit(*this, [&](const auto& value) { out.at(place++) = value; });
    return out;
}

bool Kernel::may_skip(const Scalars& delta, std::uint64_t& laps) const {
    // The numbers a lap from now, in the same structure: only their differences are of interest.
    Kernel step = *this;
    std::size_t place = 0;
    visit(step, [&](auto& value) {
        value = static_cast<std::remove_reference_t<decltype(value)>>(delta[place++]);
    });
    const bool is_settled = peer_.state == XB_PEER_DEAD || peer_.incarnation == 0;
    if (step.peer_.state != 0 || step.laps_.stalls != 0 || step.laps_.late != 0) return false;
    if (step.peer_.quiet_laps != 0 && !is_settled) return false;
    for (std::size_t i = 0; i < kPaths; ++i) {
        const xb_path& change = step.paths_[i];
        if (change.state != 0 || change.answered.bits != 0 || change.heard.bits != 0) return false;
        if (change.misses != 0 && (!is_settled || paths_[i].state != XB_PATH_DOWN)) return false;
        if (change.good_run != 0 && paths_[i].state != XB_PATH_UP) return false;
        // Means that still settle do so ever more slowly, not by the same amount for ever.
        if (change.rtt_mean_ns != 0 || change.rtt_dev_ns != 0) return false;
        // The send times of all remembered probes must follow the same pattern.
        if (change.sequence != 0 && paths_[i].sequence < XB_SENT_SLOTS) return false;
    }
    if (step.peer_.still_ticks != 0) {
        const std::uint64_t left = control_.stall_ticks - peer_.still_ticks;
        if (peer_.still_ticks >= control_.stall_ticks) return false;
        laps = std::min(laps, left > 2 ? left - 2 : 0);
    }
    return laps > 0;
}

void Kernel::skip(const Scalars& delta, std::uint64_t laps, std::uint64_t period_ns) {
    std::array<std::uint64_t, kPaths> before{};
    for (std::size_t i = 0; i < kPaths; ++i) before[i] = paths_[i].sequence;
    std::size_t place = 0;
    visit(*this, [&](auto& value) {
        value =
            static_cast<std::remove_reference_t<decltype(value)>>(value + delta[place++] * laps);
    });
    for (std::size_t i = 0; i < kPaths; ++i) {
        xb_path& path = paths_[i];
        if (path.sequence == before[i]) continue;
        // What was sent before the skipped laps keeps its time, however irregular.
        for (std::uint64_t back = 0; back < std::min<std::uint64_t>(laps, XB_SENT_SLOTS); ++back) {
            const std::uint64_t sequence = path.sequence - back;
            path.sent_at[sequence & (XB_SENT_SLOTS - 1)] = (path.sent_ns - back * period_ns) | 1;
        }
    }
}

}  // namespace xbeat::xsim
