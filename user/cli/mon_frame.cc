#include "cli/mon_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/render_timeline.h"
#include "cli/status_source.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kSparkWidth = 24;
constexpr std::size_t kPageLines = 10;

// Columns of a line: a UTF-8 letter counts once. Wide letters (CJK) are not in anything we print.
std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char letter) {
        return (static_cast<unsigned char>(letter) & 0xC0U) != 0x80U;
    }));
}

// At most `width` columns, never in the middle of a letter; tabs become blanks first.
std::string fitted(std::string_view line, std::size_t width) {
    std::string plain;
    std::size_t columns = 0;
    for (const char letter : line) {
        const bool begins = (static_cast<unsigned char>(letter) & 0xC0U) != 0x80U;
        if (begins && columns == width) break;
        if (begins) ++columns;
        plain.push_back(letter == '\t' ? ' ' : letter);
    }
    return plain;
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// The median of a histogram's new counts; zero if there are none. Classes are a factor of two or
// less apart, so their lower bound is near enough for a picture.
Duration median_of_new(const std::map<std::int64_t, std::uint64_t>& before,
                       const std::map<std::int64_t, std::uint64_t>& now) {
    std::vector<std::pair<std::int64_t, std::uint64_t>> fresh;
    std::uint64_t total = 0;
    for (const auto& [bound, count] : now) {
        const auto old = before.find(bound);
        const std::uint64_t base = old == before.end() ? 0 : old->second;
        const std::uint64_t added = count > base ? count - base : 0;
        fresh.emplace_back(bound, added);
        total += added;
    }
    std::uint64_t seen = 0;
    for (const auto& [bound, added] : fresh) {
        seen += added;
        if (total > 0 && seen * 2 >= total) return Duration(bound);
    }
    return Duration{};
}

std::map<std::int64_t, std::uint64_t> read_histogram(const json& path) {
    std::map<std::int64_t, std::uint64_t> histogram;
    const auto rows = path.find("histogram");
    if (rows == path.end() || !rows->is_array()) return histogram;
    for (const json& row : *rows) {
        const bool is_pair =
            row.is_array() && row.size() == 2 && row[0].is_number() && row[1].is_number();
        if (is_pair) histogram[row[0].get<std::int64_t>()] = row[1].get<std::uint64_t>();
    }
    return histogram;
}

void add_sample(LinkHistory& history, const json& path) {
    const std::map<std::int64_t, std::uint64_t> histogram = read_histogram(path);
    const auto lost = static_cast<std::uint64_t>(number_of(path, "lost"));
    if (history.is_primed) {
        history.samples.push_back({.rtt = median_of_new(history.histogram, histogram),
                                   .lost = lost > history.lost ? lost - history.lost : 0});
        if (history.samples.size() > kSamplesMax) history.samples.pop_front();
    }
    history.histogram = histogram;
    history.lost = lost;
    history.is_primed = true;
}

std::string title_of(const MonState& state) {
    if (!state.has_status) return "xbeat mon";
    const StatusInput& status = state.status;
    return fmt::format("xbeat mon  {}  on {}  DC {}  {} quorum", status.cluster, status.self,
                       status.situation.coordinator.empty() ? "NONE" : status.situation.coordinator,
                       status.situation.has_quorum ? "with" : "WITHOUT");
}

// Left text, right text, blanks between; the left one is cut.
std::string spread(std::string_view left, std::string_view right, std::size_t width) {
    if (columns_of(right) + 1 >= width) return fitted(left, width);
    const std::string cut = fitted(left, width - columns_of(right) - 1);
    return fmt::format("{}{:{}}{}", cut, "", width - columns_of(cut) - columns_of(right), right);
}

void add_links(const MonState& state, std::vector<std::string>& body) {
    if (state.status.peers.empty()) return;
    body.emplace_back();
    body.emplace_back("Links:");
    for (const PeerStatus& peer : state.status.peers) {
        body.push_back(fmt::format("  * Peer {}: {} for {}{}", peer.name, peer.state,
                                   short_duration(peer.since),
                                   peer.has_channel ? "" : ", no control channel"));
        for (const LinkStatus& link : peer.links) {
            const auto history = state.links.find(fmt::format("{} {}", peer.name, link.name));
            if (history == state.links.end() || history->second.samples.empty()) {
                body.push_back(fmt::format("    * {}: {}", link.name, link_text(link)));
                continue;
            }
            const LinkSample& last = history->second.samples.back();
            body.push_back(fmt::format(
                "    * {:<6} {} {:>8} lost {:<4} {}", link.name,
                sparkline(history->second.samples, kSparkWidth, state.has_utf8),
                last.rtt.count() == 0 ? "-" : short_duration(last.rtt), last.lost,
                link.is_up ? fmt::format("p99 {} {}", short_duration(link.rtt_p99), link.mode)
                           : link_text(link)));
        }
    }
}

std::vector<std::string> help_lines() {
    return {"Keys:",
            "  r  stopped resources too       f  fail counts",
            "  n  resources by node           A  node attributes",
            "  o  operations                  t  operations with times",
            "  m  fencing history: more, off  L  constraints that forbid a node",
            "  c  tickets                     b  counts instead of resources",
            "  R  every clone instance        D  the summary",
            "  j, k, space, -  scroll down, up, a page down, a page up",
            "  ?  this help                   q  end",
            ""};
}

void add_running(const MonState& state, std::vector<std::string>& body) {
    if (state.running.empty()) return;
    body.emplace_back();
    body.emplace_back("Running Actions:");
    for (const auto& [action, since] : state.running) {
        body.push_back(
            fmt::format("  * {} ({})", printable(action), short_duration(state.looked_at - since)));
    }
}

// Bounded by the depth of the tree of resources.
void collect_pending(const std::vector<schedule::ResourceView>& list,
                     std::vector<std::string>& actions) {
    for (const schedule::ResourceView& one : list) {
        if (!one.pending_task.empty() && one.children.empty())
            actions.push_back(fmt::format("{} {}{}{}", one.pending_task, one.display_name,
                                          one.nodes.empty() ? "" : " on ",
                                          fmt::join(one.nodes, ", ")));
        collect_pending(one.children, actions);
    }
}

std::vector<std::string> body_of(const MonState& state, std::size_t width) {
    std::vector<std::string> body;
    if (state.show_help) body = help_lines();
    if (!state.has_status) return body;
    const std::vector<std::string> status = split_lines(render_status(state.status, state.show));
    body.insert(body.end(), status.begin(), status.end());
    add_running(state, body);
    add_links(state, body);
    if (const std::string lease = lease_text(state.status); !lease.empty()) body.push_back(lease);
    if (!state.timelines.empty()) {
        // A fail-over is looked for longer than the changes that people made after it.
        const auto failover =
            std::find_if(state.timelines.rbegin(), state.timelines.rend(),
                         [](const TimelineStatus& one) { return one.is_failover; });
        const bool has_failover = failover != state.timelines.rend();
        const TimelineStatus& last = has_failover ? *failover : state.timelines.back();
        body.emplace_back();
        body.push_back(
            fmt::format("{}: {} ({}), {}", has_failover ? "Last fail-over" : "Last change",
                        printable(last.cause), calendar_text(last.when),
                        last.is_finished ? milliseconds_text(total_of(last)) : "under way"));
        body.push_back("  " + budget_bar(last, std::clamp<std::size_t>(width / 3, 20, 60)));
    }
    return body;
}

// `spare`: lines that the body leaves free. What is now matters more than what was: the tail grows
// into them and shrinks to two lines where there are none.
std::vector<std::string> tail_of(const MonState& state, std::size_t height, std::size_t spare) {
    std::vector<std::string> tail;
    const std::size_t most = height == 0 ? kEventTailLines : std::min(kEventTailLines, height / 4);
    const std::size_t least = std::min<std::size_t>(most, kEventLinesMin);
    const std::size_t room = height == 0 ? most : std::clamp(spare, least, most);
    const std::size_t count = std::min(room, state.events.size());
    if (count == 0) return tail;
    tail.emplace_back("Events:");
    for (std::size_t at = state.events.size() - count; at < state.events.size(); ++at) {
        tail.push_back("  " + state.events[at]);
    }
    return tail;
}

}  // namespace

void add_heart(MonState& state, const json& reply) {
    for (const json& peer : objects_of(reply, "peers")) {
        for (const json& path : objects_of(peer, "paths")) {
            const std::string key =
                fmt::format("{} {}", text_of(peer, "name"), text_of(path, "name"));
            add_sample(state.links[key], path);
        }
    }
}

void note_running(MonState& state, Instant now) {
    std::vector<std::string> actions;
    collect_pending(state.status.situation.resources, actions);
    std::map<std::string, Instant> running;
    for (const std::string& action : actions) {
        const auto known = state.running.find(action);
        running[action] = known == state.running.end() ? now : known->second;
    }
    state.running = std::move(running);
    state.looked_at = now;
}

bool press_key(MonState& state, int key) {
    StatusOptions& show = state.show;
    switch (key) {
        case 'q':
            return false;
        case 'm':
            show.fence_history = (show.fence_history + 1) % 4;
            break;
        case 'c':
            show.tickets = !show.tickets;
            break;
        case 'f':
            show.fail_counts = !show.fail_counts;
            break;
        case 'n':
            show.by_node = !show.by_node;
            break;
        case 'o':
            show.operations = !show.operations;
            break;
        case 'r':
            show.inactive = !show.inactive;
            break;
        case 't':
            show.timing = !show.timing;
            break;
        case 'A':
            show.attributes = !show.attributes;
            break;
        case 'L':
            show.bans = !show.bans;
            break;
        case 'D':
            show.headers = !show.headers;
            break;
        case 'b':
            show.brief = !show.brief;
            break;
        case 'R':
            show.detail = !show.detail;
            break;
        case '?':
            state.show_help = !state.show_help;
            break;
        case 'j':
            ++state.scroll;
            break;
        case 'k':
            state.scroll -= std::min<std::size_t>(1, state.scroll);
            break;
        case ' ':
            state.scroll += kPageLines;
            break;
        case '-':
            state.scroll -= std::min(kPageLines, state.scroll);
            break;
        default:
            break;
    }
    return true;
}

std::string sparkline(const std::deque<LinkSample>& samples, std::size_t width, bool has_utf8) {
    constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::array<std::string_view, 8> kAscii{"_", "_", ".", ".", "-", "-", "=", "#"};
    const std::size_t count = std::min(width, samples.size());
    const auto from = samples.end() - static_cast<std::ptrdiff_t>(count);
    std::int64_t top = 1;
    for (auto at = from; at != samples.end(); ++at) top = std::max(top, at->rtt.count());
    std::string line(width - count, ' ');
    for (auto at = from; at != samples.end(); ++at) {
        // A beat that was lost matters more than how fast the others were.
        if (at->lost > 0) {
            line += 'x';
        } else if (at->rtt.count() == 0) {
            line += ' ';
        } else {
            const auto level = static_cast<std::size_t>(at->rtt.count() * 7 / top);
            line += has_utf8 ? kBlocks[level] : kAscii[level];
        }
    }
    return line;
}

std::vector<std::string> compose_frame(const MonState& state, std::size_t width,
                                       std::size_t height) {
    const std::vector<std::string> body = body_of(state, width);
    constexpr std::size_t kHeads = 3;  // title, activity, and the events' heading
    const std::size_t taken = body.size() + kHeads;
    const std::vector<std::string> tail = tail_of(state, height, height - std::min(height, taken));
    std::vector<std::string> frame;
    frame.push_back(spread(title_of(state), state.clock, width));
    frame.push_back(fitted(state.trouble.empty() ? "Activity: " + printable(state.status.activity)
                                                 : "TROUBLE: " + state.trouble,
                           width));
    const std::size_t fixed = frame.size() + tail.size();
    const std::size_t room = height == 0 ? body.size() : height - std::min(height, fixed);
    const std::size_t last_start = body.size() - std::min(room, body.size());
    const std::size_t from = std::min(state.scroll, last_start);
    for (std::size_t at = from; at < std::min(body.size(), from + room); ++at) {
        frame.push_back(fitted(body[at], width));
    }
    if (height != 0) frame.resize(std::max(height, fixed) - tail.size());
    for (const std::string& line : tail) frame.push_back(fitted(line, width));
    if (height != 0) frame.resize(height);
    return frame;
}

}  // namespace xbeat::cli
