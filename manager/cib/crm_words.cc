#include "cib/crm_words.h"

#include <algorithm>

#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

Error at_line(Code code, std::uint32_t line, std::string_view what) {
    return {.code = code, .context = concat("line ", line, ": ", what)};
}

// A comment as it is kept: XML forbids two hyphens in a row and one at the end.
std::string comment_text(std::string_view line) {
    while (line.starts_with('#')) line.remove_prefix(1);
    return std::string(trim(line));
}

}  // namespace

// Past a backslash that ends its line, blanks behind it included; false if there is none here.
bool StatementReader::skip_continuation() {
    if (at_end() || text_[at_] != '\\') return false;
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_blank(text_[end])) ++end;
    if (end < text_.size() && text_[end] != '\n') return false;
    at_ = std::min(end + 1, text_.size());
    ++line_;
    return true;
}

void StatementReader::skip_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
}

void StatementReader::skip_blank_lines() {
    while (!at_end()) {
        if (is_blank(text_[at_])) {
            ++at_;
        } else if (text_[at_] == '\n') {
            ++at_;
            ++line_;
        } else if (text_[at_] == '#') {
            const std::size_t end = std::min(text_.find('\n', at_), text_.size());
            comments_.push_back(comment_text(text_.substr(at_, end - at_)));
            skip_line();
        } else if (!skip_continuation()) {
            return;
        }
    }
}

Result<void> StatementReader::read_double_quoted(Word& word) {
    const std::uint32_t opened = line_;
    while (!at_end()) {
        if (skip_continuation()) continue;
        const char c = text_[at_++];
        if (c == '"') return {};
        if (c == '\n') ++line_;
        const bool escapes = c == '\\' && !at_end() && (text_[at_] == '"' || text_[at_] == '\\');
        word.text.push_back(escapes ? text_[at_++] : c);
    }
    return at_line(Code::Invalid, opened, "the quote \" that opens here is never closed");
}

Result<void> StatementReader::read_single_quoted(Word& word) {
    const std::uint32_t opened = line_;
    while (!at_end()) {
        const char c = text_[at_++];
        if (c == '\'') return {};
        if (c == '\n') ++line_;
        word.text.push_back(c);
    }
    return at_line(Code::Invalid, opened, "the quote ' that opens here is never closed");
}

Result<void> StatementReader::read_word(Statement& statement) {
    Word word;
    word.line = line_;
    while (!at_end()) {
        const char c = text_[at_];
        if (is_blank(c) || c == '\n') break;
        if (c == '\\') {
            const std::size_t before = at_;
            if (skip_continuation()) break;
            at_ = std::min(before + 2, text_.size());
            if (before + 1 < text_.size()) word.text.push_back(text_[before + 1]);
            word.is_quoted = true;
            continue;
        }
        ++at_;
        if (c == '"') {
            word.is_quoted = true;
            XB_TRY(read_double_quoted(word));
        } else if (c == '\'') {
            word.is_quoted = true;
            XB_TRY(read_single_quoted(word));
        } else {
            word.text.push_back(c);
        }
    }
    statement.words.push_back(std::move(word));
    return {};
}

// The rest of the statement untouched, each continuation turned into a line feed so that lines
// still count.
std::string StatementReader::read_raw() {
    std::string raw;
    while (!at_end() && text_[at_] != '\n') {
        if (skip_continuation()) {
            raw.push_back('\n');
        } else {
            raw.push_back(text_[at_++]);
        }
    }
    return raw;
}

Result<std::optional<Statement>> StatementReader::next() {
    skip_blank_lines();
    if (at_end()) return std::optional<Statement>();
    Statement statement;
    statement.comments = std::move(comments_);
    comments_.clear();
    while (!at_end() && text_[at_] != '\n') {
        if (is_blank(text_[at_])) {
            ++at_;
            continue;
        }
        if (skip_continuation()) continue;
        if (statement.words.size() == kCrmWordsMax) {
            const std::uint32_t line = line_;
            (void)read_raw();
            return at_line(Code::Limit, line,
                           concat("a statement of more than ", kCrmWordsMax, " words"));
        }
        XB_TRY(read_word(statement));
        const Word& word = statement.words.back();
        if (word.text.size() > kXmlValueBytesMax + kIdBytesMax) {
            (void)read_raw();
            return at_line(Code::Limit, word.line,
                           concat("a word of more than ", kXmlValueBytesMax, " bytes"));
        }
        if (statement.words.size() == 1 && !word.is_quoted && word.text == "xml")
            statement.xml = read_raw();
    }
    return std::optional<Statement>(std::move(statement));
}

std::string quote_word(std::string_view text) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./:,@%+=#~^*?").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
    return out;
}

}  // namespace xbeat::cib
