// Units against a systemd that a test plays: the other end of its private socket.
#include "agent/units.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;

// Answers as systemd's manager does: jobs end at once with `result`, states come from a list.
class FakeSystemd {
public:
    explicit FakeSystemd(const std::string& path) {
        listener_ = sys::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::listen(listener_.get(), 4), 0);
        EXPECT_EQ(::pipe(wake_), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeSystemd() {
        is_ending_ = true;
        const char byte = 0;
        EXPECT_EQ(::write(wake_[1], &byte, 1), 1);
        thread_.join();
        ::close(wake_[0]);
        ::close(wake_[1]);
    }

    std::atomic<const char*> result{"done"};
    std::atomic<const char*> state{"active"};
    std::atomic<int> activating_polls{0};  // so often before `state`
    std::atomic<bool> is_silent{false};    // jobs never end
    std::atomic<bool> is_unknown{false};   // there is no such unit
    std::string log;                       // methods and units; read after the end

private:
    void serve() {
        const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        sd_bus* bus = nullptr;
        sd_id128_t id{};
        EXPECT_GE(sd_bus_new(&bus), 0);
        EXPECT_GE(sd_bus_set_fd(bus, fd, fd), 0);
        EXPECT_GE(sd_bus_set_server(bus, 1, id), 0);
        EXPECT_GE(sd_bus_set_anonymous(bus, 1), 0);
        EXPECT_GE(sd_bus_start(bus), 0);
        EXPECT_GE(sd_bus_add_filter(bus, nullptr, &FakeSystemd::on_message, this), 0);
        while (!is_ending_) {
            const int done = sd_bus_process(bus, nullptr);
            if (done < 0) break;
            if (done > 0) continue;
            pollfd wait[2] = {{.fd = fd, .events = POLLIN, .revents = 0},
                              {.fd = wake_[0], .events = POLLIN, .revents = 0}};
            ::poll(wait, 2, -1);
        }
        sd_bus_close_unref(bus);
    }

    static int on_message(sd_bus_message* message, void* data, sd_bus_error* /*error*/) {
        auto* const self = static_cast<FakeSystemd*>(data);
        const char* member = sd_bus_message_get_member(message);
        if (member == nullptr) return 0;
        const std::string_view method = member;
        const char* unit = "";
        if (method == "StartUnit" || method == "StopUnit" || method == "ReloadUnit") {
            const char* mode = "";
            if (sd_bus_message_read(message, "ss", &unit, &mode) < 0) return 0;
            self->log += concat(method, ' ', unit, '\n');
            return self->run_job(message, unit);
        }
        if (method == "Reload") {
            self->log += "Reload\n";
            sd_bus_reply_method_return(message, "");
            return 1;
        }
        if (method == "LoadUnit") {
            if (sd_bus_message_read(message, "s", &unit) < 0) return 0;
            if (self->is_unknown) {
                sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit",
                                           "Unit %s not found.", unit);
                return 1;
            }
            sd_bus_reply_method_return(message, "o", "/org/freedesktop/systemd1/unit/x");
            return 1;
        }
        if (method == "Get") {
            const bool is_between = self->activating_polls > 0 && self->activating_polls-- > 0;
            sd_bus_reply_method_return(message, "v", "s",
                                       is_between ? "activating" : self->state.load());
            return 1;
        }
        return 0;
    }

    int run_job(sd_bus_message* message, const char* unit) {
        if (is_unknown) {
            sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit",
                                       "Unit %s not found.", unit);
            return 1;
        }
        const std::string job = concat("/org/freedesktop/systemd1/job/", ++jobs_);
        const auto tell = [&] {
            if (is_silent) return;
            sd_bus_emit_signal(sd_bus_message_get_bus(message), "/org/freedesktop/systemd1",
                               "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", jobs_,
                               job.c_str(), unit, result.load());
        };
        // Both orders happen: the job may be over before its number is known.
        if (jobs_ % 2 == 0) tell();
        sd_bus_reply_method_return(message, "o", job.c_str());
        if (jobs_ % 2 != 0) tell();
        return 1;
    }

    sys::Fd listener_;
    int wake_[2] = {-1, -1};
    std::uint32_t jobs_ = 0;
    std::atomic<bool> is_ending_{false};
    std::thread thread_;
};

class UnitsTest : public ::testing::Test {
protected:
    UnitsTest() {
        char name[] = "/tmp/xb-units-XXXXXX";
        folder_ = ::mkdtemp(name);
        options_.socket = folder_ + "/private";
        options_.drop_in_root = folder_;
        options_.poll_pause = 5ms;
    }
    ~UnitsTest() override { std::filesystem::remove_all(folder_); }

    // Runs one action to its end.
    Reply run(Units& units, const std::string& type, const std::string& action,
              Duration timeout = 10s) {
        Spawn spawn;
        spawn.id = OperationId{++next_};
        spawn.type = type;
        spawn.action = action;
        spawn.timeout = timeout;
        units.start(spawn, sys::boot_now());
        const Instant end = sys::boot_now() + 20s;
        while (sys::boot_now() < end) {
            for (Reply& reply : units.receive(sys::boot_now())) {
                if (operation_of(reply) == spawn.id) return reply;
            }
            pollfd wait{.fd = units.fd(), .events = POLLIN, .revents = 0};
            ::poll(&wait, 1, 1000);
        }
        return Failed{.id = spawn.id, .reason = FailReason::System, .text = "no answer"};
    }
    static int code(const Reply& reply) {
        const auto* done = std::get_if<Done>(&reply);
        return done == nullptr ? -1 : done->exit_code;
    }
    [[nodiscard]] std::string drop_in(const std::string& unit) const {
        std::ifstream file(folder_ + '/' + unit + ".d/50-xbeat.conf");
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

    std::string folder_;
    Units::Options options_;
    std::uint64_t next_ = 0;
};

TEST_F(UnitsTest, StartsWithADropInAndTakesItAwayAfterTheStop) {
    Units units = *Units::create(options_);
    {
        FakeSystemd systemd(options_.socket);
        EXPECT_EQ(code(run(units, "web", "start")), 0);
        EXPECT_NE(drop_in("web.service").find("Restart=no"), std::string::npos);
        EXPECT_EQ(code(run(units, "web", "monitor")), 0);
        EXPECT_EQ(code(run(units, "web", "stop")), 0);
        EXPECT_EQ(drop_in("web.service"), "");
        systemd.state = "inactive";
        EXPECT_EQ(code(run(units, "web", "monitor")), 7);
        EXPECT_EQ(systemd.log, "Reload\nStartUnit web.service\nStopUnit web.service\n");
    }
}

TEST_F(UnitsTest, ThatFailedIsNotRunningAndSaysSo) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    systemd.state = "failed";
    const Reply reply = run(units, "web.service", "monitor");
    ASSERT_EQ(code(reply), 7);
    EXPECT_EQ(std::get<Done>(reply).exit_reason, "web.service failed");
}

TEST_F(UnitsTest, BetweenTwoStatesIsAskedAgain) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    systemd.activating_polls = 3;
    EXPECT_EQ(code(run(units, "web", "monitor")), 0);
}

TEST_F(UnitsTest, WhoseJobFailsIsAFailure) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    systemd.result = "failed";
    const Reply reply = run(units, "web", "start");
    ASSERT_EQ(code(reply), 1);
    EXPECT_NE(std::get<Done>(reply).exit_reason.find("failed"), std::string::npos);
}

TEST_F(UnitsTest, ThatDoesNotExistIsNotInstalledAndStopped) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    systemd.is_unknown = true;
    EXPECT_EQ(code(run(units, "web", "monitor")), 5);
    EXPECT_EQ(code(run(units, "web", "start")), 5);
    EXPECT_EQ(code(run(units, "web", "stop")), 0);
}

TEST_F(UnitsTest, WhoseJobHangsTimesOut) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    systemd.is_silent = true;
    const Reply reply = run(units, "web", "stop", 100ms);
    ASSERT_TRUE(std::holds_alternative<Done>(reply));
    EXPECT_TRUE(std::get<Done>(reply).timed_out);
    EXPECT_EQ(units.in_flight(), 0U);
}

TEST_F(UnitsTest, WithoutSystemdFailWithTheReason) {
    Units units = *Units::create(options_);
    const Reply reply = run(units, "web", "monitor");
    ASSERT_TRUE(std::holds_alternative<Failed>(reply));
    EXPECT_NE(std::get<Failed>(reply).text.find("systemd"), std::string::npos);
}

TEST_F(UnitsTest, WhoseSystemdGoesAwayFailAndConnectAnew) {
    Units units = *Units::create(options_);
    {
        FakeSystemd systemd(options_.socket);
        EXPECT_EQ(code(run(units, "web", "monitor")), 0);
    }
    std::filesystem::remove(options_.socket);
    EXPECT_TRUE(std::holds_alternative<Failed>(run(units, "web", "monitor")));
    FakeSystemd systemd(options_.socket);
    EXPECT_EQ(code(run(units, "web", "monitor")), 0);
}

TEST_F(UnitsTest, RefuseBadNamesAndUnknownActions) {
    FakeSystemd systemd(options_.socket);
    Units units = *Units::create(options_);
    EXPECT_EQ(code(run(units, "../x", "monitor")), 5);
    EXPECT_EQ(code(run(units, "web", "promote")), 3);
    EXPECT_EQ(code(run(units, "web", "monitor")), 0);
}

TEST(UnitName, GetsTheEndingOfAServiceUnlessItHasOne) {
    EXPECT_EQ(Units::unit_name("nginx"), "nginx.service");
    EXPECT_EQ(Units::unit_name("data.mount"), "data.mount");
    EXPECT_EQ(Units::unit_name("getty@tty1"), "getty@tty1.service");
}

}  // namespace
}  // namespace xbeat::agent
