// The crm language, second step: walking over one statement's words. Shared by the crm_*.cc files
// only.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cib/crm_words.h"
#include "cib/xml.h"
#include "core/result.h"
#include "core/text.h"

namespace xbeat::cib {

/// A place among the words of a statement, behind its first word. The statement must outlive it.
class Cursor {
public:
    explicit Cursor(const Statement& statement) : words_(statement.words) {}

    [[nodiscard]] bool done() const { return at_ >= words_.size(); }
    [[nodiscard]] std::size_t left() const { return words_.size() - at_; }
    /// The word `ahead` of the current one, or an empty word behind the end.
    [[nodiscard]] const Word& peek(std::size_t ahead = 0) const {
        static const Word kNone;
        return at_ + ahead < words_.size() ? words_[at_ + ahead] : kNone;
    }
    [[nodiscard]] const Word& last() const { return words_.back(); }
    void skip() { ++at_; }
    /// Takes the last word of the statement away (options at its end); the end moves.
    void drop_last() { words_.pop_back(); }

    /// True if the current word is this keyword, bare and in any case.
    [[nodiscard]] bool at(std::string_view keyword) const {
        return !done() && !peek().is_quoted && equals_ignoring_case(peek().text, keyword);
    }
    [[nodiscard]] bool at_any(std::span<const std::string_view> keywords) const;
    [[nodiscard]] bool at_any(std::initializer_list<std::string_view> keywords) const {
        return at_any(std::span(keywords.begin(), keywords.size()));
    }
    /// Takes the keyword if it stands here.
    bool accept(std::string_view keyword) {
        if (!at(keyword)) return false;
        skip();
        return true;
    }
    /// Takes the current word; an error naming `what` if there is none.
    [[nodiscard]] Result<Word> take(std::string_view what);
    /// Takes the value of `name=value` if the current word is that.
    [[nodiscard]] std::optional<std::string> accept_option(std::string_view name);

    /// "line N: what", N the current word's line (the last one's at the end).
    [[nodiscard]] Error error(std::string_view what) const;
    [[nodiscard]] std::uint32_t line() const { return done() ? words_.back().line : peek().line; }

private:
    std::vector<Word> words_;
    std::size_t at_ = 1;
};

[[nodiscard]] Error error_at(std::uint32_t line, std::string_view what);

/// A word's text if it may be an id, else an error. `what`: "resource", "node"...
[[nodiscard]] Result<std::string> take_id(Cursor& cursor, std::string_view what);

/// An element of that name, from the cursor's line.
[[nodiscard]] Element new_element(std::string_view name, const Cursor& cursor);

constexpr std::size_t kSetValuesMax = 10'000;  // in one list of name=value; more are an error

/// What ends a list of name=value: the keywords of the statement around it.
using Keywords = std::span<const std::string_view>;

// crm_sets.cc

/// `[$id=ID] [SCORE:] [rule ...] name=value ...` or `$id-ref=ID`, as an element of that name. Ends
/// at a keyword, at a bare word that is no name=value, and at the end.
[[nodiscard]] Result<Element> parse_set(Cursor& cursor, std::string_view element_name,
                                        Keywords keywords);
/// name=value words and references to them (@id, $id:name=value), appended to `set`.
[[nodiscard]] Result<void> parse_pairs(Cursor& cursor, Element& set, Keywords keywords);
/// `rule ...` as often as it stands here, appended to `parent`.
[[nodiscard]] Result<void> parse_rules(Cursor& cursor, Element& parent);
/// `ID:` or `$id=ID` or `$id-ref=ID` at the start of a property or defaults statement.
[[nodiscard]] Result<void> parse_head_id(Cursor& cursor, Element& element);
/// A score as the language writes it: "inf", "-INFINITY", "advisory", a number; as the CIB writes
/// it.
[[nodiscard]] std::optional<std::string> canonical_score(std::string_view text);
/// Promoted, Unpromoted, Started or Stopped for any spelling (Master and Slave too), else empty.
[[nodiscard]] std::optional<std::string> canonical_role(std::string_view text);
/// `description=TEXT` if it stands here.
void parse_description(Cursor& cursor, Element& element);

// The statements, each from behind its first word. None checks that it used all words.
[[nodiscard]] Result<Element> parse_node(Cursor& cursor);
[[nodiscard]] Result<Element> parse_primitive(Cursor& cursor);
[[nodiscard]] Result<Element> parse_template(Cursor& cursor);
[[nodiscard]] Result<Element> parse_group(Cursor& cursor);
[[nodiscard]] Result<Element> parse_clone(Cursor& cursor);
[[nodiscard]] Result<Element> parse_promotable(Cursor& cursor);
[[nodiscard]] Result<Element> parse_bundle(Cursor& cursor);
[[nodiscard]] Result<Element> parse_monitor(Cursor& cursor);
[[nodiscard]] Result<Element> parse_location(Cursor& cursor);
[[nodiscard]] Result<Element> parse_colocation(Cursor& cursor);
[[nodiscard]] Result<Element> parse_order(Cursor& cursor);
[[nodiscard]] Result<Element> parse_ticket(Cursor& cursor);
[[nodiscard]] Result<Element> parse_property(Cursor& cursor);
[[nodiscard]] Result<Element> parse_rsc_defaults(Cursor& cursor);
[[nodiscard]] Result<Element> parse_op_defaults(Cursor& cursor);
[[nodiscard]] Result<Element> parse_fencing_topology(Cursor& cursor);
[[nodiscard]] Result<Element> parse_tag(Cursor& cursor);
[[nodiscard]] Result<Element> parse_acl_role(Cursor& cursor);
[[nodiscard]] Result<Element> parse_acl_target(Cursor& cursor);
[[nodiscard]] Result<Element> parse_acl_group(Cursor& cursor);
[[nodiscard]] Result<Element> parse_acl_user(Cursor& cursor);
[[nodiscard]] Result<Element> parse_alert(Cursor& cursor);

/// One statement as a flat object (see flat.h).
[[nodiscard]] Result<Element> parse_statement(const Statement& statement);

}  // namespace xbeat::cib
