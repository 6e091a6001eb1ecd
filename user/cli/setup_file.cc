#include "cli/setup_file.h"

#include <algorithm>
#include <optional>

#include "core/text.h"

// The parser reports errors as values, not as exceptions.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace xbeat::cli {
namespace {

// A piece of the text and what stands there instead.
struct Patch {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text;
};

// The parser counts lines and code points from 1.
std::size_t offset_of(std::string_view text, toml::source_position at) {
    std::size_t offset = 0;
    for (std::uint32_t line = 1; line < at.line; ++line) {
        offset = text.find('\n', offset);
        if (offset == std::string_view::npos) return text.size();
        ++offset;
    }
    for (std::uint32_t column = 1; column < at.column && offset < text.size(); ++column) {
        ++offset;
        const auto is_inside = [&] {
            return offset < text.size() &&
                   (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U;
        };
        while (is_inside()) ++offset;
    }
    return offset;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') out += '\\';
        out += letter;
    }
    return out + "\"";
}

void replace_value(std::string_view text, const toml::node* value, std::string_view wanted,
                   std::vector<Patch>& patches) {
    if (value == nullptr || !value->is_string()) return;
    if (value->value_or(std::string()) == wanted) return;
    patches.push_back({.begin = offset_of(text, value->source().begin),
                       .end = offset_of(text, value->source().end),
                       .text = quoted(wanted)});
}

std::string patched(std::string_view text, std::vector<Patch> patches) {
    std::sort(patches.begin(), patches.end(),
              [](const Patch& a, const Patch& b) { return a.begin > b.begin; });
    std::string out(text);
    for (const Patch& patch : patches) {
        out.replace(patch.begin, patch.end - patch.begin, patch.text);
    }
    return out;
}

Error useless(std::string_view why) {
    return {.code = Code::Invalid, .context = concat("the configuration cannot be used: ", why)};
}

Result<toml::table> parse(std::string_view text) {
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) return useless(parsed.error().description());
    return std::move(parsed).table();
}

const toml::table* find_node(const toml::table& table, int id) {
    const toml::array* const nodes = table["node"].as_array();
    if (nodes == nullptr) return nullptr;
    for (const toml::node& each : *nodes) {
        const toml::table* const node = each.as_table();
        if (node != nullptr && (*node)["id"].value_or(0) == id) return node;
    }
    return nullptr;
}

// A line of its own, the line feed included: a value of a top-level key ends its line.
Patch whole_line(std::string_view text, const toml::node& value) {
    const std::size_t at = offset_of(text, value.source().begin);
    const std::size_t before = text.rfind('\n', at);
    const std::size_t end = text.find('\n', at);
    return {.begin = before == std::string_view::npos ? 0 : before + 1,
            .end = end == std::string_view::npos ? text.size() : end + 1,
            .text = {}};
}

}  // namespace

Result<std::string> with_node_name(std::string_view text, int id, std::string_view name) {
    const toml::table table = XB_TRY(parse(text));
    const toml::table* const node = find_node(table, id);
    if (node == nullptr) return useless(concat("it has no [[node]] with the id ", id));
    std::vector<Patch> patches;
    replace_value(text, node->get("name"), name, patches);
    return patched(text, std::move(patches));
}

Result<std::string> fitted_to(std::string_view text, const SetupNode& wanted, std::string_view self,
                              std::string_view key_file) {
    const toml::table table = XB_TRY(parse(text));
    const toml::table* const node = find_node(table, wanted.id);
    if (node == nullptr) return useless(concat("it has no [[node]] with the id ", wanted.id));
    std::vector<Patch> patches;
    if (const toml::array* const links = (*node)["links"].as_array()) {
        for (const toml::node& each : *links) {
            const toml::table* const link = each.as_table();
            if (link == nullptr) continue;
            const std::string address = (*link)["address"].value_or(std::string());
            for (const SetupLink& own : wanted.links) {
                if (own.address == address)
                    replace_value(text, link->get("interface"), own.interface, patches);
            }
        }
    }
    replace_value(text, table.get("key_file"), key_file, patches);
    const toml::node* const present = table.get("self");
    if (present != nullptr && self.empty()) {
        patches.push_back(whole_line(text, *present));
    } else if (present != nullptr) {
        replace_value(text, present, self, patches);
    } else if (!self.empty()) {
        // In front of everything: behind a table it would belong to that.
        patches.push_back({.begin = 0, .end = 0, .text = concat("self = ", quoted(self), "\n")});
    }
    return patched(text, std::move(patches));
}

}  // namespace xbeat::cli
