#include "heart/gate_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "heart/pins.h"
#include "sys/system_error.h"
// Generated, and clang finds conversions in it that are not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "skel/gate.skel.h"
#include "sys/quiet_libbpf.h"
#pragma GCC diagnostic pop

namespace xbeat::heart {
namespace {

constexpr const char* kManagedPin = "gate_managed";
constexpr const char* kXdpPin = "gate_xdp";
constexpr const char* kIngressPin = "gate_ingress";
constexpr const char* kEgressPin = "gate_egress";
// Ours among the filters of a NIC: early, and a handle that nobody counts up to.
constexpr std::uint32_t kFilterPriority = 1;
constexpr std::uint32_t kFilterHandle = 0x7862;
constexpr std::uint32_t kMapsMax = 8;  // of one program; ours use three

struct DestroySkeleton {
    void operator()(gate_bpf* skeleton) const { gate_bpf::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<gate_bpf, DestroySkeleton>;

/// FNV-1a of the object as built.
std::uint64_t program_id() {
    std::size_t size = 0;
    const void* bytes = gate_bpf::elf_bytes(&size);
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : std::string_view(static_cast<const char*>(bytes), size)) {
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
    }
    return hash;
}

sys::Fd open_pin(const std::string& path) {
    return sys::Fd(::bpf_obj_get(path.c_str()));  // not open if there is none
}

Result<sys::Fd> own_copy(int borrowed) {
    sys::Fd copy(::fcntl(borrowed, F_DUPFD_CLOEXEC, 3));
    if (!copy.is_open()) return sys::system_error("keep a BPF descriptor");
    return copy;
}

Result<void> pin(const sys::Fd& object, const std::string& path) {
    ::unlink(path.c_str());
    if (::bpf_obj_pin(object.get(), path.c_str()) != 0)
        return sys::system_error(concat("pin ", path));
    return {};
}

std::string link_pin(const std::string& pin_dir, int ifindex) {
    return concat(pin_dir, "/gate_link_", ifindex);
}

Result<bpf_map_info> map_info(const sys::Fd& map) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return sys::system_error("look at a map");
    return info;
}

std::uint32_t program_number(const sys::Fd& program) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    return ::bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 ? info.id : 0;
}

bool uses(const sys::Fd& program, std::uint32_t map) {
    std::array<std::uint32_t, kMapsMax> maps{};
    bpf_prog_info info{};
    info.nr_map_ids = kMapsMax;
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps.data());
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return false;
    return std::find(maps.begin(), maps.end(), map) != maps.end();
}

xb_managed key_of(const IpAddress& address) {
    xb_managed key{};
    if (address.family == IpAddress::Family::V6) {
        std::copy_n(address.bytes.begin(), 16, key.address);
    } else {
        key.address[10] = 0xff;
        key.address[11] = 0xff;
        std::copy_n(address.bytes.begin(), 4, key.address + 12);
    }
    return key;
}

IpAddress address_of(const xb_managed& key) {
    constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    IpAddress address;
    if (std::equal(kMapped.begin(), kMapped.end(), key.address)) {
        address.family = IpAddress::Family::V4;
        std::copy_n(key.address + 12, 4, address.bytes.begin());
    } else {
        address.family = IpAddress::Family::V6;
        std::copy_n(key.address, 16, address.bytes.begin());
    }
    return address;
}

}  // namespace

const xb_peer* GateKernel::peer() const {
    if (peer_.value == 0) return nullptr;
    return static_cast<const xb_peer*>(peers_memory_.data()) + peer_.value;
}

Result<void> GateKernel::open_or_make_maps(const Options& options) {
    peers_ = open_pin(concat(pin_dir_, '/', kPeersPin));
    if (!peers_.is_open())
        return Error{.code = Code::Unavailable,
                     .context = "leases need a heart in the kernel; in mode udp there is none"};
    const bpf_map_info peers = XB_TRY(map_info(peers_));
    if (peers.value_size != sizeof(xb_peer) || peers.max_entries <= options.peer.value)
        return Error{.code = Code::Unavailable, .context = "the heart's map of peers does not fit"};
    peers_memory_ =
        XB_TRY(MappedArray::create(peers_.get(), sizeof(xb_peer) * std::size_t{peers.max_entries}));
    control_ = open_pin(concat(pin_dir_, '/', kControlPin));
    managed_ = open_pin(concat(pin_dir_, '/', kManagedPin));
    if (control_.is_open() && managed_.is_open() &&
        XB_TRY(map_info(control_)).value_size == sizeof(xb_gate_control)) {
        control_memory_ = XB_TRY(MappedArray::create(control_.get(), sizeof(xb_gate_control)));
        adopted_ = control().abi_version == XB_GATE_ABI_VERSION;
        if (adopted_) return {};
    }
    LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
    control_ = sys::Fd(::bpf_map_create(BPF_MAP_TYPE_ARRAY, kControlPin, sizeof(std::uint32_t),
                                        sizeof(xb_gate_control), 1, &mapped));
    if (!control_.is_open()) return sys::system_error("make the gate's control map");
    managed_ = sys::Fd(::bpf_map_create(BPF_MAP_TYPE_HASH, kManagedPin, sizeof(xb_managed),
                                        sizeof(std::uint32_t), XB_MANAGED_MAX, nullptr));
    if (!managed_.is_open()) return sys::system_error("make the gate's map of addresses");
    control_memory_ = XB_TRY(MappedArray::create(control_.get(), sizeof(xb_gate_control)));
    control().abi_version = XB_GATE_ABI_VERSION;
    XB_TRY(pin(control_, concat(pin_dir_, '/', kControlPin)));
    return pin(managed_, concat(pin_dir_, '/', kManagedPin));
}

Result<void> GateKernel::open_programs() {
    xdp_ = open_pin(concat(pin_dir_, '/', kXdpPin));
    ingress_ = open_pin(concat(pin_dir_, '/', kIngressPin));
    egress_ = open_pin(concat(pin_dir_, '/', kEgressPin));
    return {};
}

// Ours as built, and reading the maps that are in force.
bool GateKernel::programs_fit() const {
    if (!xdp_.is_open() || !ingress_.is_open() || !egress_.is_open()) return false;
    if (control().program_id != program_id()) return false;
    const Result<bpf_map_info> peers = map_info(peers_);
    const Result<bpf_map_info> control = map_info(control_);
    if (!peers || !control) return false;
    return uses(xdp_, peers->id) && uses(ingress_, peers->id) && uses(egress_, peers->id) &&
           uses(xdp_, control->id);
}

Result<void> GateKernel::load_programs(std::uint32_t peers_max) {
    const Skeleton gate(gate_bpf::open());
    if (!gate) return sys::system_error("open the gate's BPF object");
    const std::array<std::pair<bpf_map*, const sys::Fd*>, 3> maps = {
        {{gate->maps.xb_peers, &peers_},
         {gate->maps.gate_control, &control_},
         {gate->maps.gate_managed, &managed_}}};
    (void)::bpf_map__set_max_entries(gate->maps.xb_peers, peers_max + 1);
    for (const auto& [map, descriptor] : maps) {
        const int code = ::bpf_map__reuse_fd(map, descriptor->get());
        if (code != 0) return sys::system_error("share the gate's maps", -code);
    }
    const int code = gate_bpf::load(gate.get());
    if (code != 0) return sys::system_error("load the gate", -code);
    xdp_ = XB_TRY(own_copy(::bpf_program__fd(gate->progs.xb_gate_xdp)));
    ingress_ = XB_TRY(own_copy(::bpf_program__fd(gate->progs.xb_gate_ingress)));
    egress_ = XB_TRY(own_copy(::bpf_program__fd(gate->progs.xb_gate_egress)));
    XB_TRY(pin(xdp_, concat(pin_dir_, '/', kXdpPin)));
    XB_TRY(pin(ingress_, concat(pin_dir_, '/', kIngressPin)));
    XB_TRY(pin(egress_, concat(pin_dir_, '/', kEgressPin)));
    control().program_id = program_id();
    return {};
}

Result<GateKernel> GateKernel::open(const Options& options) {
    GateKernel gate;
    gate.pin_dir_ = options.pin_dir;
    gate.peer_ = options.peer;
    XB_TRY(gate.open_or_make_maps(options));
    XB_TRY(gate.open_programs());
    if (!gate.programs_fit()) XB_TRY(gate.load_programs(options.peers_max));
    gate.xdp_id_ = program_number(gate.xdp_);
    gate.ingress_id_ = program_number(gate.ingress_);
    gate.egress_id_ = program_number(gate.egress_);
    __atomic_store_n(&gate.control().peer, std::uint32_t{options.peer.value}, __ATOMIC_RELEASE);
    return gate;
}

void GateKernel::remove(const std::string& pin_dir) {
    for (const char* name : {kControlPin, kManagedPin, kXdpPin, kIngressPin, kEgressPin})
        ::unlink(concat(pin_dir, '/', name).c_str());
}

Result<void> GateKernel::add(const IpAddress& address) {
    const xb_managed key = key_of(address);
    const std::uint32_t value = 1;
    if (::bpf_map_update_elem(managed_.get(), &key, &value, BPF_ANY) != 0)
        return sys::system_error("put an address under the gate");
    return {};
}

Result<void> GateKernel::remove(const IpAddress& address) {
    const xb_managed key = key_of(address);
    if (::bpf_map_delete_elem(managed_.get(), &key) != 0 && errno != ENOENT)
        return sys::system_error("take an address from the gate");
    return {};
}

Result<std::vector<IpAddress>> GateKernel::managed() const {
    std::vector<IpAddress> found;
    xb_managed key{};
    const xb_managed* before = nullptr;
    while (found.size() <= XB_MANAGED_MAX &&
           ::bpf_map_get_next_key(managed_.get(), before, &key) == 0) {
        found.push_back(address_of(key));
        before = &key;
    }
    return found;
}

Result<void> GateKernel::attach_filter(int ifindex, bool is_ingress) const {
    const sys::QuietLibbpf quiet;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
                .attach_point = is_ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
    int code = ::bpf_tc_hook_create(&hook);
    if (code != 0 && code != -EEXIST) return sys::system_error("make the gate's hook", -code);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = is_ingress ? ingress_.get() : egress_.get(),
                .flags = BPF_TC_F_REPLACE, .handle = kFilterHandle, .priority = kFilterPriority);
    code = ::bpf_tc_attach(&hook, &options);
    if (code != 0) return sys::system_error("attach the gate's filter", -code);
    return {};
}

Result<void> GateKernel::attach_xdp(int ifindex) {
    const std::string path = link_pin(pin_dir_, ifindex);
    sys::Fd pinned = open_pin(path);
    // A gate that is replaced stays in force until the next instruction: no gap.
    if (pinned.is_open() && ::bpf_link_update(pinned.get(), xdp_.get(), nullptr) == 0) {
        links_[ifindex] = std::move(pinned);
        return {};
    }
    ::unlink(path.c_str());
    pinned = sys::Fd();
    links_.erase(ifindex);
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    sys::Fd link(::bpf_link_create(xdp_.get(), ifindex, BPF_XDP, &options));
    if (!link.is_open()) return sys::system_error("attach the gate to the driver");
    XB_TRY(pin(link, path));
    links_[ifindex] = std::move(link);
    return {};
}

Result<GateKernel::Inbound> GateKernel::attach(int ifindex, Want want) {
    // What leaves comes first: what must not be said is worse than what must not be heard.
    XB_TRY(attach_filter(ifindex, false));
    if (want == Want::XdpFirst && attach_xdp(ifindex)) return Inbound::Xdp;
    XB_TRY(attach_filter(ifindex, true));
    return Inbound::Tc;
}

namespace {

std::uint32_t filter_at(int ifindex, bool is_ingress) {
    const sys::QuietLibbpf quiet;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
                .attach_point = is_ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = kFilterHandle, .priority = kFilterPriority);
    return ::bpf_tc_query(&hook, &options) == 0 ? options.prog_id : 0;
}

void remove_filter(int ifindex, bool is_ingress) {
    const sys::QuietLibbpf quiet;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
                .attach_point = is_ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = kFilterHandle, .priority = kFilterPriority);
    (void)::bpf_tc_detach(&hook, &options);
}

}  // namespace

GateKernel::Inbound GateKernel::inbound(int ifindex) const {
    if (filter_at(ifindex, true) == ingress_id_) return Inbound::Tc;
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (::bpf_xdp_query(ifindex, 0, &query) != 0) return Inbound::None;
    const bool is_ours = query.drv_prog_id == xdp_id_ || query.hw_prog_id == xdp_id_;
    return is_ours ? Inbound::Xdp : Inbound::None;
}

bool GateKernel::outbound(int ifindex) const { return filter_at(ifindex, false) == egress_id_; }

void GateKernel::detach(int ifindex) {
    remove_filter(ifindex, true);
    remove_filter(ifindex, false);
    ::unlink(link_pin(pin_dir_, ifindex).c_str());
    links_.erase(ifindex);
}

}  // namespace xbeat::heart
