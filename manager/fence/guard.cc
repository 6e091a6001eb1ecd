#include "fence/guard.h"

#include <algorithm>

#include "core/text.h"

namespace xbeat::fence {

std::string Guard::reason_to_refrain(std::string_view target, std::int64_t attempts_max,
                                     Instant now) const {
    const auto found = records_.find(target);
    if (found == records_.end()) return {};
    const Record& record = found->second;
    if (record.failures >= attempts_max) {
        return concat("fencing ", target, " failed ", record.failures,
                      " times: switch it off by hand, then run `xbeat node confirm ", target, "`");
    }
    if (record.fences.size() >= kLoopFencesMax && now - record.fences.front() <= kLoopWindow) {
        return concat(target, " was fenced ", kLoopFencesMax,
                      " times in 10 minutes without joining: it stays down until it joins or a "
                      "person runs `xbeat node confirm ",
                      target, "`");
    }
    return {};
}

std::optional<Instant> Guard::not_before(std::string_view target) const {
    const auto found = records_.find(target);
    return found == records_.end() ? std::nullopt : found->second.not_before;
}

void Guard::succeeded(std::string_view target, Instant now) {
    Record& record = records_[std::string(target)];
    record.failures = 0;
    record.not_before.reset();
    record.fences.push_back(now);
    if (record.fences.size() > kLoopFencesMax) record.fences.pop_front();
}

void Guard::failed(std::string_view target, Instant now) {
    Record& record = records_[std::string(target)];
    Duration pause = kRetryPauseMin;
    for (std::int64_t i = 0; i < record.failures && pause < kRetryPauseMax; ++i) pause *= 2;
    ++record.failures;
    record.not_before = now + std::min(pause, kRetryPauseMax);
}

void Guard::cleared(std::string_view target) {
    const auto found = records_.find(target);
    if (found != records_.end()) records_.erase(found);
}

std::int64_t Guard::failures(std::string_view target) const {
    const auto found = records_.find(target);
    return found == records_.end() ? 0 : found->second.failures;
}

}  // namespace xbeat::fence
