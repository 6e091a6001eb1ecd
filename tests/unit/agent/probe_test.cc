// The built-in probes: ping, disk, link.
#include "agent/builtin/probe.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/builtin/builtins.h"
#include "sys/boot_clock.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;

class ProbeTest : public ::testing::Test {
protected:
    ProbeTest() {
        char name[] = "/tmp/xb-probe-XXXXXX";
        folder_ = ::mkdtemp(name);
        builtins_.emplace(*Builtins::create(
            {.run_dir = folder_, .send = [](const Request&) { return Result<void>{}; }}));
    }
    ~ProbeTest() override { std::filesystem::remove_all(folder_); }

    Done run(const std::string& type, const std::string& action,
             std::vector<Parameter> parameters) {
        Spawn spawn;
        spawn.id = OperationId{++next_};
        spawn.provider = "xbeat";
        spawn.type = type;
        spawn.action = action;
        spawn.resource = "probe:0";
        spawn.parameters = std::move(parameters);
        spawn.parameters.push_back({.name = "CRM_meta_on_node", .value = "pm01"});
        spawn.timeout = 20s;
        EXPECT_TRUE(builtins_->start(spawn, sys::boot_now()));
        const Instant end = sys::boot_now() + 30s;
        while (sys::boot_now() < end) {
            for (Reply& reply : builtins_->receive(sys::boot_now())) {
                if (const auto* done = std::get_if<Done>(&reply)) return *done;
            }
            pollfd wait{.fd = builtins_->fd(), .events = POLLIN, .revents = 0};
            ::poll(&wait, 1, 1000);
        }
        return {.id = {}, .exit_code = -1};
    }
    // Name and value of the only attribute since the last call.
    std::pair<std::string, std::string> attribute() {
        const std::vector<builtin::AttributeUpdate> all = builtins_->take_attributes();
        if (all.size() != 1) return {"(none)", ""};
        EXPECT_EQ(all[0].node, "pm01");
        return {all[0].name, all[0].value.value_or("(removed)")};
    }

    std::string folder_;
    std::optional<Builtins> builtins_;
    std::uint64_t next_ = 0;
};

using Pair = std::pair<std::string, std::string>;

TEST_F(ProbeTest, DiskIsNotRunningUntilItIsStartedAndGoneAfterTheStop) {
    const std::string file = folder_ + "/block";
    std::ofstream(file) << std::string(8192, 'x');
    const std::vector<Parameter> device = {{.name = "device", .value = file}};

    EXPECT_EQ(run("disk", "monitor", device).exit_code, 7);
    EXPECT_EQ(attribute(), Pair("(none)", ""));
    EXPECT_EQ(run("disk", "start", device).exit_code, 0);
    const Pair seen = attribute();
    // Where the file system knows no direct reading (tmpfs before 6.6) that is the finding.
    EXPECT_EQ(seen.first, "diskd");
    EXPECT_EQ(run("disk", "monitor", device).exit_code, 0);
    EXPECT_EQ(attribute(), seen);
    EXPECT_EQ(run("disk", "stop", device).exit_code, 0);
    EXPECT_EQ(attribute(), Pair("diskd", "(removed)"));
    EXPECT_EQ(run("disk", "monitor", device).exit_code, 7);
}

TEST_F(ProbeTest, DiskThatIsGoneIsAnErrorAndAFailureOnlyIfWanted) {
    std::vector<Parameter> device = {{.name = "device", .value = folder_ + "/none"}};
    EXPECT_EQ(run("disk", "start", device).exit_code, 0);
    EXPECT_EQ(attribute(), Pair("diskd", "ERROR"));
    device.push_back({.name = "fail", .value = "true"});
    const Done done = run("disk", "monitor", device);
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_NE(done.exit_reason.find("/none"), std::string::npos);
}

TEST_F(ProbeTest, DiskThatHangsIsFoundByTheDeadline) {
    // A fifo without a writer: nothing can be read from it that way.
    const std::string fifo = folder_ + "/fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Instant before = sys::boot_now();
    EXPECT_EQ(run("disk", "start",
                  {{.name = "device", .value = fifo}, {.name = "deadline", .value = "50ms"}})
                  .exit_code,
              0);
    EXPECT_EQ(attribute(), Pair("diskd", "ERROR"));
    EXPECT_LT(sys::boot_now() - before, 10s);
}

TEST_F(ProbeTest, LinkTellsWhetherTheInterfaceIsUp) {
    EXPECT_EQ(run("link", "start", {{.name = "interface", .value = "nothing9"}}).exit_code, 0);
    EXPECT_EQ(attribute(), Pair("link-nothing9", "0"));
    EXPECT_EQ(run("link", "monitor", {{.name = "interface", .value = "../x"}}).exit_code, 6);
    EXPECT_EQ(run("link", "monitor", {}).exit_code, 6);
}

TEST_F(ProbeTest, PingCountsWhoAnswers) {
    if (::geteuid() != 0) GTEST_SKIP() << "raw sockets need root";
    // 240.0.0.0/4 is reserved: the kernel sends nothing there.
    const std::vector<Parameter> hosts = {{.name = "host_list", .value = "127.0.0.1 240.0.0.1"},
                                          {.name = "multiplier", .value = "10"},
                                          {.name = "attempts", .value = "2"},
                                          {.name = "wait", .value = "100ms"}};
    const Done done = run("ping", "start", hosts);
    ASSERT_EQ(done.exit_code, 0) << done.exit_reason;
    EXPECT_EQ(attribute(), Pair("pingd", "10"));
    std::vector<Parameter> strict = hosts;
    strict.push_back({.name = "failure_score", .value = "20"});
    EXPECT_EQ(run("ping", "monitor", strict).exit_code, 1);
}

TEST_F(ProbeTest, PingRefusesNamesAndBadNumbers) {
    EXPECT_EQ(run("ping", "start", {{.name = "host_list", .value = "www.example.org"}}).exit_code,
              6);
    EXPECT_EQ(run("ping", "start", {}).exit_code, 6);
    EXPECT_EQ(
        run("ping", "start",
            {{.name = "host_list", .value = "127.0.0.1"}, {.name = "multiplier", .value = "many"}})
            .exit_code,
        6);
    EXPECT_EQ(run("ping", "promote", {{.name = "host_list", .value = "127.0.0.1"}}).exit_code, 3);
}

// Wrong parameters are a configuration error with its reason: no attribute, no measurement.
TEST_F(ProbeTest, RefusesWhatCannotBeMeasured) {
    struct Row {
        const char* type;
        std::vector<Parameter> parameters;
        const char* word;  // of the reason
    };
    std::string crowd;
    for (int i = 0; i < 100; ++i) crowd += "127.0.0.1 ";
    const Parameter host{.name = "host_list", .value = "127.0.0.1"};
    const Parameter device{.name = "device", .value = "/dev/null"};
    const std::vector<Row> rows = {
        {"ping", {{.name = "host_list", .value = "  "}}, "host_list"},
        {"ping", {{.name = "host_list", .value = "127.0.0.1 10.0.0"}}, "10.0.0"},
        {"ping", {{.name = "host_list", .value = "127.0.0.1;reboot"}}, "host_list"},
        {"ping", {{.name = "host_list", .value = crowd}}, "host_list"},
        {"ping", {host, {.name = "attempts", .value = "0"}}, "attempts"},
        {"ping", {host, {.name = "attempts", .value = "21"}}, "attempts"},
        {"ping", {host, {.name = "wait", .value = "0"}}, "wait"},
        {"ping", {host, {.name = "wait", .value = "2h"}}, "wait"},
        {"ping", {host, {.name = "failure_score", .value = "-1"}}, "failure_score"},
        {"ping", {host, {.name = "dampen", .value = "soon"}}, "dampen"},
        {"disk", {}, "device"},
        {"disk", {{.name = "device", .value = "sda"}}, "device"},
        {"disk", {device, {.name = "deadline", .value = "0"}}, "deadline"},
        {"disk", {device, {.name = "deadline", .value = "forever"}}, "deadline"},
        {"disk", {device, {.name = "fail", .value = "perhaps"}}, "fail"},
        {"link", {{.name = "interface", .value = "averyveryverylongname"}}, "interface"},
        {"link",
         {{.name = "interface", .value = "lo"}, {.name = "multiplier", .value = "0"}},
         "multiplier"},
    };
    for (const Row& row : rows) {
        const std::string what = std::string(row.type) + " " + row.word;
        const Done done = run(row.type, "start", row.parameters);
        EXPECT_EQ(done.exit_code, 6) << what << ' ' << done.exit_reason;
        EXPECT_NE(done.exit_reason.find(row.word), std::string::npos)
            << what << ": " << done.exit_reason;
        EXPECT_EQ(attribute(), Pair("(none)", "")) << what;
    }
}

// A folder and an empty file are no disks; a probe says so and goes on.
TEST_F(ProbeTest, DiskThatIsNoneIsAnError) {
    std::ofstream(folder_ + "/empty").flush();
    for (const std::string& device : {folder_, folder_ + "/empty"}) {
        EXPECT_EQ(run("disk", "start", {{.name = "device", .value = device}}).exit_code, 0);
        EXPECT_EQ(attribute(), Pair("diskd", "ERROR")) << device;
    }
}

}  // namespace
}  // namespace xbeat::agent
