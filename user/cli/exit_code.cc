#include "cli/exit_code.h"

#include <cerrno>

namespace xbeat::cli {
namespace {

ExitCode exit_code_of_errno(int error) {
    switch (error) {
        case EACCES:
        case EPERM:
        case EROFS:
            return ExitCode::NoPermission;
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
            return ExitCode::NoInput;
        case ENOSPC:
        case EDQUOT:
        case EIO:
            return ExitCode::OutputFailed;
        case ECONNREFUSED:
            return ExitCode::Unavailable;
        case ECONNRESET:
        case EPIPE:
            return ExitCode::Disconnected;
        case ETIMEDOUT:
            return ExitCode::TimedOut;
        default:
            return ExitCode::Error;
    }
}

}  // namespace

std::string_view to_string(ExitCode code) {
    switch (code) {
        case ExitCode::Ok:
            return "OK";
        case ExitCode::Error:
            return "Error occurred";
        case ExitCode::Usage:
            return "Incorrect usage";
        case ExitCode::BadData:
            return "Invalid data given";
        case ExitCode::NoInput:
            return "Input file not available";
        case ExitCode::Unavailable:
            return "Service not available";
        case ExitCode::NoPermission:
            return "Insufficient privileges";
        case ExitCode::BadConfig:
            return "Invalid configuration";
        case ExitCode::OutputFailed:
            return "Input/output error";
        case ExitCode::Disconnected:
            return "Not connected";
        case ExitCode::Outdated:
            return "Update was older than existing configuration";
        case ExitCode::NoSuchObject:
            return "No such object";
        case ExitCode::NoQuorum:
            return "Quorum required";
        case ExitCode::Unsafe:
            return "Operation not safe";
        case ExitCode::Exists:
            return "Requested item already exists";
        case ExitCode::Unsatisfied:
            return "Requested item does not satisfy constraints";
        case ExitCode::TimedOut:
            return "Timeout occurred";
    }
    return "Error occurred";
}

ExitCode exit_code_of(const Error& error) {
    switch (error.code) {
        case Code::Invalid:
        case Code::Limit:
            return ExitCode::BadConfig;
        case Code::NotFound:
            return ExitCode::NoSuchObject;
        case Code::Exists:
            return ExitCode::Exists;
        case Code::Conflict:
            return ExitCode::Outdated;
        case Code::Denied:
            return ExitCode::NoPermission;
        case Code::Unavailable:
            // Nobody there, or gone in the middle.
            return error.system_errno == ECONNRESET ? ExitCode::Disconnected
                                                    : ExitCode::Unavailable;
        case Code::Unsafe:
            return ExitCode::Unsafe;
        case Code::Timeout:
            return ExitCode::TimedOut;
        case Code::System:
            return exit_code_of_errno(error.system_errno);
        case Code::Corrupt:
            return ExitCode::BadData;
    }
    return ExitCode::Error;
}

}  // namespace xbeat::cli
