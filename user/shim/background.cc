#include "shim/background.h"

#include "core/text.h"

namespace xbeat::shim {
std::optional<Background> as_background(const std::vector<std::string>& words) {
    Background out;
    bool is_wanted = false;
    bool is_html = false;
    std::string page;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        // "-p FILE", "--pid-file FILE" or "--pid-file=FILE".
        const auto value_of = [&](std::string_view letter, std::string_view name,
                                  std::string& value) {
            const std::string with_equals = concat(name, '=');
            if (word.starts_with(with_equals)) {
                value = word.substr(with_equals.size());
                return true;
            }
            const bool is_meant = word == name || (word == letter && !letter.empty());
            if (!is_meant || at + 1 == words.size()) return false;
            value = words[++at];
            return true;
        };
        std::string form;
        if (word == "-d" || word == "--daemonize") {
            is_wanted = true;
        } else if (value_of("-p", "--pid-file", out.pid_file) ||
                   value_of("-h", "--as-html", page) || value_of("", "--output-to", page)) {
            continue;
        } else if (value_of("", "--output-as", form)) {
            is_html = is_html || form == "html";
        } else {
            out.words.push_back(word);
        }
    }
    if (!is_wanted) return std::nullopt;
    if (is_html || !page.empty()) {
        out.words.emplace_back("--as-html");
        out.words.push_back(page);
    }
    return out;
}

}  // namespace xbeat::shim
