// Result<T>: a value, or why there is none. The names are std::expected's, so that it can become an
// alias.
//
// g++ 12 offers std::expected only in C++23 mode and clang 14 not at all. `XB_TRY(expression)`
// unwraps a Result inside a function that itself returns a Result, and returns the error if there
// is one; it is a GNU statement expression, which both compilers have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/check.h"

namespace xbeat {

/// What kind of wrong it was. The command line turns each kind into its own exit code.
enum class Code : std::uint8_t {
    Invalid,      // the input is malformed or breaks a rule
    NotFound,     // what was named does not exist
    Exists,       // what was to be made exists already
    Conflict,     // somebody else changed it first
    Denied,       // the caller may not
    Limit,        // a documented limit is reached
    Unavailable,  // nobody there to do it now; may work later
    Unsafe,       // refused because it could run a resource twice
    Timeout,      // it took too long
    System,       // a system call failed: see system_errno
    Corrupt,      // stored or received bytes are not what was written
};

/// The lower-case word for a code, as printed and as sent to clients.
[[nodiscard]] std::string_view to_string(Code code);

struct [[nodiscard]] Error {
    Code code = Code::Invalid;
    std::string
        context;  // one sentence for the reader: what failed, where, and what to do about it
    int system_errno = 0;  // 0 unless code is System

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
    Result(Error error)
        : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    [[nodiscard]] T& value() & {
        XB_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        XB_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        XB_CHECK(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const {
        XB_CHECK(!has_value());
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const { return !error_.has_value(); }
    explicit operator bool() const { return has_value(); }
    void value() const { XB_CHECK(has_value()); }
    void operator*() const { value(); }
    [[nodiscard]] const Error& error() const {
        XB_CHECK(!has_value());
        return *error_;
    }

private:
    std::optional<Error> error_;
};

}  // namespace xbeat

#define XB_TRY(expression)                                            \
    (__extension__({                                                  \
        auto xb_try_result = (expression);                            \
        if (!xb_try_result.has_value()) return xb_try_result.error(); \
        *std::move(xb_try_result);                                    \
    }))
