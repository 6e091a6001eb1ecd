// Values to bytes and back: little-endian integers, length-prefixed text, one list of fields for
// both ways.
//
// A type that travels has `template <class Self, class Archive> static void fields(Self&,
// Archive&)`, which names its members once; Writer and Reader both walk that list, so that they
// cannot disagree. A type that must not know of this is listed from outside, by a `fields_of(Self&,
// Archive&)` in this namespace. A Reader never trusts a length: it checks it against the bytes that
// are left. What the values mean is left to message.h and record.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/time.h"

namespace xbeat::wire {

/// Appends values to a string. Cannot fail.
class Writer {
public:
    template <class... Values>
    void operator()(const Values&... values) {
        (put(values), ...);
    }
    [[nodiscard]] std::string take() && { return std::move(out_); }

private:
    template <class T>
    void put_integer(T value) {
        auto bits = static_cast<std::make_unsigned_t<T>>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            out_.push_back(static_cast<char>(static_cast<unsigned char>(bits & 0xffU)));
            if constexpr (sizeof(T) > 1) bits = static_cast<decltype(bits)>(bits >> 8U);
        }
    }
    template <class T>
    void put(const T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            put_integer<std::uint8_t>(value ? 1 : 0);
        } else if constexpr (std::is_enum_v<T>) {
            put_integer(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::is_integral_v<T>) {
            put_integer(value);
        } else if constexpr (requires { fields_of(value, *this); }) {
            fields_of(value, *this);
        } else {
            T::fields(value, *this);
        }
    }
    void put(const std::string& text) {
        put_integer(static_cast<std::uint32_t>(text.size()));
        out_ += text;
    }
    template <class Tag, class Rep>
    void put(const Id<Tag, Rep>& id) {
        put_integer(id.value);
    }
    void put(const EpochSeconds& when) { put_integer(when.value); }
    void put(const Duration& span) { put_integer(static_cast<std::int64_t>(span.count())); }
    void put(const Instant& at) { put(at.time_since_epoch()); }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class Key, class Value>
    void put(const std::map<Key, Value>& table) {
        put_integer(static_cast<std::uint32_t>(table.size()));
        for (const auto& row : table) put(row);
    }
    template <class A, class B>
    void put(const std::pair<A, B>& both) {
        put(both.first);
        put(both.second);
    }
    template <class T>
    void put(const std::vector<T>& list) {
        put_integer(static_cast<std::uint32_t>(list.size()));
        for (const T& value : list) put(value);
    }
    template <class... Kinds>
    void put(const std::variant<Kinds...>& value) {
        put_integer(static_cast<std::uint8_t>(value.index()));
        std::visit([this](const auto& kind) { this->put(kind); }, value);
    }

    std::string out_;
};

/// Takes values from bytes. After anything that does not fit, is_good() is false for good and the
/// rest of the values are left as they were.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    template <class... Values>
    void operator()(Values&... values) {
        (get(values), ...);
    }
    [[nodiscard]] bool is_good() const { return is_good_; }
    [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }
    void fail() { is_good_ = false; }

private:
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

    template <class T>
    void get_integer(T& value) {
        if (!is_good_) return;
        if (left() < sizeof(T)) return fail();
        std::make_unsigned_t<T> bits = 0;
        for (std::size_t i = sizeof(T); i > 0; --i) {
            const auto byte = static_cast<unsigned char>(bytes_[at_ + i - 1]);
            if constexpr (sizeof(T) > 1) bits = static_cast<decltype(bits)>(bits << 8U);
            bits = static_cast<decltype(bits)>(bits | byte);
        }
        at_ += sizeof(T);
        value = static_cast<T>(bits);
    }
    template <class T>
    void get(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t raw = 0;
            get_integer(raw);
            if (raw > 1) fail();
            if (is_good_) value = raw == 1;
        } else if constexpr (std::is_enum_v<T>) {
            std::underlying_type_t<T> raw{};
            get_integer(raw);
            if (raw > static_cast<std::underlying_type_t<T>>(last_of(T{}))) fail();
            if (is_good_) value = static_cast<T>(raw);
        } else if constexpr (std::is_integral_v<T>) {
            get_integer(value);
        } else if constexpr (requires { fields_of(value, *this); }) {
            if (is_good_) fields_of(value, *this);
        } else {
            if (is_good_) T::fields(value, *this);
        }
    }
    void get(std::string& text) {
        std::uint32_t size = 0;
        get_integer(size);
        if (!is_good_) return;
        if (left() < size) return fail();
        text.assign(bytes_.substr(at_, size));
        at_ += size;
    }
    template <class Tag, class Rep>
    void get(Id<Tag, Rep>& id) {
        get_integer(id.value);
    }
    void get(EpochSeconds& when) { get_integer(when.value); }
    void get(Duration& span) {
        std::int64_t count = 0;
        get_integer(count);
        if (is_good_) span = Duration(count);
    }
    void get(Instant& at) {
        Duration span{};
        get(span);
        if (is_good_) at = Instant(span);
    }
    template <class T>
    void get(std::optional<T>& value) {
        bool is_there = false;
        get(is_there);
        if (!is_good_) return;
        value.reset();
        if (is_there) get(value.emplace());
    }
    template <class Key, class Value>
    void get(std::map<Key, Value>& table) {
        std::uint32_t size = 0;
        get_integer(size);
        if (!is_good_) return;
        if (left() < size) return fail();
        table.clear();
        for (std::uint32_t i = 0; i < size && is_good_; ++i) {
            std::pair<Key, Value> row;
            get(row);
            if (!table.insert(std::move(row)).second) fail();
        }
    }
    template <class A, class B>
    void get(std::pair<A, B>& both) {
        get(both.first);
        get(both.second);
    }
    template <class T>
    void get(std::vector<T>& list) {
        std::uint32_t size = 0;
        get_integer(size);
        if (!is_good_) return;
        // Every element takes a byte at least, so a list cannot be longer than what is left.
        if (left() < size) return fail();
        list.clear();
        for (std::uint32_t i = 0; i < size && is_good_; ++i) {
            T value{};
            get(value);
            list.push_back(std::move(value));
        }
    }
    template <class... Kinds>
    void get(std::variant<Kinds...>& value) {
        std::uint8_t kind = 0;
        get_integer(kind);
        if (!is_good_) return;
        if (kind >= sizeof...(Kinds)) return fail();
        get_kind<0>(value, kind);
    }
    template <std::size_t Index, class Variant>
    void get_kind(Variant& value, std::uint8_t kind) {
        if constexpr (Index < std::variant_size_v<Variant>) {
            if (kind == Index) {
                std::variant_alternative_t<Index, Variant> inner{};
                get(inner);
                value = std::move(inner);
            } else {
                get_kind<Index + 1>(value, kind);
            }
        }
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
    bool is_good_ = true;
};

/// The bytes of one value.
template <class T>
[[nodiscard]] std::string encode(const T& value) {
    Writer writer;
    writer(value);
    return std::move(writer).take();
}

/// The value that was encoded, or nothing if the bytes are not exactly one such value.
template <class T>
[[nodiscard]] std::optional<T> decode(std::string_view bytes) {
    T value{};
    Reader reader(bytes);
    reader(value);
    if (!reader.is_good() || !reader.is_at_end()) return std::nullopt;
    return value;
}

}  // namespace xbeat::wire
