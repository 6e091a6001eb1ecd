// As many clusters as one witness may have, each asking on its own behalf: the real server on the
// loopback interface, and a few sockets that speak for all of them.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>

#include "core/text.h"
#include "net/socket.h"
#include "sys/boot_clock.h"
#include "witness/server.h"

namespace xbeat::witness {
namespace {

using wire::WitnessAnswer;
using wire::WitnessKind;
using wire::WitnessOutcome;
using wire::WitnessRequest;

constexpr std::size_t kSockets = 4;
constexpr std::size_t kBatch = 16;  // in flight of each; together no more than the server's slots
constexpr Duration kLease = 3s;
constexpr Duration kPatience = 60s;  // for all that one life of the witness is asked
constexpr NodeId kFirst{1};
constexpr NodeId kSecond{2};

std::int64_t processor_ns() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

std::int64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0;
    std::int64_t resident = 0;
    file >> all >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

class WitnessCrowd : public testing::Test {
protected:
    WitnessCrowd() : ring_(*ring::Ring::create({})) {
        const std::array<std::uint8_t, 32> secret{9, 8, 7};
        for (std::size_t i = 0; i < kClustersMax; ++i) {
            keys_.push_back(*derive_key(secret, concat("cluster-", i)));
            versions_.emplace_back();
        }
    }
    ~WitnessCrowd() override { ring_.reset(); }  // before what the kernel may still write into

    /// `age`: how long ago that life of the witness began.
    void start(std::uint64_t life, Duration age) {
        ring_.reset();
        server_.reset();
        ring_.emplace(*ring::Ring::create({}));
        ring_->timeout_at(sys::boot_now() + kPatience, {.op = ring::Op::Timer});
        auto made = Server::create({.address = address(), .port = 0, .life = life}, keys_, *ring_,
                                   sys::boot_now() - age);
        ASSERT_TRUE(made) << made.error().context;
        server_ = std::make_unique<Server>(*std::move(made));
        net::SocketAddress to = net::socket_address(address(), server_->port());
        for (sys::Fd& socket : sockets_) {
            socket = sys::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            ASSERT_EQ(::connect(socket.get(), to.get(), to.length), 0);
        }
    }
    static heart::IpAddress address() { return *heart::IpAddress::parse("127.0.0.1"); }

    /// Every cluster asks once; its answer. What a cluster last heard of its lease goes with it.
    std::vector<WitnessAnswer> ask(NodeId node, WitnessKind kind) {
        std::vector<WitnessAnswer> answers;
        for (std::size_t begin = 0; begin < keys_.size(); begin += kSockets * kBatch) {
            const std::size_t end = std::min(begin + kSockets * kBatch, keys_.size());
            for (std::size_t i = begin; i < end; ++i) put(i, node, kind);
            while (answers.size() < end) {
                turn();
                for (const sys::Fd& socket : sockets_) take(socket, answers);
                if (testing::Test::HasFatalFailure()) return answers;
            }
        }
        return answers;
    }

    std::int64_t serving_ns_ = 0;  // of the processor, in the server
    std::unique_ptr<Server> server_;

private:
    void put(std::size_t i, NodeId node, WitnessKind kind) {
        WitnessRequest request{.kind = kind,
                               .cluster = keys_[i].id,
                               .node = node,
                               .life = 100U + node.value,
                               .number = ++number_,
                               .witness = versions_[i].witness,
                               .version = versions_[i].version};
        if (kind == WitnessKind::Claim) request.lease = kLease;
        wire::WitnessDatagram datagram = wire::encode_witness(request);
        seal(datagram, keys_[i].request);
        place_of_[keys_[i].id] = i;
        ASSERT_EQ(::send(sockets_[i % kSockets].get(), datagram.data(), datagram.size(), 0),
                  static_cast<ssize_t>(datagram.size()));
    }
    void take(const sys::Fd& socket, std::vector<WitnessAnswer>& answers) {
        wire::WitnessDatagram datagram{};
        while (::recv(socket.get(), datagram.data(), datagram.size(), 0) ==
               static_cast<ssize_t>(datagram.size())) {
            const auto answer = wire::decode_witness_answer(datagram);
            ASSERT_TRUE(answer);
            const std::size_t i = place_of_.at(answer->cluster);
            ASSERT_TRUE(is_sealed(datagram, keys_[i].answer));
            versions_[i] = {answer->witness, answer->version};
            answers.push_back(*answer);
        }
    }
    /// One wait for completions: datagrams, or the end of the patience with this life.
    void turn() {
        bool is_late = false;
        const std::int64_t before = processor_ns();
        const auto waited = ring_->wait([&](const ring::Completion& completion) {
            if (completion.token.op == ring::Op::Timer) is_late = true;
            if (completion.token.op != ring::Op::WitnessDatagram) return;
            server_->complete(completion, sys::boot_now());
        });
        serving_ns_ += processor_ns() - before;
        ASSERT_TRUE(waited);
        ASSERT_FALSE(is_late) << "an answer is missing";
    }

    struct Heard {
        std::uint64_t witness = 0;
        std::uint64_t version = 0;
    };
    std::optional<ring::Ring> ring_;
    std::vector<ClusterKey> keys_;
    std::vector<Heard> versions_;
    std::map<std::uint64_t, std::size_t> place_of_;
    std::array<sys::Fd, kSockets> sockets_;
    std::uint64_t number_ = 0;
};

std::size_t count(const std::vector<WitnessAnswer>& answers, WitnessOutcome outcome) {
    return static_cast<std::size_t>(
        std::count_if(answers.begin(), answers.end(),
                      [outcome](const WitnessAnswer& each) { return each.outcome == outcome; }));
}

// Claim A5, for all of them: what one life granted no later life grants to another too early.
TEST_F(WitnessCrowd, IsServedEachItsOwnLeaseAndARestartForgetsNoMargin) {
    const std::int64_t before = resident_bytes();
    start(7, 20s);
    const std::int64_t server_bytes = resident_bytes() - before;

    // The first question only teaches each cluster the life and version.
    EXPECT_EQ(count(ask(kFirst, WitnessKind::Query), WitnessOutcome::Told), kClustersMax);
    serving_ns_ = 0;
    const std::vector<WitnessAnswer> first = ask(kFirst, WitnessKind::Claim);
    const std::int64_t claim_ns = serving_ns_ / static_cast<std::int64_t>(kClustersMax);
    EXPECT_EQ(count(first, WitnessOutcome::Granted), kClustersMax);
    EXPECT_GE(server_->counters().granted, kClustersMax);
    const std::vector<WitnessAnswer> second = ask(kSecond, WitnessKind::Claim);

    // However long that took: nobody is told of another's lease, and none was given twice.
    for (const WitnessAnswer& answer : second) {
        if (answer.outcome == WitnessOutcome::Granted) continue;  // the first one's has run out
        EXPECT_EQ(answer.outcome, WitnessOutcome::Held);
        EXPECT_EQ(answer.holder, kFirst);
        EXPECT_LE(answer.remaining, kLease + arbiter::lease_margin(kLease));
    }

    const Instant restarted = sys::boot_now();
    start(8, 0s);
    std::vector<WitnessAnswer> after = ask(kSecond, WitnessKind::Query);
    EXPECT_EQ(count(after, WitnessOutcome::Starting), kClustersMax);
    after = ask(kSecond, WitnessKind::Claim);
    const Duration passed = sys::boot_now() - restarted;
    EXPECT_EQ(count(after, WitnessOutcome::Starting), kClustersMax);
    for (const WitnessAnswer& answer : after) {
        EXPECT_EQ(answer.witness, 8U);
        EXPECT_GE(answer.remaining + passed,
                  wire::kWitnessLeaseMax + arbiter::lease_margin(wire::kWitnessLeaseMax));
    }
    EXPECT_EQ(server_->leases(sys::boot_now()), 0U);

    start(9, 20s);
    static_cast<void>(ask(kSecond, WitnessKind::Query));
    EXPECT_EQ(count(ask(kSecond, WitnessKind::Claim), WitnessOutcome::Granted), kClustersMax);
    std::printf("%zu clusters: %.1f MB, %lld ns of the processor for a granted claim\n",
                kClustersMax, static_cast<double>(server_bytes) / 1e6,
                static_cast<long long>(claim_ns));
}

}  // namespace
}  // namespace xbeat::witness
