// OpenMetrics: what stands in the page, and which requests are answered with it.
#include "cli/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/cli/status_example.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

json heart() {
    return json::parse(R"({"now_ns":5000000000,"period_measured_ns":1000000,"ticks":10,
        "peers":[{"name":"pm02","lease_until_ns":6000000000,"paths":[
            {"name":"ic0","sent":100,"answered":98,"lost":2,"histogram":[[1024,10],[2048,5]]}]}],
        "counters":{"rx_bad_mac":3}})");
}

TEST(Metrics, HaveTheNamesOfTheExporterThatPeopleKnow) {
    const std::string page = render_metrics(testing::pair_at_peace(), heart(), json::object(), {});

    EXPECT_THAT(page, HasSubstr("ha_cluster_pacemaker_nodes{node=\"pm01\",type=\"member\","
                                "status=\"online\"} 1\n"));
    EXPECT_THAT(page, HasSubstr("# TYPE ha_cluster_pacemaker_resources gauge\n"));
    EXPECT_TRUE(page.ends_with("# EOF\n"));
}

TEST(Metrics, HistogramsAddUp) {
    const std::string page = render_metrics(testing::pair_at_peace(), heart(), json::object(), {});

    EXPECT_THAT(page, HasSubstr("xbeat_path_rtt_seconds_bucket{peer=\"pm02\",path=\"ic0\","
                                "le=\"2.048e-06\"} 10\n"));
    EXPECT_THAT(page, HasSubstr("le=\"+Inf\"} 15\n"));
    EXPECT_THAT(page, HasSubstr("xbeat_path_rtt_seconds_count{peer=\"pm02\",path=\"ic0\"} 15\n"));
    EXPECT_THAT(page, HasSubstr("xbeat_path_beats_lost_total{peer=\"pm02\",path=\"ic0\"} 2\n"));
    EXPECT_THAT(page, HasSubstr("xbeat_heart_packets_total{counter=\"rx_bad_mac\"} 3\n"));
    EXPECT_THAT(page, HasSubstr("xbeat_lease_seconds{peer=\"pm02\"} 1.000\n"));
}

TEST(Metrics, EscapeWhatCouldBreakALine) {
    StatusInput input = testing::pair_at_peace();
    input.situation.nodes.front().attributes.push_back({"odd", "a\"b\\c\nd"});

    const std::string page = render_metrics(input, json::object(), json::object(), {});

    EXPECT_THAT(page, HasSubstr(R"(value="a\"b\\c d")"));
}

TEST(Metrics, SurviveAnEmptyReply) {
    EXPECT_TRUE(render_metrics({}, json::object(), json::object(), {}).ends_with("# EOF\n"));
    EXPECT_TRUE(render_metrics({}, json::array(), json(), {}).ends_with("# EOF\n"));
}

struct Exchange {
    std::string head;
    std::string status;
};
class Http : public ::testing::TestWithParam<Exchange> {};

TEST_P(Http, AnswersOnlyWhatItKnows) {
    const std::string reply = http_reply(GetParam().head, [] { return std::string("page"); });

    EXPECT_THAT(reply, StartsWith("HTTP/1.1 " + GetParam().status));
    EXPECT_THAT(reply, HasSubstr("Connection: close\r\n"));
}

INSTANTIATE_TEST_SUITE_P(All, Http,
                         ::testing::Values(Exchange{"GET /metrics HTTP/1.1\r\n\r\n", "200"},
                                           Exchange{"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "200"},
                                           Exchange{"GET /etc/passwd HTTP/1.1\r\n\r\n", "404"},
                                           Exchange{"POST /metrics HTTP/1.1\r\n\r\n", "405"},
                                           Exchange{"nonsense\r\n\r\n", "400"},
                                           Exchange{"\r\n\r\n", "400"},
                                           Exchange{"GET /metrics HTTP/1.1", "400"},
                                           Exchange{"", "400"}));

class BadPlace : public ::testing::TestWithParam<std::string> {};

TEST_P(BadPlace, IsNotListenedOn) {
    const Result<void> served = serve_metrics(GetParam(), [] { return std::string(); });

    ASSERT_FALSE(served);
    EXPECT_EQ(served.error().code, Code::Invalid);
}

INSTANTIATE_TEST_SUITE_P(All, BadPlace,
                         ::testing::Values("", "0.0.0.0:9664", "192.0.2.1:80", "127.0.0.1",
                                           "127.0.0.1:0", "127.0.0.1:70000", ":9664",
                                           "unix:", "unix:" + std::string(200, 'x')));

}  // namespace
}  // namespace xbeat::cli
