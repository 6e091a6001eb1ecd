// The crm shell's language, first step: text into statements of words.
//
// A statement is a line; a backslash before the end of the line continues it. Words stand between
// blanks; double quotes (with \" and \\), single quotes and a backslash protect blanks. A line that
// begins with # is a comment and belongs to the statement that follows. `xml` takes the rest of its
// statement as it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace xbeat::cib {

struct Word {
    std::string text;
    std::uint32_t line = 0;
    bool is_quoted = false;  // some part of it was protected: it is no keyword
};

struct Statement {
    std::vector<Word> words;            // at least one
    std::vector<std::string> comments;  // the lines before it, without # and blanks around
    std::string xml;                    // after `xml`; its first line is words[0].line
};

constexpr std::size_t kCrmWordsMax = 100'000;  // per statement; a longer one is rejected

/// Takes one statement after another from a text. The text must outlive it.
class StatementReader {
public:
    explicit StatementReader(std::string_view text) : text_(text) {}

    /// The next statement; empty at the end. After an error (an unclosed quote, too many words) the
    /// reader stands behind the bad statement and can go on.
    [[nodiscard]] Result<std::optional<Statement>> next();

    /// After the end: the comment lines that no statement followed.
    [[nodiscard]] const std::vector<std::string>& rest_comments() const { return comments_; }

private:
    [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
    void skip_blank_lines();
    void skip_line();
    bool skip_continuation();
    Result<void> read_word(Statement& statement);
    Result<void> read_double_quoted(Word& word);
    Result<void> read_single_quoted(Word& word);
    std::string read_raw();

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    std::vector<std::string> comments_;
};

/// The word as it must be written to be read back as `text`: bare where that is possible, else in
/// double quotes.
[[nodiscard]] std::string quote_word(std::string_view text);

}  // namespace xbeat::cib
