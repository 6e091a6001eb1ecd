// The command lines of Pacemaker's tools, as far as agents use them: a table of options, short ones
// that may stand together, values attached or apart.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace xbeat::shim {

enum class Takes : std::uint8_t { Nothing, Value, PerhapsValue };

struct OptionRow {
    char letter = 0;        // 0: long form only
    std::string_view name;  // the long form, and what the option is asked for by
    Takes takes = Takes::Nothing;
};

class Arguments {
public:
    /// Code::Invalid, with the tool's own words, for an unknown option, a missing value or a word
    /// too much. A value that is optional is taken if it does not look like an option.
    static Result<Arguments> parse(std::span<const std::string> words,
                                   std::span<const OptionRow> table);

    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    /// Empty if the option was not given, or given without a value.
    [[nodiscard]] std::string get(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
    /// Which of these options was given last, or nothing: where a tool does one thing at a time,
    /// the last one counts.
    [[nodiscard]] std::string_view last_of(std::span<const std::string_view> names) const;
    struct Given {
        std::string name;
        std::string value;
    };
    /// Every option as it was given, also one given twice.
    [[nodiscard]] const std::vector<Given>& in_order() const { return order_; }

private:
    void take(std::string_view name, std::string value);

    std::map<std::string, std::string, std::less<>> values_;
    std::vector<Given> order_;
};

}  // namespace xbeat::shim
