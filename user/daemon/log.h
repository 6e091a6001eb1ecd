// How the daemon logs: see sys/log.h, which the witness shares.
#pragma once

#include "sys/log.h"

namespace xbeat::daemon {

using sys::Log;
using sys::print_note;

}  // namespace xbeat::daemon
