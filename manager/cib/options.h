// Every cluster option in one table: what it is called, what it may be, what it is by default.
//
// The checker, the crm language's suggestions and the commands that list options all read this
// table, so that they cannot disagree. What an option does is decided where it is obeyed, not here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xbeat::cib {

enum class OptionType : std::uint8_t {
    Text,
    Boolean,
    Integer,
    Duration,        // what parse_duration() reads
    SignedDuration,  // the same, or a negative number (each option says what that means)
    Percentage,      // "80%"
    Score,           // an integer or INFINITY
    Choice,          // one of `choices`
};

struct Option {
    std::string_view name;
    OptionType type = OptionType::Text;
    std::string_view default_value = {};  // empty: none
    std::string_view help = {};           // one line
    std::string_view choices =
        {};  // of a Choice: words with blanks between, the first the usual one
    std::string_view old_names = {};  // synonyms that are still read, blanks between
    bool is_read_only = false;  // set by the cluster itself; what a user writes is overwritten
};

/// All options, in alphabetical order of their current names.
[[nodiscard]] std::span<const Option> cluster_options();

/// The option of that name, current or old, or null. Names are exact.
[[nodiscard]] const Option* find_option(std::string_view name);

/// All names that find_option() knows, current ones first.
[[nodiscard]] std::span<const std::string_view> option_names();

/// Empty if `value` fits the option, else what is wrong with it and what would fit, without a full
/// stop.
[[nodiscard]] std::string check_option_value(const Option& option, std::string_view value);

/// Like check_option_value(), for values that are no cluster options: meta-attributes, attributes
/// of operations. `name` is used in the sentence; `choices` as in Option.
[[nodiscard]] std::string check_typed_value(std::string_view name, OptionType type,
                                            std::string_view choices, std::string_view value);

/// The lower-case word for a type, as lists of options show it.
[[nodiscard]] std::string_view to_string(OptionType type);

}  // namespace xbeat::cib
