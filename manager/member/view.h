// How the other node of a pair stands, as far as this one can know and prove.
#pragma once

#include <cstdint>
#include <string_view>

namespace xbeat::member {

enum class Standing : std::uint8_t {
    Absent,   // not met in this life: whether it runs anything is unknown
    Joining,  // it was welcomed and has not yet answered
    Member,   // in; its history is known
    Lost,     // silent, or stalled for too long: it may still run something
    Out,      // a proof says that it runs nothing: fenced, left cleanly, confirmed by a person
};

[[nodiscard]] constexpr std::string_view to_string(Standing standing) {
    switch (standing) {
        case Standing::Absent:
            return "absent";
        case Standing::Joining:
            return "joining";
        case Standing::Member:
            return "member";
        case Standing::Lost:
            return "lost";
        case Standing::Out:
            return "out";
    }
    return "";
}

/// Where this node stands itself.
enum class Phase : std::uint8_t {
    Down,     // before its first event
    Waiting,  // fresh: for the peer, or for a reason to start alone
    Forming,  // leads a cold start: its new term becomes durable, the peer takes over the state
    Joining,  // waits for the coordinator's welcome, or for its own disk
    Active,   // in: coordinator or follower
    Left,     // said goodbye
};

[[nodiscard]] constexpr std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::Down:
            return "down";
        case Phase::Waiting:
            return "waiting";
        case Phase::Forming:
            return "forming";
        case Phase::Joining:
            return "joining";
        case Phase::Active:
            return "active";
        case Phase::Left:
            return "left";
    }
    return "";
}

}  // namespace xbeat::member
