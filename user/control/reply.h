// A reply's line as a value, without reading each byte of a large document one by one.
//
// Nearly all of a large reply is one text, the CIB. The JSON library takes 90 instructions for each
// of its bytes; here long texts are taken out first, which costs three, and put back into what the
// library made of the rest.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace xbeat::control {

/// What nlohmann::json::parse(line, nullptr, false) returns: a discarded value for what is no JSON.
[[nodiscard]] nlohmann::json parse_reply(std::string_view line);

}  // namespace xbeat::control
