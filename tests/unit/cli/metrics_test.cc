// OpenMetrics: what stands in the page, and which requests are answered with it.
#include "cli/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

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

// ---- What is shipped for Prometheus and Grafana

std::string shipped(const std::string& file) {
    std::ifstream in("docs/examples/" + file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string page_of_example() {
    TimelineStatus timeline;
    timeline.is_finished = timeline.succeeded = true;
    PhaseStatus silence;
    silence.to = Instant(Duration(1'000'000));
    timeline.phases.push_back(silence);
    const json daemon = json::parse(R"({"pid":1,"started_ns":1,"rss_bytes":1,"ticks_late":0,
        "tick_gap_max_ns":1,"exec_restarts":0,"events_dropped":0})");
    return render_metrics(testing::pair_at_peace(), heart(), daemon, {timeline});
}

std::set<std::string> families_of(const std::string& page) {
    std::set<std::string> names;
    const std::regex type("# TYPE ([a-z_0-9]+) ");
    for (std::sregex_iterator at(page.begin(), page.end(), type), end; at != end; ++at)
        names.insert((*at)[1]);
    return names;
}

// The names of metrics in a text of PromQL.
std::set<std::string> metrics_in(const std::string& text) {
    const std::regex metric("\\b(xbeat|ha_cluster)_[a-z0-9_]+");
    std::set<std::string> names;
    for (std::sregex_iterator at(text.begin(), text.end(), metric), end; at != end; ++at)
        names.insert(at->str());
    return names;
}

// Whether it is a family, or one of the series that a counter or a histogram has.
bool is_exported(const std::set<std::string>& families, const std::string& name) {
    if (families.count(name) == 1) return true;
    for (const std::string suffix : {"_total", "_bucket", "_count", "_sum"}) {
        const bool ends = name.ends_with(suffix);
        if (ends && families.count(name.substr(0, name.size() - suffix.size())) == 1) return true;
    }
    return false;
}

void expect_balanced(const std::string& expression) {
    std::string open;
    for (const char letter : expression) {
        const std::string closing = ")]}";
        if (std::string("([{").find(letter) != std::string::npos) open += letter;
        const std::size_t kind = closing.find(letter);
        if (kind == std::string::npos) continue;
        ASSERT_FALSE(open.empty()) << expression;
        EXPECT_EQ(open.back(), "([{"[kind]) << expression;
        open.pop_back();
    }
    EXPECT_EQ(open, "") << expression;
}

TEST(AlertRules, NameWhatIsExportedAndSayWhatToDo) {
    const std::string rules = shipped("xbeat-alerts.yml");
    if (rules.empty()) GTEST_SKIP() << "docs/examples is not below the working folder";
    const std::set<std::string> known = families_of(page_of_example());

    std::istringstream lines(rules);
    std::map<std::string, int> keys;
    for (std::string line; std::getline(lines, line);) {
        EXPECT_EQ(line.find('\t'), std::string::npos) << "YAML has no tabs: " << line;
        for (const std::string key : {"- alert:", "expr:", "severity:", "summary:", "action:"})
            keys[key] += line.find(key) != std::string::npos ? 1 : 0;
        const std::size_t at = line.find("expr:");
        if (at == std::string::npos) continue;
        expect_balanced(line.substr(at));
        for (const std::string& name : metrics_in(line))
            EXPECT_TRUE(is_exported(known, name)) << name << " is not exported: " << line;
    }
    EXPECT_GT(keys["- alert:"], 5);
    for (const auto& [key, count] : keys) EXPECT_EQ(count, keys["- alert:"]) << key;
}

void collect_expressions(const nlohmann::json& value, std::vector<std::string>& found) {
    for (const auto& [key, member] : value.items()) {
        if (member.is_structured()) collect_expressions(member, found);
        if (value.is_object() && key == "expr") found.push_back(member.get<std::string>());
    }
}

TEST(Dashboard, ShowsWhatIsExported) {
    const std::string text = shipped("xbeat-dashboard.json");
    if (text.empty()) GTEST_SKIP() << "docs/examples is not below the working folder";
    const std::set<std::string> known = families_of(page_of_example());

    const nlohmann::json dashboard = nlohmann::json::parse(text, nullptr, false);

    ASSERT_TRUE(dashboard.is_object());
    EXPECT_TRUE(dashboard.contains("title"));
    std::vector<std::string> expressions;
    collect_expressions(dashboard["panels"], expressions);
    EXPECT_GT(expressions.size(), 5U);
    for (const std::string& expression : expressions) {
        expect_balanced(expression);
        EXPECT_FALSE(metrics_in(expression).empty()) << expression;
        for (const std::string& name : metrics_in(expression))
            EXPECT_TRUE(is_exported(known, name)) << name << " is not exported: " << expression;
    }
}

}  // namespace
}  // namespace xbeat::cli
