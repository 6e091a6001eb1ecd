#include "disk/prepare.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::disk {
namespace {

struct Aligned {
    alignas(kSlotBytes) Slot slot{};
};

Result<sys::Fd> open_device(const std::string& path, int flags) {
    sys::Fd file(::open(path.c_str(), flags | O_DIRECT | O_DSYNC | O_CLOEXEC | O_NONBLOCK));
    if (file.is_open()) return file;
    Error error = sys::system_error(fmt::format("cannot open {}", path));
    if (error.system_errno == ENOENT) error.code = Code::NotFound;
    if (error.system_errno == EACCES) error.code = Code::Denied;
    return error;
}

Result<void> read_slot(const sys::Fd& file, const std::string& path, std::size_t number,
                       Slot& slot) {
    const auto offset = static_cast<off_t>(number * kSlotBytes);
    const ssize_t got = ::pread(file.get(), slot.data(), slot.size(), offset);
    if (got < 0) return sys::system_error(fmt::format("cannot read {}", path));
    if (static_cast<std::size_t>(got) == slot.size()) return {};
    return Error{
        .code = Code::Invalid,
        .context = fmt::format("{} is too small: the lease takes {} bytes", path, kDiskBytes)};
}

Result<void> write_slot(const sys::Fd& file, const std::string& path, std::size_t number,
                        const Slot& slot) {
    const auto offset = static_cast<off_t>(number * kSlotBytes);
    if (::pwrite(file.get(), slot.data(), slot.size(), offset) == std::ssize(slot)) return {};
    return sys::system_error(fmt::format("cannot write {}", path));
}

}  // namespace

Result<void> prepare(const std::string& path, const DiskKey& key, Overwrite overwrite) {
    const sys::Fd file = XB_TRY(open_device(path, O_RDWR));
    const auto buffer = std::make_unique<Aligned>();
    for (std::size_t number = 0; number < kDiskBytes / kSlotBytes; ++number) {
        XB_TRY(read_slot(file, path, number, buffer->slot));
        const bool is_blank = std::all_of(buffer->slot.begin(), buffer->slot.end(),
                                          [](std::uint8_t byte) { return byte == 0; });
        if (is_blank || overwrite == Overwrite::Whatever) continue;
        const bool is_ours = read_header(buffer->slot, key) == HeaderState::Ours;
        return Error{
            .code = Code::Exists,
            .context = is_ours ? fmt::format("{} is prepared for this cluster already", path)
                               : fmt::format("{} is not empty, so it stays as it is: name another "
                                             "device, or --force if nothing on it is needed",
                                             path)};
    }
    // The header last: without it, whatever stands in the blocks counts for nothing.
    for (std::size_t number = 0; number < kDiskBytes / kSlotBytes; ++number) {
        buffer->slot.fill(0);
        XB_TRY(write_slot(file, path, number, buffer->slot));
    }
    write_header(buffer->slot, key);
    return write_slot(file, path, 0, buffer->slot);
}

Result<std::vector<NodeBlock>> inspect(const std::string& path, const DiskKey& key,
                                       const std::vector<NodeId>& nodes) {
    const sys::Fd file = XB_TRY(open_device(path, O_RDONLY));
    const auto buffer = std::make_unique<Aligned>();
    XB_TRY(read_slot(file, path, 0, buffer->slot));
    const HeaderState header = read_header(buffer->slot, key);
    if (header != HeaderState::Ours)
        return Error{
            .code = Code::Invalid,
            .context = header == HeaderState::Blank
                           ? fmt::format("{} was never prepared: `xbeat disk init {}`", path, path)
                           : fmt::format("{} holds something else, or belongs to another "
                                         "cluster",
                                         path)};
    std::vector<NodeBlock> blocks;
    for (const NodeId node : nodes) {
        XB_TRY(read_slot(file, path, node.value, buffer->slot));
        const auto block = read_block(buffer->slot, key, node);
        blocks.push_back(
            {.node = node, .is_damaged = !block, .block = block.value_or(arbiter::DiskBlock{})});
    }
    return blocks;
}

}  // namespace xbeat::disk
