// Parameters, frames and records of the built-in agents: what needs neither root nor a kernel.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/builtin/addresses.h"
#include "agent/builtin/announce.h"
#include "agent/builtin/metadata.h"
#include "agent/builtin/process.h"
#include "agent/builtin/process_record.h"
#include "agent/builtin/values.h"
#include "agent/builtin/vip.h"
#include "cib/xml.h"

namespace xbeat::agent::builtin {
namespace {

using namespace std::chrono_literals;
using heart::IpAddress;
using heart::MacAddress;

constexpr MacAddress kMac = {0x02, 0, 0, 0, 0, 0x01};

Spawn with(std::vector<Parameter> parameters) {
    Spawn spawn;
    spawn.resource = "r";
    spawn.parameters = std::move(parameters);
    return spawn;
}

IpAddress ip(std::string_view text) {
    const auto address = IpAddress::parse(text);
    EXPECT_TRUE(address) << text;
    return address.value_or(IpAddress{});
}

std::string hex(const Frame& frame) {
    std::string text;
    for (const std::byte byte : frame) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
        text += kDigits[std::to_integer<unsigned>(byte) & 0xfU];
    }
    return text;
}

TEST(VipSettings, HasSensibleDefaults) {
    const auto settings = vip_settings(with({{"ip", "10.77.0.200"}, {"CRM_meta_timeout", "1"}}));
    ASSERT_TRUE(settings) << settings.error().context;
    EXPECT_EQ(settings->address, ip("10.77.0.200"));
    EXPECT_FALSE(settings->prefix);
    EXPECT_EQ(settings->rounds, 5);
    EXPECT_EQ(settings->round_interval, 200ms);
    EXPECT_EQ(settings->probe_wait, 1ms);
}

TEST(VipSettings, TakesAllParametersAtTheirLimits) {
    const auto settings = vip_settings(with({{"ip", "2001:db8::1"},
                                             {"cidr_netmask", "128"},
                                             {"nic", "fifteen-letters"},
                                             {"arp_count", "100"},
                                             {"arp_interval", "60s"},
                                             {"probe_wait", "0"}}));
    ASSERT_FALSE(settings) << "a colon and a label do not fit behind 15 letters";
    const auto shorter = vip_settings(with({{"ip", "2001:db8::1"},
                                            {"cidr_netmask", "128"},
                                            {"nic", "fourteen-chars"},
                                            {"arp_count", "100"},
                                            {"arp_interval", "60s"},
                                            {"probe_wait", "0"}}));
    ASSERT_TRUE(shorter) << shorter.error().context;
    EXPECT_EQ(shorter->prefix, 128);
    EXPECT_EQ(shorter->probe_wait, 0s);
}

TEST(VipSettings, RefusesNonsense) {
    const auto refuses = [](const char* name, const char* value) {
        std::vector<Parameter> parameters = {{"ip", "10.77.0.200"}};
        if (std::string_view(name) == "ip") parameters.clear();
        parameters.push_back({name, value});
        const auto settings = vip_settings(with(parameters));
        return !settings && settings.error().code == Code::Invalid;
    };
    EXPECT_FALSE(vip_settings(with({})));
    for (const char* address : {"", "10.77.0", "10.77.0.256", "10.77.0.200/24", "host.example",
                                "fe80::1%eth0", " 10.77.0.200", "::g"}) {
        EXPECT_TRUE(refuses("ip", address)) << address;
    }
    for (const char* prefix : {"0", "33", "-1", "24x", "255.255.255.0"}) {
        EXPECT_TRUE(refuses("cidr_netmask", prefix)) << prefix;
    }
    EXPECT_TRUE(refuses("nic", "sixteen-letters-"));
    EXPECT_TRUE(refuses("iflabel", "fifteen-letters"));
    EXPECT_TRUE(refuses("arp_count", "101"));
    EXPECT_TRUE(refuses("arp_count", "-1"));
    EXPECT_TRUE(refuses("arp_interval", "9ms"));
    EXPECT_TRUE(refuses("arp_interval", "61s"));
    EXPECT_TRUE(refuses("arp_interval", "1 s"));
    EXPECT_TRUE(refuses("probe_wait", "11s"));
    EXPECT_TRUE(refuses("probe_wait", "fast"));
    EXPECT_TRUE(refuses("probe_wait", "99999999999999999h"));
}

// Byte for byte: RFC 826 and RFC 5227 section 2.1.1.
TEST(Frames, ProbeAnIpv4AddressFromTheUnspecifiedOne) {
    EXPECT_EQ(hex(probe_frame(ip("10.77.0.200"), kMac)),
              "ffffffffffff"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0001"
              "020000000001"
              "00000000"
              "000000000000"
              "0a4d00c8");
}

TEST(Frames, AnnounceAnIpv4AddressAsRequestAndReply) {
    const auto frames = announcement_frames(ip("10.77.0.200"), kMac);
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(hex(frames[0]),
              "ffffffffffff"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0001"
              "020000000001"
              "0a4d00c8"
              "000000000000"
              "0a4d00c8");
    EXPECT_EQ(hex(frames[1]),
              "ffffffffffff"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0002"
              "020000000001"
              "0a4d00c8"
              "020000000001"
              "0a4d00c8");
}

TEST(Frames, SolicitAnIpv6AddressAtItsSolicitedNodeGroup) {
    const std::string frame = hex(probe_frame(ip("2001:db8::1:2345"), kMac));
    EXPECT_EQ(frame.substr(0, 28),
              "3333ff012345"
              "020000000001"
              "86dd");
    EXPECT_EQ(frame.substr(28, 16), "6000000000183aff");
    EXPECT_EQ(frame.substr(44, 32), std::string(32, '0')) << "from the unspecified address";
    EXPECT_EQ(frame.substr(76, 32), "ff0200000000000000000001ff012345");
    EXPECT_EQ(frame.substr(108, 4), "8700");
    EXPECT_EQ(frame.substr(124), "20010db8000000000000000000012345") << "no option";
}

TEST(Frames, AdvertiseAnIpv6AddressToAllNodesWithOverride) {
    const auto frames = announcement_frames(ip("2001:db8::1"), kMac);
    ASSERT_EQ(frames.size(), 1U);
    const std::string frame = hex(frames[0]);
    EXPECT_EQ(frame.substr(0, 28),
              "333300000001"
              "020000000001"
              "86dd");
    EXPECT_EQ(frame.substr(108, 4), "8800");
    EXPECT_EQ(frame.substr(116, 8), "20000000");
    EXPECT_EQ(frame.substr(124),
              "20010db8000000000000000000000001"
              "0201"
              "020000000001");
}

// RFC 1071: the sum over everything, checksum included, is all ones.
TEST(Frames, CarryAValidIcmpChecksum) {
    for (const char* text : {"2001:db8::1", "fe80::ffff:ffff:ffff:ffff", "::1"}) {
        for (const Frame& frame :
             {probe_frame(ip(text), kMac), announcement_frames(ip(text), kMac)[0]}) {
            std::uint32_t sum = 58 + static_cast<std::uint32_t>(frame.size() - 54);
            for (std::size_t at = 22; at < frame.size(); at += 2) {
                sum += std::to_integer<std::uint32_t>(frame[at]) << 8U |
                       std::to_integer<std::uint32_t>(frame[at + 1]);
            }
            while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
            EXPECT_EQ(sum, 0xffffU) << text;
        }
    }
}

TEST(Frames, KnowAClaimWhenTheySeeIt) {
    const IpAddress v4 = ip("10.77.0.200");
    const IpAddress v6 = ip("2001:db8::1");
    EXPECT_EQ(claimant(announcement_frames(v4, kMac)[0], v4), kMac);
    EXPECT_EQ(claimant(announcement_frames(v4, kMac)[1], v4), kMac);
    EXPECT_EQ(claimant(announcement_frames(v6, kMac)[0], v6), kMac);
    EXPECT_FALSE(claimant(announcement_frames(v4, kMac)[0], ip("10.77.0.201")));
    EXPECT_FALSE(claimant(announcement_frames(v6, kMac)[0], ip("2001:db8::2")));
    EXPECT_FALSE(claimant(probe_frame(v4, kMac), v4)) << "asking is not claiming";
    EXPECT_FALSE(claimant(probe_frame(v6, kMac), v6));
    EXPECT_FALSE(claimant(announcement_frames(v6, kMac)[0], v4));
}

TEST(Frames, SurviveTruncationAndNoise) {
    for (const IpAddress& address : {ip("10.77.0.200"), ip("2001:db8::1")}) {
        // Without the link-layer option of an advertisement: that is not needed to understand it.
        const Frame whole = announcement_frames(address, kMac)[0];
        const std::size_t needed = address.size() == 4 ? whole.size() : whole.size() - 8;
        for (std::size_t size = 0; size < needed; ++size) {
            // A copy of that size, so that the sanitizers see a read past its end.
            const Frame part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(claimant(part, address)) << size;
        }
        EXPECT_FALSE(claimant(Frame(1500, std::byte{0xff}), address));
        EXPECT_FALSE(claimant({}, address));
    }
}

TEST(Subnet, HoldsTheAddressesOfItsPrefix) {
    const auto within = [](const char* address, const char* subnet, int prefix) {
        return is_within(
            ip(address),
            {.ifindex = 1, .address = ip(subnet), .prefix = static_cast<std::uint8_t>(prefix)});
    };
    EXPECT_TRUE(within("10.77.0.200", "10.77.0.1", 24));
    EXPECT_FALSE(within("10.77.1.200", "10.77.0.1", 24));
    EXPECT_TRUE(within("10.77.1.200", "10.77.0.1", 23));
    EXPECT_FALSE(within("10.77.0.1", "10.77.0.2", 32));
    EXPECT_TRUE(within("10.77.0.2", "10.77.0.2", 32));
    EXPECT_TRUE(within("1.2.3.4", "10.77.0.2", 0));
    EXPECT_TRUE(within("2001:db8::5", "2001:db8::1", 64));
    EXPECT_FALSE(within("2001:db8:0:1::5", "2001:db8::1", 64));
    EXPECT_FALSE(within("2001:db8::5", "10.77.0.1", 1)) << "another family";
}

TEST(CommandLine, IsSplitAtBlanksWithQuotesAndWithoutAShell) {
    const auto words = [](std::string_view text) {
        auto split = split_command(text);
        return split ? *std::move(split) : std::vector<std::string>{"<error>"};
    };
    using Words = std::vector<std::string>;
    EXPECT_EQ(words("/bin/a  -p\t80 "), (Words{"/bin/a", "-p", "80"}));
    EXPECT_EQ(words("a 'b c' \"d e\" f\\ g"), (Words{"a", "b c", "d e", "f g"}));
    EXPECT_EQ(words("a '' \"\""), (Words{"a", "", ""}));
    EXPECT_EQ(words("a'b'\"c\""), (Words{"abc"}));
    EXPECT_EQ(words("'a\\b' \"c\\\"d\""), (Words{"a\\b", "c\"d"}));
    EXPECT_EQ(words("$HOME `id` $(id) ; | > *"),
              (Words{"$HOME", "`id`", "$(id)", ";", "|", ">", "*"}));
    EXPECT_EQ(words(""), Words{});
    EXPECT_EQ(words("'open"), (Words{"<error>"}));
    EXPECT_EQ(words("\"open"), (Words{"<error>"}));
    EXPECT_EQ(words("end\\"), (Words{"<error>"}));
    std::string many;
    for (std::size_t i = 0; i <= kParametersMax; ++i) many += "x ";
    EXPECT_EQ(words(many), (Words{"<error>"}));
}

TEST(Signal, HasNamesAndNumbers) {
    EXPECT_EQ(*parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(*parse_signal("SIGINT"), SIGINT);
    EXPECT_EQ(*parse_signal("sigquit"), SIGQUIT);
    EXPECT_EQ(*parse_signal("9"), 9);
    EXPECT_EQ(*parse_signal("64"), 64);
    for (const char* text : {"", "SIG", "0", "65", "-9", "NOSUCH", "9x", "SIGSIGTERM"}) {
        EXPECT_FALSE(parse_signal(text)) << text;
    }
}

TEST(ProcessSettings, TakeEitherAProgramOrACommandLine) {
    const auto by_file = process_settings(with({{"binfile", "/bin/server"}, {"args", "-p '8 0'"}}));
    ASSERT_TRUE(by_file);
    EXPECT_EQ(by_file->program, "/bin/server");
    EXPECT_EQ(by_file->arguments, (std::vector<std::string>{"-p", "8 0"}));
    const auto by_line = process_settings(with({{"cmdline", "/bin/server -p 80"},
                                                {"args", "-v"},
                                                {"env", "A=1 'B=x y' C="},
                                                {"stop_signal", "QUIT"},
                                                {"stop_timeout", "3s"}}));
    ASSERT_TRUE(by_line);
    EXPECT_EQ(by_line->arguments, (std::vector<std::string>{"-p", "80", "-v"}));
    EXPECT_EQ(by_line->environment, (std::vector<Parameter>{{"A", "1"}, {"B", "x y"}, {"C", ""}}));
    EXPECT_EQ(by_line->stop_signal, SIGQUIT);
    EXPECT_EQ(by_line->stop_timeout, 3s);
}

TEST(ProcessSettings, RefuseNonsense) {
    const auto refuses = [](std::vector<Parameter> parameters) {
        const auto settings = process_settings(with(std::move(parameters)));
        return !settings && settings.error().code == Code::Invalid;
    };
    EXPECT_TRUE(refuses({}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"cmdline", "/bin/a"}}));
    EXPECT_TRUE(refuses({{"binfile", "server"}}));
    EXPECT_TRUE(refuses({{"cmdline", "  "}}));
    EXPECT_TRUE(refuses({{"cmdline", "'/bin/a"}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"args", "\""}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"directory", "tmp"}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"env", "NOVALUE"}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"env", "1A=x"}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"stop_signal", "LOUD"}}));
    EXPECT_TRUE(refuses({{"binfile", "/bin/a"}, {"stop_timeout", "soon"}}));
}

TEST(Metadata, IsWellFormedAndNamesTheAgent) {
    for (const char* type : {"VIP", "process", "ping", "disk", "link"}) {
        const auto xml = cib::parse_xml(metadata_of(type));
        ASSERT_TRUE(xml) << xml.error().context;
        EXPECT_EQ(xml->get("name"), type);
        EXPECT_NE(xml->child("parameters"), nullptr);
        EXPECT_NE(xml->child("actions"), nullptr);
    }
    EXPECT_TRUE(metadata_of("pong").empty());
}

class Records : public testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/xbeat-records.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        auto opened = ProcessRecords::open(folder + "/a/process");
        ASSERT_TRUE(opened) << opened.error().context;
        records.emplace(*std::move(opened));
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    std::string outcome(const std::string& text) {
        std::ofstream(records->path_of("r")) << text;
        const auto loaded = records->load("r");
        if (!loaded) return std::string(to_string(loaded.error().code));
        return loaded->has_value() ? "record" : "none";
    }

    std::string folder;
    std::optional<ProcessRecords> records;
};

TEST_F(Records, GiveBackWhatWasSaved) {
    const ProcessRecord record{4711, 123456789};
    ASSERT_TRUE(records->save("web:0", record));
    EXPECT_EQ(**records->load("web:0"), record);
    EXPECT_FALSE(records->load("web").value().has_value());
    ASSERT_TRUE(records->remove("web:0"));
    ASSERT_TRUE(records->remove("web:0"));
    EXPECT_FALSE(records->load("web:0").value().has_value());
}

TEST_F(Records, KeepResourcesApartAndInTheirFolder) {
    EXPECT_EQ(records->path_of("../../etc/passwd"),
              folder + "/a/process/%2E%2E%2F%2E%2E%2Fetc%2Fpasswd");
    EXPECT_NE(records->path_of("a:0"), records->path_of("a_0"));
    EXPECT_NE(records->path_of("a%3A"), records->path_of("a:"));
}

TEST_F(Records, RefuseWhatTheyHaveNotWritten) {
    EXPECT_EQ(outcome("xbeat-process 1 4711 5\n"), "record");
    for (const char* text :
         {"", "4711", "xbeat-process 2 4711 5\n", "xbeat-process 1 4711\n", "xbeat-process 1 0 5\n",
          "xbeat-process 1 -1 5\n", "xbeat-process 1 1 -5\n", "xbeat-process 1 4711 5 6\n",
          "xbeat-process 1 99999999999 5\n", "xbeat-process 1 x y\n"}) {
        EXPECT_EQ(outcome(text), "corrupt") << text;
    }
}

TEST_F(Records, TellAProcessFromALaterOneOfTheSameNumber) {
    const auto self = describe_process(::getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(is_alive(*self));
    EXPECT_FALSE(is_alive({self->pid, self->start_ticks + 1}));
    const auto other = open_process({self->pid, self->start_ticks + 1});
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->has_value());
    EXPECT_FALSE(describe_process(0));
    EXPECT_FALSE(describe_process(-1));
}

}  // namespace
}  // namespace xbeat::agent::builtin
