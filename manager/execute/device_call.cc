#include "execute/device_call.h"

#include <algorithm>

#include "cib/duration.h"
#include "core/text.h"

namespace xbeat::execute {

DeviceCall device_call(const std::vector<std::pair<std::string, std::string>>& parameters,
                       std::string_view action) {
    const std::string prefix = concat("pcmk_", action, '_');
    const auto value = [&](std::string_view what) {
        const std::string name = concat(prefix, what);
        const auto found = std::find_if(parameters.begin(), parameters.end(),
                                        [&](const auto& each) { return each.first == name; });
        return found == parameters.end() ? std::string_view() : std::string_view(found->second);
    };
    const std::string_view mapped = value("action");
    const std::int64_t attempts = parse_integer(value("retries")).value_or(2);
    return {.action = std::string(mapped.empty() ? action : mapped),
            .attempts = static_cast<std::int32_t>(std::clamp<std::int64_t>(attempts, 1, 100)),
            .timeout = cib::parse_duration(value("timeout")).value_or(Duration{})};
}

}  // namespace xbeat::execute
