#include "control/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "control/client.h"
#include "control/credentials.h"
#include "sys/boot_clock.h"
#include "unit/daemon/temp_dir.h"

namespace xbeat::control {
namespace {

constexpr Duration kPatience = 20s;  // far more than anything here takes

/// A server in this thread's ring; `clock_` is what it is told, so that time-outs need no waiting.
class ServerTest : public ::testing::Test {
protected:
    void SetUp() override {
        Result<ring::Ring> ring = ring::Ring::create({});
        ASSERT_TRUE(ring) << ring.error().context;
        ring_ = std::make_unique<ring::Ring>(*std::move(ring));
        Result<Server> server = Server::create(folder_.path(), *ring_);
        ASSERT_TRUE(server) << server.error().context;
        server_ = std::make_unique<Server>(*std::move(server));
    }
    void TearDown() override {
        server_.reset();
        ring_.reset();
    }

    sys::Fd connect(std::string_view socket = "admin.sock") const {
        sys::Fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        folder_.file(socket).copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(
            ::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return made;
    }
    static void say(const sys::Fd& client, std::string_view text) {
        EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    void turn() {
        server_->tick(clock_);
        ring_->timeout_at(sys::boot_now() + 1ms, {.op = ring::Op::Timer});
        ASSERT_TRUE(ring_->wait([&](const ring::Completion& completion) {
            if (completion.token.op == ring::Op::Timer || completion.token.op == ring::Op::None)
                return;
            server_->complete(completion, clock_);
        }));
        for (Incoming& incoming : server_->take()) incoming_.push_back(std::move(incoming));
    }
    template <class Condition>
    ::testing::AssertionResult until(Condition condition) {
        const Instant deadline = sys::boot_now() + kPatience;
        while (!condition()) {
            if (sys::boot_now() > deadline) return ::testing::AssertionFailure() << "in time";
            turn();
        }
        return ::testing::AssertionSuccess();
    }
    /// Everything up to the next end of line, or to the end.
    std::string line(const sys::Fd& client) {
        std::string text;
        EXPECT_TRUE(until([&] {
            char byte = 0;
            while (::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 1) {
                text += byte;
                if (byte == '\n') return true;
            }
            return false;
        })) << text;
        return text;
    }
    bool is_closed(const sys::Fd& client) {
        return until([&] {
            char byte = 0;
            const ssize_t got = ::recv(client.get(), &byte, 1, MSG_DONTWAIT);
            return got == 0 || (got < 0 && errno != EAGAIN);
        });
    }

    testing::TempDir folder_;
    std::unique_ptr<ring::Ring> ring_;
    std::unique_ptr<Server> server_;
    std::vector<Incoming> incoming_;
    Instant clock_ = Instant(1000s);
};

TEST_F(ServerTest, HandsOverARequestAndTheReply) {
    const sys::Fd client = connect();
    say(client, "{\"op\":\"ping\",\"id\":3}\n");
    ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));

    EXPECT_EQ(incoming_[0].request.op, Op::Ping);
    EXPECT_EQ(incoming_[0].echo, "3");
    EXPECT_EQ(incoming_[0].role, Role::Admin);
    EXPECT_EQ(incoming_[0].uid, ::geteuid());
    EXPECT_EQ(incoming_[0].pid, ::getpid());
    server_->finish(incoming_[0].peer, "{\"ok\":true}\n", clock_);

    EXPECT_EQ(line(client), "{\"ok\":true}\n");
}

TEST_F(ServerTest, GivesEachSocketItsRole) {
    const sys::Fd viewer = connect("ro.sock");
    const sys::Fd helper = connect("operator.sock");
    say(viewer, "{\"op\":\"leave\"}\n");
    say(helper, "{\"op\":\"cleanup\"}\n");

    EXPECT_NE(line(viewer).find("\"denied\""), std::string::npos);
    ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));
    EXPECT_EQ(incoming_[0].role, Role::Operator);
}

TEST_F(ServerTest, TakesOneRequestAtATimeOfEachConnection) {
    const sys::Fd client = connect();
    say(client, "{\"op\":\"ping\"}\n{\"op\":\"cib\"}\n");
    ASSERT_TRUE(until([&] { return !incoming_.empty(); }));
    for (int i = 0; i < 5; ++i) turn();
    EXPECT_EQ(incoming_.size(), 1U);

    server_->finish(incoming_[0].peer, "first\n", clock_);

    EXPECT_EQ(line(client), "first\n");
    ASSERT_TRUE(until([&] { return incoming_.size() == 2; }));
    EXPECT_EQ(incoming_[1].request.op, Op::Cib);
}

TEST_F(ServerTest, AnswersAClientThatHasClosedItsSendingHalf) {
    const sys::Fd client = connect();
    say(client, "{\"op\":\"ping\"}\n");
    ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
    ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));

    server_->finish(incoming_[0].peer, "reply\n", clock_);

    EXPECT_EQ(line(client), "reply\n");
    EXPECT_TRUE(is_closed(client));
}

TEST_F(ServerTest, ForgetsAClientThatHasGone) {
    {
        const sys::Fd client = connect();
        say(client, "{\"op\":\"events\",\"follow\":true}\n");
        ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));
    }

    ASSERT_TRUE(until([&] { return server_->connections() == 0; }));

    EXPECT_FALSE(server_->stream(incoming_[0].peer, "x\n", clock_));
    server_->finish(incoming_[0].peer, "x\n", clock_);
}

TEST_F(ServerTest, NeverTakesALaterConnectionForAnEarlierOne) {
    {
        const sys::Fd client = connect();
        say(client, "{\"op\":\"ping\"}\n");
        ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));
    }
    // It has gone before its answer; another one comes into its place.
    ASSERT_TRUE(until([&] {
        server_->finish(incoming_[0].peer, "late\n", clock_);
        return server_->connections() == 0;
    }));
    const sys::Fd other = connect();
    say(other, "{\"op\":\"ping\"}\n");
    ASSERT_TRUE(until([&] { return incoming_.size() == 2; }));

    server_->finish(incoming_[0].peer, "not yours\n", clock_);
    server_->finish(incoming_[1].peer, "yours\n", clock_);

    EXPECT_EQ(line(other), "yours\n");
}

TEST_F(ServerTest, AnswersNonsenseAndGoesOn) {
    const sys::Fd client = connect();
    say(client, "\x16\x03\x01 nonsense\n\n{\"op\":\"ping\"}\n");

    EXPECT_NE(line(client).find("\"invalid\""), std::string::npos);
    EXPECT_NE(line(client).find("\"invalid\""), std::string::npos);
    EXPECT_TRUE(until([&] { return incoming_.size() == 1; }));
}

TEST_F(ServerTest, EndsALineThatIsTooLong) {
    const sys::Fd client = connect();
    ASSERT_TRUE(until([&] { return server_->connections() == 1; }));
    std::thread talker([&] {
        const std::string chunk(1U << 20U, 'x');
        for (std::size_t sent = 0; sent <= kLineBytesMax + chunk.size(); sent += chunk.size()) {
            if (::send(client.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) break;
        }
    });

    std::string reply;
    EXPECT_TRUE(until([&] {
        char byte = 0;
        while (::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 1) reply += byte;
        return server_->connections() == 0;
    }));

    talker.join();
    EXPECT_TRUE(reply.empty() || reply.find("\"limit\"") != std::string::npos) << reply;
    EXPECT_TRUE(is_closed(client));
    EXPECT_EQ(server_->refused(), 1U);
}

TEST_F(ServerTest, DropsAReaderThatDoesNotRead) {
    const sys::Fd client = connect();
    const sys::Fd other = connect();
    say(client, "{\"op\":\"ping\"}\n");
    ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));
    server_->finish(incoming_[0].peer, std::string(8U << 20U, 'r') + "\n", clock_);
    for (int i = 0; i < 5; ++i) turn();
    EXPECT_EQ(server_->connections(), 2U);

    clock_ += kWriteIdleMax;

    EXPECT_TRUE(until([&] { return server_->connections() == 1; }));
    say(other, "{\"op\":\"ping\"}\n");
    EXPECT_TRUE(until([&] { return incoming_.size() == 2; }));
}

TEST_F(ServerTest, DropsAReaderWhoseRepliesPileUp) {
    const sys::Fd client = connect();
    say(client, "{\"op\":\"events\",\"follow\":true}\n");
    ASSERT_TRUE(until([&] { return incoming_.size() == 1; }));
    const std::string row(1U << 20U, 'r');

    bool is_there = true;
    for (std::size_t i = 0; i < kReplyBytesMax / row.size() + 2 && is_there; ++i)
        is_there = server_->stream(incoming_[0].peer, row, clock_) && server_->connections() == 1;

    EXPECT_FALSE(is_there);
}

TEST_F(ServerTest, DropsAClientThatSaysNothing) {
    const sys::Fd client = connect();
    ASSERT_TRUE(until([&] { return server_->connections() == 1; }));
    EXPECT_EQ(server_->deadline(), clock_ + kReadIdleMax);

    clock_ += kReadIdleMax;

    EXPECT_TRUE(is_closed(client));
}

TEST_F(ServerTest, LetsNobodyTakeAllConnections) {
    std::vector<sys::Fd> clients;
    for (std::size_t i = 0; i < kConnectionsPerUidMax; ++i) clients.push_back(connect());
    ASSERT_TRUE(until([&] { return server_->connections() == kConnectionsPerUidMax; }));

    const sys::Fd further = connect();

    EXPECT_TRUE(is_closed(further));
    EXPECT_EQ(server_->refused(), 1U);
    clients.pop_back();
    ASSERT_TRUE(until([&] { return server_->connections() == kConnectionsPerUidMax - 1; }));
    const sys::Fd again = connect();
    EXPECT_TRUE(until([&] { return server_->connections() == kConnectionsPerUidMax; }));
}

TEST_F(ServerTest, OpensItsSocketsToTheirGroupOnly) {
    for (const SocketRow& row : kSockets) {
        struct stat about {};
        ASSERT_EQ(::stat(folder_.file(row.file).c_str(), &about), 0);
        const auto group = find_group(row.group);
        EXPECT_EQ(about.st_mode & 07777, group ? 0660U : 0600U) << row.file;
        EXPECT_EQ(about.st_gid, group.value_or(::getegid()));
    }
}

TEST(Role, IsTheLesserOfSocketAndCaller) {
    const SocketRow& admin = kSockets[0];
    ASSERT_EQ(admin.role, Role::Admin);
    const Credentials root{.uid = 0, .gid = 0, .pid = 1, .groups = {}};
    const Credentials member{.uid = 1000, .gid = 100, .pid = 1, .groups = {5, 77}};
    const Credentials stranger{.uid = 1000, .gid = 100, .pid = 1, .groups = {5}};

    EXPECT_EQ(role_of(root, admin, {}, 0), Role::Admin);
    EXPECT_EQ(role_of(root, kSockets[2], {}, 0), Role::Viewer);
    EXPECT_EQ(role_of(member, admin, gid_t{77}, 0), Role::Admin);
    EXPECT_EQ(role_of(stranger, admin, gid_t{77}, 0), Role::None);
    EXPECT_EQ(role_of(stranger, admin, {}, 0), Role::None);
    EXPECT_EQ(role_of(stranger, admin, {}, 1000), Role::Admin);
}

TEST(Client, SaysHowToStartADaemonThatDoesNotRun) {
    const testing::TempDir folder;
    Client::Options options;
    options.run_dir = folder.path();

    const Result<Client> client = Client::connect(options);

    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, Code::Unavailable);
    EXPECT_NE(client.error().context.find("systemctl start xbeatd"), std::string::npos);
}

TEST_F(ServerTest, IsUnderstoodByTheClient) {
    Client::Options options;
    options.run_dir = folder_.path();
    options.role = Role::Operator;
    Result<nlohmann::json> good = Error{};
    Result<nlohmann::json> bad = Error{};
    Result<nlohmann::json> hung = Error{};
    std::thread asking([&] {
        Result<Client> client = Client::connect(options);
        if (!client) return;
        good = client->call({{"op", "cleanup"}});
        bad = client->call({{"op", "leave"}});
        hung = client->call({{"op", "ping"}}, 50ms);
    });

    EXPECT_TRUE(until([&] { return incoming_.size() == 1; }));
    server_->finish(incoming_[0].peer, print_message("cleaned", ""), clock_);
    EXPECT_TRUE(until([&] { return incoming_.size() == 2; }));
    asking.join();

    ASSERT_TRUE(good) << good.error().context;
    EXPECT_EQ((*good)["message"], "cleaned");
    EXPECT_EQ(bad.error().code, Code::Denied);
    EXPECT_EQ(hung.error().code, Code::Timeout);
}

}  // namespace
}  // namespace xbeat::control
