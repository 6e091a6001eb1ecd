// `xbeat tune`: which profile fits what the beats have measured.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "daemon/config.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr double kSecondsAYear = 365.0 * 86'400;
constexpr double kFalseVerdictsMax = 1.0;  // a year, of what is advised
constexpr double kTrustedSeconds = 3600;   // measured for less long, advice is only a first one
constexpr std::int64_t kRttMargin = 4;     // silence until dead against the slowest round trip

struct Measured {
    double seconds = 0;        // of beating
    double loss = 1;           // chance that one beat is lost on every path at once
    std::int64_t rtt_max = 0;  // ns, of the best path: one that answers is enough
    std::size_t paths = 0;
};

Measured measured_of(const json& heart, const json& peer) {
    Measured sum;
    const double period = static_cast<double>(number_of(heart, "period_measured_ns")) / 1e9;
    sum.rtt_max = INT64_MAX;
    for (const json& path : objects_of(peer, "paths")) {
        const auto sent = static_cast<double>(number_of(path, "sent"));
        if (sent < 1) continue;
        ++sum.paths;
        sum.seconds = std::max(sum.seconds, sent * period);
        // Never less than one in what was sent: no loss seen does not mean that there is none.
        const auto lost = std::max(1.0, static_cast<double>(number_of(path, "lost")));
        sum.loss *= std::min(1.0, lost / sent);
        sum.rtt_max = std::min(sum.rtt_max, number_of(path, "rtt_max_ns"));
    }
    if (sum.paths == 0) sum.rtt_max = 0;
    return sum;
}

struct Advice {
    std::string name;
    daemon::Timing timing;
    double false_verdicts = 0;  // a year
    std::string objection;      // empty: it fits
};

Advice judge(std::string_view name, const Measured& seen) {
    Advice advice{.name = std::string(name),
                  .timing = *daemon::find_profile(name),
                  .false_verdicts = 0,
                  .objection = {}};
    const double period = static_cast<double>(advice.timing.period.count()) / 1e9;
    const double beats = kSecondsAYear / period;
    advice.false_verdicts = beats * std::pow(seen.loss, advice.timing.dead);
    const std::int64_t silence = advice.timing.tau().count();
    if (silence < seen.rtt_max * kRttMargin) {
        advice.objection = fmt::format("a round trip took {}, too near to {}",
                                       short_duration(Duration(seen.rtt_max)),
                                       short_duration(advice.timing.tau()));
    } else if (advice.false_verdicts > kFalseVerdictsMax) {
        advice.objection =
            fmt::format("{:.1f} false verdicts a year at this loss", advice.false_verdicts);
    } else if (advice.timing.tau() < daemon::kSinglePathTauMin && seen.paths < 2) {
        advice.objection = "needs two links";
    }
    return advice;
}

std::vector<Advice> advice_for(const Measured& seen) {
    constexpr std::array<std::string_view, 5> kProfiles{"metal-fast", "metal", "vm", "compat",
                                                        "cloud"};
    std::vector<Advice> rows;
    for (const std::string_view name : kProfiles) rows.push_back(judge(name, seen));
    return rows;
}

std::string advice_text(const std::string& peer, const Measured& seen,
                        const std::vector<Advice>& rows) {
    std::string text = fmt::format(
        "Peer {}: {} measured over {}, slowest round trip on the better path {}\n", peer,
        counted(seen.paths, "path"), short_duration(Duration(std::int64_t(seen.seconds * 1e9))),
        short_duration(Duration(seen.rtt_max)));
    if (seen.seconds < kTrustedSeconds)
        text += "  (less than an hour: measure longer, and under load, before you trust it)\n";
    for (const Advice& row : rows) {
        text += fmt::format("  {:<11} dead after {:>8}  false verdicts a year {:>9.2g}  {}\n",
                            row.name, short_duration(row.timing.tau()), row.false_verdicts,
                            row.objection.empty() ? "fits" : "no: " + row.objection);
    }
    const auto best = std::find_if(rows.begin(), rows.end(),
                                   [](const Advice& row) { return row.objection.empty(); });
    text +=
        best == rows.end()
            ? "  No profile fits: look at the links first.\n"
            : fmt::format("  {}: profile = \"{}\" in xbeat.toml\n",
                          seen.seconds < kTrustedSeconds ? "First guess" : "Advice", best->name);
    return text;
}

Document to_document(const std::string& peer, const Measured& seen,
                     const std::vector<Advice>& rows) {
    Document profiles = Document::array();
    for (const Advice& row : rows) {
        profiles.push_back({{"name", row.name},
                            {"dead_us", row.timing.tau().count() / 1000},
                            {"false_verdicts_a_year", row.false_verdicts},
                            {"fits", row.objection.empty()},
                            {"objection", row.objection}});
    }
    return {{"peer", peer},
            {"measured_s", seen.seconds},
            {"paths", seen.paths},
            {"rtt_max_us", static_cast<double>(seen.rtt_max) / 1000.0},
            {"profiles", profiles}};
}

ExitCode run_tune(Session& session, const std::string& wanted) {
    const Result<json> heart = ask(session, {"heart"});
    if (!heart) return fail(session, heart.error());
    Answer answer{.document = {{"peers", Document::array()}}};
    for (const json& peer : objects_of(*heart, "peers")) {
        const Measured seen = measured_of(*heart, peer);
        const std::vector<Advice> rows = advice_for(seen);
        for (const Advice& row : rows) {
            if (row.name == wanted && !row.objection.empty()) answer.code = ExitCode::Unsatisfied;
        }
        const std::string name = text_of(peer, "name");
        answer.text += advice_text(name, seen, rows);
        answer.document["peers"].push_back(to_document(name, seen, rows));
    }
    if (answer.text.empty()) answer.text = "this node has no peer: nothing to tune\n";
    return show(session, answer);
}

}  // namespace

void add_tune(const Command& root) {
    Command verb = root.verb("tune", "Which profile fits what the beats have measured");
    if (!verb.is_wanted()) return;
    const auto wanted = std::make_shared<std::string>();
    verb.option_of("--check", *wanted, {"metal-fast", "metal", "vm", "cloud", "compat"},
                   "Exit with 113 if this profile does not fit");
    verb.footer(
        "False verdicts are computed from the share of lost beats as if losses came one by one;\n"
        "bursts are what the slowest round trip guards against.\n"
        "Examples:\n  xbeat tune\n  xbeat tune --check metal");
    verb.shows([wanted](Session& session) { return run_tune(session, *wanted); });
}

}  // namespace xbeat::cli
