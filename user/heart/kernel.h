// The heart's programs and maps in the kernel: loading, pinning, adopting, attaching.
//
// What is pinned, by name in the pin folder: each map under its own name, the two programs as
// program_tick and program_reflect, the XDP link of path N as link_N,
// the links of the backlog as backlog_*. Nothing here knows what the
// maps mean.
#pragma once

#include <linux/types.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "heart/heart.h"
#include "heart/store.h"
#include "sys/fd.h"

namespace xbeat::heart {

/// A part of a map that is memory of this process as well.
class MappedArray {
public:
    MappedArray() = default;
    MappedArray(MappedArray&& other) noexcept;
    MappedArray& operator=(MappedArray&& other) noexcept;
    ~MappedArray();
    /// Maps all of a memory-mappable array map. Errors: System.
    static Result<MappedArray> create(int map, std::size_t bytes);
    [[nodiscard]] void* data() const { return data_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

class Kernel {
public:
    struct Options {
        std::string pin_dir;
        NodeId self{};
        std::uint32_t peers_max = 0;
    };

    /// Takes over what is pinned there if it fits (same ABI, self and peers_max). Programs that
    /// differ from ours are replaced under the same maps. Empty if nothing is pinned or it does not
    /// fit.
    static Result<std::optional<Kernel>> adopt(const Options& options);
    /// Loads and pins everything anew; what was pinned before must be gone.
    static Result<Kernel> load(const Options& options);
    /// Detaches and unpins whatever a heart left in that folder, whole or half; its links first.
    static void remove(const std::string& pin_dir);

    [[nodiscard]] const Store& store() const { return store_; }
    [[nodiscard]] int tick_program() const { return tick_.get(); }
    [[nodiscard]] int events_map() const { return events_.get(); }

    Result<void> write_keys(std::size_t place, const xb_keys& keys);

    /// Attaches the reflex to an interface and pins the link under the path's number. Auto: native,
    /// else generic. Returns how. Errors: Invalid for Udp; System.
    Result<Mode> attach(PathId path, int ifindex, Mode mode);
    /// How the reflex is attached there now; empty if it is not, or another program runs in its
    /// place.
    [[nodiscard]] std::optional<Mode> attached(PathId path, int ifindex) const;
    void detach(PathId path);

    [[nodiscard]] bool programs_were_replaced() const { return programs_were_replaced_; }

private:
    Kernel() = default;
    Result<void> map_memory(std::uint32_t peers_max);
    Result<void> load_programs(bool reuse_maps, std::uint32_t peers_max);
    Result<void> pin_maps();
    Result<void> pin_programs();
    Result<void> open_maps();
    Result<void> open_links();
    /// Without it the tick cannot tell its own backlog from silence: control->cpus says so.
    void watch_backlog();

    std::string pin_dir_;
    // In the order of kMapNames.
    std::array<sys::Fd, 8> maps_;
    sys::Fd events_;
    sys::Fd tick_;
    sys::Fd reflect_;
    std::array<sys::Fd, XB_PATHS_MAX> links_;
    std::vector<MappedArray> memory_;
    Store store_;
    bool programs_were_replaced_ = false;
};

}  // namespace xbeat::heart
