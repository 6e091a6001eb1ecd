// What a command's exit code says, in the numbers that Pacemaker's tools use, so that scripts
// written for those keep their meaning.
//
// Source: `crm_error --exit --list` of Pacemaker 2.1; below 100 they are those of sysexits.h.
#pragma once

#include <string_view>

#include "core/result.h"

namespace xbeat::cli {

enum class ExitCode : int {
    Ok = 0,
    Error = 1,           // nothing more exact fits
    Usage = 64,          // the command line itself is wrong
    BadData = 65,        // an input file is not what it should be
    NoInput = 66,        // an input file is missing or cannot be read
    Unavailable = 69,    // no daemon, no peer, or it is busy
    NoPermission = 77,   // the caller may not
    BadConfig = 78,      // the configuration breaks a rule
    OutputFailed = 74,   // writing the answer failed (disk full)
    Disconnected = 102,  // the daemon went away in the middle
    Outdated = 103,      // somebody else changed the configuration first
    NoSuchObject = 105,  // what was named does not exist
    NoQuorum = 106,      // this partition may not decide
    Unsafe = 107,        // refused because it could run a resource twice
    Exists = 108,        // what was to be made exists already
    Unsatisfied = 113,   // asked for something that does not hold
    TimedOut = 124,      // it took longer than it may
};

/// The code in the words of `crm_error`: "OK", "No such object"...
[[nodiscard]] std::string_view to_string(ExitCode code);

/// The exit code for an error's kind; for Code::System its errno decides.
[[nodiscard]] ExitCode exit_code_of(const Error& error);

}  // namespace xbeat::cli
