#include <dirent.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "cib/edit.h"
#include "cli/agents.h"
#include "cli/doctor.h"
#include "cli/program.h"
#include "cli/setup.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

constexpr std::size_t kMtuMin = 576;  // a beat and its headers fit three times

std::string read_text(const std::string& file) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return std::string(trim(text));
}
bool exists(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

Finding good(std::string about, std::string text) {
    return {
        .health = Health::Good, .about = std::move(about), .text = std::move(text), .remedy = {}};
}
Finding skipped(std::string about, std::string text) {
    return {.health = Health::Skipped,
            .about = std::move(about),
            .text = std::move(text),
            .remedy = {}};
}
Finding doubtful(std::string about, std::string text, std::string remedy) {
    return {.health = Health::Doubtful,
            .about = std::move(about),
            .text = std::move(text),
            .remedy = std::move(remedy)};
}
Finding bad(std::string about, std::string text, std::string remedy) {
    return {.health = Health::Bad,
            .about = std::move(about),
            .text = std::move(text),
            .remedy = std::move(remedy)};
}

Finding examine_kernel() {
    utsname names{};
    ::uname(&names);
    const std::string release = names.release;
    const auto major = parse_integer(release.substr(0, release.find('.')));
    if (major && *major >= 6) return good("kernel", concat("Linux ", release));
    return doubtful("kernel", concat("Linux ", release, " is older than what xbeat is tested on"),
                    "use 6.1 or newer");
}

Finding examine_btf(const MachinePlaces& places) {
    if (exists(places.sys + "/kernel/btf/vmlinux"))
        return good("type information", "the kernel brings its own (BTF)");
    return bad("type information", "the kernel has no BTF, so the programs cannot be loaded",
               "use a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's are; until then set [heart] "
               "mode = \"udp\" in xbeat.toml");
}

// The token bucket that delays the circulating packet: built in, loaded, or there to be loaded.
Finding examine_token_bucket(const MachinePlaces& places) {
    if (exists(places.sys + "/module/sch_tbf")) return good("sch_tbf", "is loaded");
    utsname names{};
    ::uname(&names);
    for (const char* const list : {"modules.builtin", "modules.dep"}) {
        const std::string text = read_text(concat(places.modules, "/", names.release, "/", list));
        if (text.find("sch_tbf") != std::string::npos) return good("sch_tbf", "is available");
    }
    return doubtful("sch_tbf", "is not found; it may still be built in",
                    "if 'xbeat status' shows udp beats, install the package with the kernel's "
                    "further modules (linux-modules-extra) or build CONFIG_NET_SCH_TBF");
}

Finding examine_cgroups(const MachinePlaces& places) {
    if (exists(places.sys + "/fs/cgroup/cgroup.controllers"))
        return good("cgroups", "version 2 is mounted");
    return doubtful("cgroups", "version 2 is not mounted on /sys/fs/cgroup",
                    "agents' children are then only found by their process group; boot with "
                    "systemd.unified_cgroup_hierarchy=1");
}

Finding examine_bpffs(const MachinePlaces& places) {
    const std::string mounts = read_text(places.proc + "/mounts");
    if (mounts.find(" bpf ") != std::string::npos) return good("bpffs", "is mounted");
    return skipped("bpffs", "is not mounted; xbeatd mounts its own");
}

Finding examine_realtime(const MachinePlaces& places) {
    const std::string share = read_text(places.proc + "/sys/kernel/sched_rt_runtime_us");
    if (share == "0") {
        return bad("real-time", "the kernel gives real-time threads no time",
                   "sysctl kernel.sched_rt_runtime_us=950000");
    }
    return good("real-time", "threads of that class may run");
}

Finding examine_memlock() {
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    constexpr rlim_t kEnough = rlim_t{64} << 20U;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kEnough || ::geteuid() == 0)
        return good("locked memory", "is allowed");
    return doubtful("locked memory", "only a little is allowed to this user",
                    "the unit xbeatd.service allows it; by hand: ulimit -l unlimited");
}

Finding examine_clock() {
    timex state{};
    const int kind = ::adjtimex(&state);
    if (kind >= 0 && kind != TIME_ERROR && (state.status & STA_UNSYNC) == 0)
        return good("clock", "is synchronised");
    return doubtful("clock",
                    "is not synchronised: fail-over does not mind, but logs of two nodes cannot be "
                    "compared and date rules differ",
                    "run chrony or systemd-timesyncd");
}

// Names of all processes, each once.
std::set<std::string> process_names(const MachinePlaces& places) {
    std::set<std::string> names;
    struct Close {
        void operator()(DIR* open) const { ::closedir(open); }
    };
    const std::unique_ptr<DIR, Close> open(::opendir(places.proc.c_str()));
    if (open == nullptr) return names;
    while (const dirent* entry = ::readdir(open.get())) {
        const std::string_view name(entry->d_name);
        if (name.find_first_not_of("0123456789") != std::string_view::npos) continue;
        names.insert(read_text(concat(places.proc, "/", name, "/comm")));
    }
    return names;
}

void examine_strangers(const MachinePlaces& places, std::vector<Finding>& findings) {
    constexpr std::array<std::string_view, 4> kStrangers{"pacemakerd", "heartbeat", "keepalived",
                                                         "sbd"};
    const std::set<std::string> names = process_names(places);
    bool any = false;
    for (const std::string_view stranger : kStrangers) {
        if (names.count(std::string(stranger)) == 0) continue;
        any = true;
        findings.push_back(bad(
            "other managers", concat(stranger, " runs: two managers would start the same things"),
            concat("systemctl disable --now ", stranger == "pacemakerd" ? "pacemaker" : stranger)));
    }
    if (!any)
        findings.push_back(good("other managers", "no Pacemaker, keepalived or the like runs"));
}

Finding examine_firewall(int port) {
    if (::geteuid() != 0) return skipped("firewall", "only root can look at it");
    const std::string tool = find_program("nft");
    if (tool.empty()) return skipped("firewall", "there is no program nft to look at it");
    const std::vector<std::string> words{tool, "list", "ruleset"};
    const Result<ProgramResult> rules = run_program(words);
    if (!rules || rules->code != 0) return skipped("firewall", "nft cannot list its rules");
    const bool drops = rules->output.find("hook input") != std::string::npos &&
                       rules->output.find("policy drop") != std::string::npos;
    if (!drops || rules->output.find(concat(port)) != std::string::npos)
        return good("firewall", drops ? "has a rule for xbeat's port" : "lets packets in");
    return doubtful("firewall",
                    concat("drops what it does not know, and no rule names port ", port),
                    concat("let udp and tcp port ", port,
                           " in on the interconnect interfaces (beats "
                           "pass before it, the encrypted channel does not)"));
}

std::string driver_of(const MachinePlaces& places, const std::string& interface) {
    std::array<char, 256> target{};
    const std::string link = concat(places.sys, "/class/net/", interface, "/device/driver");
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size <= 0) return {};
    const std::string_view path(target.data(), static_cast<std::size_t>(size));
    return std::string(path.substr(path.rfind('/') + 1));
}

// Drivers whose native XDP can send frames back. Others work in the slower generic mode.
bool has_native_xdp(std::string_view driver) {
    constexpr std::array<std::string_view, 20> kDrivers{
        "veth",   "virtio_net", "i40e",      "ice",     "ixgbe",     "ixgbevf", "igb",
        "igc",    "mlx4_en",    "mlx5_core", "bnxt_en", "ena",       "nfp",     "qede",
        "mvneta", "mvpp2",      "sfc",       "tsnep",   "hv_netvsc", "vmxnet3"};
    return std::find(kDrivers.begin(), kDrivers.end(), driver) != kDrivers.end();
}

void examine_link(const MachinePlaces& places, const daemon::LinkConfig& link,
                  const std::vector<LocalAddress>& addresses, std::vector<Finding>& findings) {
    const std::string about = concat("link ", link.name);
    const std::string folder = concat(places.sys, "/class/net/", link.interface);
    if (!exists(folder)) {
        findings.push_back(bad(about, concat("there is no interface ", link.interface),
                               "correct `interface` in xbeat.toml; 'ip link' names them"));
        return;
    }
    const std::string address = heart::to_string(link.address);
    const auto has_it = [&](const LocalAddress& one) {
        return one.interface.starts_with(link.interface) && one.address == address;
    };
    if (std::none_of(addresses.begin(), addresses.end(), has_it)) {
        findings.push_back(bad(about,
                               concat(link.interface, " does not have the address ", address),
                               concat("ip address add ", address, "/24 dev ", link.interface,
                                      ", and the same in the network's configuration")));
    }
    if (read_text(folder + "/carrier") != "1") {
        findings.push_back(bad(about, concat(link.interface, " has no carrier"),
                               concat("look at the cable and the peer's port; 'ip link set ",
                                      link.interface, " up'")));
        return;
    }
    const auto mtu = parse_integer(read_text(folder + "/mtu"));
    if (mtu && *mtu < static_cast<std::int64_t>(kMtuMin)) {
        findings.push_back(bad(about, concat("the MTU of ", link.interface, " is ", *mtu),
                               concat("ip link set ", link.interface, " mtu 1500")));
    }
    if (read_text(folder + "/threaded") == "1") {
        findings.push_back(
            doubtful(about,
                     concat(link.interface,
                            " is served by kernel threads (threaded NAPI), which a busy "
                            "machine may leave waiting"),
                     concat("echo 0 > /sys/class/net/", link.interface, "/threaded")));
    }
    const std::string driver = driver_of(places, link.interface);
    const std::string with = driver.empty() ? "" : concat(" (driver ", driver, ")");
    if (driver.empty() || has_native_xdp(driver)) {
        findings.push_back(good(about, concat(link.interface, " is up", with)));
    } else {
        findings.push_back(doubtful(
            about,
            concat(link.interface, " is up", with, ", whose XDP is probably the generic one"),
            "it works, at some tens of microseconds more a beat; 'xbeat status' shows the mode"));
    }
}

void examine_agent(const cib::Element& primitive, std::vector<Finding>& findings) {
    const AgentName name{.agent_class = std::string(primitive.get("class")),
                         .provider = std::string(primitive.get("provider")),
                         .type = std::string(primitive.get("type"))};
    const std::string file = agent_file(name);
    const std::string about = concat("agent ", to_string(name));
    if (file.empty()) return;
    if (!exists(file)) {
        findings.push_back(bad(about,
                               concat("is not installed, and ", primitive.get("id"), " needs it"),
                               name.agent_class == "stonith" ? "apt install fence-agents"
                                                             : "apt install resource-agents"));
        return;
    }
    const Result<std::string> metadata = agent_metadata_text(name);
    if (metadata) {
        findings.push_back(good(about, "is installed and answers"));
    } else {
        findings.push_back(doubtful(about, metadata.error().context, concat("try '", file, "'")));
    }
}

void collect_primitives(const cib::Element& element, std::vector<const cib::Element*>& found) {
    if (element.name == "primitive") found.push_back(&element);
    for (const cib::Element& child : element.children) collect_primitives(child, found);
}

}  // namespace

std::string_view to_string(Health health) {
    switch (health) {
        case Health::Good:
            return "ok";
        case Health::Skipped:
            return "skip";
        case Health::Doubtful:
            return "WARN";
        case Health::Bad:
            return "FAIL";
    }
    return "FAIL";
}

std::vector<Finding> examine_machine(const MachinePlaces& places) {
    std::vector<Finding> findings{
        examine_kernel(),        examine_btf(places),   examine_token_bucket(places),
        examine_cgroups(places), examine_bpffs(places), examine_realtime(places),
        examine_memlock(),       examine_clock()};
    examine_strangers(places, findings);
    return findings;
}

std::vector<Finding> examine_links(const MachinePlaces& places, const daemon::Config& config) {
    std::vector<Finding> findings;
    const Result<std::vector<LocalAddress>> addresses = local_addresses();
    if (!addresses) {
        findings.push_back(bad("links", addresses.error().context, ""));
        return findings;
    }
    for (const daemon::LinkConfig& link : config.self_node().links)
        examine_link(places, link, *addresses, findings);
    if (config.nodes.size() > 1 && config.self_node().links.size() < 2) {
        findings.push_back(doubtful("links",
                                    "there is only one: every fault of it looks like a dead "
                                    "peer",
                                    "add a second link on another switch"));
    }
    findings.push_back(examine_firewall(config.port));
    return findings;
}

std::vector<Finding> examine_daemon(const StatusInput& input) {
    std::vector<Finding> findings{
        good("daemon", concat("xbeatd ", input.version,
                              " answers, beats: ", input.mode.empty() ? "none" : input.mode))};
    for (const Degradation& one : input.degraded) {
        findings.push_back(doubtful(concat("daemon: ", one.what), one.reason,
                                    "see 'xbeat events' for when and why"));
    }
    for (const PeerStatus& peer : input.peers) {
        const std::string about = concat("peer ", peer.name);
        if (peer.state != "alive") {
            findings.push_back(bad(about, concat("is ", peer.state),
                                   "is xbeatd started there? Are both key files the same?"));
        } else if (!peer.has_channel) {
            findings.push_back(bad(about, "answers beats, but there is no encrypted channel",
                                   "let the TCP port in, and compare both key files (sha256sum)"));
        } else {
            findings.push_back(good(about, "is alive and connected"));
        }
        for (const LinkStatus& link : peer.links) {
            if (link.is_up) continue;
            findings.push_back(bad(concat("link ", link.name), concat("is down: ", link.reason),
                                   "look at the cable, the addresses of both ends and the port"));
        }
    }
    return findings;
}

std::vector<Finding> examine_configuration(const cib::Element& configuration,
                                           bool has_fence_arbiter) {
    std::vector<Finding> findings;
    std::vector<const cib::Element*> primitives;
    collect_primitives(configuration, primitives);
    const bool has_device =
        std::any_of(primitives.begin(), primitives.end(),
                    [](const cib::Element* one) { return one->get("class") == "stonith"; });
    const auto enabled = cib::get_property(configuration, "stonith-enabled");
    const bool is_enabled = !enabled || parse_boolean(*enabled).value_or(true);
    if (has_device && is_enabled) {
        findings.push_back(good("fencing", "is enabled and has a device"));
    } else if (has_fence_arbiter) {
        findings.push_back(bad("fencing",
                               is_enabled
                                   ? "no fence device is configured, so nothing can be taken "
                                     "over when a node dies"
                                   : "is switched off, and the arbiter is \"fence\"",
                               "configure a stonith primitive: 'xbeat ra list stonith'; or another "
                               "[arbiter] in xbeat.toml"));
    } else {
        findings.push_back(skipped("fencing", "is not used"));
    }
    std::set<std::string> seen;
    for (const cib::Element* one : primitives) {
        const std::string name =
            concat(one->get("class"), ":", one->get("provider"), ":", one->get("type"));
        if (seen.insert(name).second) examine_agent(*one, findings);
    }
    return findings;
}

std::string render_findings(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& one : findings) {
        const std::string_view word = to_string(one.health);
        text += concat(word, std::string(6 - word.size(), ' '), one.about, ": ",
                       printable(one.text), "\n");
        if (!one.remedy.empty()) text += concat("        mend: ", one.remedy, "\n");
    }
    return text;
}

}  // namespace xbeat::cli
