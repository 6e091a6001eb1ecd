// Small changes to the text of an xbeat.toml that leave the rest of it, comments and all, as it is.
//
// A machine that takes a dead one's place gets the survivor's file: what nodes have to agree on is
// in it, also what `xbeat init` knows nothing of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/setup.h"
#include "core/result.h"

namespace xbeat::cli {

/// The text with another name for the node of that id; nothing else that is called so changes but
/// `self`. Errors: Invalid for a text that is no TOML or has no such node.
[[nodiscard]] Result<std::string> with_node_name(std::string_view toml, int id,
                                                 std::string_view name);

/// The text as it belongs on `node`: the interfaces of its links are those of `node`, by their
/// addresses, and `self` and `key_file` are these; an empty `self` takes that key away.
/// Errors: as above.
[[nodiscard]] Result<std::string> fitted_to(std::string_view toml, const SetupNode& node,
                                            std::string_view self, std::string_view key_file);

}  // namespace xbeat::cli
