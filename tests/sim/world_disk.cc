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
    if (!shared_disk_.is_busy(index)) {
        if (const auto access = host.disk_lease->take_access(Instant(Duration(local(index))))) {
            shared_disk_.begin(index, *access, host.life);
        }
    }
    tell_answers(index, host.disk_lease->take_answers());
    if (const auto wake = host.disk_lease->wake_at()) wake_for_arbiter(index, *wake);
}

void World::request_ended(std::size_t index, const SharedDisk::Request& request) {
    guarded(now_, index, false, [this, index, request] {
        Host& host = hosts_[index];
        if (!host.disk_lease) return;
        if (host.life == request.life) host.ended.push_back(request);
        serve_disk(index);
    });
}

}  // namespace xbeat::xsim
