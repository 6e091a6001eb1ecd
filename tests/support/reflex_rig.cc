#include "support/reflex_rig.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/text.h"
#include "sys/boot_clock.h"
#include "xb_siphash.h"

namespace xbeat::heart::test {

/// RFC 1071, the plain way: 16-bit big-endian words, ends carried round.
std::uint16_t checksum(const std::uint8_t* bytes, std::size_t count, std::uint32_t sum) {
    for (std::size_t i = 0; i < count; i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i] << 8U);
        if (i + 1 < count) sum += bytes[i + 1];
    }
    while (sum >> 16U) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

namespace {

constexpr std::uint8_t kOurMac[6] = {2, 0, 0, 0, 0, 1};
constexpr std::uint8_t kTheirMac[6] = {2, 0, 0, 0, 0, 2};
constexpr std::uint32_t kLoopback = 1;

void put16(Frame& frame, std::uint32_t value) {
    frame.push_back(static_cast<std::uint8_t>(value >> 8U));
    frame.push_back(static_cast<std::uint8_t>(value));
}

void put(Frame& frame, const void* bytes, std::size_t count) {
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    frame.insert(frame.end(), first, first + count);
}

void put_address(Frame& frame, const std::string& text) {
    const IpAddress address = IpAddress::parse(text).value();
    put(frame, address.bytes.data(), address.size());
}

void put_ipv4(Frame& frame, const Wrapping& wrapping, std::size_t udp_bytes) {
    const std::size_t at = frame.size();
    const std::size_t header = 20 + std::size_t{wrapping.options_words} * 4;
    frame.push_back(static_cast<std::uint8_t>(0x40U | (header / 4)));
    frame.push_back(0);
    put16(frame, wrapping.ip_length.value_or(static_cast<std::uint16_t>(header + udp_bytes)));
    put16(frame, 0);
    put16(frame, wrapping.fragment);
    frame.push_back(61);
    frame.push_back(wrapping.protocol);
    put16(frame, 0);
    put_address(frame, concat("10.7.", wrapping.path, ".2"));
    put_address(frame, wrapping.destination.value_or(concat("10.7.", wrapping.path, ".1")));
    for (std::size_t i = 20; i < header; i++) frame.push_back(1);  // no operation
    const std::uint16_t sum = checksum(frame.data() + at, header, 0);
    frame[at + 10] = static_cast<std::uint8_t>(sum >> 8U);
    frame[at + 11] = static_cast<std::uint8_t>(sum);
}

void put_ipv6(Frame& frame, const Wrapping& wrapping, std::size_t udp_bytes) {
    const std::size_t extra = wrapping.fragment != 0 ? 8 : 0;
    put16(frame, 0x6000);
    put16(frame, 0);
    put16(frame, wrapping.ip_length.value_or(static_cast<std::uint16_t>(extra + udp_bytes)));
    frame.push_back(extra != 0 ? 44 : wrapping.protocol);
    frame.push_back(61);
    put_address(frame, "fd07::2");
    put_address(frame, wrapping.destination.value_or("fd07::1"));
    if (extra == 0) return;
    frame.push_back(wrapping.protocol);
    frame.push_back(0);
    put16(frame, wrapping.fragment);
    put16(frame, 0);
    put16(frame, 7);
}

}  // namespace

Frame wrap(const void* payload, std::size_t bytes, const Wrapping& wrapping) {
    Frame frame;
    put(frame, kOurMac, 6);
    put(frame, kTheirMac, 6);
    if (wrapping.vlan) {
        put16(frame, 0x8100);
        put16(frame, *wrapping.vlan);
    }
    put16(frame, wrapping.is_v6 ? 0x86DD : 0x0800);
    const std::size_t udp_bytes = 8 + bytes;
    if (wrapping.is_v6) {
        put_ipv6(frame, wrapping, udp_bytes);
    } else {
        put_ipv4(frame, wrapping, udp_bytes);
    }
    put16(frame, 7455);
    put16(frame, wrapping.port);
    put16(frame, wrapping.udp_length.value_or(static_cast<std::uint16_t>(udp_bytes)));
    put16(frame, 0);
    put(frame, payload, bytes);
    frame.resize(frame.size() + wrapping.padding);
    return frame;
}

std::optional<xb_beat> beat_in(const Frame& frame, const Wrapping& wrapping) {
    const std::size_t at = 14U + (wrapping.vlan ? 4U : 0U) + (wrapping.is_v6 ? 40U : 20U) + 8U;
    xb_beat beat{};
    if (frame.size() < at + sizeof beat) return std::nullopt;
    std::memcpy(&beat, frame.data() + at, sizeof beat);
    return beat;
}

std::string ReflexRig::why_not() { return ::geteuid() == 0 ? "" : "needs root"; }

ReflexRig::ReflexRig() {
    XB_CHECK(::unshare(CLONE_NEWNS) == 0);
    XB_CHECK(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    char folder[] = "/tmp/xbeat-rig-XXXXXX";
    XB_CHECK(::mkdtemp(folder) != nullptr);
    folder_ = folder;
    Result<Kernel> loaded =
        Kernel::load({.pin_dir = folder_ + "/pins", .self = NodeId{1}, .peers_max = 3});
    if (!loaded) std::fprintf(stderr, "rig: %s\n", loaded.error().context.c_str());
    XB_CHECK(loaded.has_value());
    kernel_ = std::move(loaded).value();
    program_ = ::bpf_obj_get((folder_ + "/pins/program_reflect").c_str());
    XB_CHECK(program_ >= 0);
    Secret secret{};
    secret.fill(7);
    for (std::uint8_t number = 0; number < keys_.size(); number++) {
        xb_keys& keys = keys_.at(number);
        const PathId path_id{number};
        const BeatKey send =
            derive_beat_key(secret, {kCluster, NodeId{1}, NodeId{2}, path_id, KeyId{4}}).value();
        const BeatKey receive =
            derive_beat_key(secret, {kCluster, NodeId{2}, NodeId{1}, path_id, KeyId{4}}).value();
        std::copy(send.begin(), send.end(), keys.send[0]);
        std::copy(receive.begin(), receive.end(), keys.receive[0]);
        keys.id[0] = 4 | XB_KEY_VALID;
        XB_CHECK(kernel_->write_keys(place_of(2, number), keys).has_value());
    }
    reset();
}

ReflexRig::~ReflexRig() {
    ::close(program_);
    (void)::umount2((folder_ + "/pins").c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

namespace {

void set_link(xb_link& link, const char* text) {
    const IpAddress address = IpAddress::parse(text).value();
    link.ifindex = kLoopback;
    link.family = address.family == IpAddress::Family::V6 ? 6 : 4;
    link.vlan = 42;
    std::memcpy(link.local, address.bytes.data(), sizeof link.local);
}

}  // namespace

void ReflexRig::make_path_0_ipv6() { set_link(control().links[0], "fd07::1"); }

std::array<__u64, 2> ReflexRig::accept_second_key() {
    xb_keys both = keys_.front();
    both.receive[1][0] = 111;
    both.receive[1][1] = 222;
    both.id[1] = 5 | XB_KEY_VALID;
    XB_CHECK(kernel_->write_keys(place_of(2, 0), both).has_value());
    return {111, 222};
}

void ReflexRig::accept_first_key_only() {
    XB_CHECK(kernel_->write_keys(place_of(2, 0), keys_.front()).has_value());
}

void ReflexRig::reset() {
    const Store& store = kernel_->store();
    *store.counters = {};
    for (xb_peer& each : store.peers) each = {};
    for (xb_path& each : store.paths) each = {};
    xb_control& own = *store.control;
    own.self = 1;
    own.port = 7455;
    own.cluster_tag = kCluster;
    own.incarnation = kOurs;
    own.key_id = 4;
    own.fresh_ns = 1'000'000'000;
    own.daemon_progress = 70;
    own.executor_progress = 71;
    own.flags = 0x72;
    for (xb_link& link : own.links) link = {};
    set_link(own.links[0], "10.7.0.1");
    set_link(own.links[1], "10.7.1.1");
    peer().incarnation = kTheirs;
    peer().path_mask = 3;
    peer().grant_ns = 5'000'000;
    peer().state = XB_PEER_ALIVE;
}

std::vector<std::pair<int, std::uint64_t>> ReflexRig::counted() const {
    std::vector<std::pair<int, std::uint64_t>> result;
    for (int i = 0; i < XB_COUNTERS_COUNT; i++) {
        if (counter(i) != 0) result.emplace_back(i, counter(i));
    }
    return result;
}

void ReflexRig::sign(xb_beat& beat) const {
    beat.mac = xb_beat_mac(&beat, keys_.at(beat.path & 1U).receive[0]);
}

xb_beat ReflexRig::probe(std::uint64_t sequence, std::uint8_t path) const {
    xb_beat beat{};
    beat.magic = XB_BEAT_MAGIC;
    beat.version = XB_BEAT_VERSION;
    beat.kind = XB_PROBE;
    beat.key_id = 4;
    beat.path = path;
    beat.sender = 2;
    beat.receiver = 1;
    beat.flags = 0x82;
    beat.cluster_tag = kCluster;
    beat.incarnation = kTheirs;
    beat.sequence = sequence;
    beat.sent_ns = 1'000'000 * sequence;
    beat.daemon_progress = 80;
    beat.executor_progress = 81;
    sign(beat);
    return beat;
}

xb_beat ReflexRig::reflection(std::uint64_t sequence, Duration age, std::uint8_t number) {
    const auto now = static_cast<std::uint64_t>(sys::boot_now().time_since_epoch().count());
    xb_beat beat = probe(sequence, number);
    beat.kind = XB_REFLECTION;
    beat.echo_sent_ns = now - static_cast<std::uint64_t>(age.count());
    beat.grant_ns = 9'000'000;
    if (path(number).sequence < sequence) path(number).sequence = sequence;
    sign(beat);
    return beat;
}

Outcome ReflexRig::run(const Frame& frame, std::uint32_t repeat) const {
    Outcome result;
    result.out.resize(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = result.out.data();
    options.data_size_out = static_cast<std::uint32_t>(result.out.size());
    options.repeat = static_cast<int>(repeat);
    const int code = ::bpf_prog_test_run_opts(program_, &options);
    if (code != 0) std::fprintf(stderr, "rig: test run: %s\n", std::strerror(-code));
    XB_CHECK(code == 0);
    result.action = options.retval;
    result.out.resize(options.data_size_out);
    result.nanoseconds = options.duration;
    return result;
}

}  // namespace xbeat::heart::test
