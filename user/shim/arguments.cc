#include "shim/arguments.h"

#include <algorithm>

#include "core/text.h"

namespace xbeat::shim {
namespace {

Error unknown(std::string_view word) {
    return {.code = Code::Invalid, .context = concat("Unknown option ", word)};
}

Error missing(std::string_view word) {
    return {.code = Code::Invalid, .context = concat("Missing argument for ", word)};
}

const OptionRow* find_long(std::span<const OptionRow> table, std::string_view name) {
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
    return found == table.end() ? nullptr : &*found;
}

const OptionRow* find_short(std::span<const OptionRow> table, char letter) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const auto& row) { return row.letter == letter; });
    return found == table.end() ? nullptr : &*found;
}

bool looks_like_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

Result<Arguments> Arguments::parse(std::span<const std::string> words,
                                   std::span<const OptionRow> table) {
    Arguments out;
    std::size_t at = 0;
    // The value of an option from the words behind it, if it takes one.
    const auto take = [&](const OptionRow& row, std::string_view shown) -> Result<std::string> {
        if (row.takes == Takes::Nothing) return std::string();
        const bool is_there = at < words.size();
        if (row.takes == Takes::PerhapsValue) {
            if (!is_there || looks_like_option(words[at])) return std::string();
            return words[at++];
        }
        if (!is_there) return missing(shown);
        return words[at++];
    };
    while (at < words.size()) {
        const std::string& word = words[at++];
        if (!looks_like_option(word)) {
            return Error{.code = Code::Invalid, .context = concat("unexpected word: ", word)};
        }
        if (word.starts_with("--")) {
            const std::size_t equals = word.find('=');
            const std::string_view name = std::string_view(word).substr(2, equals - 2);
            const OptionRow* row = find_long(table, name);
            if (row == nullptr) return unknown(word);
            if (equals != std::string::npos) {
                if (row->takes == Takes::Nothing) return unknown(word);
                out.take(row->name, word.substr(equals + 1));
            } else {
                out.take(row->name, XB_TRY(take(*row, word)));
            }
            continue;
        }
        for (std::size_t i = 1; i < word.size(); ++i) {
            const OptionRow* row = find_short(table, word[i]);
            if (row == nullptr) return unknown(concat('-', word[i]));
            if (row->takes != Takes::Nothing && i + 1 < word.size()) {
                out.take(row->name, word.substr(i + 1));
                break;
            }
            out.take(row->name, XB_TRY(take(*row, word)));
        }
    }
    return out;
}

void Arguments::take(std::string_view name, std::string value) {
    order_.push_back({.name = std::string(name), .value = value});
    values_.insert_or_assign(std::string(name), std::move(value));
}

std::string_view Arguments::last_of(std::span<const std::string_view> names) const {
    const auto found = std::find_if(order_.rbegin(), order_.rend(), [names](const auto& given) {
        return std::find(names.begin(), names.end(), given.name) != names.end();
    });
    return found == order_.rend() ? std::string_view() : std::string_view(found->name);
}

std::string Arguments::get(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
}

std::optional<std::string> Arguments::find(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

}  // namespace xbeat::shim
