#include "heart/device_facts.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "sys/fd.h"

namespace xbeat::heart {
namespace {

constexpr std::uint32_t kStatisticsMax = 4096;  // a driver with more is not believed

std::optional<std::int64_t> read_number(const std::string& path) {
    std::ifstream file(path);
    std::int64_t number = 0;
    if (!(file >> number)) return std::nullopt;
    return number;
}

bool ask_driver(int socket, const std::string& interface, void* command) {
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    request.ifr_data = static_cast<char*>(command);
    return ::ioctl(socket, SIOCETHTOOL, &request) == 0;
}

std::uint32_t count_statistics(int socket, const std::string& interface) {
    alignas(ethtool_sset_info) std::byte bytes[sizeof(ethtool_sset_info) + sizeof(std::uint32_t)]{};
    auto* query = reinterpret_cast<ethtool_sset_info*>(bytes);
    query->cmd = ETHTOOL_GSSET_INFO;
    query->sset_mask = 1ULL << ETH_SS_STATS;
    if (!ask_driver(socket, interface, query) || query->sset_mask == 0) return 0;
    return query->data[0];
}

}  // namespace

std::optional<bool> threaded_napi(const LinkInfo& link) {
    const std::string folder = concat("/sys/class/net/", link.name);
    if (read_number(folder + "/ifindex") != link.ifindex) return std::nullopt;
    const std::optional<std::int64_t> threaded = read_number(folder + "/threaded");
    if (!threaded) return std::nullopt;
    return *threaded != 0;
}

std::optional<std::uint64_t> xdp_tx_errors(const std::string& interface) {
    const sys::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return std::nullopt;
    const std::uint32_t count = count_statistics(socket.get(), interface);
    if (count == 0 || count > kStatisticsMax) return std::nullopt;

    std::vector<std::uint64_t> names(2 + std::size_t{count} * ETH_GSTRING_LEN / 8);
    auto* strings = reinterpret_cast<ethtool_gstrings*>(names.data());
    strings->cmd = ETHTOOL_GSTRINGS;
    strings->string_set = ETH_SS_STATS;
    strings->len = count;
    std::vector<std::uint64_t> values(1 + std::size_t{count});
    auto* statistics = reinterpret_cast<ethtool_stats*>(values.data());
    statistics->cmd = ETHTOOL_GSTATS;
    statistics->n_stats = count;
    if (!ask_driver(socket.get(), interface, strings)) return std::nullopt;
    if (!ask_driver(socket.get(), interface, statistics)) return std::nullopt;

    std::optional<std::uint64_t> errors;
    for (std::uint32_t i = 0; i < count; i++) {
        const auto* name =
            reinterpret_cast<const char*>(strings->data) + std::size_t{i} * ETH_GSTRING_LEN;
        const std::string_view text(name, ::strnlen(name, ETH_GSTRING_LEN));
        if (!text.ends_with("xdp_tx_errors")) continue;
        errors = errors.value_or(0) + values[1 + i];
    }
    return errors;
}

}  // namespace xbeat::heart
