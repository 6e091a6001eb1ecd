// One picture of `xbeat mon`, as lines of text: the cluster above, links with their recent past,
// the last fail-over's budget, the newest events at the bottom.
//
// Pure: state and a screen's size in, lines out; drawing them is the screen's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/render_status.h"
#include "cli/status_input.h"

namespace xbeat::cli {

constexpr std::size_t kSamplesMax = 120;     // of a link's past; older ones go
constexpr std::size_t kEventLinesMax = 200;  // remembered; older ones go
constexpr std::size_t kEventTailLines = 6;   // shown at the bottom of a screen of 24 lines
constexpr std::size_t kEventLinesMin = 2;    // where the body needs the room

/// What one path did between two looks at it.
struct LinkSample {
    Duration rtt{};  // median of the beats answered meanwhile; zero if none was
    std::uint64_t lost = 0;
};

/// The cumulative figures of one path, and its samples: turned into one another by add_heart().
struct LinkHistory {
    std::map<std::int64_t, std::uint64_t> histogram;  // lower bound of a class in ns -> count
    std::uint64_t lost = 0;
    bool is_primed = false;  // the first look only sets the base
    std::deque<LinkSample> samples;
};

struct MonState {
    StatusInput status;
    bool has_status = false;
    std::string trouble;  // why there is nothing newer; empty while all is well
    std::vector<TimelineStatus> timelines;
    std::deque<std::string> events;            // rendered, oldest first
    std::map<std::string, LinkHistory> links;  // by "PEER LINK"
    std::map<std::string, Instant> running;    // "Starting web" -> when it was first seen
    Instant looked_at{};
    StatusOptions show{.headers = false, .inactive = true, .links = false};
    bool show_help = false;
    std::size_t scroll = 0;  // first line of the body that is shown
    std::string clock;       // "14:00:01"
    bool has_utf8 = true;
};

/// Takes in one reply of the operation `heart`: a sample a path, from what changed since the last.
void add_heart(MonState& state, const nlohmann::json& reply);

/// Notes which actions are under way in `state.status`, and since when as far as was looked.
void note_running(MonState& state, Instant now);

/// The keys of crm_mon: m c f n o r t A L D b R toggle sections, ? the help, + arrows and pages as
/// 'k', 'j', ' ' and '-'. False for 'q'. Unknown keys change nothing.
[[nodiscard]] bool press_key(MonState& state, int key);

/// Samples as one character each, newest right, at most `width`; scaled to their own largest.
[[nodiscard]] std::string sparkline(const std::deque<LinkSample>& samples, std::size_t width,
                                    bool has_utf8);

/// Exactly `height` lines (fewer if `height` is 0: all of them), each at most `width` columns.
/// Works from 40x10; the body scrolls, the title and the events stay.
[[nodiscard]] std::vector<std::string> compose_frame(const MonState& state, std::size_t width,
                                                     std::size_t height);

}  // namespace xbeat::cli
