#include "disk/block.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/limits.h"
#include "net/keys.h"
#include "wire/codec.h"
#include "wire/witness.h"
#include "xb_siphash128.h"

namespace xbeat::disk {
namespace {

constexpr std::uint32_t kHeaderMagic = 0x48447278;  // "xrDH" on the disk
constexpr std::uint32_t kBlockMagic = 0x42447278;   // "xrDB"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kTaggedBytes = kBlockBytes - kTagBytes;

std::array<std::uint8_t, kTagBytes> tag_of(const Slot& slot, const DiskKey& key) {
    std::array<__u64, kTaggedBytes / 8> words{};
    std::memcpy(words.data(), slot.data(), kTaggedBytes);
    const std::array<__u64, 2> key_words{key.tag[0], key.tag[1]};
    const xb_tag128 tag = ::xb_siphash128_words(key_words.data(), words.data(), words.size());
    std::array<std::uint8_t, kTagBytes> bytes{};
    for (unsigned i = 0; i < 8; ++i) {
        bytes.at(i) = static_cast<std::uint8_t>(tag.low >> (8 * i));
        bytes.at(8 + i) = static_cast<std::uint8_t>(tag.high >> (8 * i));
    }
    return bytes;
}

/// One list of fields for both ways; the header has a node of 0 and the rest zero.
template <class Archive>
void fields(Archive& archive, std::uint32_t& magic, std::uint16_t& version, NodeId& node,
            std::uint64_t& cluster, arbiter::DiskBlock& block) {
    archive(magic, version, node, cluster, block.number, block.life, block.lease, block.is_up);
}

void fill(Slot& slot, std::uint32_t magic, NodeId node, const DiskKey& key,
          arbiter::DiskBlock block) {
    slot.fill(0);
    wire::Writer writer;
    std::uint16_t version = kVersion;
    std::uint64_t cluster = key.cluster;
    fields(writer, magic, version, node, cluster, block);
    const std::string bytes = std::move(writer).take();
    XB_CHECK(bytes.size() <= kTaggedBytes);
    std::copy(bytes.begin(), bytes.end(), slot.begin());
    const auto tag = tag_of(slot, key);
    std::copy(tag.begin(), tag.end(), slot.begin() + kTaggedBytes);
}

bool is_blank(const Slot& slot) {
    return std::all_of(slot.begin(), slot.begin() + kBlockBytes,
                       [](std::uint8_t byte) { return byte == 0; });
}

std::optional<arbiter::DiskBlock> take(const Slot& slot, std::uint32_t wanted_magic, NodeId node,
                                       const DiskKey& key) {
    const auto tag = tag_of(slot, key);
    if (::CRYPTO_memcmp(tag.data(), slot.data() + kTaggedBytes, tag.size()) != 0)
        return std::nullopt;
    wire::Reader reader({reinterpret_cast<const char*>(slot.data()), kTaggedBytes});
    std::uint32_t magic = 0;
    std::uint16_t version = 0;
    NodeId writer;
    std::uint64_t cluster = 0;
    arbiter::DiskBlock block;
    fields(reader, magic, version, writer, cluster, block);
    if (!reader.is_good() || magic != wanted_magic || version != kVersion || writer != node ||
        cluster != key.cluster)
        return std::nullopt;
    if (block.lease < Duration{} || block.lease > wire::kWitnessLeaseMax) return std::nullopt;
    return block;
}

}  // namespace

Result<DiskKey> derive_disk_key(std::span<const std::uint8_t> secret, std::string_view cluster) {
    std::array<std::uint8_t, 24> bytes{};
    XB_TRY(net::derive_bytes(secret, fmt::format("xbeat/v1/disk/{}:{}", cluster.size(), cluster),
                             bytes));
    const auto word = [&](std::size_t at) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes.at(at + i)} << (8 * i);
        return value;
    };
    const DiskKey key{.cluster = word(0), .tag = {word(8), word(16)}};
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

void write_header(Slot& slot, const DiskKey& key) { fill(slot, kHeaderMagic, NodeId{}, key, {}); }

void write_block(Slot& slot, const DiskKey& key, NodeId node, const arbiter::DiskBlock& block) {
    XB_CHECK(node.value >= 1);
    XB_CHECK(node.value <= kNodesMax);
    fill(slot, kBlockMagic, node, key, block);
}

HeaderState read_header(const Slot& slot, const DiskKey& key) {
    if (take(slot, kHeaderMagic, NodeId{}, key)) return HeaderState::Ours;
    return is_blank(slot) ? HeaderState::Blank : HeaderState::Foreign;
}

std::optional<arbiter::DiskBlock> read_block(const Slot& slot, const DiskKey& key, NodeId node) {
    if (is_blank(slot)) return arbiter::DiskBlock{};
    return take(slot, kBlockMagic, node, key);
}

}  // namespace xbeat::disk
