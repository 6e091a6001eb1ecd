// The reflex program on a bench: frames made by hand go in through BPF_PROG_TEST_RUN, the action,
// the frame that came out and the counters are looked at.
//
// The program believes that it runs on loopback, whose addresses are the two links' of node 1: path
// 0 at 10.7.0.1 (or, on demand, fd07::1), path 1 at 10.7.1.1. Node 2 is its peer on both. Frames
// are made here without the code under test, except for its SipHash, which has its own vectors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "abi/xb_abi.h"
#include "heart/beat_key.h"
#include "heart/kernel.h"

namespace xbeat::heart::test {

using Frame = std::vector<std::uint8_t>;

/// How a frame is wrapped; the default is a plain IPv4 frame for path 0.
struct Wrapping {
    bool is_v6 = false;
    std::uint8_t path = 0;                // whose address it goes to
    std::optional<std::uint16_t> vlan{};  // an 802.1Q tag
    std::uint16_t port = 7455;
    std::uint8_t options_words = 0;  // of IPv4 options
    std::uint16_t fragment = 0;      // IPv4 fragment field, or IPv6 fragment header if not 0
    std::uint8_t protocol = 17;
    std::optional<std::uint16_t> udp_length{};  // a wrong one
    std::optional<std::uint16_t> ip_length{};   // a wrong one
    std::size_t padding = 0;                    // bytes behind the IP packet
    std::optional<std::string> destination{};   // another address
};

[[nodiscard]] Frame wrap(const void* payload, std::size_t bytes, const Wrapping& wrapping = {});

struct Outcome {
    std::uint32_t action = 0;
    Frame out;
    std::uint32_t nanoseconds = 0;  // mean of the repetitions
};

class ReflexRig {
public:
    static constexpr std::uint64_t kCluster = 0xc1u;
    static constexpr std::uint64_t kOurs = 0x1111;    // incarnation of node 1, under test
    static constexpr std::uint64_t kTheirs = 0x2222;  // of node 2

    /// Why there is no rig here; empty if there can be one.
    [[nodiscard]] static std::string why_not();
    /// Loads the programs. Requires: why_not().empty().
    ReflexRig();
    ~ReflexRig();
    ReflexRig(const ReflexRig&) = delete;
    ReflexRig& operator=(const ReflexRig&) = delete;

    /// All state of peers, paths and counters as at the start: node 2 is told, nothing was heard.
    void reset();
    void reset_counters() { *kernel_->store().counters = {}; }
    /// Path 0 is at fd07::1 from now on, until reset().
    void make_path_0_ipv6();
    /// Key 5 is valid beside key 4; returns what node 2 signs with.
    std::array<__u64, 2> accept_second_key();
    void accept_first_key_only();

    [[nodiscard]] xb_control& control() { return *kernel_->store().control; }
    [[nodiscard]] xb_peer& peer() { return kernel_->store().peers[2]; }
    [[nodiscard]] xb_path& path(std::uint8_t number = 0) {
        return kernel_->store().paths[place_of(2, number)];
    }
    [[nodiscard]] std::uint64_t counter(int number) const {
        return kernel_->store().counters->value[number];
    }
    /// The counters that are not 0, by number: what a test compares.
    [[nodiscard]] std::vector<std::pair<int, std::uint64_t>> counted() const;
    [[nodiscard]] const xb_keys& keys(std::uint8_t number = 0) const { return keys_.at(number); }

    /// A good probe of node 2, signed.
    [[nodiscard]] xb_beat probe(std::uint64_t sequence, std::uint8_t path = 0) const;
    /// A good reflection by node 2 of our probe, sent `age` ago; makes that probe known as sent.
    [[nodiscard]] xb_beat reflection(std::uint64_t sequence, Duration age = 50us,
                                     std::uint8_t path = 0);
    /// Signs with the key that node 2 uses towards node 1.
    void sign(xb_beat& beat) const;

    [[nodiscard]] Outcome run(const Frame& frame, std::uint32_t repeat = 1) const;
    [[nodiscard]] Outcome run(const xb_beat& beat, const Wrapping& wrapping = {}) const {
        return run(wrap(&beat, sizeof beat, wrapping));
    }

private:
    std::string folder_;
    std::optional<Kernel> kernel_;
    std::array<xb_keys, 2> keys_{};
    int program_ = -1;
};

/// RFC 1071: 0 over bytes that hold their own checksum.
[[nodiscard]] std::uint16_t checksum(const std::uint8_t* bytes, std::size_t count,
                                     std::uint32_t sum = 0);

/// The beat in a frame that came out; empty if the frame is too short.
[[nodiscard]] std::optional<xb_beat> beat_in(const Frame& frame, const Wrapping& wrapping = {});

}  // namespace xbeat::heart::test
