// What each tool answers to --help: the forms that it takes here.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace xbeat::shim {

/// --help, -?, --help-all and, of the tools that give it no other meaning, -h.
[[nodiscard]] bool asks_for_help(std::string_view tool, std::span<const std::string> words);

/// -$ or --version.
[[nodiscard]] bool asks_for_version(std::span<const std::string> words);

/// Ends with a new line. Requires: a tool of names().
[[nodiscard]] std::string help_of(std::string_view tool);

}  // namespace xbeat::shim
