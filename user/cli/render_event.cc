#include "cli/render_event.h"

#include <fmt/format.h>

#include <vector>

#include "cli/status_source.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

std::string fields_text(const nlohmann::json& row) {
    const auto fields = row.find("fields");
    if (fields == row.end() || !fields->is_array()) return "";
    std::vector<std::string> parts;
    for (const nlohmann::json& pair : *fields) {
        const bool is_pair =
            pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
        if (!is_pair) continue;
        parts.push_back(
            fmt::format("{}={}", pair[0].get<std::string>(), pair[1].get<std::string>()));
    }
    return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
}

// Whom it is about: the node, the resource, both, or nobody.
std::string subject_of(const nlohmann::json& row) {
    const std::string node = text_of(row, "node");
    const std::string resource = text_of(row, "resource");
    if (node.empty() && resource.empty()) return "";
    if (node.empty() || resource.empty()) return node + resource + ": ";
    return fmt::format("{} on {}: ", resource, node);
}

}  // namespace

std::string render_event(const nlohmann::json& row) {
    const std::string text = text_of(row, "text");
    const std::string body = text.empty() ? text_of(row, "kind") : text;
    return printable(fmt::format("{} {:<7} {}{}{}", date_and_clock_text(number_of(row, "time_ms")),
                                 text_of(row, "level"), subject_of(row), body, fields_text(row)));
}

}  // namespace xbeat::cli
