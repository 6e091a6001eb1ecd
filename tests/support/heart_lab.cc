#include "support/heart_lab.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "abi/xb_abi.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::heart::test {
namespace {

/// One word that says what the switch does with a node's frames. XDP_PASS also is what native
/// XDP_TX on a veth needs at the other end; XDP_DROP is a silent cut of all paths at once.
sys::Fd fate_map() {
    sys::Fd map(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "xb_fate", 4, 4, 1, nullptr));
    XB_CHECK(map.is_open());
    return map;
}

void set_fate(const sys::Fd& map, std::uint32_t action) {
    const std::uint32_t key = 0;
    XB_CHECK(::bpf_map_update_elem(map.get(), &key, &action, BPF_ANY) == 0);
}

/// return *fate;
int fate_program(const sys::Fd& map) {
    bpf_insn instructions[4] = {};
    instructions[0].code = BPF_LD | BPF_DW | BPF_IMM;
    instructions[0].dst_reg = 1;
    instructions[0].src_reg = BPF_PSEUDO_MAP_VALUE;
    instructions[0].imm = map.get();
    instructions[2].code = BPF_LDX | BPF_W | BPF_MEM;
    instructions[2].src_reg = 1;
    instructions[3].code = BPF_JMP | BPF_EXIT;
    return ::bpf_prog_load(BPF_PROG_TYPE_XDP, "xb_fate", "GPL", instructions, 4, nullptr);
}

/// A new network namespace, by its descriptor; this thread stays where it is.
sys::Fd new_namespace() {
    sys::Fd made;
    std::thread([&made] {
        XB_CHECK(::unshare(CLONE_NEWNET) == 0);
        made = sys::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
    XB_CHECK(made.is_open());
    return made;
}

/// Runs `work` in another network namespace, in a thread of its own.
void inside(int network, const std::function<void()>& work) {
    std::thread([&] {
        XB_CHECK(::setns(network, CLONE_NEWNET) == 0);
        work();
    }).join();
}

void must(const std::string& command) {
    const int status = std::system(command.c_str());
    if (status != 0) std::fprintf(stderr, "lab: failed: %s\n", command.c_str());
    XB_CHECK(status == 0);
}

std::string port(std::size_t node, std::size_t path) { return concat("p", node, 'x', path); }

IpAddress address(const LabOptions& options, std::size_t node, std::size_t path) {
    const std::string text = options.is_v6 ? concat("fd77:", path + 1, "::", node)
                                           : concat("10.77.", path + 1, '.', node);
    return IpAddress::parse(text).value();
}

template <class Value>
Value read_map(const std::string& pin, std::uint32_t key) {
    const sys::Fd map(::bpf_obj_get(pin.c_str()));
    Value value{};
    if (map.is_open()) (void)::bpf_map_lookup_elem(map.get(), &key, &value);
    return value;
}

}  // namespace

bool wait_until(const std::function<bool()>& is_so, Duration limit) {
    const Instant end = sys::boot_now() + limit;
    while (!is_so()) {
        if (sys::boot_now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

std::string Lab::why_not() {
    if (::geteuid() != 0) return "needs root";
    if (std::system("ip -V >/dev/null 2>&1") != 0) return "needs iproute2";
    return "";
}

Lab::Lab(LabOptions options) : options_(options) {
    // Mounts made below are this process's own and end with it.
    static const bool is_private = [] {
        XB_CHECK(::unshare(CLONE_NEWNS) == 0);
        return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    XB_CHECK(is_private);
    char folder[] = "/tmp/xbeat-lab-XXXXXX";
    XB_CHECK(::mkdtemp(folder) != nullptr);
    folder_ = folder;
    for (std::size_t i = 0; i <= options_.nodes; i++) {
        namespaces_.push_back(new_namespace());
        fates_.push_back(fate_map());
        set_fate(fates_.back(), XDP_PASS);
    }
    for (std::size_t path = 0; path < options_.paths; path++) {
        run(0, concat("ip link add br", path, " type bridge mcast_snooping 0 && ip link set br",
                      path, " up"));
    }
    for (std::size_t node = 1; node <= options_.nodes; node++) {
        run(node, "ip link set lo up");
        for (std::size_t path = 0; path < options_.paths; path++) plug(node, path);
        void* board = ::mmap(nullptr, sizeof(NodeBoard), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        XB_CHECK(board != MAP_FAILED);
        boards_.push_back(new (board) NodeBoard{});
        processes_.push_back(-1);
    }
}

void Lab::plug(std::size_t node, std::size_t path) {
    const std::string name = port(node, path);
    run(0, concat("ip link add ", name, " type veth peer name ic", path, " netns /proc/",
                  ::getpid(), "/fd/", namespaces_.at(node).get(), " && ip link set ", name,
                  " master br", path, " up"));
    // The address sits on the untagged interface also when the frames carry a tag: the heart writes
    // the tag itself, and no VLAN device is needed.
    const std::string own = to_string(address(options_, node, path));
    run(node, concat("ip addr add ", own, options_.is_v6 ? "/64 nodad" : "/24", " dev ic", path,
                     " && ip link set ic", path, " up"));
    if (!options_.switch_has_xdp) return;
    const int program = fate_program(fates_.at(node));
    XB_CHECK(program >= 0);
    inside(namespaces_.front().get(), [&] {
        const auto ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
        XB_CHECK(::bpf_xdp_attach(ifindex, program, XDP_FLAGS_DRV_MODE, nullptr) == 0);
    });
    ::close(program);
}

void Lab::unplug(std::size_t node, std::size_t path) {
    run(0, concat("ip link del ", port(node, path)));
}

Lab::~Lab() {
    for (std::size_t i = 0; i < processes_.size(); i++) kill(i + 1);
    for (NodeBoard* shared : boards_) ::munmap(shared, sizeof(NodeBoard));
    for (std::size_t node = 1; node <= options_.nodes; node++) {
        (void)::umount2(pin_dir(node).c_str(), MNT_DETACH);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string Lab::pin_dir(std::size_t node) const { return concat(folder_, "/node", node); }

Options Lab::options_of(std::size_t node) const {
    Options options;
    options.self = NodeId{static_cast<std::uint16_t>(node)};
    options.cluster_tag = 0x1122334455667788U;
    options.secret.fill(0x5a);
    options.period = options_.period;
    options.k_suspect = options_.k_suspect;
    options.k_dead = options_.k_dead;
    options.stall_after = options_.stall_after;
    options.pin_dir = pin_dir(node);
    options.mode = options_.mode;
    for (std::size_t path = 0; path < options_.paths; path++) {
        options.links.push_back({.path = PathId{static_cast<std::uint8_t>(path)},
                                 .interface = concat("ic", path),
                                 .local = address(options_, node, path),
                                 .vlan = options_.vlan});
    }
    for (std::size_t peer = 1; peer <= options_.nodes; peer++) {
        if (peer == node) continue;
        PeerOptions added;
        added.node = NodeId{static_cast<std::uint16_t>(peer)};
        for (std::size_t path = 0; path < options_.paths; path++) {
            added.paths.push_back({.path = PathId{static_cast<std::uint8_t>(path)},
                                   .remote = address(options_, peer, path)});
        }
        options.peers.push_back(added);
    }
    return options;
}

void Lab::run(std::size_t node, const std::string& command) const {
    inside(namespaces_.at(node).get(), [&] { must(command); });
}

void Lab::log(std::size_t node, const HeartEvent& event) {
    NodeBoard& own = board(node);
    const std::uint32_t at = own.events.load();
    if (at >= kLogMax) return;
    own.log.at(at) = event;
    own.events.store(at + 1);
}

/// The whole life of a node's process: what a daemon does with a heart, and nothing else.
void Lab::live(std::size_t node) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    XB_CHECK(::setns(namespaces_.at(node).get(), CLONE_NEWNET) == 0);
    if (options_.realtime_priority > 0) {
        const sched_param parameters = {.sched_priority = options_.realtime_priority};
        XB_CHECK(::sched_setscheduler(0, SCHED_FIFO, &parameters) == 0);
    }
    NodeBoard& own = board(node);
    Result<Heart> made = Heart::create(options_of(node));
    if (!made) {
        std::strncpy(own.error.data(), made.error().context.c_str(), own.error.size() - 1);
        own.failed = 1;
        ::_exit(1);
    }
    Heart heart = std::move(made).value();
    const auto note = [&](const HeartEvent& event) { log(node, event); };
    std::vector<std::uint64_t> told(boards_.size(), 0);
    const Status status = heart.status();
    own.adopted = status.adopted;
    own.mode = static_cast<std::uint8_t>(status.mode);
    own.incarnation = heart.own_incarnation();
    own.generation++;
    // Progress goes on where it was, as a daemon's would that counts in time.
    auto progress = static_cast<std::uint32_t>(sys::boot_now().time_since_epoch() / 1ms);
    while (!own.must_stop) {
        pollfd fds[2] = {{.fd = heart.event_fd(), .events = POLLIN, .revents = 0},
                         {.fd = heart.netlink_fd(), .events = POLLIN, .revents = 0}};
        (void)::poll(fds, 2, 5);
        heart.drain(note);
        if (fds[1].revents != 0) (void)heart.handle_netlink(note);
        if (!own.progress_stops) progress++;
        heart.set_progress(progress, progress);
        for (std::size_t i = 0; i < boards_.size(); i++) {
            const std::uint64_t incarnation = boards_[i]->incarnation;
            const NodeId peer{static_cast<std::uint16_t>(i + 1)};
            if (i + 1 == node) continue;
            if (incarnation != 0 && incarnation != told[i]) {
                XB_CHECK(heart.set_peer(peer, incarnation).has_value());
                told[i] = incarnation;
            }
            heart.set_grant(peer, Duration(static_cast<std::int64_t>(own.grant_ns.load())));
        }
        own.generations = heart.status().generations;
    }
    (void)heart.stop();
    ::_exit(0);
}

void Lab::start(std::size_t node) {
    const std::uint32_t before = board(node).generation;
    board(node).must_stop = false;
    const pid_t child = ::fork();
    XB_CHECK(child >= 0);
    if (child == 0) live(node);
    processes_.at(node - 1) = child;
    (void)wait_until([&] { return board(node).generation > before || board(node).failed != 0; },
                     30s);
}

bool Lab::start_all() {
    for (std::size_t node = 1; node <= options_.nodes; node++) start(node);
    for (std::size_t node = 1; node <= options_.nodes; node++) {
        if (board(node).failed != 0) {
            std::fprintf(stderr, "node %zu: %s\n", node, board(node).error.data());
            return false;
        }
        for (std::size_t peer = 1; peer <= options_.nodes; peer++) {
            if (peer == node) continue;
            if (!wait_until([&] { return kernel_state(node, peer) == PeerState::Alive; }))
                return false;
        }
    }
    return true;
}

void Lab::kill(std::size_t node) {
    pid_t& process = processes_.at(node - 1);
    if (process <= 0) return;
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    process = -1;
}

void Lab::freeze(std::size_t node) { ::kill(processes_.at(node - 1), SIGSTOP); }
void Lab::thaw(std::size_t node) { ::kill(processes_.at(node - 1), SIGCONT); }

void Lab::end(std::size_t node) {
    pid_t& process = processes_.at(node - 1);
    board(node).must_stop = true;
    if (process > 0) ::waitpid(process, nullptr, 0);
    process = -1;
}

void Lab::cut(std::size_t node, std::size_t path) {
    run(0, concat("bridge link set dev ", port(node, path), " state 0"));
}

void Lab::mend(std::size_t node, std::size_t path) {
    run(0, concat("bridge link set dev ", port(node, path), " state 3"));
}

Instant Lab::silence(std::size_t node) {
    const Instant before = sys::boot_now();
    set_fate(fates_.at(node), XDP_DROP);
    return before;
}

std::vector<HeartEvent> Lab::events(std::size_t node, std::size_t from) {
    const NodeBoard& own = board(node);
    const std::uint32_t count = own.events.load();
    std::vector<HeartEvent> result;
    for (std::size_t i = from; i < count; i++) result.push_back(own.log.at(i));
    return result;
}

bool Lab::wait_for(std::size_t node, const std::function<bool(const HeartEvent&)>& wanted,
                   std::size_t from, Duration limit) {
    return wait_until(
        [&] {
            for (const HeartEvent& event : events(node, from)) {
                if (wanted(event)) return true;
            }
            return false;
        },
        limit);
}

PeerState Lab::kernel_state(std::size_t node, std::size_t peer) const {
    const auto value =
        read_map<xb_peer>(pin_dir(node) + "/xb_peers", static_cast<std::uint32_t>(peer));
    return static_cast<PeerState>(value.state);
}

std::uint64_t Lab::kernel_since(std::size_t node, std::size_t peer) const {
    return read_map<xb_peer>(pin_dir(node) + "/xb_peers", static_cast<std::uint32_t>(peer))
        .since_ns;
}

std::uint64_t Lab::lease_until(std::size_t node, std::size_t peer) const {
    return read_map<xb_peer>(pin_dir(node) + "/xb_peers", static_cast<std::uint32_t>(peer))
        .lease_until_ns;
}

std::uint64_t Lab::counter(std::size_t node, int counter) const {
    return read_map<xb_counters>(pin_dir(node) + "/xb_counters", 0).value[counter];
}

std::uint64_t Lab::held(std::size_t node) const {
    return read_map<xb_laps>(pin_dir(node) + "/xb_laps", 0).held;
}

std::uint64_t Lab::laps(std::size_t node) const {
    return read_map<xb_laps>(pin_dir(node) + "/xb_laps", 0).count;
}

std::uint64_t Lab::lap_gap_max(std::size_t node) const {
    return read_map<xb_laps>(pin_dir(node) + "/xb_laps", 0).gap_max_ns;
}

}  // namespace xbeat::heart::test
