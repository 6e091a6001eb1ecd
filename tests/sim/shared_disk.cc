#include "tests/sim/shared_disk.h"

#include <utility>

#include "arbiter/witness_ledger.h"

namespace xbeat::xsim {

using arbiter::DiskAccess;
using arbiter::DiskTrouble;

SharedDisk::SharedDisk(std::uint64_t seed, Host host) : host_(std::move(host)) {
    for (std::size_t node = 0; node < kNodes; ++node) {
        ways_[node].prng = stream(seed, "shared disk", node);
    }
}

void SharedDisk::begin(std::size_t node, const DiskAccess& access, std::uint64_t life) {
    requests_[node] = Request{.access = access,
                              .life = life,
                              .number = next_number_++,
                              .has_landed = false,
                              .trouble = DiskTrouble::None,
                              .block = {}};
    go_on_later(node);
}

Nanos SharedDisk::latency(std::size_t node) {
    Way& way = ways_[node];
    const Nanos usual = spread(way.prng, 20 * kMicro, 3 * kMilli);
    return way.extra_latency > 0 ? usual + between(way.prng, 0, way.extra_latency) : usual;
}

void SharedDisk::go_on_later(std::size_t node) {
    host_.after(latency(node), [this, node, number = requests_[node]->number,
                                has_landed = requests_[node]->has_landed] {
        if (is_under_way(node, number, has_landed)) go_on(node);
    });
}

// It takes effect, or it has and ends. Nothing goes on behind a way that is held; hold() takes it
// up again.
void SharedDisk::go_on(std::size_t node) {
    if (ways_[node].hangs > 0) return host_.reach(State::SharedDiskHung);
    if (requests_[node]->has_landed) {
        const Request ended = *std::exchange(requests_[node], std::nullopt);
        return host_.ended(node, ended);
    }
    land(node);
    if (requests_[node]->trouble != DiskTrouble::None) host_.reach(State::SharedDiskFailed);
    go_on_later(node);
}

void SharedDisk::hold(std::size_t node, int by) {
    ways_[node].hangs += by;
    if (ways_[node].hangs == 0 && requests_[node]) go_on_later(node);
}

void SharedDisk::land(std::size_t node) {
    Way& way = ways_[node];
    Request& request = *requests_[node];
    request.has_landed = true;
    const bool has_failed = way.fails > 0;
    if (has_failed) request.trouble = DiskTrouble::Failed;
    switch (request.access.kind) {
        case DiskAccess::Kind::ReadOwn:
            request.block = blocks_[node];
            return;
        case DiskAccess::Kind::ReadOther:
            request.block = blocks_[1 - node];
            return;
        case DiskAccess::Kind::WriteOwn:
            if (has_failed && chance(way.prng, 50)) return;
            blocks_[node] = request.access.block;
            written_at_[node] = host_.now();
    }
}

void SharedDisk::lose_power(std::size_t node) {
    std::optional<Request>& request = requests_[node];
    if (!request) return;
    const bool was_writing =
        request->access.kind == DiskAccess::Kind::WriteOwn && !request->has_landed;
    if (was_writing) host_.reach(State::SharedWriteLost);
    if (was_writing && chance(ways_[node].prng, 50)) land(node);
    request.reset();
}

bool SharedDisk::keeps_for(std::size_t node, Nanos until) const {
    const arbiter::DiskBlock& block = blocks_[node];
    const Duration kept = block.lease + arbiter::lease_margin(block.lease);
    return block.is_up && until <= written_at_[node] + kept.count();
}

}  // namespace xbeat::xsim
