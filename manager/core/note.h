// What the core has to say. It does not log: it notes, and the host prints, counts and stores.
//
// A state change is noted once, with the old state, the new one and the reason. A `Note` is a
// value, so tests assert on it and the simulator compares it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace xbeat {

/// A level means an action: Error = a person must act, Warning = redundancy is lost, Info = state
/// changed, Debug = off in production.
enum class Level : std::uint8_t { Error, Warning, Info, Debug };

[[nodiscard]] constexpr std::string_view to_string(Level level) {
    switch (level) {
        case Level::Error:
            return "error";
        case Level::Warning:
            return "warning";
        case Level::Info:
            return "info";
        case Level::Debug:
            return "debug";
    }
    return "";
}

struct Note {
    Level level = Level::Info;
    std::string
        kind;  // a stable word for programs: "peer-dead", "failover-started", "action-done", ...
    std::string node;      // the node it is about, or empty
    std::string resource;  // the resource it is about, or empty
    std::string text;      // one sentence for people, in the glossary's words
    std::vector<std::pair<std::string, std::string>> fields;  // the evidence, in order: name, value
    Instant at{};  // when it happened (not when it was noted)

    friend bool operator==(const Note&, const Note&) = default;
};

}  // namespace xbeat
