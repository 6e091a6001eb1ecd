// The witness's filter, packet by packet: what ends in the kernel under which name, what reaches
// the socket. What the host encodes and seals is what the program reads.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "sys/fd.h"
#include "wire/witness.h"
#include "witness/filter.h"

namespace xbeat::witness {
namespace {

using Frame = std::vector<std::uint8_t>;

constexpr std::uint16_t kPort = 7456;
constexpr std::size_t kClusters = 4096;  // "thousands of clusters"

ClusterKey key_of(std::uint64_t number) {
    ClusterKey key;
    key.cluster = concat("c", number);
    key.id = number;
    key.request.words = {number * 3, number * 5};
    key.answer.words = {number * 7, number * 11};
    return key;
}

wire::WitnessDatagram request(std::uint64_t cluster, const TagKey& sealed_with) {
    wire::WitnessDatagram datagram =
        wire::encode_witness(wire::WitnessRequest{.kind = wire::WitnessKind::Query,
                                                  .cluster = cluster,
                                                  .node = NodeId{1},
                                                  .life = 7,
                                                  .number = 9});
    seal(datagram, sealed_with);
    return datagram;
}

Frame bytes_of(const wire::WitnessDatagram& datagram) { return {datagram.begin(), datagram.end()}; }

void put(Frame& frame, std::initializer_list<int> bytes) {
    for (const int byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}

struct Shape {
    bool is_v6 = false;
    bool has_vlan = false;
    int version_ihl = 0x45;
    int fragment = 0;
    std::uint16_t port = kPort;
    int protocol = 17;
    int last_byte = 1;  // of the destination address
};

Frame frame_of(const Frame& payload, const Shape& shape = {}) {
    Frame frame;
    put(frame, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
    if (shape.has_vlan) put(frame, {0x81, 0, 0, 7});
    const int udp = static_cast<int>(payload.size()) + 8;
    if (shape.is_v6) {
        put(frame, {0x86, 0xdd, 0x60, 0, 0, 0, udp >> 8, udp & 0xff, shape.protocol, 64});
        for (int i = 0; i < 31; ++i) put(frame, {0xfd});
        put(frame, {shape.last_byte});
    } else {
        const int length = udp + 20;
        put(frame, {8, 0, shape.version_ihl, 0, length >> 8, length & 0xff, 0, 0,
                    shape.fragment >> 8, shape.fragment & 0xff, 64, shape.protocol, 0, 0});
        put(frame, {10, 77, 0, 2, 10, 77, 0, shape.last_byte});
    }
    put(frame, {0x9c, 0x40, shape.port >> 8, shape.port & 0xff, udp >> 8, udp & 0xff, 0, 0});
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

class WitnessFilter : public ::testing::Test {
protected:
    // In a network namespace of its own, whose loopback is attached to.
    void SetUp() override {
        before_ = sys::Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        if (::unshare(CLONE_NEWNET) != 0) before_ = sys::Fd();
    }
    void TearDown() override {
        filter_.reset();
        if (!before_.is_open()) return;
        EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0);
    }
    void make(const std::string& address = {}) {
        Filter::Options options{
            .mode = FilterMode::Generic, .interfaces = {"lo"}, .address = {}, .port = kPort};
        if (!address.empty()) options.address = heart::IpAddress::parse(address).value();
        std::vector<ClusterKey> keys;
        for (std::uint64_t i = 1; i <= kClusters; ++i) keys.push_back(key_of(i));
        Result<Filter> made = Filter::create(options, keys);
        if (!made && ::geteuid() != 0) GTEST_SKIP() << "needs root: " << made.error().context;
        ASSERT_TRUE(made) << made.error().context;
        filter_.emplace(*std::move(made));
    }
    int run(const Frame& frame, int repeat = 1) {
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = repeat);
        EXPECT_EQ(::bpf_prog_test_run_opts(filter_->program(), &options), 0);
        took_ns_ = options.duration;
        return static_cast<int>(options.retval);
    }
    std::string counted() const {
        const Filter::Counts counts = filter_->counts();
        return concat(counts.passed, ' ', counts.malformed, ' ', counts.unknown_cluster, ' ',
                      counts.wrong_tag);
    }
    sys::Fd before_;
    std::optional<Filter> filter_;
    std::uint32_t took_ns_ = 0;
};

TEST_F(WitnessFilter, PassesAuthenticRequestsOfEachOfThousandsOfClusters) {
    make();
    if (!filter_) return;
    for (const std::uint64_t cluster : {std::uint64_t{1}, std::uint64_t{2048}, kClusters}) {
        const Frame payload = bytes_of(request(cluster, key_of(cluster).request));
        for (const bool is_v6 : {false, true}) {
            for (const bool has_vlan : {false, true}) {
                EXPECT_EQ(run(frame_of(payload, {.is_v6 = is_v6, .has_vlan = has_vlan})), XDP_PASS);
            }
        }
    }
    EXPECT_EQ(counted(), "12 0 0 0");
}

TEST_F(WitnessFilter, DropsEverySingleBitThatChanged) {
    make();
    if (!filter_) return;
    const wire::WitnessDatagram good = request(5, key_of(5).request);
    for (std::size_t bit = 0; bit < wire::kWitnessBytes * 8; ++bit) {
        Frame payload = bytes_of(good);
        payload[bit / 8] = static_cast<std::uint8_t>(payload[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_EQ(run(frame_of(payload)), XDP_DROP) << bit;
    }
    // 32 bits of magic; 64 that name the cluster, some of them another one that is known.
    const Filter::Counts counts = filter_->counts();
    EXPECT_EQ(counts.passed, 0U);
    EXPECT_EQ(counts.malformed, 32U);
    EXPECT_GE(counts.unknown_cluster, 51U);
    EXPECT_EQ(counts.malformed + counts.unknown_cluster + counts.wrong_tag,
              wire::kWitnessBytes * 8);
}

TEST_F(WitnessFilter, NamesWhatItDrops) {
    make();
    if (!filter_) return;
    const Frame good = bytes_of(request(5, key_of(5).request));
    Frame longer = good;
    longer.push_back(0);
    Frame answer(wire::kWitnessBytes);
    wire::WitnessAnswer told;
    told.cluster = 5;
    const wire::WitnessDatagram said = wire::encode_witness(told);
    std::copy(said.begin(), said.end(), answer.begin());

    EXPECT_EQ(run(frame_of(longer)), XDP_DROP);
    EXPECT_EQ(run(frame_of(Frame(good.begin(), good.end() - 1))), XDP_DROP);
    EXPECT_EQ(run(frame_of(answer)), XDP_DROP);
    Frame cut = frame_of(good);
    cut.pop_back();
    EXPECT_EQ(run(cut), XDP_DROP);
    EXPECT_EQ(counted(), "0 4 0 0");
    EXPECT_EQ(run(frame_of(bytes_of(request(kClusters + 1, key_of(5).request)))), XDP_DROP);
    EXPECT_EQ(counted(), "0 4 1 0");
    EXPECT_EQ(run(frame_of(bytes_of(request(5, key_of(6).request)))), XDP_DROP);
    EXPECT_EQ(run(frame_of(bytes_of(request(5, key_of(5).answer)))), XDP_DROP);
    EXPECT_EQ(counted(), "0 4 1 2");
}

TEST_F(WitnessFilter, LeavesEverythingElseToTheStack) {
    make();
    if (!filter_) return;
    const Frame rubbish(40, 0xff);

    EXPECT_EQ(run(frame_of(rubbish, {.port = kPort + 1})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.is_v6 = true, .port = kPort + 1})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.protocol = 6})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.version_ihl = 0x46})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.fragment = 0x2000})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.fragment = 0x0010})), XDP_PASS);
    EXPECT_EQ(run(Frame(14, 0)), XDP_PASS);
    EXPECT_EQ(counted(), "0 0 0 0");
}

TEST_F(WitnessFilter, JudgesOnlyTheAddressThatTheWitnessListensOn) {
    make("10.77.0.1");
    if (!filter_) return;
    const Frame rubbish(40, 0xff);

    EXPECT_EQ(run(frame_of(rubbish)), XDP_DROP);
    EXPECT_EQ(run(frame_of(rubbish, {.last_byte = 2})), XDP_PASS);
    EXPECT_EQ(run(frame_of(rubbish, {.is_v6 = true})), XDP_PASS);
}

TEST_F(WitnessFilter, TakesNewKeysAndForgetsOldOnes) {
    make();
    if (!filter_) return;

    ASSERT_TRUE(filter_->replace_keys({key_of(2), key_of(9000)}));

    EXPECT_EQ(run(frame_of(bytes_of(request(2, key_of(2).request)))), XDP_PASS);
    EXPECT_EQ(run(frame_of(bytes_of(request(9000, key_of(9000).request)))), XDP_PASS);
    EXPECT_EQ(run(frame_of(bytes_of(request(3, key_of(3).request)))), XDP_DROP);
    EXPECT_EQ(counted(), "2 0 1 0");
}

TEST_F(WitnessFilter, CostsAFewMicrosecondsAtMost) {
    make();
    if (!filter_) return;

    EXPECT_EQ(run(frame_of(bytes_of(request(5, key_of(6).request))), 100'000), XDP_DROP);

    RecordProperty("forged_ns", static_cast<int>(took_ns_));
    EXPECT_LT(took_ns_, 5000U);  // a few hundred nanoseconds where nobody takes the processor away
}

TEST_F(WitnessFilter, AnInterfaceThatIsNotThereIsToldAndNoMode) {
    const Result<Filter> made = Filter::create(
        {.mode = FilterMode::Generic, .interfaces = {"nosuch0"}, .address = {}, .port = kPort}, {});

    ASSERT_FALSE(made);
    EXPECT_TRUE(::geteuid() != 0 || made.error().context.find("nosuch0") != std::string::npos)
        << made.error().context;
}

TEST(FilterMode, IsOneOfFourWords) {
    EXPECT_EQ(parse_filter_mode("native"), FilterMode::Native);
    EXPECT_EQ(parse_filter_mode("fast"), std::nullopt);
}

}  // namespace
}  // namespace xbeat::witness
