// A bpf file system folder of our own, 0700: what is pinned there outlives the daemon.
#pragma once

#include <string>

#include "core/result.h"

namespace xbeat::heart {

/// Makes sure that `folder` is a folder of mode 0700 on a bpf file system: makes it, and mounts one
/// on it if it lies on another file system. Calling it again changes nothing.
/// Errors: Denied if it belongs to another user; System.
Result<void> prepare_pin_folder(const std::string& folder);

/// Removes the folder, or the mount on it, if nothing is left in it; leaves it otherwise.
void remove_pin_folder(const std::string& folder);

}  // namespace xbeat::heart
