#include "model/parameter_digest.h"

#include "core/text.h"
#include "model/md5.h"

namespace xbeat::model {
namespace {

// Not cib::append_escaped(): executors have always hashed line ends and tabs as they are.
void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '"') {
            out += "&quot;";
        } else {
            out.push_back(c);
        }
    }
}

}  // namespace

std::string parameter_digest(const std::map<std::string, std::string, std::less<>>& parameters) {
    std::string text = " <parameters";
    for (const auto& [name, value] : parameters) {
        text += concat(' ', name, "=\"");
        append_escaped(text, value);
        text.push_back('"');
    }
    return md5_hex(text + "/>\n");
}

}  // namespace xbeat::model
