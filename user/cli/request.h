// A request to the daemon as a value, so that most commands need no JSON library.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace xbeat::cli {

/// A member's value. Literals are texts; a bool must be one.
using RequestValue = std::variant<std::string, bool, std::int64_t>;

struct Request {
    std::string op;
    std::vector<std::pair<std::string, RequestValue>> members = {};

    Request& text(std::string name, std::string value) {
        members.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    /// The same, left out if the value is empty.
    Request& text_if(std::string name, const std::string& value) {
        return value.empty() ? *this : text(std::move(name), value);
    }
    Request& flag(std::string name, bool value) {
        members.emplace_back(std::move(name), value);
        return *this;
    }
    Request& number(std::string name, std::int64_t value) {
        members.emplace_back(std::move(name), value);
        return *this;
    }
};

}  // namespace xbeat::cli
