#include "cli/render_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/words.h"

namespace xbeat::cli {
namespace {

constexpr std::size_t kFixedColumns = 30;  // of a line, beside label, bar and detail
constexpr std::size_t kBarMin = 10;
constexpr std::size_t kBarMax = 48;  // a longer bar says no more
constexpr std::size_t kLabelMax =
    32;  // longer phases push their line, and only theirs, to the right

Instant start_of(const TimelineStatus& timeline) {
    Instant start = Instant::max();
    for (const PhaseStatus& phase : timeline.phases) start = std::min(start, phase.from);
    return timeline.phases.empty() ? Instant{} : start;
}

// `part` of `whole`, scaled to `columns`; never past it.
std::size_t scaled(Duration part, Duration whole, std::size_t columns) {
    if (whole.count() <= 0 || part.count() <= 0) return 0;
    const auto exact = static_cast<double>(part.count()) / static_cast<double>(whole.count());
    const auto column = static_cast<std::size_t>(exact * static_cast<double>(columns));
    return std::min(column, columns);
}

// Something that took no time, or less than a column, still shows: one mark where it happened.
std::string bar_of(const PhaseStatus& phase, Instant start, Duration whole, std::size_t columns) {
    const std::size_t from = std::min(scaled(phase.from - start, whole, columns), columns - 1);
    const std::size_t to = scaled(phase.to - start, whole, columns);
    const char mark = !phase.succeeded ? 'x' : (phase.to == phase.from ? '|' : '#');
    std::string bar(columns, ' ');
    for (std::size_t at = from; at < std::max(to, from + 1); ++at) bar[at] = mark;
    return bar;
}

std::string label_of(const PhaseStatus& phase) {
    if (phase.phase != "action" || phase.detail.empty()) return printable(phase.phase);
    return "  " + printable(phase.detail);
}

std::string heading_of(const TimelineStatus& timeline) {
    const std::string when = calendar_text(timeline.when);
    if (!timeline.is_finished)
        return fmt::format("{} ({}): under way", printable(timeline.cause), when);
    return fmt::format("{} ({}): {} in {}", printable(timeline.cause), when,
                       timeline.succeeded ? "succeeded" : "FAILED",
                       milliseconds_text(total_of(timeline)));
}

std::string in_ms(Duration duration) {
    const std::int64_t us = duration.count() / 1000;
    return fmt::format("{}.{:03}", us / 1000, us % 1000);
}

}  // namespace

Duration total_of(const TimelineStatus& timeline) {
    Instant end{};
    for (const PhaseStatus& phase : timeline.phases) end = std::max(end, phase.to);
    return timeline.phases.empty() ? Duration{} : end - start_of(timeline);
}

std::string render_timeline(const TimelineStatus& timeline, std::size_t width) {
    std::string text = heading_of(timeline) + "\n";
    if (timeline.phases.empty()) return text;
    const Instant start = start_of(timeline);
    const Duration whole = total_of(timeline);
    std::size_t label = 5;
    for (const PhaseStatus& phase : timeline.phases) {
        label = std::max(label, std::min(label_of(phase).size(), kLabelMax));
    }
    const std::size_t taken = label + kFixedColumns;
    const std::size_t room = std::max(width, taken) - taken;
    const std::size_t columns = std::clamp(room, kBarMin, kBarMax);
    text += fmt::format("  {:<{}}  {:>10}  {:>10}  |{:<{}}|\n", "phase", label, "at ms", "took ms",
                        "0", columns);
    for (const PhaseStatus& phase : timeline.phases) {
        const std::string detail =
            phase.phase == "action" || phase.detail.empty() ? "" : "  " + printable(phase.detail);
        text += fmt::format("  {:<{}}  {:>10}  {:>10}  |{}|{}{}\n", label_of(phase), label,
                            in_ms(phase.from - start), in_ms(phase.to - phase.from),
                            bar_of(phase, start, whole, columns), detail,
                            phase.succeeded ? "" : "  FAILED");
    }
    return text;
}

std::string budget_bar(const TimelineStatus& timeline, std::size_t width) {
    const Instant start = start_of(timeline);
    const Duration whole = total_of(timeline);
    const std::size_t columns = std::clamp<std::size_t>(width, 10, 200);
    std::string legend;
    std::vector<std::pair<const PhaseStatus*, char>> rows;
    char letter = 'a';
    for (const PhaseStatus& phase : timeline.phases) {
        rows.emplace_back(&phase, letter);
        legend += fmt::format(" {}={} {}", letter,
                              phase.phase == "action" ? printable(phase.detail) : phase.phase,
                              short_duration(phase.to - phase.from));
        letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
    }
    // The shortest on top: a phase that spans the others would hide them.
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return a.first->to - a.first->from > b.first->to - b.first->from;
    });
    std::string bar(columns, '.');
    for (const auto& [phase, mark] : rows) {
        const std::size_t from = std::min(scaled(phase->from - start, whole, columns), columns - 1);
        const std::size_t to = scaled(phase->to - start, whole, columns);
        for (std::size_t at = from; at < std::max(to, from + 1); ++at) bar[at] = mark;
    }
    return fmt::format("[{}]{}", bar, legend);
}

}  // namespace xbeat::cli
