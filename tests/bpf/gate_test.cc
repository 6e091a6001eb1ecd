// The gate, packet by packet: what needs a lease, what a lease lets through, what never concerns
// it. Each packet goes through the loaded programs, in through XDP and tc, out through tc.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/text.h"
#include "heart/bpf_fs.h"
#include "heart/gate_kernel.h"
#include "heart/store.h"
#include "sys/boot_clock.h"
#include "xb_gate.h"

namespace xbeat::heart::test {
namespace {

using Frame = std::vector<std::uint8_t>;

constexpr std::uint32_t kPeersMax = 3;
const char* const kManaged4 = "10.77.0.200";
const char* const kManaged6 = "fd77::200";

void put(Frame& frame, std::initializer_list<int> bytes) {
    for (const int byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}
void put_address(Frame& frame, const char* text) {
    const IpAddress address = IpAddress::parse(text).value();
    frame.insert(frame.end(), address.bytes.begin(),
                 address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
}
Frame ethernet(std::uint16_t type, int tags = 0, std::uint16_t tag_type = 0x8100) {
    Frame frame;
    put(frame, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
    for (int i = 0; i < tags; ++i) put(frame, {tag_type >> 8, tag_type & 0xff, 0, 7 + i});
    put(frame, {type >> 8, type & 0xff});
    return frame;
}

struct Wrapping {
    int tags = 0;
    std::uint16_t tag_type = 0x8100;
    int option_words = 0;
    int fragment = 0;  // the field, with its flags
};

Frame ipv4(const char* source, const char* destination, const Wrapping& wrapping = {}) {
    Frame frame = ethernet(0x0800, wrapping.tags, wrapping.tag_type);
    put(frame, {0x45 + wrapping.option_words, 0, 0, 40, 0, 0, wrapping.fragment >> 8,
                wrapping.fragment & 0xff, 64, 6, 0, 0});
    put_address(frame, source);
    put_address(frame, destination);
    for (int i = 0; i < wrapping.option_words; ++i) put(frame, {1, 1, 1, 1});
    frame.resize(frame.size() + 20);
    return frame;
}

Frame ipv6(const char* source, const char* destination, const Frame& body, int next,
           const Wrapping& wrapping = {}) {
    Frame frame = ethernet(0x86dd, wrapping.tags, wrapping.tag_type);
    put(frame, {0x60, 0, 0, 0, 0, static_cast<int>(body.size()), next, 255});
    put_address(frame, source);
    put_address(frame, destination);
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
}

Frame neighbour(int type, const char* target) {
    Frame body;
    put(body, {type, 0, 0, 0, 0, 0, 0, 0});
    put_address(body, target);
    return body;
}
Frame behind(int next, Frame body) {  // one extension header of 8 bytes
    Frame whole;
    put(whole, {next, 0, 0, 0, 0, 0, 0, 0});
    whole.insert(whole.end(), body.begin(), body.end());
    return whole;
}

Frame arp(int operation, const char* sender, const char* target, const Wrapping& wrapping = {}) {
    Frame frame = ethernet(0x0806, wrapping.tags, wrapping.tag_type);
    put(frame, {0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 2});
    put_address(frame, sender);
    put(frame, {0, 0, 0, 0, 0, 0});
    put_address(frame, target);
    return frame;
}

Frame cut(Frame frame, std::size_t bytes) {
    frame.resize(bytes);
    return frame;
}
Frame with(Frame frame, std::size_t at, int byte) {
    frame.at(at) = static_cast<std::uint8_t>(byte);
    return frame;
}

class Rig {
public:
    Rig() {
        XB_CHECK(::unshare(CLONE_NEWNS) == 0);
        XB_CHECK(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        char folder[] = "/tmp/xbeat-gate-XXXXXX";
        XB_CHECK(::mkdtemp(folder) != nullptr);
        folder_ = folder;
        pins_ = folder_ + "/pins";
        XB_CHECK(prepare_pin_folder(pins_).has_value());
        make_peers();
        gate_.emplace(open());
        XB_CHECK(gate_->add(IpAddress::parse(kManaged4).value()).has_value());
        XB_CHECK(gate_->add(IpAddress::parse(kManaged6).value()).has_value());
        find_programs();
    }
    ~Rig() {
        gate_.reset();
        ::umount2(pins_.c_str(), MNT_DETACH);
        ::rmdir(pins_.c_str());
        ::rmdir(folder_.c_str());
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    void make_peers() {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
        const sys::Fd peers(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "xb_peers", sizeof(std::uint32_t),
                                             sizeof(xb_peer), kPeersMax + 1, &options));
        XB_CHECK(peers.is_open());
        ::unlink((pins_ + "/xb_peers").c_str());
        XB_CHECK(::bpf_obj_pin(peers.get(), (pins_ + "/xb_peers").c_str()) == 0);
    }
    GateKernel open() {
        Result<GateKernel> gate =
            GateKernel::open({.pin_dir = pins_, .peers_max = kPeersMax, .peer = NodeId{2}});
        if (!gate) std::fprintf(stderr, "gate: %s\n", gate.error().context.c_str());
        XB_CHECK(gate.has_value());
        return std::move(*gate);
    }
    void find_programs() {
        for (auto& [descriptor, name] : programs_) {
            descriptor = sys::Fd(::bpf_obj_get((pins_ + "/" + name).c_str()));
            XB_CHECK(descriptor.is_open());
        }
    }

    static std::uint64_t from_now(Duration span) {
        return static_cast<std::uint64_t>((sys::boot_now() + span).time_since_epoch().count());
    }
    void grant(std::uint64_t until) {
        publish(const_cast<xb_peer*>(gate_->peer())->lease_until_ns, until);
    }
    void set_exclusive(std::uint64_t until) { gate_->control().exclusive_until_ns = until; }
    GateKernel& gate() { return *gate_; }
    void reopen() {
        gate_.reset();
        gate_.emplace(open());
        find_programs();
    }
    [[nodiscard]] std::uint64_t counter(xb_gate_counter which) const {
        return gate_->control().count[which];
    }
    [[nodiscard]] std::uint64_t counted() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t each : gate_->control().count) sum += each;
        return sum;
    }
    void reset_counters() { std::fill_n(gate_->control().count, XB_GATE_COUNTERS_COUNT, 0U); }

    enum Program : std::size_t { kXdp, kIngress, kEgress };
    /// Whether the packet passes; it comes out as it went in.
    bool passes(Program program, const Frame& frame) const {
        Frame out(frame.size() + 256);
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<std::uint32_t>(frame.size());
        options.data_out = out.data();
        options.data_size_out = static_cast<std::uint32_t>(out.size());
        const int code = ::bpf_prog_test_run_opts(programs_.at(program).first.get(), &options);
        EXPECT_EQ(code, 0) << std::strerror(-code);
        out.resize(options.data_size_out);
        EXPECT_EQ(out, frame) << "a gate changes nothing";
        if (program == kXdp) return options.retval == XDP_PASS;
        return options.retval != TC_ACT_SHOT;
    }

private:
    std::string folder_;
    std::string pins_;
    std::optional<GateKernel> gate_;
    std::array<std::pair<sys::Fd, std::string>, 3> programs_ = {
        {{sys::Fd(), "gate_xdp"}, {sys::Fd(), "gate_ingress"}, {sys::Fd(), "gate_egress"}}};
};

class Gate : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (::geteuid() == 0) rig_ = std::make_unique<Rig>();
    }
    static void TearDownTestSuite() { rig_.reset(); }
    void SetUp() override {
        if (!rig_) GTEST_SKIP() << "needs root";
        rig_->grant(0);
        rig_->set_exclusive(0);
        rig_->reset_counters();
    }
    static Rig& rig() { return *rig_; }
    static inline std::unique_ptr<Rig> rig_;
};

struct Case {
    const char* name;
    Frame frame;
    xb_gate_counter drop;  // under which it is dropped; PASSED_IN: it is foreign
    bool is_cut = false;   // the kernel makes no socket buffer of it for a test: XDP only
};
constexpr xb_gate_counter kForeign = XB_GATE_PASSED_IN;

std::vector<Case> inbound() {
    const Frame solicit = neighbour(135, kManaged6);
    return {
        {"IPv4 to it", ipv4("10.77.0.100", kManaged4), XB_GATE_DROP_IPV4_IN},
        {"a later fragment", ipv4("10.77.0.100", kManaged4, {.fragment = 0x00b9}),
         XB_GATE_DROP_IPV4_IN},
        {"a first fragment", ipv4("10.77.0.100", kManaged4, {.fragment = 0x2000}),
         XB_GATE_DROP_IPV4_IN},
        {"IPv4 with options", ipv4("10.77.0.100", kManaged4, {.option_words = 10}),
         XB_GATE_DROP_IPV4_IN},
        {"behind a tag", ipv4("10.77.0.100", kManaged4, {.tags = 1}), XB_GATE_DROP_IPV4_IN},
        {"behind two tags", ipv4("10.77.0.100", kManaged4, {.tags = 2, .tag_type = 0x88a8}),
         XB_GATE_DROP_IPV4_IN},
        {"IPv4 from it, by the peer", ipv4(kManaged4, "10.77.0.1"), kForeign},
        {"IPv4 to another address", ipv4("10.77.0.100", "10.77.0.201"), kForeign},
        {"ARP asks for it", arp(1, "10.77.0.100", kManaged4), XB_GATE_DROP_ARP_IN},
        {"ARP asks for it behind a tag", arp(1, "10.77.0.100", kManaged4, {.tags = 1}),
         XB_GATE_DROP_ARP_IN},
        {"ARP probes for it", arp(1, "0.0.0.0", kManaged4), XB_GATE_DROP_ARP_IN},
        {"ARP by its new owner", arp(2, kManaged4, "10.77.0.1"), kForeign},
        {"ARP asks for another", arp(1, "10.77.0.100", "10.77.0.1"), kForeign},
        {"IPv6 to it", ipv6("fd77::100", kManaged6, Frame(20), 6), XB_GATE_DROP_IPV6_IN},
        {"IPv6 fragment to it", ipv6("fd77::100", kManaged6, Frame(20), 44), XB_GATE_DROP_IPV6_IN},
        {"IPv6 behind a tag", ipv6("fd77::100", kManaged6, Frame(20), 6, {.tags = 1}),
         XB_GATE_DROP_IPV6_IN},
        {"solicitation by multicast", ipv6("fd77::100", "ff02::1:ff00:200", solicit, 58),
         XB_GATE_DROP_NDP_IN},
        {"solicitation behind options",
         ipv6("fd77::100", "ff02::1:ff00:200", behind(58, solicit), 0), XB_GATE_DROP_NDP_IN},
        {"solicitation for another",
         ipv6("fd77::100", "ff02::1:ff00:1", neighbour(135, "fd77::1"), 58), kForeign},
        {"advertisement by its new owner",
         ipv6(kManaged6, "ff02::1", neighbour(136, kManaged6), 58), kForeign},
        {"IPv6 to another", ipv6("fd77::100", "fd77::1", Frame(20), 6), kForeign},
    };
}

std::vector<Case> outbound() {
    const Frame advertise = neighbour(136, kManaged6);
    return {
        {"IPv4 from it", ipv4(kManaged4, "10.77.0.100"), XB_GATE_DROP_IPV4_OUT},
        {"a later fragment", ipv4(kManaged4, "10.77.0.100", {.fragment = 0x00b9}),
         XB_GATE_DROP_IPV4_OUT},
        {"IPv4 with options", ipv4(kManaged4, "10.77.0.100", {.option_words = 1}),
         XB_GATE_DROP_IPV4_OUT},
        {"behind a tag", ipv4(kManaged4, "10.77.0.100", {.tags = 1}), XB_GATE_DROP_IPV4_OUT},
        {"IPv4 to it, as its client", ipv4("10.77.0.2", kManaged4), kForeign},
        {"IPv4 from another address", ipv4("10.77.0.2", "10.77.0.100"), kForeign},
        {"gratuitous ARP", arp(1, kManaged4, kManaged4), XB_GATE_DROP_ARP_OUT},
        {"ARP answer", arp(2, kManaged4, "10.77.0.100"), XB_GATE_DROP_ARP_OUT},
        {"ARP asks for its owner", arp(1, "10.77.0.2", kManaged4), kForeign},
        {"ARP looks whether it is taken", arp(1, "0.0.0.0", kManaged4), kForeign},
        {"IPv6 from it", ipv6(kManaged6, "fd77::100", Frame(20), 6), XB_GATE_DROP_IPV6_OUT},
        {"unsolicited advertisement", ipv6(kManaged6, "ff02::1", advertise, 58),
         XB_GATE_DROP_IPV6_OUT},
        {"advertisement by another source", ipv6("fe80::2", "fd77::100", advertise, 58),
         XB_GATE_DROP_NDP_OUT},
        {"advertisement behind options", ipv6("fe80::2", "fd77::100", behind(58, advertise), 60),
         XB_GATE_DROP_NDP_OUT},
        {"looks whether it is taken", ipv6("::", "ff02::1:ff00:200", neighbour(135, kManaged6), 58),
         kForeign},
        {"IPv6 to it, as its client", ipv6("fd77::2", kManaged6, Frame(20), 6), kForeign},
    };
}

// Too short, or not what it claims: nobody finds an address in it, neither do we.
std::vector<Case> malformed(bool is_in) {
    const char* source = is_in ? "10.77.0.100" : kManaged4;
    const char* destination = is_in ? kManaged4 : "10.77.0.100";
    const Frame four = ipv4(source, destination);
    const Frame ask = arp(1, source, destination);
    const Frame six =
        ipv6(is_in ? "fd77::100" : kManaged6, is_in ? kManaged6 : "fd77::100", Frame(20), 6);
    const Frame neighbours =
        ipv6("fe80::2", "ff02::1", neighbour(is_in ? 135 : 136, kManaged6), 58);
    return {
        {"an Ethernet header only", cut(four, 14), kForeign, true},
        {"half an IPv4 header", cut(four, 14 + 19), kForeign, true},
        {"IPv4 that says version 6", with(four, 14, 0x65), kForeign},
        {"half an IPv6 header", cut(six, 14 + 39), kForeign, true},
        {"IPv6 that says version 4", with(six, 14, 0x40), kForeign},
        {"half an ARP message", cut(ask, 14 + 27), kForeign},
        {"ARP for another protocol", with(ask, 17, 6), kForeign},
        {"ARP with addresses of 8 bytes", with(ask, 19, 8), kForeign},
        {"a cut neighbour message", cut(neighbours, 14 + 40 + 23), kForeign},
        {"another ethertype", with(four, 13, 1), kForeign},
        {"behind three tags", ipv4(source, destination, {.tags = 3}), kForeign},
    };
}

void expect_without_lease(Rig& rig, Rig::Program program, const Case& each) {
    rig.reset_counters();
    const bool passes = rig.passes(program, each.frame);

    EXPECT_EQ(passes, each.drop == kForeign);
    EXPECT_EQ(rig.counted(), each.drop == kForeign ? 0U : 1U);
    EXPECT_EQ(rig.counter(each.drop), each.drop == kForeign ? 0U : 1U);
}

void expect_with_lease(Rig& rig, Rig::Program program, const Case& each) {
    rig.reset_counters();

    EXPECT_TRUE(rig.passes(program, each.frame));

    const auto passed = program == Rig::kEgress ? XB_GATE_PASSED_OUT : XB_GATE_PASSED_IN;
    EXPECT_EQ(rig.counted(), each.drop == kForeign ? 0U : 1U);
    EXPECT_EQ(rig.counter(passed), each.drop == kForeign ? 0U : 1U);
}

void for_each_packet(Rig& rig, const std::function<void(Rig&, Rig::Program, const Case&)>& check) {
    const auto all = [&](Rig::Program program, const char* way, std::vector<Case> cases) {
        for (Case& bad : malformed(program != Rig::kEgress)) cases.push_back(std::move(bad));
        for (const Case& each : cases) {
            if (each.is_cut && program != Rig::kXdp) continue;
            SCOPED_TRACE(concat(way, ": ", each.name));
            check(rig, program, each);
        }
    };
    all(Rig::kXdp, "in by XDP", inbound());
    all(Rig::kIngress, "in by tc", inbound());
    all(Rig::kEgress, "out", outbound());
}

// Claim I-8: a node without a lease emits no service traffic.
TEST_F(Gate, DropsWhatNeedsALeaseWhenThereNeverWasOne) {
    for_each_packet(rig(), expect_without_lease);
}

TEST_F(Gate, DropsWhatNeedsALeaseOnceBothHaveRunOut) {
    rig().grant(Rig::from_now(-1ms));
    rig().set_exclusive(Rig::from_now(-1s));

    for_each_packet(rig(), expect_without_lease);
}

TEST_F(Gate, LetsEverythingThroughUnderThePeersGrant) {
    rig().grant(Rig::from_now(1h));

    for_each_packet(rig(), expect_with_lease);
}

TEST_F(Gate, LetsEverythingThroughUnderTheArbitersLease) {
    rig().grant(Rig::from_now(-1h));
    rig().set_exclusive(Rig::from_now(1h));

    for_each_packet(rig(), expect_with_lease);
}

// The same lines as in the kernel, for the packets that it does not run through tc in a test.
TEST(GateJudgement, FindsNoAddressInACutPacketOnItsWayOut) {
    for (const Case& each : malformed(false)) {
        SCOPED_TRACE(each.name);
        xb_gate_packet found{};

        xb_gate_read(&found, XB_GATE_OUT, each.frame.data(), each.frame.data() + each.frame.size());

        EXPECT_EQ(found.has_second, 0U);
        if (each.is_cut) {
            EXPECT_EQ(found.kind, std::uint64_t{XB_GATE_FOREIGN});
        }
    }
}

TEST(GateJudgement, IsOpenUntilTheLaterLeaseHasRunOutAndNotAtThatInstant) {
    EXPECT_EQ(xb_gate_is_open(10, 20, 19), 1);
    EXPECT_EQ(xb_gate_is_open(10, 20, 20), 0);
    EXPECT_EQ(xb_gate_is_open(20, 10, 19), 1);
    EXPECT_EQ(xb_gate_is_open(20, 10, 20), 0);
    EXPECT_EQ(xb_gate_is_open(0, 0, 0), 0);
    EXPECT_EQ(xb_gate_is_open(0, ~std::uint64_t{0}, ~std::uint64_t{0} - 1), 1);
}

TEST_F(Gate, ClosesAtTheInstantInWhichTheLeaseRunsOut) {
    const Frame packet = ipv4(kManaged4, "10.77.0.100");
    const std::uint64_t until = Rig::from_now(20ms);
    rig().grant(until);

    while (rig().passes(Rig::kEgress, packet)) {
    }

    EXPECT_GE(Rig::from_now(0ms), until);
    EXPECT_LT(rig().gate().control().passed_out_ns, until) << "no packet after the lease";
}

TEST_F(Gate, IgnoresTheGrantsOfNodesThatAreNotItsPeer) {
    xb_peer* peers = const_cast<xb_peer*>(rig().gate().peer()) - 2;
    peers[1].lease_until_ns = Rig::from_now(1h);
    peers[3].lease_until_ns = Rig::from_now(1h);

    EXPECT_FALSE(rig().passes(Rig::kEgress, ipv4(kManaged4, "10.77.0.100")));
}

TEST_F(Gate, LetsAnAddressGoThatIsManagedNoMore) {
    const Frame packet = ipv4("10.77.0.210", "10.77.0.100");
    const IpAddress address = IpAddress::parse("10.77.0.210").value();
    ASSERT_TRUE(rig().gate().add(address).has_value());
    EXPECT_FALSE(rig().passes(Rig::kEgress, packet));

    ASSERT_TRUE(rig().gate().remove(address).has_value());

    EXPECT_TRUE(rig().passes(Rig::kEgress, packet));
}

TEST_F(Gate, IsTakenOverWithItsAddressesAndItsLease) {
    rig().set_exclusive(Rig::from_now(1h));

    rig().reopen();

    EXPECT_TRUE(rig().gate().adopted());
    EXPECT_EQ(rig().gate().managed()->size(), 2U);
    EXPECT_TRUE(rig().passes(Rig::kEgress, ipv4(kManaged4, "10.77.0.100")));
    rig().set_exclusive(0);
    EXPECT_FALSE(rig().passes(Rig::kEgress, ipv4(kManaged4, "10.77.0.100")));
}

TEST_F(Gate, FollowsAHeartThatWasMadeAnew) {
    rig().grant(Rig::from_now(1h));
    rig().make_peers();

    rig().reopen();

    EXPECT_FALSE(rig().passes(Rig::kEgress, ipv4(kManaged4, "10.77.0.100")))
        << "the grants of the heart before count no more";
    rig().grant(Rig::from_now(1h));
    EXPECT_TRUE(rig().passes(Rig::kEgress, ipv4(kManaged4, "10.77.0.100")));
    EXPECT_EQ(rig().gate().managed()->size(), 2U) << "the addresses stay";
}

TEST_F(Gate, RefusesWhereNoHeartIsPinned) {
    const Result<GateKernel> gate = GateKernel::open(
        {.pin_dir = "/tmp/xbeat-no-such-heart", .peers_max = 3, .peer = NodeId{2}});

    ASSERT_FALSE(gate.has_value());
    EXPECT_EQ(gate.error().code, Code::Unavailable);
}

}  // namespace
}  // namespace xbeat::heart::test
