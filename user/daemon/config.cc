#include "daemon/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "cib/duration.h"
#include "cib/suggest.h"
#include "core/check.h"
#include "core/limits.h"
#include "daemon/read_file.h"

// The parser reports errors as values, not as exceptions.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace xbeat::daemon {
namespace {

struct ProfileRow {
    std::string_view name;
    Timing timing;
};
constexpr std::array kProfiles{
    ProfileRow{"metal-fast", {.period = 1ms, .suspect = 3, .dead = 5}},
    ProfileRow{"metal", {.period = 5ms, .suspect = 3, .dead = 10}},
    ProfileRow{"vm", {.period = 10ms, .suspect = 10, .dead = 100}},
    ProfileRow{"cloud", {.period = 50ms, .suspect = 10, .dead = 200}},
    ProfileRow{"compat", {.period = 100ms, .suspect = 10, .dead = 30}},
};

using Words = std::span<const std::string_view>;

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > kNameBytesMax) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-';
    });
}

/// Typed look-ups in one table, with the file and line in every message.
class Reader {
public:
    Reader(std::string_view file, const toml::table& table, std::string_view what)
        : file_(file), table_(table), what_(what) {}

    [[nodiscard]] Error error(const toml::node& node, std::string_view text) const {
        return error_at(node.source().begin.line, text);
    }
    [[nodiscard]] Error error(std::string_view text) const {
        return error_at(table_.source().begin.line, text);
    }
    [[nodiscard]] Error error_at(std::uint32_t line, std::string_view text) const {
        return {.code = Code::Invalid,
                .context = fmt::format("{}:{}: {}", file_, std::max(line, 1U), text)};
    }
    [[nodiscard]] const toml::node* find(std::string_view key) const { return table_.get(key); }

    Result<void> allow(Words known) const {
        for (const auto& [key, value] : table_) {
            if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
            return error_at(key.source().begin.line,
                            fmt::format("unknown key `{}` in {}{}", key.str(), what_,
                                        cib::did_you_mean(key.str(), known)));
        }
        return {};
    }

    Result<std::optional<std::string>> text(std::string_view key) const {
        const toml::node* const node = find(key);
        if (node == nullptr) return std::optional<std::string>{};
        const auto value = node->value_exact<std::string>();
        if (!value) return error(*node, fmt::format("`{}` must be a text in quotes", key));
        return value;
    }
    Result<std::string> required_text(std::string_view key) const {
        std::optional<std::string> value = XB_TRY(text(key));
        if (!value) return error(fmt::format("{} has no `{}`", what_, key));
        return *std::move(value);
    }
    Result<std::string> required_name(std::string_view key) const {
        std::string value = XB_TRY(required_text(key));
        if (!is_name(value))
            return error(*find(key),
                         fmt::format("`{}` must be 1 to {} letters, digits, `_`, `.` or "
                                     "`-`",
                                     key, kNameBytesMax));
        return value;
    }
    Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t least,
                                                std::int64_t most) const {
        const toml::node* const node = find(key);
        if (node == nullptr) return std::optional<std::int64_t>{};
        const auto value = node->value_exact<std::int64_t>();
        if (!value || *value < least || *value > most)
            return error(
                *node, fmt::format("`{}` must be a whole number from {} to {}", key, least, most));
        return value;
    }
    Result<bool> boolean(std::string_view key, bool otherwise) const {
        const toml::node* const node = find(key);
        if (node == nullptr) return otherwise;
        const auto value = node->value_exact<bool>();
        if (!value) return error(*node, fmt::format("`{}` must be true or false", key));
        return *value;
    }
    Result<Duration> duration(std::string_view key, Duration otherwise, Duration least,
                              Duration most) const {
        const toml::node* const node = find(key);
        if (node == nullptr) return otherwise;
        const auto value = node->value_exact<std::string>();
        const bool has_unit =
            value && !value->empty() && (value->back() < '0' || value->back() > '9');
        const std::optional<Duration> read =
            has_unit ? cib::parse_duration(*value) : std::optional<Duration>{};
        if (!read || *read < least || *read > most)
            return error(
                *node, fmt::format("`{}` must be a time with its unit, such as \"{}\", from "
                                   "{} to {}",
                                   key, cib::print_duration(otherwise), cib::print_duration(least),
                                   cib::print_duration(most)));
        return *read;
    }
    Result<const toml::table*> table(std::string_view key) const {
        const toml::node* const node = find(key);
        if (node == nullptr) return static_cast<const toml::table*>(nullptr);
        if (!node->is_table())
            return error(*node, fmt::format("`{}` must be a table: [{}]", key, key));
        return node->as_table();
    }
    /// An array of tables; empty if it is not there.
    Result<std::vector<const toml::table*>> tables(std::string_view key) const {
        std::vector<const toml::table*> found;
        const toml::node* const node = find(key);
        if (node == nullptr) return found;
        const toml::array* const array = node->as_array();
        if (array == nullptr)
            return error(*node, fmt::format("`{}` must be a list of tables", key));
        for (const toml::node& item : *array) {
            if (!item.is_table())
                return error(item, fmt::format("each entry of `{}` must be a table", key));
            found.push_back(item.as_table());
        }
        return found;
    }
    [[nodiscard]] std::string_view file() const { return file_; }

private:
    std::string_view file_;
    const toml::table& table_;
    std::string_view what_;
};

constexpr std::array<std::string_view, 12> kTopKeys{
    "cluster", "key_file", "profile",         "self",     "port",     "timing", "heart",
    "arbiter", "node",     "unsafe_takeover", "watchdog", "recording"};
constexpr std::array<std::string_view, 6> kTimingKeys{
    "period", "suspect", "dead", "stall_after", "stall_limit", "allow_single_path"};
constexpr std::array<std::string_view, 1> kHeartKeys{"mode"};
constexpr std::array<std::string_view, 1> kRecordingKeys{"megabytes"};
constexpr std::int64_t kRecordingMegabytesMax = 4096;
constexpr std::array<std::string_view, 6> kArbiterKeys{"kind",         "handicap", "witness",
                                                       "witness_port", "disk",     "lease"};
constexpr std::array<std::string_view, 3> kNodeKeys{"name", "id", "links"};
constexpr std::array<std::string_view, 4> kLinkKeys{"name", "interface", "address", "vlan"};

bool is_unicast(const heart::IpAddress& address) {
    const bool is_zero = std::all_of(address.bytes.begin(), address.bytes.end(),
                                     [](std::uint8_t byte) { return byte == 0; });
    if (is_zero) return false;
    if (address.family == heart::IpAddress::Family::V4) return address.bytes[0] < 224;
    return address.bytes[0] != 0xff;
}

Result<LinkConfig> read_link(const Reader& link) {
    XB_TRY(link.allow(kLinkKeys));
    LinkConfig made;
    made.interface = XB_TRY(link.required_text("interface"));
    constexpr std::size_t kInterfaceBytesMax = 15;  // IFNAMSIZ less the terminating zero
    if (made.interface.empty() || made.interface.size() > kInterfaceBytesMax ||
        made.interface.find_first_of("/ \t\n") != std::string::npos)
        return link.error(*link.find("interface"),
                          "`interface` must be the name of a network interface: 1 to 15 characters "
                          "without blanks and `/`");
    made.name = link.find("name") == nullptr ? made.interface : XB_TRY(link.required_name("name"));
    const std::string address = XB_TRY(link.required_text("address"));
    const auto parsed = heart::IpAddress::parse(address);
    if (!parsed || !is_unicast(*parsed))
        return link.error(*link.find("address"),
                          fmt::format("`{}` is not an IPv4 or IPv6 address of one node (without "
                                      "prefix length)",
                                      address));
    made.address = *parsed;
    made.vlan = static_cast<std::uint16_t>(XB_TRY(link.integer("vlan", 1, 4094)).value_or(0));
    return made;
}

Result<NodeConfig> read_node(const Reader& node) {
    XB_TRY(node.allow(kNodeKeys));
    NodeConfig made;
    made.name = XB_TRY(node.required_name("name"));
    const auto id = XB_TRY(node.integer("id", 1, kNodesMax));
    if (!id) return node.error(fmt::format("node `{}` has no `id`", made.name));
    made.id = NodeId{static_cast<std::uint16_t>(*id)};
    const auto links = XB_TRY(node.tables("links"));
    if (links.size() > kPathsMax)
        return node.error(*node.find("links"),
                          fmt::format("node `{}` has {} links; at most {} are possible", made.name,
                                      links.size(), kPathsMax));
    for (const toml::table* const table : links) {
        const Reader reader(node.file(), *table, "a link");
        LinkConfig link = XB_TRY(read_link(reader));
        for (const LinkConfig& other : made.links) {
            if (other.name == link.name)
                return reader.error(
                    fmt::format("node `{}` has two links `{}`", made.name, link.name));
            if (other.interface == link.interface && other.vlan == link.vlan)
                return reader.error(
                    fmt::format("node `{}` has two links on interface `{}`: they would fail "
                                "together",
                                made.name, link.interface));
        }
        made.links.push_back(std::move(link));
    }
    return made;
}

/// Nodes and links must not contradict each other.
Result<void> check_nodes(const Reader& top, const std::vector<NodeConfig>& nodes,
                         const std::vector<const toml::table*>& tables) {
    XB_CHECK(nodes.size() == tables.size());
    std::set<std::vector<std::uint8_t>> addresses;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Reader at(top.file(), *tables[i], "[[node]]");
        const NodeConfig& node = nodes[i];
        for (std::size_t j = 0; j < i; ++j) {
            if (nodes[j].id == node.id)
                return at.error(fmt::format("nodes `{}` and `{}` both have id {}: give one another",
                                            nodes[j].name, node.name, node.id.value));
            if (nodes[j].name == node.name)
                return at.error(fmt::format("there are two nodes called `{}`", node.name));
        }
        for (const LinkConfig& link : node.links) {
            std::vector<std::uint8_t> key(link.address.bytes.begin(), link.address.bytes.end());
            key.push_back(static_cast<std::uint8_t>(link.address.size()));
            if (!addresses.insert(std::move(key)).second)
                return at.error(
                    fmt::format("address {} is given twice", heart::to_string(link.address)));
        }
        if (nodes.size() == 1) continue;
        if (node.links.empty())
            return at.error(
                fmt::format("node `{}` has no `links`: it could not be heard", node.name));
        if (node.links.size() != nodes[0].links.size())
            return at.error(
                fmt::format("node `{}` has {} links and node `{}` has {}: link i of one "
                            "talks to link i of the other",
                            node.name, node.links.size(), nodes[0].name, nodes[0].links.size()));
        for (std::size_t path = 0; path < node.links.size(); ++path) {
            if (node.links[path].address.family != nodes[0].links[path].address.family)
                return at.error(
                    fmt::format("link {} of node `{}` and of node `{}` are of different "
                                "address families",
                                path + 1, node.name, nodes[0].name));
        }
    }
    return {};
}

Result<void> read_nodes(const Reader& top, Config& config) {
    const auto tables = XB_TRY(top.tables("node"));
    if (tables.empty())
        return top.error("there is no [[node]]: list every node, this one included");
    if (tables.size() > kPairNodesMax)
        return Reader(top.file(), *tables[kPairNodesMax], "[[node]]")
            .error(fmt::format("there are {} nodes; this version runs {} at most", tables.size(),
                               kPairNodesMax));
    for (const toml::table* const table : tables)
        config.nodes.push_back(XB_TRY(read_node(Reader(top.file(), *table, "[[node]]"))));
    return check_nodes(top, config.nodes, tables);
}

Result<void> read_self(const Reader& top, std::string_view host_name, Config& config) {
    const std::optional<std::string> given = XB_TRY(top.text("self"));
    const std::string_view name = given ? std::string_view(*given) : host_name;
    for (const std::string_view candidate : {name, name.substr(0, name.find('.'))}) {
        for (const NodeConfig& node : config.nodes) {
            if (node.name != candidate) continue;
            config.self = node.id;
            return {};
        }
    }
    std::string names;
    for (const NodeConfig& node : config.nodes)
        names += fmt::format("{}`{}`", names.empty() ? "" : ", ", node.name);
    if (given)
        return top.error(*top.find("self"),
                         fmt::format("`self` is `{}`, which is no [[node]]: there "
                                     "is {}",
                                     *given, names));
    return top.error(
        fmt::format("this host is called `{}`, which is no [[node]] (there is {}): give "
                    "`self`",
                    host_name, names));
}

Result<void> read_timing(const Reader& top, Config& config) {
    const std::optional<std::string> profile = XB_TRY(top.text("profile"));
    if (profile) config.profile = *profile;
    const auto row = find_profile(config.profile);
    if (!row) {
        std::array<std::string_view, kProfiles.size()> names;
        std::transform(kProfiles.begin(), kProfiles.end(), names.begin(),
                       [](const ProfileRow& entry) { return entry.name; });
        return top.error(*top.find("profile"),
                         fmt::format("there is no profile `{}`{}; there are metal-fast, metal, vm, "
                                     "cloud and compat",
                                     config.profile, cib::did_you_mean(config.profile, names)));
    }
    Timing& timing = config.timing;
    timing = *row;
    const toml::table* const table = XB_TRY(top.table("timing"));
    if (table != nullptr) {
        const Reader at(top.file(), *table, "[timing]");
        XB_TRY(at.allow(kTimingKeys));
        timing.period = XB_TRY(at.duration("period", timing.period, 100us, 1s));
        constexpr std::int64_t kMissesMax = 10'000;
        timing.dead = static_cast<std::uint32_t>(
            XB_TRY(at.integer("dead", 1, kMissesMax)).value_or(timing.dead));
        timing.suspect =
            static_cast<std::uint32_t>(XB_TRY(at.integer("suspect", 1, kMissesMax))
                                           .value_or(std::min(timing.suspect, timing.dead)));
        if (timing.suspect > timing.dead)
            return at.error(fmt::format("`suspect` ({}) must not be more than `dead` ({})",
                                        timing.suspect, timing.dead));
        timing.stall_limit = XB_TRY(at.duration("stall_limit", timing.stall_limit, 100ms, 1h));
        timing.stall_after = XB_TRY(at.duration("stall_after", timing.stall_after, 10ms, 1h));
        if (timing.stall_after < 10 * timing.period || timing.stall_after > timing.stall_limit)
            return at.error(
                "`stall_after` must be 10 periods or more, and not more than "
                "`stall_limit`");
        timing.allow_single_path =
            XB_TRY(at.boolean("allow_single_path", timing.allow_single_path));
    }
    const bool one_path = config.nodes.size() > 1 && config.nodes[0].links.size() == 1;
    if (one_path && timing.tau() < kSinglePathTauMin && !timing.allow_single_path)
        return top.error(
            fmt::format("with one path a peer must not be dead after {} (profile `{}`): one lost "
                        "link would end "
                        "it. Give each node a second link, take profile `vm`, or set "
                        "`allow_single_path = true` "
                        "in [timing]",
                        cib::print_duration(timing.tau()), config.profile));
    return {};
}

Result<node::ArbiterKind> read_arbiter_kind(const Reader& at) {
    const auto word = XB_TRY(at.text("kind"));
    if (!word) return node::ArbiterKind::Fence;
    constexpr std::array kKinds{node::ArbiterKind::Fence, node::ArbiterKind::Witness,
                                node::ArbiterKind::Disk, node::ArbiterKind::None};
    std::vector<std::string_view> words;
    for (const node::ArbiterKind kind : kKinds) {
        if (arbiter::to_string(kind) == *word) return kind;
        words.push_back(arbiter::to_string(kind));
    }
    return at.error(*at.find("kind"),
                    fmt::format("there is no arbiter `{}`{}: there are fence, witness, disk and "
                                "none",
                                *word, cib::did_you_mean(*word, words)));
}

Result<ArbiterConfig> read_arbiter(const Reader& at) {
    ArbiterConfig made;
    made.kind = XB_TRY(read_arbiter_kind(at));
    if (at.find("handicap") != nullptr) {
        made.handicap = XB_TRY(at.duration("handicap", 0s, 0s, 1h));
    }
    made.lease = XB_TRY(at.duration("lease", made.lease, kArbiterLeaseMin, wire::kWitnessLeaseMax));
    made.witness_port = static_cast<std::uint16_t>(
        XB_TRY(at.integer("witness_port", 1, 65535)).value_or(made.witness_port));
    const auto witness = XB_TRY(at.text("witness"));
    const auto disk = XB_TRY(at.text("disk"));
    if (witness.has_value() != (made.kind == node::ArbiterKind::Witness))
        return at.error(witness ? "`witness` is for kind = \"witness\" only"
                                : "kind \"witness\" needs `witness`: the address of the third host "
                                  "on which xbeat-witness runs");
    if (disk.has_value() != (made.kind == node::ArbiterKind::Disk))
        return at.error(disk ? "`disk` is for kind = \"disk\" only"
                             : "kind \"disk\" needs `disk`: a block device that all nodes share");
    if (witness) {
        const auto address = heart::IpAddress::parse(*witness);
        if (!address || !is_unicast(*address))
            return at.error(
                *at.find("witness"),
                fmt::format("`{}` is not the IPv4 or IPv6 address of one host", *witness));
        made.witness = *address;
    }
    if (disk) {
        if (disk->empty() || disk->front() != '/')
            return at.error(*at.find("disk"), "`disk` must be an absolute path");
        made.disk = *disk;
    }
    return made;
}

Result<void> read_tables(const Reader& top, Config& config) {
    if (const toml::table* const table = XB_TRY(top.table("heart")); table != nullptr) {
        const Reader at(top.file(), *table, "[heart]");
        XB_TRY(at.allow(kHeartKeys));
        if (const auto mode = XB_TRY(at.text("mode")); mode) {
            const auto parsed = heart::parse_mode(*mode);
            if (!parsed)
                return at.error(
                    *at.find("mode"),
                    fmt::format("there is no mode `{}`: there are auto, native, generic "
                                "and udp",
                                *mode));
            config.heart_mode = *parsed;
        }
    }
    if (const toml::table* const table = XB_TRY(top.table("arbiter")); table != nullptr) {
        const Reader at(top.file(), *table, "[arbiter]");
        XB_TRY(at.allow(kArbiterKeys));
        config.arbiter = XB_TRY(read_arbiter(at));
    }
    if (const toml::table* const table = XB_TRY(top.table("recording")); table != nullptr) {
        const Reader at(top.file(), *table, "[recording]");
        XB_TRY(at.allow(kRecordingKeys));
        config.recording_megabytes = static_cast<std::size_t>(
            XB_TRY(at.integer("megabytes", 0, kRecordingMegabytesMax)).value_or(0));
    }
    config.unsafe_takeover = XB_TRY(top.boolean("unsafe_takeover", config.unsafe_takeover));
    config.watchdog = XB_TRY(top.text("watchdog")).value_or(std::string());
    if (!config.watchdog.empty() && config.watchdog.front() != '/')
        return top.error(*top.find("watchdog"),
                         "`watchdog` must be the path of a device, such as \"/dev/watchdog\"");
    config.port =
        static_cast<std::uint16_t>(XB_TRY(top.integer("port", 1, 65535)).value_or(config.port));
    return {};
}

}  // namespace

std::optional<Timing> find_profile(std::string_view name) {
    for (const ProfileRow& row : kProfiles) {
        if (row.name == name) return row.timing;
    }
    return std::nullopt;
}

const NodeConfig* Config::find(NodeId id) const {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const NodeConfig& node) { return node.id == id; });
    return found == nodes.end() ? nullptr : &*found;
}

const NodeConfig& Config::self_node() const {
    const NodeConfig* const node = find(self);
    XB_CHECK(node != nullptr);
    return *node;
}

NodeId Config::peer() const {
    for (const NodeConfig& node : nodes) {
        if (node.id != self) return node.id;
    }
    return {};
}

Result<Config> parse_config(std::string_view text, std::string_view file,
                            std::string_view host_name) {
    if (text.size() > kTomlBytesMax)
        return Error{.code = Code::Limit,
                     .context = fmt::format("{}: has {} bytes; at most {} are allowed", file,
                                            text.size(), kTomlBytesMax)};
    const toml::parse_result parsed = toml::parse(text, file);
    if (!parsed) {
        const toml::parse_error& wrong = parsed.error();
        return Error{.code = Code::Invalid,
                     .context = fmt::format("{}:{}: {}", file, wrong.source().begin.line,
                                            wrong.description())};
    }
    const Reader top(file, parsed.table(), "the file");
    XB_TRY(top.allow(kTopKeys));
    Config config;
    config.cluster = XB_TRY(top.required_name("cluster"));
    config.key_file = XB_TRY(top.required_text("key_file"));
    if (config.key_file.empty() || config.key_file.front() != '/')
        return top.error(*top.find("key_file"), "`key_file` must be an absolute path");
    XB_TRY(read_nodes(top, config));
    XB_TRY(read_self(top, host_name, config));
    XB_TRY(read_timing(top, config));
    XB_TRY(read_tables(top, config));
    return config;
}

Result<Config> load_config(const std::string& file) {
    const std::string text = XB_TRY(read_file(file, kTomlBytesMax));
    std::array<char, 256> host{};
    XB_CHECK(::gethostname(host.data(), host.size() - 1) == 0);
    return parse_config(text, file, host.data());
}

std::vector<std::string> needs_restart(const Config& old_config, const Config& new_config) {
    std::vector<std::string> keys;
    const auto compare = [&](bool same, std::string_view key) {
        if (!same) keys.emplace_back(key);
    };
    compare(old_config.cluster == new_config.cluster, "cluster");
    compare(old_config.key_file == new_config.key_file, "key_file");
    compare(old_config.self == new_config.self, "self");
    compare(old_config.port == new_config.port, "port");
    compare(old_config.nodes == new_config.nodes, "node");
    compare(old_config.timing == new_config.timing, "profile or [timing]");
    compare(old_config.heart_mode == new_config.heart_mode, "[heart] mode");
    compare(old_config.arbiter == new_config.arbiter, "[arbiter]");
    compare(old_config.unsafe_takeover == new_config.unsafe_takeover, "unsafe_takeover");
    compare(old_config.watchdog == new_config.watchdog, "watchdog");
    compare(old_config.recording_megabytes == new_config.recording_megabytes, "[recording]");
    return keys;
}

}  // namespace xbeat::daemon
