// One line of a client as a typed request, or why it is none.
//
// Everything is checked here, once: size, JSON, nesting, unknown members, types, ranges, and
// whether the connection's role may ask for it at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cib/part.h"
#include "control/protocol.h"
#include "core/result.h"
#include "node/event.h"

namespace xbeat::control {

constexpr std::size_t kEchoBytesMax = 64;          // of a request's `id`
constexpr std::size_t kTextBytesMax = 64U << 10U;  // of any member but `configuration`

/// A question without members.
struct Read {};
/// The document, or a part of it.
struct ReadCib {
    cib::Part part = {};
};
struct ReadEvents {
    std::uint64_t since = 0;
    std::size_t limit = 100;
    bool follow = false;
};

/// One entry of the past, or (0) the newest ones.
struct ReadHistory {
    std::uint64_t number = 0;
    std::size_t limit = 100;
};

struct Request {
    Op op = Op::Ping;
    std::variant<Read, ReadCib, ReadEvents, ReadHistory, node::RequestBody> body;
};

struct Parsed {
    std::string echo;  // the request's `id` as JSON text, to come back; empty if it has none
    Result<Request> request = Error{};
};

/// Reads one line (without its end). Errors: Invalid, Limit, Denied (the role may not), NotFound
/// (no such operation; only for who may ask anything at all).
[[nodiscard]] Parsed parse_request(std::string_view line, Role role);

/// {"ok": false, ...} with the line's end; `echo` as in Parsed.
[[nodiscard]] std::string print_error(const Error& error, std::string_view echo);
/// {"ok": true, "message": ...} with the line's end.
[[nodiscard]] std::string print_message(std::string_view message, std::string_view echo);

}  // namespace xbeat::control
