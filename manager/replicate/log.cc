#include "replicate/log.h"

#include <algorithm>

namespace xbeat::replicate {

void Log::loaded(LogIndex index) {
    durable_ = index;
    hole_.reset();
    since_snapshot_ = 0;
}

void Log::append_begun(Ticket ticket, LogIndex index) {
    appends_.emplace(ticket, index);
    ++since_snapshot_;
}

void Log::snapshot_begun(Ticket ticket, LogIndex index) {
    snapshots_.emplace(ticket, index);
    since_snapshot_ = 0;
}

bool Log::written(Ticket ticket, bool succeeded) {
    if (const auto append = appends_.find(ticket); append != appends_.end()) {
        const LogIndex index = append->second;
        appends_.erase(append);
        if (succeeded) {
            last_good_ = std::max(last_good_, index);
        } else {
            last_bad_ = std::max(last_bad_, index);
            if (index > durable_ && (!hole_ || index < *hole_)) hole_ = index;
        }
        // Writes are answered in the store's order, so everything before this one is settled.
        if (succeeded && !hole_) durable_ = std::max(durable_, index);
        return true;
    }
    if (const auto snapshot = snapshots_.find(ticket); snapshot != snapshots_.end()) {
        const LogIndex index = snapshot->second;
        snapshots_.erase(snapshot);
        if (succeeded) {
            durable_ = std::max(durable_, index);
            // Records behind the snapshot count only if none of them is missing.
            if (hole_ && last_bad_ <= index) {
                hole_.reset();
                durable_ = std::max(durable_, last_good_);
            }
        }
        return true;
    }
    return false;
}

void Log::peer_durable(LogIndex index) { peer_durable_ = std::max(peer_durable_, index); }

}  // namespace xbeat::replicate
