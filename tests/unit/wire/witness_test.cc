#include "wire/witness.h"

#include <gtest/gtest.h>

#include "core/prng.h"

namespace xbeat::wire {
namespace {

WitnessRequest request() {
    return {.kind = WitnessKind::Claim,
            .cluster = 0x1122334455667788U,
            .node = NodeId{2},
            .life = 77,
            .number = 3,
            .witness = 0xfedcba9876543210U,
            .version = 9,
            .lease = 100ms};
}

WitnessAnswer answer() {
    return {.outcome = WitnessOutcome::Granted,
            .kind = WitnessKind::Claim,
            .cluster = 5,
            .node = NodeId{2},
            .life = 77,
            .number = 3,
            .holder = NodeId{2},
            .last_holder = NodeId{2},
            .witness = 8,
            .version = 10,
            .lease = 100ms,
            .remaining = 101ms};
}

TEST(WitnessWire, ARequestComesBackAsItWas) {
    const WitnessDatagram bytes = encode_witness(request());

    EXPECT_EQ(decode_witness_request(bytes), request());
    EXPECT_EQ(witness_cluster(bytes), 0x1122334455667788U);
}

TEST(WitnessWire, AnAnswerComesBackAsItWasAndIsNoLongerThanARequest) {
    const WitnessDatagram bytes = encode_witness(answer());

    EXPECT_EQ(decode_witness_answer(bytes), answer());
    EXPECT_EQ(bytes.size(), encode_witness(request()).size());
}

TEST(WitnessWire, TheBytesAreThoseOfTheProtocolDocument) {
    const WitnessDatagram bytes = encode_witness(request());

    EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 4), "xrWQ");
    EXPECT_EQ(bytes[4], 1);     // version
    EXPECT_EQ(bytes[6], 1);     // Claim
    EXPECT_EQ(bytes[8], 0x88);  // cluster, little-endian
    EXPECT_EQ(bytes[16], 2);    // node
    EXPECT_EQ(bytes[24], 77);   // life
    EXPECT_EQ(bytes[32], 3);    // number
    EXPECT_EQ(bytes[40], 0x10);
    EXPECT_EQ(bytes[48], 9);
    const WitnessDatagram told = encode_witness(answer());
    EXPECT_EQ(std::string(told.begin(), told.begin() + 4), "xrWA");
}

TEST(WitnessWire, NeitherIsTakenForTheOther) {
    EXPECT_FALSE(decode_witness_answer(encode_witness(request())));
    EXPECT_FALSE(decode_witness_request(encode_witness(answer())));
}

TEST(WitnessWire, AnotherSizeIsRefused) {
    const WitnessDatagram bytes = encode_witness(request());
    std::vector<std::uint8_t> longer(bytes.begin(), bytes.end());
    longer.push_back(0);

    EXPECT_FALSE(decode_witness_request(longer));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_witness_request(std::span(bytes).first(size)));
        EXPECT_FALSE(decode_witness_answer(std::span(bytes).first(size)));
        EXPECT_FALSE(witness_cluster(std::span(bytes).first(size)));
    }
}

TEST(WitnessWire, ReservedBytesThatAreNotZeroAreRefused) {
    for (const std::size_t at : {7U, 18U, 19U, 20U, 23U, 64U, 79U}) {
        WitnessDatagram bytes = encode_witness(request());
        bytes.at(at) = 1;
        EXPECT_FALSE(decode_witness_request(bytes)) << at;
    }
    for (const std::size_t at : {22U, 23U, 72U, 79U}) {
        WitnessDatagram bytes = encode_witness(answer());
        bytes.at(at) = 1;
        EXPECT_FALSE(decode_witness_answer(bytes)) << at;
    }
}

template <class Value, class Decode>
void expect_refused(Value value, Decode decode, const char* what) {
    EXPECT_FALSE(decode(encode_witness(value))) << what;
}

TEST(WitnessWire, ARequestOutOfRangeIsRefused) {
    const auto refuse = [](const char* what, auto change) {
        WitnessRequest wrong = request();
        change(wrong);
        expect_refused(wrong, decode_witness_request, what);
    };
    refuse("no cluster", [](WitnessRequest& r) { r.cluster = 0; });
    refuse("no node", [](WitnessRequest& r) { r.node = NodeId{}; });
    refuse("node 33", [](WitnessRequest& r) { r.node = NodeId{33}; });
    refuse("no life", [](WitnessRequest& r) { r.life = 0; });
    refuse("no number", [](WitnessRequest& r) { r.number = 0; });
    refuse("too short", [](WitnessRequest& r) { r.lease = kWitnessLeaseMin - 1ns; });
    refuse("too long", [](WitnessRequest& r) { r.lease = kWitnessLeaseMax + 1ns; });
    refuse("negative", [](WitnessRequest& r) { r.lease = -1s; });
    refuse("a query with a lease", [](WitnessRequest& r) { r.kind = WitnessKind::Query; });
    refuse("no such kind", [](WitnessRequest& r) { r.kind = static_cast<WitnessKind>(3); });
}

TEST(WitnessWire, AnAnswerOutOfRangeIsRefused) {
    const auto refuse = [](const char* what, auto change) {
        WitnessAnswer wrong = answer();
        change(wrong);
        expect_refused(wrong, decode_witness_answer, what);
    };
    refuse("node 0", [](WitnessAnswer& a) { a.node = NodeId{}; });
    refuse("holder 33", [](WitnessAnswer& a) { a.holder = NodeId{33}; });
    refuse("no witness", [](WitnessAnswer& a) { a.witness = 0; });
    refuse("granted nothing", [](WitnessAnswer& a) { a.lease = Duration{}; });
    refuse("granted too much", [](WitnessAnswer& a) { a.lease = 11s; });
    refuse("refused with a lease", [](WitnessAnswer& a) { a.outcome = WitnessOutcome::Held; });
    refuse("negative time", [](WitnessAnswer& a) { a.remaining = -1ns; });
    refuse("no such outcome", [](WitnessAnswer& a) { a.outcome = static_cast<WitnessOutcome>(6); });
}

TEST(WitnessWire, RandomBytesNeverDoMoreThanDecode) {
    Prng prng(7);
    for (int run = 0; run < 100'000; ++run) {
        WitnessDatagram bytes = run % 2 == 0 ? encode_witness(request()) : encode_witness(answer());
        for (int flips = 0; flips < 3; ++flips)
            bytes.at(prng.below(bytes.size())) = static_cast<std::uint8_t>(prng.below(256));
        // Whatever is taken is a value that encodes to the same bytes, the tag aside.
        const auto same = [&](const WitnessDatagram& again) {
            return std::equal(again.begin(), again.begin() + kWitnessBodyBytes, bytes.begin());
        };
        if (const auto taken = decode_witness_request(bytes)) {
            ASSERT_TRUE(same(encode_witness(*taken)));
        } else if (const auto told = decode_witness_answer(bytes)) {
            ASSERT_TRUE(same(encode_witness(*told)));
        }
    }
}

}  // namespace
}  // namespace xbeat::wire
