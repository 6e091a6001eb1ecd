#include "ring/ring.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "sys/boot_clock.h"
#include "sys/fd.h"
#include "sys/wakeup.h"

namespace xbeat::ring {
namespace {

/// A ring and all completions that came and were not asked for yet.
class Loop {
public:
    explicit Loop(std::uint32_t entries = 256) {
        Result<Ring> made = Ring::create({.entries = entries});
        EXPECT_TRUE(made) << made.error().context;
        ring_ = std::make_unique<Ring>(*std::move(made));
    }
    Ring* operator->() { return ring_.get(); }

    /// Waits for the next completion of that operation.
    Completion wait_for(Op op) {
        while (true) {
            const auto found = std::find_if(
                seen_.begin(), seen_.end(),
                [&](const Completion& completion) { return completion.token.op == op; });
            if (found != seen_.end()) {
                const Completion completion = *found;
                seen_.erase(found);
                return completion;
            }
            const auto waited =
                ring_->wait([&](const Completion& completion) { seen_.push_back(completion); });
            if (!waited) {
                ADD_FAILURE() << waited.error().context;
                return {};
            }
        }
    }

private:
    std::unique_ptr<Ring> ring_;
    std::vector<Completion> seen_;
};

std::array<sys::Fd, 2> socket_pair() {
    std::array<int, 2> raw{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw.data()), 0);
    return {sys::Fd(raw[0]), sys::Fd(raw[1])};
}

TEST(Token, SurvivesThePassageThroughTheKernel) {
    const Token token{.op = Op::ControlSend, .slot = 513, .generation = 0xfedcba98};

    EXPECT_EQ(unpack(pack(token)), token);
}

TEST(Ring, MovesBytesBetweenTwoSockets) {
    Loop ring;
    const auto pair = socket_pair();
    std::array<char, 8> buffer{};

    ring->receive(pair[1].get(), buffer, {.op = Op::PeerReceive, .slot = 3, .generation = 9});
    ring->send(pair[0].get(), std::string_view("beat"), {.op = Op::PeerSend});

    EXPECT_EQ(ring.wait_for(Op::PeerSend).result, 4);
    const Completion received = ring.wait_for(Op::PeerReceive);
    EXPECT_EQ(received.result, 4);
    EXPECT_EQ(received.token.slot, 3);
    EXPECT_EQ(received.token.generation, 9U);
    EXPECT_EQ(std::string_view(buffer.data(), 4), "beat");
}

TEST(Ring, ReportsEveryEdgeOfAPolledDescriptor) {
    Loop ring;
    Result<sys::Wakeup> wakeup = sys::Wakeup::create();
    ASSERT_TRUE(wakeup);
    ring->poll(wakeup->fd(), POLLIN, {.op = Op::StoreDone});

    for (int i = 0; i < 3; ++i) {
        wakeup->wake();
        const Completion woken = ring.wait_for(Op::StoreDone);
        EXPECT_TRUE(woken.more) << i;
        EXPECT_EQ(woken.result & POLLIN, POLLIN) << i;
    }
}

TEST(Ring, FiresATimeoutOfThePastAtOnce) {
    Loop ring;

    ring->timeout_at(Instant(1ns), {.op = Op::Timer});

    EXPECT_EQ(ring.wait_for(Op::Timer).result, -ETIME);
}

TEST(Ring, FiresATimeoutNotBeforeItsInstant) {
    Loop ring;
    const Instant at = sys::boot_now() + 5ms;

    ring->timeout_at(at, {.op = Op::Timer});

    EXPECT_EQ(ring.wait_for(Op::Timer).result, -ETIME);
    EXPECT_GE(sys::boot_now(), at);
}

TEST(Ring, TellsACancelledRequestFromTheOneInItsPlace) {
    Loop ring;
    ring->timeout_at(sys::boot_now() + 1h, {.op = Op::Timer, .generation = 1});
    ring->cancel_timeout({.op = Op::Timer, .generation = 1});
    ring->timeout_at(sys::boot_now() + 1ms, {.op = Op::Timer, .generation = 2});

    std::map<std::uint32_t, int> results;
    for (int i = 0; i < 2; ++i) {
        const Completion completion = ring.wait_for(Op::Timer);
        results[completion.token.generation] = completion.result;
    }
    EXPECT_EQ(results[1], -ECANCELED);
    EXPECT_EQ(results[2], -ETIME);
}

TEST(Ring, GivesBackAReceiveThatIsCancelled) {
    Loop ring;
    const auto pair = socket_pair();
    std::array<char, 8> buffer{};
    ring->receive(pair[0].get(), buffer, {.op = Op::PeerReceive, .slot = 1});

    ring->cancel({.op = Op::PeerReceive, .slot = 1});

    EXPECT_EQ(ring.wait_for(Op::PeerReceive).result, -ECANCELED);
}

TEST(Ring, TakesMoreRequestsThanItHasSlots) {
    Loop ring(8);
    constexpr std::uint32_t kCount = 100;

    for (std::uint32_t i = 0; i < kCount; ++i)
        ring->timeout_at(Instant(Duration(i + 1)), {.op = Op::Timer, .generation = i});

    std::map<std::uint32_t, int> results;
    for (std::uint32_t i = 0; i < kCount; ++i) {
        const Completion completion = ring.wait_for(Op::Timer);
        results[completion.token.generation] = completion.result;
    }
    EXPECT_EQ(results.size(), kCount);
    for (const auto& [generation, result] : results) EXPECT_EQ(result, -ETIME) << generation;
}

TEST(Ring, SurvivesARequestForADescriptorThatIsNone) {
    Loop ring;
    std::array<char, 8> buffer{};

    ring->receive(9999, buffer, {.op = Op::PeerReceive});
    ring->timeout_at(Instant(1ns), {.op = Op::Timer});

    EXPECT_EQ(ring.wait_for(Op::PeerReceive).result, -EBADF);
}

}  // namespace
}  // namespace xbeat::ring
