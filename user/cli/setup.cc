#include "cli/setup.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kMark = "xb2.";
constexpr std::string_view kOldMark = "xb1.";  // held the key itself
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char byte : bytes) {
        bits = (bits << 8U) | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6; count -= 6)
            text += kDigits[(bits >> static_cast<unsigned>(count - 6)) & 63U];
    }
    if (count > 0) text += kDigits[(bits << static_cast<unsigned>(6 - count)) & 63U];
    return text;
}

Result<std::string> bytes_of(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char letter : text) {
        const std::size_t digit = kDigits.find(letter);
        if (digit == std::string_view::npos)
            return Error{.code = Code::Invalid,
                         .context = "the token contains a letter that no token has; copy it whole"};
        bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 255U);
    }
    return bytes;
}

json to_json(const Setup& setup) {
    json nodes = json::array();
    for (const SetupNode& node : setup.nodes) {
        json links = json::array();
        for (const SetupLink& link : node.links) links.push_back({link.interface, link.address});
        nodes.push_back({{"name", node.name}, {"id", node.id}, {"links", links}});
    }
    return {{"cluster", setup.cluster}, {"profile", setup.profile}, {"arbiter", setup.arbiter},
            {"port", setup.port},       {"file", setup.file},       {"nodes", nodes}};
}

Setup setup_of(const json& object) {
    Setup setup{.cluster = object.value("cluster", ""),
                .profile = object.value("profile", ""),
                .arbiter = object.value("arbiter", ""),
                .self = {},
                .port = object.value("port", 7455),
                .nodes = {},
                .file = object.value("file", "")};
    for (const json& one : object.at("nodes")) {
        SetupNode node{.name = one.value("name", ""), .id = one.value("id", 0), .links = {}};
        for (const json& link : one.at("links")) {
            node.links.push_back({.interface = link.at(0).get<std::string>(),
                                  .address = link.at(1).get<std::string>()});
        }
        setup.nodes.push_back(std::move(node));
    }
    return setup;
}

// TOML's basic strings; names and addresses need nothing else to be escaped.
std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') out += '\\';
        out += letter;
    }
    return out + "\"";
}

std::vector<std::string> default_route_interfaces() {
    std::vector<std::string> names;
    std::ifstream routes("/proc/net/route");
    std::string line;
    while (std::getline(routes, line)) {
        const std::vector<std::string_view> words = split_words(line);
        if (words.size() > 1 && words[1] == "00000000") names.emplace_back(words[0]);
    }
    return names;
}

int ones_in(const unsigned char* bytes, std::size_t size) {
    int count = 0;
    for (std::size_t i = 0; i < size; ++i) count += std::popcount(bytes[i]);
    return count;
}

// The address of one entry as text and prefix; an empty text for what cannot be an end of a link.
LocalAddress read_address(const ifaddrs& entry) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (entry.ifa_addr->sa_family == AF_INET) {
        const auto* at = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr);
        const auto* mask = reinterpret_cast<const sockaddr_in*>(entry.ifa_netmask);
        ::inet_ntop(AF_INET, &at->sin_addr, text.data(), text.size());
        return {.interface = entry.ifa_name,
                .address = text.data(),
                .prefix = ones_in(reinterpret_cast<const unsigned char*>(&mask->sin_addr), 4)};
    }
    const auto* at = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
    const auto* mask = reinterpret_cast<const sockaddr_in6*>(entry.ifa_netmask);
    if (IN6_IS_ADDR_LINKLOCAL(&at->sin6_addr)) return {};
    ::inet_ntop(AF_INET6, &at->sin6_addr, text.data(), text.size());
    return {.interface = entry.ifa_name,
            .address = text.data(),
            .prefix = ones_in(reinterpret_cast<const unsigned char*>(&mask->sin6_addr), 16)};
}

}  // namespace

std::string print_setup(const Setup& setup, std::string_view key_file) {
    std::string text = concat("# Made by 'xbeat init'; the same on all nodes. See xbeat.toml(5).\n",
                              "cluster = ", toml_text(setup.cluster), "\n");
    text += concat("key_file = ", toml_text(key_file), "\n");
    text += concat("profile = ", toml_text(setup.profile), "\n");
    if (!setup.self.empty()) text += concat("self = ", toml_text(setup.self), "\n");
    if (setup.port != 7455) text += concat("port = ", setup.port, "\n");
    text += concat("\n[arbiter]\nkind = ", toml_text(setup.arbiter), "\n");
    for (const SetupNode& node : setup.nodes) {
        text += concat("\n[[node]]\nname = ", toml_text(node.name), "\nid = ", node.id,
                       "\nlinks = [\n");
        int count = 0;
        for (const SetupLink& link : node.links) {
            text +=
                concat("  { name = \"ic", count++, "\", interface = ", toml_text(link.interface),
                       ", address = ", toml_text(link.address), " },\n");
        }
        text += "]\n";
    }
    return text;
}

std::string setup_text(const Setup& setup) { return to_json(setup).dump(); }

Result<Setup> read_setup(std::string_view text) {
    const Error useless{
        .code = Code::Corrupt,
        .context = "the first node's setup cannot be read; are both of one version?"};
    const json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return useless;
    try {
        return setup_of(object);
    } catch (const json::exception&) {
        return useless;
    }
}

std::string make_token(const Invitation& invitation) {
    XB_CHECK(invitation.secret.size() == kTokenSecretBytes);
    json links = json::array();
    for (const InvitationLink& link : invitation.links) links.push_back({link.host, link.joiner});
    const json object{{"cluster", invitation.cluster},
                      {"port", invitation.port},
                      {"expires", invitation.expires.value},
                      {"links", links}};
    const std::string plain = concat(invitation.secret, object.dump());
    uLongf size = ::compressBound(plain.size());
    std::string packed(size, '\0');
    const int outcome =
        ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                    reinterpret_cast<const Bytef*>(plain.data()), plain.size(), Z_BEST_COMPRESSION);
    XB_CHECK(outcome == Z_OK);
    packed.resize(size);
    return concat(kMark, base64url(packed));
}

Result<Invitation> read_token(std::string_view token) {
    token = trim(token);
    const Error useless{.code = Code::Invalid,
                        .context =
                            "this is no token of 'xbeat init', or it was cut or mistyped; "
                            "copy it whole"};
    if (token.size() > kTokenBytesMax)
        return Error{.code = Code::Limit, .context = "the text is too long for a token"};
    if (token.starts_with(kOldMark)) {
        return Error{.code = Code::Invalid,
                     .context = "this token is of an older release; run 'xbeat init' of this one"};
    }
    if (!token.starts_with(kMark)) return useless;
    const std::string packed = XB_TRY(bytes_of(token.substr(kMark.size())));
    std::string plain(kTokenBytesMax * 4, '\0');
    uLongf size = plain.size();
    if (::uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                     reinterpret_cast<const Bytef*>(packed.data()), packed.size()) != Z_OK ||
        size <= kTokenSecretBytes)
        return useless;
    plain.resize(size);
    const json object = json::parse(plain.substr(kTokenSecretBytes), nullptr, false);
    if (!object.is_object()) return useless;
    try {
        Invitation invitation{.cluster = object.at("cluster").get<std::string>(),
                              .port = object.at("port").get<std::uint16_t>(),
                              .expires = {object.at("expires").get<std::int64_t>()},
                              .secret = plain.substr(0, kTokenSecretBytes),
                              .links = {}};
        for (const json& link : object.at("links")) {
            invitation.links.push_back(
                {.host = link.at(0).get<std::string>(), .joiner = link.at(1).get<std::string>()});
        }
        return invitation;
    } catch (const json::exception&) {
        return useless;
    }
}

Result<std::vector<LocalAddress>> local_addresses() {
    ifaddrs* raw = nullptr;
    if (::getifaddrs(&raw) != 0) return sys::system_error("cannot list the network interfaces");
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, &::freeifaddrs);
    const std::vector<std::string> routed = default_route_interfaces();
    std::vector<LocalAddress> found;
    for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr) continue;
        const int family = entry->ifa_addr->sa_family;
        if ((family != AF_INET && family != AF_INET6) || (entry->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        LocalAddress address = read_address(*entry);
        if (address.address.empty()) continue;
        address.is_up = (entry->ifa_flags & IFF_RUNNING) != 0;
        address.has_default_route =
            std::find(routed.begin(), routed.end(), address.interface) != routed.end();
        found.push_back(std::move(address));
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        const bool a6 = a.address.find(':') != std::string::npos;
        const bool b6 = b.address.find(':') != std::string::npos;
        return a6 < b6;
    });
    return found;
}

std::string other_end(const LocalAddress& address) {
    const bool is_v6 = address.address.find(':') != std::string::npos;
    const int family = is_v6 ? AF_INET6 : AF_INET;
    const int bits = (is_v6 ? 128 : 32) - address.prefix;
    if (bits != 1 && bits != 2) return {};
    std::array<unsigned char, 16> bytes{};
    if (::inet_pton(family, address.address.c_str(), bytes.data()) != 1) return {};
    // In a network of four, the first and the last are no hosts; in one of two, both are.
    unsigned char& last = bytes[is_v6 ? 15 : 3];
    last = static_cast<unsigned char>(bits == 1 ? last ^ 1U : last ^ 3U);
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

}  // namespace xbeat::cli
