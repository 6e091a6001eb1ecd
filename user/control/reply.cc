#include "control/reply.h"

#include <optional>
#include <string>
#include <vector>

#include "cib/utf8.h"

namespace xbeat::control {
namespace {

using nlohmann::json;

constexpr std::size_t kLongText = 4096;  // bytes between the quotes

// A text that was taken out: the how-manieth of all texts of the line, names of members included.
struct Lifted {
    std::size_t ordinal = 0;
    std::string text;
};

// Where the text that begins at `at` ends: the offset of its closing quote, or npos.
std::size_t end_of_text(std::string_view line, std::size_t at) {
    for (std::size_t quote = line.find('"', at); quote != std::string_view::npos;
         quote = line.find('"', quote + 1)) {
        std::size_t backslashes = 0;
        while (quote - backslashes > at && line[quote - backslashes - 1] == '\\') ++backslashes;
        if (backslashes % 2 == 0) return quote;
    }
    return std::string_view::npos;
}

// Without the escapes; nothing for what the library had better judge: references by number, and
// bytes that may not stand in a text.
std::optional<std::string> unescaped(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size();) {
        const std::size_t backslash = raw.find('\\', at);
        out.append(raw.substr(at, backslash - at));
        if (backslash == std::string_view::npos) break;
        if (backslash + 1 == raw.size()) return std::nullopt;
        switch (raw[backslash + 1]) {
            case 'n':
                out.push_back('\n');
                break;
            case 't':
                out.push_back('\t');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case '"':
            case '\\':
            case '/':
                out.push_back(raw[backslash + 1]);
                break;
            default:
                return std::nullopt;
        }
        at = backslash + 2;
    }
    if (cib::find_bad_byte(out)) return std::nullopt;
    return out;
}

// The line with its long texts empty.
std::string lift(std::string_view line, std::vector<Lifted>& lifted) {
    std::string rest;
    std::size_t done = 0;  // of the line: it stands in `rest`
    std::size_t ordinal = 0;
    for (std::size_t open = line.find('"'); open != std::string_view::npos; ++ordinal) {
        const std::size_t close = end_of_text(line, open + 1);
        if (close == std::string_view::npos) break;
        const std::string_view raw = line.substr(open + 1, close - open - 1);
        const std::size_t after = line.find_first_not_of(" \t\r\n", close + 1);
        const bool is_name = after != std::string_view::npos && line[after] == ':';
        if (raw.size() >= kLongText && !is_name) {
            if (std::optional<std::string> text = unescaped(raw)) {
                rest.append(line.substr(done, open + 1 - done));
                done = close;
                lifted.push_back({.ordinal = ordinal, .text = *std::move(text)});
            }
        }
        open = line.find('"', close + 1);
    }
    rest.append(line.substr(done));
    return rest;
}

}  // namespace

json parse_reply(std::string_view line) {
    if (line.size() < kLongText) return json::parse(line, nullptr, false);
    std::vector<Lifted> lifted;
    const std::string rest = lift(line, lifted);
    std::size_t ordinal = 0;
    auto next = lifted.begin();
    const auto put_back = [&](int, json::parse_event_t event, json& value) {
        const bool is_name = event == json::parse_event_t::key;
        if (!is_name && (event != json::parse_event_t::value || !value.is_string())) return true;
        if (next != lifted.end() && next->ordinal == ordinal) {
            value = std::move(next->text);
            ++next;
        }
        ++ordinal;
        return true;
    };
    return json::parse(rest, put_back, false);
}

}  // namespace xbeat::control
