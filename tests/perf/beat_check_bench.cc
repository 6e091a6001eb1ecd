// What one frame costs the kernel, and how fast and how calm the whole detector is.
//
//   beat_check_bench frames            ns per frame through BPF_PROG_TEST_RUN, best and median of 7
//   beat_check_bench cuts [N]          N silent cuts of both paths, T = 1 ms, k = 5: time to `dead`
//   beat_check_bench calm SECONDS      counts verdicts while nothing is wrong; load it from outside
// Needs root. The last two make two namespaces and a switch of their own.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "support/heart_lab.h"
#include "support/reflex_rig.h"
#include "sys/boot_clock.h"

namespace xbeat::heart::test {
namespace {

constexpr int kSeries = 7;
constexpr std::uint32_t kRepeat = 1'000'000;

void print_cost(const char* what, const std::vector<std::uint32_t>& costs) {
    std::vector<std::uint32_t> sorted = costs;
    std::sort(sorted.begin(), sorted.end());
    std::printf("%-44s %5u ns min %5u ns median\n", what, sorted.front(),
                sorted[sorted.size() / 2]);
}

void measure(ReflexRig& rig, const char* what, const Frame& frame) {
    std::vector<std::uint32_t> costs;
    for (int i = 0; i < kSeries; i++) costs.push_back(rig.run(frame, kRepeat).nanoseconds);
    print_cost(what, costs);
}

/// One new frame a run cannot be repeated: a million good reflections are a million different ones.
/// The window is widened instead: the last check that a replay fails is the last that a good frame
/// passes.
int frames() {
    ReflexRig rig;
    const xb_beat probe = rig.probe(1000);
    const xb_beat answer = rig.reflection(1000, 10us);
    measure(rig, "foreign (passed)", wrap(&probe, sizeof probe, {.port = 80}));
    (void)rig.run(probe);
    (void)rig.run(answer);
    measure(rig, "probe, verified whole, then a replay", wrap(&probe, sizeof probe));
    measure(rig, "reflection, verified whole, then a replay", wrap(&answer, sizeof answer));
    xb_beat forged = probe;
    forged.mac ^= 1U;
    measure(rig, "forged MAC", wrap(&forged, sizeof forged));
    xb_beat stranger = probe;
    stranger.sender = 3;
    measure(rig, "unknown sender", wrap(&stranger, sizeof stranger));

    // Fresh ones, each taken: one run a frame, so the syscall's own clock reads are in it.
    constexpr std::uint64_t kFresh = 20'000;
    std::vector<std::uint32_t> taken;
    std::vector<std::uint32_t> reflected;
    rig.control().fresh_ns = 1'000'000'000'000;
    for (std::uint64_t i = 1; i <= kFresh; i++) {
        const xb_beat next = rig.reflection(2000 + i, 10us);
        taken.push_back(rig.run(next).nanoseconds);
        reflected.push_back(rig.run(rig.probe(2000 + i)).nanoseconds);
    }
    print_cost("reflection, taken in (single runs)", taken);
    print_cost("probe, answered with a signed reflection", reflected);
    return 0;
}

double milliseconds(std::uint64_t later, Instant earlier) {
    return (static_cast<double>(later) - static_cast<double>(earlier.time_since_epoch().count())) /
           1e6;
}

/// All paths of a node go silent in the same instant.
int cuts(int count) {
    std::vector<double> times;
    for (int i = 0; i < count; i++) {
        Lab lab({});
        if (!lab.start_all()) return 1;
        std::this_thread::sleep_for(300ms);
        const Instant at = lab.silence(2);
        if (!wait_until([&] { return lab.kernel_state(1, 2) == PeerState::Dead; }, 5s)) return 1;
        times.push_back(milliseconds(lab.kernel_since(1, 2), at));
        std::printf("cut %2d: dead after %.2f ms\n", i + 1, times.back());
        std::fflush(stdout);
    }
    std::sort(times.begin(), times.end());
    std::printf("dead after: min %.2f median %.2f max %.2f ms, n = %zu\n", times.front(),
                times[times.size() / 2], times.back(), times.size());
    return 0;
}

int calm(int seconds) {
    Lab lab({});
    if (!lab.start_all()) return 1;
    const std::size_t from[] = {lab.events(1).size(), lab.events(2).size()};
    std::printf("ready\n");
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    int wrong = 0;
    for (std::size_t node = 1; node <= 2; node++) {
        int suspect = 0;
        int dead = 0;
        int stalled = 0;
        int paths = 0;
        for (const HeartEvent& event : lab.events(node, from[node - 1])) {
            if (event.kind == EventKind::Path && event.path_state == PathState::Down) paths++;
            if (event.kind != EventKind::Peer) continue;
            suspect += event.peer_state == PeerState::Suspect ? 1 : 0;
            dead += event.peer_state == PeerState::Dead ? 1 : 0;
            stalled += event.peer_state == PeerState::Stalled ? 1 : 0;
        }
        wrong += dead;
        std::printf(
            "node %zu: %llu laps, suspect %d, dead %d, stalled %d, path down %d, max gap %.2f ms\n",
            node, static_cast<unsigned long long>(lab.laps(node)), suspect, dead, stalled, paths,
            static_cast<double>(lab.lap_gap_max(node)) / 1e6);
    }
    return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace xbeat::heart::test

int main(int argc, char** argv) {
    using namespace xbeat::heart::test;
    const std::string_view what = argc > 1 ? argv[1] : "frames";
    const int number = argc > 2 ? std::atoi(argv[2]) : 10;
    if (!Lab::why_not().empty()) {
        std::fprintf(stderr, "beat_check_bench: %s\n", Lab::why_not().c_str());
        return 77;
    }
    if (what == "frames") return frames();
    if (what == "cuts") return cuts(number);
    if (what == "calm") return calm(number);
    std::fprintf(stderr, "usage: beat_check_bench frames | cuts [N] | calm SECONDS\n");
    return 64;
}
