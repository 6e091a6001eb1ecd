// The witness's fast path: an XDP program in front of its socket drops what is not authentic.
//
// It takes work away and decides nothing: every request that it passes is checked again by the
// server, and without it everything works as before (the plain mode). It is gone with its process:
// the kernel detaches it when the last descriptor closes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "heart/ip_address.h"
#include "sys/fd.h"
#include "witness/keys.h"

struct witness_bpf;

namespace xbeat::witness {

enum class FilterMode : std::uint8_t {
    Off,
    Auto,     // in the driver, or behind it, or not at all
    Native,   // in the driver or not at all
    Generic,  // behind the driver
};
/// "off", "auto", "native" or "generic".
[[nodiscard]] std::optional<FilterMode> parse_filter_mode(std::string_view word);

class Filter {
public:
    struct Options {
        FilterMode mode = FilterMode::Auto;   // not Off
        std::vector<std::string> interfaces;  // empty: all that are up, but the loopback
        heart::IpAddress address;             // the server's; none: every address
        std::uint16_t port = 0;               // the server's
    };
    struct Place {
        std::string interface;
        std::string mode;     // "native" or "generic"; empty: not attached
        std::string trouble;  // then why not
    };
    /// What became of frames to the port, of all processors.
    struct Counts {
        std::uint64_t passed = 0;
        std::uint64_t malformed = 0;
        std::uint64_t unknown_cluster = 0;
        std::uint64_t wrong_tag = 0;
    };

    /// Loads and attaches. Errors: System if the kernel takes no such program, Unavailable with the
    /// first reason if it could be attached nowhere.
    static Result<Filter> create(const Options& options, const std::vector<ClusterKey>& keys);
    Filter(Filter&&) noexcept;
    Filter& operator=(Filter&&) noexcept;
    ~Filter();

    /// Puts these keys in place of those before; a key that stays is there all the time. Errors:
    /// System; the keys are then of both sets.
    Result<void> replace_keys(const std::vector<ClusterKey>& keys);
    [[nodiscard]] Counts counts() const;
    [[nodiscard]] const std::vector<Place>& places() const { return places_; }
    /// "xdp: eth0 native, eth1 generic".
    [[nodiscard]] std::string describe() const;
    /// The loaded program, for tests.
    [[nodiscard]] int program() const;

private:
    struct Destroy {
        void operator()(witness_bpf* skeleton) const;
    };
    explicit Filter(std::unique_ptr<witness_bpf, Destroy> skeleton);
    void attach(const Options& options, const std::string& interface);

    std::unique_ptr<witness_bpf, Destroy> skeleton_;
    std::vector<sys::Fd> links_;
    std::vector<Place> places_;
};

}  // namespace xbeat::witness
