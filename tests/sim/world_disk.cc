// The shared disk as the arbiter: what user/disk/client.cc does for the daemon, with plain calls in
// place of a ring, and each request's way through the device.
#include <utility>

#include "core/text.h"
#include "tests/sim/world.h"

namespace xbeat::xsim {

// A daemon that stands still finds what has ended in the meantime, and its deadlines past, when it
// goes on.
void World::serve_disk(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.disk_lease || host.is_frozen || host.is_stalled) return;
    const Instant now = Instant(Duration(local(index)));
    for (const SharedDisk::Request& request : std::exchange(host.ended, {})) {
        host.disk_lease->done(request.access.id, request.trouble, request.block, now);
    }
    host.disk_lease->tick(now);
    pump_disk(index);
}

void World::pump_disk(std::size_t index) {
    Host& host = hosts_[index];
    // The lock of the device is held by a request of a daemon that died, until that has ended.
    if (!shared_disk_.under_way(index)) {
        if (const auto access = host.disk_lease->take_access(Instant(Duration(local(index))))) {
            shared_disk_.begin(index, *access, host.life);
            land_later(index);
        }
    }
    tell_answers(index, host.disk_lease->take_answers());
    if (const auto wake = host.disk_lease->wake_at()) wake_for_arbiter(index, *wake);
}

void World::land_later(std::size_t index) {
    after(shared_disk_.latency(index),
          [this, index, number = shared_disk_.under_way(index)->number] { land(index, number); });
}

// Nothing goes on behind a way that is held; hold_shared_disk() takes it up again.
void World::land(std::size_t index, std::uint64_t number) {
    if (!shared_disk_.is_under_way(index, number)) return;
    if (shared_disk_.is_held(index)) return reach(State::SharedDiskHung);
    if (shared_disk_.under_way(index)->has_landed) return;
    shared_disk_.land(index, now_);
    if (shared_disk_.under_way(index)->trouble != arbiter::DiskTrouble::None) {
        reach(State::SharedDiskFailed);
    }
    end_request_later(index);
}

void World::end_request_later(std::size_t index) {
    after(shared_disk_.latency(index),
          [this, index, number = shared_disk_.under_way(index)->number] {
              if (!shared_disk_.is_under_way(index, number)) return;
              if (shared_disk_.is_held(index)) return reach(State::SharedDiskHung);
              end_request(index);
          });
}

void World::end_request(std::size_t index) {
    const SharedDisk::Request request = *std::exchange(shared_disk_.under_way(index), std::nullopt);
    guarded(now_, index, false, [this, index, request] {
        Host& host = hosts_[index];
        if (!host.disk_lease) return;
        if (host.life == request.life) host.ended.push_back(request);
        serve_disk(index);
    });
}

void World::hold_shared_disk(std::size_t index, int by) {
    SharedDisk::Way& way = shared_disk_.way(index);
    way.hangs += by;
    if (way.hangs > 0 || !shared_disk_.under_way(index)) return;
    if (shared_disk_.under_way(index)->has_landed) {
        end_request_later(index);
    } else {
        land_later(index);
    }
}

}  // namespace xbeat::xsim
