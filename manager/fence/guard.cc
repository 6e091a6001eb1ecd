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

bool Guard::cleared(std::string_view target) {
    const auto found = records_.find(target);
    if (found == records_.end()) return false;
    records_.erase(found);
    return true;
}

std::string Guard::to_text(const Now& now) const {
    std::string text;
    for (const auto& [target, record] : records_) {
        for (const Instant at : record.fences) {
            text += concat(text.empty() ? "" : " ", target, ' ',
                           now.calendar.value - (now.boot - at) / 1s);
        }
    }
    return text;
}

void Guard::load(std::string_view text, const Now& now) {
    const std::vector<std::string_view> words = split_words(text);
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        const std::int64_t then =
            std::min(parse_integer(words[i + 1]).value_or(now.calendar.value), now.calendar.value);
        if (then < now.calendar.value - kLoopWindow / 1s) continue;
        succeeded(words[i], now.boot - std::chrono::seconds(now.calendar.value - then));
    }
}

std::int64_t Guard::failures(std::string_view target) const {
    const auto found = records_.find(target);
    return found == records_.end() ? 0 : found->second.failures;
}

}  // namespace xbeat::fence
