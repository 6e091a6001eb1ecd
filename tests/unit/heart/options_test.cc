#include "heart/options.h"

#include <gtest/gtest.h>

#include "heart/status.h"

namespace xbeat::heart {
namespace {

Options good() {
    Options options;
    options.self = NodeId{1};
    options.links = {
        {.path = PathId{0}, .interface = "ic0", .local = *IpAddress::parse("10.0.0.1")},
        {.path = PathId{1}, .interface = "ic1", .local = *IpAddress::parse("fd00::1")}};
    options.peers = {{.node = NodeId{2},
                      .paths = {{PathId{0}, *IpAddress::parse("10.0.0.2")},
                                {PathId{1}, *IpAddress::parse("fd00::2")}}}};
    return options;
}

struct Wrong {
    const char* what;
    void (*change)(Options&);
};

class WrongOptions : public testing::TestWithParam<Wrong> {};

TEST(HeartOptions, AreAcceptedWhenTheyMakeSense) { EXPECT_TRUE(check_options(good())); }

TEST_P(WrongOptions, AreRefusedWithAReason) {
    Options options = good();
    GetParam().change(options);

    const Result<void> checked = check_options(options);

    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Code::Invalid);
    EXPECT_EQ(checked.error().context.rfind("heart: ", 0), 0U) << checked.error().context;
}

INSTANTIATE_TEST_SUITE_P(
    Each, WrongOptions,
    testing::Values(
        Wrong{"NoNode", [](Options& o) { o.self = NodeId{0}; }},
        Wrong{"NodePastTheLimit", [](Options& o) { o.self = NodeId{33}; }},
        Wrong{"TooManyPeers", [](Options& o) { o.peers_max = 1001; }},
        Wrong{"PeriodTooShort", [](Options& o) { o.period = 99us; }},
        Wrong{"PeriodTooLong", [](Options& o) { o.period = 1001ms; }},
        Wrong{"NoMisses", [](Options& o) { o.k_dead = 0; }},
        Wrong{"SuspectAfterDead", [](Options& o) { o.k_suspect = o.k_dead + 1; }},
        Wrong{"NoSuspect", [](Options& o) { o.k_suspect = 0; }},
        Wrong{"StallTooShort", [](Options& o) { o.stall_after = 9 * o.period; }},
        Wrong{"GraceTooLong", [](Options& o) { o.grace_min = 61 * o.period; }},
        Wrong{"NegativeGrace", [](Options& o) { o.grace_min = -1ns; }},
        Wrong{"NoPort", [](Options& o) { o.port = 0; }},
        Wrong{"RelativePinFolder", [](Options& o) { o.pin_dir = "pins"; }},
        Wrong{"NoLinks", [](Options& o) { o.links.clear(); }},
        Wrong{"PathNumberPastTheLimit", [](Options& o) { o.links[0].path = PathId{8}; }},
        Wrong{"PathNumberTwice", [](Options& o) { o.links[0].path = PathId{1}; }},
        Wrong{"NoInterface", [](Options& o) { o.links[0].interface.clear(); }},
        Wrong{"InterfaceNameTooLong",
              [](Options& o) { o.links[0].interface = "sixteencharacter"; }},
        Wrong{"NoLocalAddress", [](Options& o) { o.links[0].local = {}; }},
        Wrong{"VlanPastTheLimit", [](Options& o) { o.links[0].vlan = 4095; }},
        Wrong{"ItselfAsPeer", [](Options& o) { o.peers[0].node = NodeId{1}; }},
        Wrong{"PeerZero", [](Options& o) { o.peers[0].node = NodeId{0}; }},
        Wrong{"PeerTwice", [](Options& o) { o.peers.push_back(o.peers[0]); }},
        Wrong{"PeerWithoutPath", [](Options& o) { o.peers[0].paths.clear(); }},
        Wrong{"PeerPathWithoutLink", [](Options& o) { o.peers[0].paths[0].path = PathId{5}; }},
        Wrong{"PeerPathTwice", [](Options& o) { o.peers[0].paths.push_back(o.peers[0].paths[0]); }},
        Wrong{"FamiliesMixed",
              [](Options& o) { o.peers[0].paths[0].remote = *IpAddress::parse("fd00::9"); }}),
    [](const auto& test) { return std::string(test.param.what); });

TEST(HeartOptions, AreRefusedPastEightLinks) {
    Options options = good();
    while (options.links.size() < 9) options.links.push_back(options.links.front());
    EXPECT_FALSE(check_options(options));
}

TEST(HeartAddress, ReadsWhatItPrints) {
    for (const char* text :
         {"0.0.0.0", "10.77.1.2", "255.255.255.255", "::", "fd00::1", "::ffff:1.2.3.4"}) {
        const std::optional<IpAddress> address = IpAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(to_string(*address), text);
    }
}

TEST(HeartAddress, RefusesWhatIsNone) {
    for (const char* text :
         {"", "10.0.0", "10.0.0.256", "10.0.0.1/24", "fe80::1%eth0", ":::", "host", " 1.2.3.4"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
    EXPECT_EQ(to_string(IpAddress{}), "-");
}

TEST(RttQuantile, IsTheUpperEndOfTheClassThatHoldsIt) {
    std::array<std::uint64_t, 64> histogram{};
    EXPECT_EQ(quantile(histogram, 500), 0ns);
    histogram[10] = 99;  // 1024 .. 2047 ns
    histogram[20] = 1;
    EXPECT_EQ(quantile(histogram, 500), 2047ns);
    EXPECT_EQ(quantile(histogram, 990), 2047ns);
    EXPECT_EQ(quantile(histogram, 991), 2097151ns);
    EXPECT_EQ(quantile(histogram, 1000), 2097151ns);
    histogram = {};
    histogram[63] = 1;
    EXPECT_EQ(quantile(histogram, 500), Duration::max());
}

TEST(HeartWords, AreReadAsTheyArePrinted) {
    for (const Mode mode : {Mode::Auto, Mode::Native, Mode::Generic, Mode::Udp}) {
        EXPECT_EQ(parse_mode(to_string(mode)), mode);
    }
    EXPECT_FALSE(parse_mode("xdp"));
    EXPECT_FALSE(parse_mode(""));
}

}  // namespace
}  // namespace xbeat::heart
