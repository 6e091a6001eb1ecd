#include "heart/metronome.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "core/text.h"
#include "sys/quiet_libbpf.h"
#include "sys/system_error.h"

namespace xbeat::heart {
namespace {

constexpr const char* kIn = "xb-beat0";
constexpr const char* kOut = "xb-beat1";
// Two packets: after a late release the next comes early, so that the average period is exact. With
// one the spacing is stricter and the average slower by as much as timers are late.
constexpr std::uint32_t kBurstPackets = 2;
constexpr std::uint32_t kLimitPackets = 16;
constexpr std::uint32_t kFilterHandle = 1;
constexpr std::uint32_t kFilterPriority = 1;

std::uint64_t rate_of(Duration period) {
    constexpr auto kSecond = static_cast<std::uint64_t>(std::chrono::nanoseconds(1s).count());
    const auto period_ns = static_cast<std::uint64_t>(period.count());
    return (XB_LAP_BYTES * kSecond + period_ns / 2) / period_ns;
}

Result<void> set_rate(Netlink& netlink, int in, Duration period) {
    return netlink.set_token_bucket(in, {.bytes_per_second = rate_of(period),
                                         .burst_bytes = kBurstPackets * XB_LAP_BYTES,
                                         .limit_bytes = kLimitPackets * XB_LAP_BYTES});
}

/// The id of the program on the ingress of `out`; 0 if there is none.
std::uint32_t attached_program(int out) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = out, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = kFilterHandle, .priority = kFilterPriority);
    if (::bpf_tc_query(&hook, &options) != 0) return 0;
    return options.prog_id;
}

Result<void> attach(int out, int program) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = out, .attach_point = BPF_TC_INGRESS);
    int code = ::bpf_tc_hook_create(&hook);
    if (code != 0 && code != -EEXIST) return sys::system_error("make the tick's hook", -code);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
                .handle = kFilterHandle, .priority = kFilterPriority);
    code = ::bpf_tc_attach(&hook, &options);
    if (code != 0) return sys::system_error("attach the tick", -code);
    return {};
}

Result<std::uint32_t> id_of(int program) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(program, &info, &size) != 0) {
        return sys::system_error("ask for the tick's id");
    }
    return info.id;
}

}  // namespace

Result<bool> Metronome::repair(Netlink& netlink, const Store& store, int tick_program,
                               Duration period) {
    const sys::QuietLibbpf quiet;
    bool repaired = false;
    std::optional<LinkInfo> in = XB_TRY(netlink.link(kIn));
    std::optional<LinkInfo> out = XB_TRY(netlink.link(kOut));
    if (!in || !out) {
        XB_TRY(remove(netlink));
        XB_TRY(netlink.add_veth(kIn, kOut));
        in = XB_TRY(netlink.link(kIn));
        out = XB_TRY(netlink.link(kOut));
        if (!in || !out) {
            return Error{.code = Code::Conflict,
                         .context = concat("somebody removes ", kIn, " while we make it"),
                         .system_errno = 0};
        }
        // IPv6's own packets would go through the beat's queue and take its tokens.
        XB_TRY(netlink.forbid_addresses(in->ifindex));
        XB_TRY(netlink.forbid_addresses(out->ifindex));
        XB_TRY(set_rate(netlink, in->ifindex, period));
        repaired = true;
    }
    publish(in_, in->ifindex);
    out_ = out->ifindex;
    publish(store.control->lap_ifindex, in_);
    if (!in->is_up || !out->is_up) {
        XB_TRY(netlink.set_up(out_));
        XB_TRY(netlink.set_up(in_));
        repaired = true;
    }
    tick_id_ = XB_TRY(id_of(tick_program));
    if (attached_program(out_) != tick_id_) {
        XB_TRY(attach(out_, tick_program));
        repaired = true;
    }
    return repaired;
}

Result<Metronome> Metronome::create(Netlink& netlink, const Store& store, int tick_program,
                                    Duration period) {
    Metronome metronome;
    metronome.socket_ = sys::Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!metronome.socket_.is_open()) return sys::system_error("packet socket");
    const bool is_new = XB_TRY(metronome.repair(netlink, store, tick_program, period));
    // The rate is set in any case: it may be another period's, and setting the same loses nothing.
    XB_TRY(set_rate(netlink, metronome.in_, period));
    if (is_new || observe(store.laps->count) == 0) XB_TRY(metronome.start(store));
    return metronome;
}

Result<void> Metronome::start(const Store& store) const {
    const std::uint64_t generation = store.control->generation + 1;
    publish(store.control->generation, generation);
    std::array<std::byte, XB_LAP_BYTES> packet{};
    xb_lap_frame frame{};
    frame.ethertype = htons(XB_LAP_ETHERTYPE);
    frame.generation = generation;
    frame.magic = XB_LAP_MAGIC;
    std::memcpy(packet.data(), &frame, sizeof frame);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(XB_LAP_ETHERTYPE);
    address.sll_ifindex = observe(in_);
    const ssize_t sent = ::sendto(socket_.get(), packet.data(), packet.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent != static_cast<ssize_t>(packet.size())) return sys::system_error("start the beat");
    return {};
}

Result<void> Metronome::remove(Netlink& netlink) {
    for (const char* name : {kIn, kOut}) {
        const std::optional<LinkInfo> link = XB_TRY(netlink.link(name));
        if (link) XB_TRY(netlink.remove_link(link->ifindex));
    }
    return {};
}

}  // namespace xbeat::heart
