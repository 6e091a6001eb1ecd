#include "cli/render_event.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "cli/status_source.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

// What the sentence says already is not said again.
std::string fields_text(const nlohmann::json& row, std::string_view sentence) {
    const auto fields = row.find("fields");
    if (fields == row.end() || !fields->is_array()) return "";
    std::vector<std::string> parts;
    for (const nlohmann::json& pair : *fields) {
        const bool is_pair =
            pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
        if (!is_pair) continue;
        const auto& value = pair[1].get_ref<const std::string&>();
        const bool is_said = value.size() > 3 && sentence.find(value) != std::string_view::npos;
        if (value.empty() || is_said) continue;
        parts.push_back(
            fmt::format("{}={}", pair[0].get<std::string>(), pair[1].get<std::string>()));
    }
    return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
}

// Whom it is about, as far as the sentence does not name it: the node, the resource, both, or
// nobody.
std::string subject_of(const nlohmann::json& row, std::string_view sentence) {
    const auto name = [&](const char* member) {
        const std::string text = text_of(row, member);
        return sentence.find(text) == std::string_view::npos ? text : std::string();
    };
    const std::string node = name("node");
    const std::string resource = name("resource");
    if (node.empty() && resource.empty()) return "";
    if (node.empty() || resource.empty()) return node + resource + ": ";
    return fmt::format("{} on {}: ", resource, node);
}

}  // namespace

std::string render_event(const nlohmann::json& row) {
    const std::string text = text_of(row, "text");
    const std::string body = text.empty() ? text_of(row, "kind") : text;
    return printable(fmt::format("{} {:<7} {}{}{}", date_and_clock_text(number_of(row, "time_ms")),
                                 text_of(row, "level"), subject_of(row, body), body,
                                 fields_text(row, body)));
}

}  // namespace xbeat::cli
