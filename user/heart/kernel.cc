#include "heart/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "heart/backlog.h"
#include "heart/bpf_fs.h"
#include "heart/fnv.h"
#include "sys/system_error.h"
// Generated, and clang finds conversions in it that are not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "skel/heart.skel.h"
#include "skel/reflect.skel.h"
#pragma GCC diagnostic pop

namespace xbeat::heart {
namespace {

// The order of Kernel::maps_.
constexpr std::array<const char*, 8> kMapNames = {"xb_control", "xb_laps",   "xb_counters",
                                                  "xb_roster",  "xb_peers",  "xb_paths",
                                                  "xb_keys",    "xb_backlog"};
enum MapPlace : std::size_t {
    kControl,
    kLaps,
    kCounters,
    kRoster,
    kPeers,
    kPaths,
    kKeys,
    kBacklog
};
constexpr const char* kEventsName = "xb_events";
constexpr const char* kTickPin = "program_tick";
constexpr const char* kReflectPin = "program_reflect";

struct DestroySkeleton {
    void operator()(heart_bpf* skeleton) const { heart_bpf::destroy(skeleton); }
    void operator()(reflect_bpf* skeleton) const { reflect_bpf::destroy(skeleton); }
};
using HeartSkeleton = std::unique_ptr<heart_bpf, DestroySkeleton>;
using ReflectSkeleton = std::unique_ptr<reflect_bpf, DestroySkeleton>;

/// Of all programs as built: tells whether what is pinned is what we would load.
std::uint64_t program_id() {
    std::size_t size = 0;
    const void* heart = heart_bpf::elf_bytes(&size);
    const std::uint64_t hash = fnv1a(kFnvStart, heart, size);
    const void* reflect = reflect_bpf::elf_bytes(&size);
    return backlog::program_id(fnv1a(hash, reflect, size));
}

std::string link_pin(PathId path) { return concat("link_", path.value); }

Result<sys::Fd> own_copy(int borrowed) {
    sys::Fd copy(::fcntl(borrowed, F_DUPFD_CLOEXEC, 3));
    if (!copy.is_open()) return sys::system_error("keep a BPF descriptor");
    return copy;
}

/// Opens a pin; an Fd that is not open if there is none.
sys::Fd open_pin(const std::string& path, std::uint32_t flags = 0) {
    LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = flags);
    return sys::Fd(::bpf_obj_get_opts(path.c_str(), &options));
}

std::size_t entries_of(std::size_t map, std::uint32_t peers_max) {
    if (map == kRoster) return XB_NODE_MAX;
    if (map == kPeers) return std::size_t{peers_max} + 1;
    if (map == kPaths || map == kKeys) return (std::size_t{peers_max} + 1) * XB_PATHS_MAX;
    if (map == kBacklog) return backlog::processors();
    return 1;
}

constexpr std::array<std::size_t, 8> kValueBytes = {
    sizeof(xb_control), sizeof(xb_laps), sizeof(xb_counters), sizeof(std::uint64_t),
    sizeof(xb_peer),    sizeof(xb_path), sizeof(xb_keys),     sizeof(xb_backlog)};

bool fits(int map, std::size_t place, std::uint32_t peers_max) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(map, &info, &size) != 0) return false;
    if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != kValueBytes.at(place)) return false;
    return info.max_entries == entries_of(place, peers_max);
}

std::array<bpf_map*, 8> maps_of(const heart_bpf& skeleton) {
    const auto& maps = skeleton.maps;
    return {maps.xb_control, maps.xb_laps,  maps.xb_counters, maps.xb_roster,
            maps.xb_peers,   maps.xb_paths, maps.xb_keys,     maps.xb_backlog};
}

/// The reflex has no roster and no laps of its own.
std::array<bpf_map*, 8> maps_of(const reflect_bpf& skeleton) {
    const bpf_object* object = skeleton.obj;
    std::array<bpf_map*, 8> maps{};
    for (std::size_t i = 0; i < maps.size(); i++) {
        maps.at(i) = ::bpf_object__find_map_by_name(object, kMapNames.at(i));
    }
    return maps;
}

}  // namespace

MappedArray::MappedArray(MappedArray&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

MappedArray& MappedArray::operator=(MappedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

MappedArray::~MappedArray() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
}

Result<MappedArray> MappedArray::create(int map, std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    MappedArray mapped;
    mapped.bytes_ = (bytes + page - 1) / page * page;
    void* data =
        ::mmap(nullptr, mapped.bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, map, 0);
    if (data == MAP_FAILED) return sys::system_error("map a BPF array into memory");
    mapped.data_ = data;
    return mapped;
}

Result<void> Kernel::map_memory(std::uint32_t peers_max) {
    std::array<void*, 6> at{};
    for (std::size_t i = 0; i < at.size(); i++) {
        const std::size_t bytes = kValueBytes.at(i) * entries_of(i, peers_max);
        memory_.push_back(XB_TRY(MappedArray::create(maps_.at(i).get(), bytes)));
        at.at(i) = memory_.back().data();
    }
    store_.control = static_cast<xb_control*>(at.at(kControl));
    store_.laps = static_cast<xb_laps*>(at.at(kLaps));
    store_.counters = static_cast<xb_counters*>(at.at(kCounters));
    store_.roster = {static_cast<std::uint64_t*>(at.at(kRoster)), entries_of(kRoster, peers_max)};
    store_.peers = {static_cast<xb_peer*>(at.at(kPeers)), entries_of(kPeers, peers_max)};
    store_.paths = {static_cast<xb_path*>(at.at(kPaths)), entries_of(kPaths, peers_max)};
    return {};
}

Result<void> Kernel::load_programs(bool reuse_maps, std::uint32_t peers_max) {
    const HeartSkeleton heart(heart_bpf::open());
    const ReflectSkeleton reflect(reflect_bpf::open());
    if (!heart || !reflect) return sys::system_error("open the BPF objects");
    const std::array<bpf_map*, 8> maps = maps_of(*heart);
    for (std::size_t i = 0; i < maps.size(); i++) {
        const auto entries = static_cast<std::uint32_t>(entries_of(i, peers_max));
        const int code = reuse_maps ? ::bpf_map__reuse_fd(maps.at(i), maps_.at(i).get())
                                    : ::bpf_map__set_max_entries(maps.at(i), entries);
        if (code != 0) return sys::system_error(concat("prepare ", kMapNames.at(i)), -code);
    }
    if (reuse_maps) {
        const int code = ::bpf_map__reuse_fd(heart->maps.xb_events, events_.get());
        if (code != 0) return sys::system_error("prepare xb_events", -code);
    }
    int code = heart_bpf::load(heart.get());
    if (code != 0) return sys::system_error("load the tick", -code);
    const std::array<bpf_map*, 8> borrowed = maps_of(*reflect);
    for (std::size_t i = 0; i < borrowed.size(); i++) {
        if (borrowed.at(i) == nullptr) continue;
        code = ::bpf_map__reuse_fd(borrowed.at(i), ::bpf_map__fd(maps.at(i)));
        if (code != 0) return sys::system_error(concat("share ", kMapNames.at(i)), -code);
    }
    bpf_map* events = ::bpf_object__find_map_by_name(reflect->obj, kEventsName);
    if (events != nullptr) {
        code = ::bpf_map__reuse_fd(events, ::bpf_map__fd(heart->maps.xb_events));
        if (code != 0) return sys::system_error("share xb_events", -code);
    }
    code = reflect_bpf::load(reflect.get());
    if (code != 0) return sys::system_error("load the reflex", -code);
    if (!reuse_maps) {
        for (std::size_t i = 0; i < maps.size(); i++) {
            maps_.at(i) = XB_TRY(own_copy(::bpf_map__fd(maps.at(i))));
        }
        events_ = XB_TRY(own_copy(::bpf_map__fd(heart->maps.xb_events)));
    }
    tick_ = XB_TRY(own_copy(::bpf_program__fd(heart->progs.xb_tick)));
    reflect_ = XB_TRY(own_copy(::bpf_program__fd(reflect->progs.xb_reflect)));
    return {};
}

namespace {

Result<void> pin(const sys::Fd& object, const std::string& path) {
    ::unlink(path.c_str());
    if (::bpf_obj_pin(object.get(), path.c_str()) != 0) {
        return sys::system_error(concat("pin ", path));
    }
    return {};
}

}  // namespace

Result<void> Kernel::pin_maps() {
    for (std::size_t i = 0; i < maps_.size(); i++) {
        XB_TRY(pin(maps_.at(i), concat(pin_dir_, '/', kMapNames.at(i))));
    }
    return pin(events_, concat(pin_dir_, '/', kEventsName));
}

Result<void> Kernel::pin_programs() {
    XB_TRY(pin(tick_, concat(pin_dir_, '/', kTickPin)));
    return pin(reflect_, concat(pin_dir_, '/', kReflectPin));
}

Result<Kernel> Kernel::load(const Options& options) {
    XB_TRY(prepare_pin_folder(options.pin_dir));
    Kernel kernel;
    kernel.pin_dir_ = options.pin_dir;
    XB_TRY(kernel.load_programs(false, options.peers_max));
    XB_TRY(kernel.map_memory(options.peers_max));
    kernel.store_.control->self = options.self.value;
    kernel.store_.control->program_id = program_id();
    XB_TRY(kernel.pin_maps());
    XB_TRY(kernel.pin_programs());
    kernel.watch_backlog();
    // Last, so that a heart that was made by half is never adopted.
    publish(kernel.store_.control->abi_version, XB_ABI_VERSION);
    return kernel;
}

Result<void> Kernel::open_maps() {
    for (std::size_t i = 0; i < maps_.size(); i++) {
        const std::uint32_t flags = i == kKeys ? std::uint32_t{BPF_F_WRONLY} : 0U;
        maps_.at(i) = open_pin(concat(pin_dir_, '/', kMapNames.at(i)), flags);
        if (!maps_.at(i).is_open()) return sys::system_error("open a pinned map");
    }
    events_ = open_pin(concat(pin_dir_, '/', kEventsName));
    if (!events_.is_open()) return sys::system_error("open the pinned event ring");
    return {};
}

void Kernel::watch_backlog() {
    const Result<void> attached = backlog::attach(pin_dir_, maps_.at(kBacklog).get());
    publish(store_.control->cpus, attached ? backlog::processors() : 0U);
}

Result<void> Kernel::open_links() {
    for (std::uint8_t i = 0; i < XB_PATHS_MAX; i++) {
        links_.at(i) = open_pin(concat(pin_dir_, '/', link_pin(PathId{i})));
        if (!links_.at(i).is_open() || !programs_were_replaced_) continue;
        // A link whose device is gone cannot be updated; the next attach() makes a new one.
        if (::bpf_link_update(links_.at(i).get(), reflect_.get(), nullptr) != 0) detach(PathId{i});
    }
    return {};
}

Result<std::optional<Kernel>> Kernel::adopt(const Options& options) {
    XB_TRY(prepare_pin_folder(options.pin_dir));
    Kernel kernel;
    kernel.pin_dir_ = options.pin_dir;
    if (!kernel.open_maps()) return std::optional<Kernel>();
    for (std::size_t i = 0; i < kernel.maps_.size(); i++) {
        if (!fits(kernel.maps_.at(i).get(), i, options.peers_max)) return std::optional<Kernel>();
    }
    XB_TRY(kernel.map_memory(options.peers_max));
    const xb_control& control = *kernel.store_.control;
    if (observe(control.abi_version) != XB_ABI_VERSION) return std::optional<Kernel>();
    if (control.self != options.self.value) return std::optional<Kernel>();
    kernel.tick_ = open_pin(concat(kernel.pin_dir_, '/', kTickPin));
    kernel.reflect_ = open_pin(concat(kernel.pin_dir_, '/', kReflectPin));
    const bool have_programs = kernel.tick_.is_open() && kernel.reflect_.is_open();
    if (!have_programs || control.program_id != program_id()) {
        XB_TRY(kernel.load_programs(true, options.peers_max));
        XB_TRY(kernel.pin_programs());
        kernel.store_.control->program_id = program_id();
        kernel.programs_were_replaced_ = true;
    }
    if (kernel.programs_were_replaced_ || !backlog::is_attached(kernel.pin_dir_)) {
        kernel.watch_backlog();
    }
    XB_TRY(kernel.open_links());
    return std::optional<Kernel>(std::move(kernel));
}

void Kernel::remove(const std::string& pin_dir) {
    std::vector<std::string> names;
    for (std::uint8_t i = 0; i < XB_PATHS_MAX; i++) names.push_back(link_pin(PathId{i}));
    backlog::remove(pin_dir);
    names.emplace_back(kReflectPin);
    names.emplace_back(kTickPin);
    for (const char* name : kMapNames) names.emplace_back(name);
    names.emplace_back(kEventsName);
    for (const std::string& name : names) ::unlink(concat(pin_dir, '/', name).c_str());
}

Result<void> Kernel::write_keys(std::size_t place, const xb_keys& keys) {
    const auto key = static_cast<std::uint32_t>(place);
    if (::bpf_map_update_elem(maps_.at(kKeys).get(), &key, &keys, BPF_ANY) != 0) {
        return sys::system_error("write a beat key");
    }
    return {};
}

Result<Mode> Kernel::attach(PathId path, int ifindex, Mode mode) {
    XB_CHECK(path.value < XB_PATHS_MAX);
    if (mode == Mode::Udp) {
        return Error{.code = Code::Invalid, .context = "UDP has no XDP program", .system_errno = 0};
    }
    detach(path);
    const auto try_mode = [&](std::uint32_t flags) {
        LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
        sys::Fd& link = links_.at(path.value);
        link = sys::Fd(::bpf_link_create(reflect_.get(), ifindex, BPF_XDP, &options));
        return link.is_open();
    };
    Mode reached = Mode::Native;
    if (mode == Mode::Generic || !try_mode(XDP_FLAGS_DRV_MODE)) {
        if (mode == Mode::Native) return sys::system_error("attach XDP to the driver");
        reached = Mode::Generic;
        if (!try_mode(XDP_FLAGS_SKB_MODE)) return sys::system_error("attach generic XDP");
    }
    XB_TRY(pin(links_.at(path.value), concat(pin_dir_, '/', link_pin(path))));
    return reached;
}

std::optional<Mode> Kernel::attached(PathId path, int ifindex) const {
    const sys::Fd& link = links_.at(path.value);
    if (!link.is_open() || ifindex == 0) return std::nullopt;
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return std::nullopt;
    if (info.xdp.ifindex != static_cast<std::uint32_t>(ifindex)) return std::nullopt;
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (::bpf_xdp_query(ifindex, 0, &query) != 0) return std::nullopt;
    if (query.drv_prog_id == info.prog_id || query.hw_prog_id == info.prog_id) return Mode::Native;
    if (query.skb_prog_id == info.prog_id) return Mode::Generic;
    return std::nullopt;
}

void Kernel::detach(PathId path) {
    ::unlink(concat(pin_dir_, '/', link_pin(path)).c_str());
    links_.at(path.value) = sys::Fd();
}

}  // namespace xbeat::heart
