// The forms of Pacemaker's tools that a command of this program answers, as its words.
#include <algorithm>
#include <array>

#include "cib/duration.h"
#include "core/text.h"
#include "shim/arguments.h"
#include "shim/help.h"
#include "shim/shim.h"

namespace xbeat::shim {
namespace {

using Line = std::vector<std::string>;

constexpr std::array kMonOptions{
    OptionRow{'1', "one-shot", Takes::Nothing},
    OptionRow{'s', "simple-status", Takes::Nothing},
    OptionRow{'r', "inactive", Takes::Nothing},
    OptionRow{'f', "failcounts", Takes::Nothing},
    OptionRow{'A', "show-node-attributes", Takes::Nothing},
    OptionRow{0, "attributes", Takes::Nothing},
    OptionRow{'n', "group-by-node", Takes::Nothing},
    OptionRow{'o', "operations", Takes::Nothing},
    OptionRow{'t', "timing-details", Takes::Nothing},
    OptionRow{'b', "brief", Takes::Nothing},
    OptionRow{'R', "show-detail", Takes::Nothing},
    OptionRow{'L', "neg-locations", Takes::PerhapsValue},
    OptionRow{'c', "tickets", Takes::Nothing},
    OptionRow{'D', "hide-headers", Takes::Nothing},
    OptionRow{'m', "fence-history", Takes::PerhapsValue},
    OptionRow{'I', "include", Takes::Value},
    OptionRow{'U', "exclude", Takes::Value},
    OptionRow{0, "node", Takes::Value},
    OptionRow{0, "resource", Takes::Value},
    OptionRow{'X', "as-xml", Takes::Nothing},
    OptionRow{'h', "as-html", Takes::Value},
    OptionRow{'w', "web-cgi", Takes::Nothing},
    OptionRow{'N', "disable-ncurses", Takes::Nothing},
    OptionRow{0, "output-as", Takes::Value},
    OptionRow{0, "output-to", Takes::Value},
    OptionRow{0, "html-cgi", Takes::Nothing},
    OptionRow{0, "html-title", Takes::Value},
    OptionRow{0, "html-stylesheet", Takes::Value},
    OptionRow{0, "text-fancy", Takes::Nothing},
    OptionRow{0, "file", Takes::Value},
    OptionRow{'x', "xml-file", Takes::Value},
    OptionRow{'i', "interval", Takes::Value},
    OptionRow{'Q', "quiet", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing},
};

// What `xbeat mon` calls differently, or does not need. An empty word: without meaning here.
struct Renamed {
    std::string_view theirs;
    std::string_view ours;
};
constexpr std::array kMonNames{
    Renamed{"show-node-attributes", "--attributes"},
    Renamed{"html-title", ""},
    Renamed{"html-stylesheet", ""},
    Renamed{"text-fancy", ""},
    Renamed{"quiet", ""},
    Renamed{"verbose", ""},
    Renamed{"disable-ncurses", "--output-as=text"},
    Renamed{"xml-file", "--file"},
};

std::string own_value(const Arguments::Given& given) {
    if (given.name == "fence-history") return given.value.empty() ? "2" : given.value;
    if (given.name != "interval") return given.value;
    // Their times have units; ours are seconds.
    const std::optional<Duration> span = cib::parse_duration(given.value);
    if (!span) return given.value;
    return concat(
        std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(*span).count()));
}

// In the order in which they were given, as the options count.
std::string section_words(const Arguments& given) {
    std::string words;
    for (const Arguments::Given& each : given.in_order()) {
        if (each.name != "include" && each.name != "exclude") continue;
        std::string_view rest = each.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            if (!words.empty()) words += ',';
            words += concat(each.name == "include" ? '+' : '-', rest.substr(0, comma));
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
    }
    return words;
}

Line mon_line(std::span<const std::string> arguments) {
    Line line{"mon"};
    const Result<Arguments> given = Arguments::parse(arguments, kMonOptions);
    if (!given) {
        // What is wrong with them says the command.
        line.insert(line.end(), arguments.begin(), arguments.end());
        return line;
    }
    const std::string sections = section_words(*given);
    if (!sections.empty()) line.push_back(concat("--sections=", sections));
    for (const Arguments::Given& each : given->in_order()) {
        if (each.name == "include" || each.name == "exclude") continue;
        if (each.name == "web-cgi") {
            line.insert(line.end(), {"--output-as=html", "--html-cgi"});
            continue;
        }
        const auto* const renamed =
            std::find_if(kMonNames.begin(), kMonNames.end(),
                         [&each](const Renamed& row) { return row.theirs == each.name; });
        const std::string word =
            renamed == kMonNames.end() ? concat("--", each.name) : std::string(renamed->ours);
        const std::string value = each.name == "neg-locations" ? "" : own_value(each);
        if (word.empty()) continue;
        line.push_back(value.empty() ? word : concat(word, '=', value));
    }
    return line;
}

// The live cluster is what `xbeat simulate` asks about without a file, and how much is used stands
// in its scores; letters may stand together.
Line simulate_line(std::span<const std::string> arguments) {
    Line line{"simulate"};
    for (const std::string& word : arguments) {
        const bool is_cluster = word.size() > 1 && word[0] == '-' && word[1] != '-' &&
                                word.find_first_not_of("sULQV", 1) == std::string::npos;
        if (is_cluster || word == "--show-scores") {
            const bool wants_scores = !is_cluster || word.find('s') != std::string::npos;
            if (wants_scores) line.emplace_back("--scores");
            continue;
        }
        const bool is_default = word == "--live-check" || word == "--show-utilization" ||
                                word == "--quiet" || word == "--verbose";
        if (!is_default) line.push_back(word);
    }
    return line;
}

// "--name VALUE" or "--name=VALUE" anywhere in the line.
std::optional<std::string> value_of(std::span<const std::string> arguments, std::string_view name) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word == name) return i + 1 < arguments.size() ? arguments[i + 1] : std::string();
        if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=')
            return word.substr(name.size() + 1);
    }
    return std::nullopt;
}

bool has_any(std::span<const std::string> arguments,
             std::initializer_list<std::string_view> wanted) {
    return std::any_of(arguments.begin(), arguments.end(), [wanted](const std::string& word) {
        return std::find(wanted.begin(), wanted.end(), word) != wanted.end();
    });
}

// "ocf:pacemaker" as the words of `xbeat ra list`.
Line agents_line(const std::string& standard) {
    const std::size_t colon = standard.find(':');
    Line line{"ra", "list", standard.substr(0, colon)};
    if (colon != std::string::npos) line.push_back(standard.substr(colon + 1));
    line.emplace_back("--types");
    return line;
}

std::optional<Line> resource_line(std::span<const std::string> arguments) {
    if (arguments.empty() || (arguments.size() == 1 && has_any(arguments, {"-L", "--list"})))
        return Line{"resource", "list"};
    if (has_any(arguments, {"--list-standards"})) return Line{"ra", "classes"};
    if (has_any(arguments, {"--list-ocf-providers"})) return Line{"ra", "providers"};
    if (const auto standard = value_of(arguments, "--list-agents")) return agents_line(*standard);
    if (const auto agent = value_of(arguments, "--list-ocf-alternatives"))
        return Line{"ra", "providers", *agent};
    if (const auto agent = value_of(arguments, "--show-metadata"))
        return Line{"ra", "info", *agent, "--xml"};
    auto resource = value_of(arguments, "--resource");
    if (!resource) resource = value_of(arguments, "-r");
    if (!resource) return std::nullopt;
    if (has_any(arguments, {"--restart"})) return Line{"resource", "restart", *resource, "--yes"};
    for (const char* verb :
         {"force-start", "force-stop", "force-check", "force-promote", "force-demote"}) {
        if (has_any(arguments, {concat("--", verb)})) return Line{"resource", verb, *resource};
    }
    return std::nullopt;
}

std::optional<Line> stonith_line(std::span<const std::string> arguments) {
    if (has_any(arguments, {"-I", "--list-installed"})) return agents_line("stonith");
    if (!has_any(arguments, {"-M", "--metadata"})) return std::nullopt;
    auto agent = value_of(arguments, "--agent");
    if (!agent) agent = value_of(arguments, "-a");
    if (!agent) return std::nullopt;
    return Line{"ra", "info", concat("stonith:", *agent), "--xml"};
}

}  // namespace

std::optional<Line> as_command(std::string_view name, std::span<const std::string> arguments) {
    if (asks_for_version(arguments) || asks_for_help(name, arguments)) return std::nullopt;
    if (name == "crm_mon") return mon_line(arguments);
    if (name == "crm_simulate") return simulate_line(arguments);
    if (name == "crm_resource") return resource_line(arguments);
    if (name == "stonith_admin") return stonith_line(arguments);
    return std::nullopt;
}

}  // namespace xbeat::shim
