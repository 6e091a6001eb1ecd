#include "cib/crm_cursor.h"

#include <algorithm>

#include "cib/flat.h"
#include "core/limits.h"

namespace xbeat::cib {

bool Cursor::at_any(std::span<const std::string_view> keywords) const {
    return std::any_of(keywords.begin(), keywords.end(),
                       [this](std::string_view keyword) { return at(keyword); });
}

Result<Word> Cursor::take(std::string_view what) {
    if (done()) return error(concat("the statement ends where ", what, " was expected"));
    return words_[at_++];
}

std::optional<std::string> Cursor::accept_option(std::string_view name) {
    if (done()) return std::nullopt;
    const std::string& text = peek().text;
    if (text.size() <= name.size() || text[name.size()] != '=' || !text.starts_with(name))
        return std::nullopt;
    std::string value = text.substr(name.size() + 1);
    skip();
    return value;
}

Error Cursor::error(std::string_view what) const { return error_at(line(), what); }

Error error_at(std::uint32_t line, std::string_view what) {
    return {.code = Code::Invalid, .context = concat("line ", line, ": ", what)};
}

Result<std::string> take_id(Cursor& cursor, std::string_view what) {
    const Word word = XB_TRY(cursor.take(what));
    if (word.text.size() > kIdBytesMax) {
        return error_at(word.line, concat("the name of a ", what, " is longer than ", kIdBytesMax,
                                          " characters"));
    }
    if (word.text.empty() || clean_id(word.text) != word.text) {
        return error_at(word.line, concat("'", word.text, "' is no name for a ", what,
                                          "; use letters, digits and _ - . :"));
    }
    return word.text;
}

Element new_element(std::string_view name, const Cursor& cursor) {
    Element element;
    element.name = name;
    element.line = cursor.line();
    return element;
}

}  // namespace xbeat::cib
