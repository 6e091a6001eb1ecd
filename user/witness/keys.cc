#include "witness/keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "core/check.h"
#include "net/keys.h"
#include "sys/secret_file.h"
#include "xb_siphash128.h"

namespace xbeat::witness {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kTagKeyBytes = 16;
constexpr std::size_t kIdDigits = 2 * kIdBytes;
constexpr std::size_t kKeyDigits = 2 * 2 * kTagKeyBytes;

std::uint64_t load_word(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

TagKey load_tag_key(const std::uint8_t* bytes) {
    TagKey key;
    key.words = {load_word(bytes), load_word(bytes + 8)};
    return key;
}

std::string print_words(const TagKey& key) {
    std::string text;
    for (const std::uint64_t word : key.words) {
        for (unsigned i = 0; i < 8; ++i) text += fmt::format("{:02x}", (word >> (8 * i)) & 0xff);
    }
    return text;
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// Exactly as many bytes as `out` takes, or false.
bool parse_hex(std::string_view text, std::span<std::uint8_t> out) {
    if (text.size() != 2 * out.size()) return false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::uint8_t>(16 * high + low);
    }
    return true;
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > kClusterNameBytesMax) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-';
    });
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t at = 0;
    while (true) {
        at = line.find_first_not_of(" \t\r", at);
        if (at == std::string_view::npos) return words;
        const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.push_back(line.substr(at, end - at));
        at = end;
    }
}

/// The key of one line's words, or what is wrong with them. Never quotes a key.
Result<ClusterKey> parse_line(const std::vector<std::string_view>& words) {
    const auto wrong = [](std::string text) {
        return Error{.code = Code::Invalid, .context = std::move(text)};
    };
    if (words.size() != 3)
        return wrong(
            "a line is NAME ID KEY, as `xbeat witness key` prints it on a node of the cluster");
    ClusterKey key;
    if (!is_name(words[0]))
        return wrong(fmt::format("a cluster's name has 1 to {} letters, digits, `_`, `.` or `-`",
                                 kClusterNameBytesMax));
    key.cluster = words[0];
    std::array<std::uint8_t, kIdBytes> id{};
    if (!parse_hex(words[1], id))
        return wrong(fmt::format("the ID of `{}` must be {} hexadecimal digits (0-9, a-f)",
                                 key.cluster, kIdDigits));
    for (const std::uint8_t byte : id) key.id = key.id << 8U | byte;
    if (key.id == 0) return wrong(fmt::format("the ID of `{}` must not be 0", key.cluster));
    std::array<std::uint8_t, 2 * kTagKeyBytes> bytes{};
    const bool fits = parse_hex(words[2], bytes);
    key.request = load_tag_key(bytes.data());
    key.answer = load_tag_key(bytes.data() + kTagKeyBytes);
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    if (!fits)
        return wrong(fmt::format("the KEY of `{}` must be {} hexadecimal digits (0-9, a-f)",
                                 key.cluster, kKeyDigits));
    return key;
}

xb_tag128 tag_of(const std::uint8_t* bytes, const TagKey& key) {
    // Words of its own, so that no alignment is assumed.
    std::array<__u64, wire::kWitnessBodyBytes / 8> words{};
    std::memcpy(words.data(), bytes, wire::kWitnessBodyBytes);
    const std::array<__u64, 2> key_words{key.words[0], key.words[1]};
    return ::xb_siphash128_words(key_words.data(), words.data(), words.size());
}

std::array<std::uint8_t, wire::kWitnessTagBytes> tag_bytes(const xb_tag128& tag) {
    std::array<std::uint8_t, wire::kWitnessTagBytes> bytes{};
    for (unsigned i = 0; i < 8; ++i) {
        bytes.at(i) = static_cast<std::uint8_t>(tag.low >> (8 * i));
        bytes.at(8 + i) = static_cast<std::uint8_t>(tag.high >> (8 * i));
    }
    return bytes;
}

}  // namespace

TagKey::~TagKey() { ::OPENSSL_cleanse(words.data(), sizeof words); }

Result<ClusterKey> derive_key(std::span<const std::uint8_t> secret, std::string_view cluster) {
    std::array<std::uint8_t, kIdBytes + 2 * kTagKeyBytes> bytes{};
    XB_TRY(net::derive_bytes(secret, fmt::format("xbeat/v1/witness/{}:{}", cluster.size(), cluster),
                             bytes));
    ClusterKey key;
    key.cluster = cluster;
    for (std::size_t i = 0; i < kIdBytes; ++i) key.id = key.id << 8U | bytes.at(i);
    if (key.id == 0) key.id = 1;
    key.request = load_tag_key(bytes.data() + kIdBytes);
    key.answer = load_tag_key(bytes.data() + kIdBytes + kTagKeyBytes);
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

std::string print_key(const ClusterKey& key) {
    return fmt::format("{} {:016x} {}{}", key.cluster, key.id, print_words(key.request),
                       print_words(key.answer));
}

Result<std::vector<ClusterKey>> parse_keys(std::string_view text, std::string_view file) {
    std::vector<ClusterKey> keys;
    std::map<std::string, std::size_t, std::less<>> of_cluster;
    std::set<std::uint64_t> ids;
    std::size_t number = 0;
    const auto at_line = [&](Code code, std::string_view wrong) {
        return Error{.code = code, .context = fmt::format("{}:{}: {}", file, number, wrong)};
    };
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::vector<std::string_view> words = split(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (words.empty() || words[0].front() == '#') continue;
        Result<ClusterKey> key = parse_line(words);
        if (!key) return at_line(key.error().code, key.error().context);
        if (!ids.insert(key->id).second)
            return at_line(Code::Invalid,
                           fmt::format("the ID of `{}` stands in an earlier line", key->cluster));
        if (++of_cluster[key->cluster] > kKeysPerClusterMax)
            return at_line(Code::Limit,
                           fmt::format("`{}` has more than {} keys: take the oldest out",
                                       key->cluster, kKeysPerClusterMax));
        if (of_cluster.size() > kClustersMax)
            return at_line(Code::Limit, fmt::format("more than {} clusters: run a second witness",
                                                    kClustersMax));
        keys.push_back(*std::move(key));
    }
    return keys;
}

Result<std::vector<ClusterKey>> load_keys(const std::string& file) {
    Result<std::string> text = sys::read_secret_file(file, kKeyFileBytesMax);
    if (!text) {
        Error error = text.error();
        if (error.code == Code::NotFound)
            error.context += ": write into it what `xbeat witness key` prints on a node";
        return error;
    }
    Result<std::vector<ClusterKey>> keys = parse_keys(*text, file);
    ::OPENSSL_cleanse(text->data(), text->size());
    return keys;
}

void seal(wire::WitnessDatagram& datagram, const TagKey& key) {
    const auto tag = tag_bytes(tag_of(datagram.data(), key));
    std::copy(tag.begin(), tag.end(), datagram.begin() + wire::kWitnessBodyBytes);
}

bool is_sealed(std::span<const std::uint8_t> bytes, const TagKey& key) {
    XB_CHECK(bytes.size() == wire::kWitnessBytes);
    const auto tag = tag_bytes(tag_of(bytes.data(), key));
    return ::CRYPTO_memcmp(tag.data(), bytes.data() + wire::kWitnessBodyBytes, tag.size()) == 0;
}

}  // namespace xbeat::witness
