#include "daemon/arbiter.h"

#include <gtest/gtest.h>

#include "sys/boot_clock.h"

namespace xbeat::daemon {
namespace {

Config config(node::ArbiterKind kind) {
    Config made;
    made.cluster = "lab";
    made.nodes = {{.name = "pm01", .id = NodeId{1}, .links = {}},
                  {.name = "pm02", .id = NodeId{2}, .links = {}}};
    made.self = NodeId{2};
    made.arbiter.kind = kind;
    made.arbiter.witness = *heart::IpAddress::parse("127.0.0.1");
    made.arbiter.witness_port = 1;
    made.arbiter.disk = "/nonexistent/disk";
    return made;
}

arbiter::ArbiterAnswer ask(node::ArbiterKind configured, node::ArbiterKind asked) {
    ring::Ring ring = *ring::Ring::create({});
    Arbiter part = *Arbiter::create(config(configured), {}, 7, ring);
    part.ask({.arbiter = asked, .request = 3, .lease = 1s, .patience = 20ms}, sys::boot_now());
    const Instant limit = sys::boot_now() + 2s;
    std::vector<arbiter::ArbiterAnswer> answers = part.take_answers();
    while (answers.empty() && sys::boot_now() < limit) {
        ring.timeout_at(std::min(limit, part.deadline().value_or(limit)), {.op = ring::Op::Timer});
        EXPECT_TRUE(ring.wait([&](const ring::Completion& completion) {
            if (completion.token.op != ring::Op::Timer) part.complete(completion, sys::boot_now());
        }));
        part.tick(sys::boot_now());
        answers = part.take_answers();
    }
    EXPECT_EQ(answers.size(), 1U);
    return answers.empty() ? arbiter::ArbiterAnswer{} : answers.front();
}

TEST(DaemonArbiter, WithoutOneEveryQuestionIsUnreachableAtOnce) {
    const arbiter::ArbiterAnswer told = ask(node::ArbiterKind::Fence, node::ArbiterKind::Witness);

    EXPECT_EQ(told.request, 3U);
    EXPECT_EQ(told.reply, arbiter::Reply::Unreachable);
    EXPECT_NE(told.reason.find("no arbiter of the kind `witness`"), std::string::npos);
}

TEST(DaemonArbiter, AWitnessThatIsNotThereIsUnreachableAtTheDeadline) {
    const arbiter::ArbiterAnswer told = ask(node::ArbiterKind::Witness, node::ArbiterKind::Witness);

    EXPECT_EQ(told.reply, arbiter::Reply::Unreachable);
    EXPECT_NE(told.reason.find("127.0.0.1 port 1"), std::string::npos) << told.reason;
}

TEST(DaemonArbiter, ADiskThatIsNotThereIsUnreachableAtTheDeadline) {
    const arbiter::ArbiterAnswer told = ask(node::ArbiterKind::Disk, node::ArbiterKind::Disk);

    EXPECT_EQ(told.reply, arbiter::Reply::Unreachable);
    EXPECT_NE(told.reason.find("/nonexistent/disk"), std::string::npos) << told.reason;
}

}  // namespace
}  // namespace xbeat::daemon
