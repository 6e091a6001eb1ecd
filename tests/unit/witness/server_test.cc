// The witness's socket and the daemon's, joined by the loopback interface, on one ring.
#include "witness/server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <optional>

#include "net/socket.h"
#include "sys/boot_clock.h"
#include "witness/client.h"

namespace xbeat::witness {
namespace {

using arbiter::ArbiterAnswer;
using arbiter::Asking;
using arbiter::Reply;

const std::array<std::uint8_t, 32> kSecret{9, 8, 7};

class WitnessServer : public testing::Test {
protected:
    WitnessServer() : ring_(*ring::Ring::create({})) {}
    ~WitnessServer() override { ring_.reset(); }  // before what the kernel may still write into

    static ClusterKey key(const std::string& cluster = "lab") {
        return *derive_key(kSecret, cluster);
    }
    /// A port of the loopback interface on which nobody listens.
    static std::uint16_t free_port() {
        const sys::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
        net::SocketAddress local = net::socket_address(loopback(), 0);
        EXPECT_EQ(::bind(socket.get(), local.get(), local.length), 0);
        EXPECT_EQ(
            ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local.storage), &local.length),
            0);
        return ntohs(reinterpret_cast<const sockaddr_in*>(&local.storage)->sin_port);
    }
    static heart::IpAddress loopback() { return *heart::IpAddress::parse("127.0.0.1"); }

    /// By default one that was started so long ago that it grants.
    void start_server(Duration age = 20s, std::uint64_t life = 7) {
        auto made = Server::create({.address = loopback(), .port = port_, .life = life}, {key()},
                                   *ring_, sys::boot_now() - age);
        ASSERT_TRUE(made) << made.error().context;
        server_ = std::make_unique<Server>(*std::move(made));
        port_ = server_->port();
    }
    std::unique_ptr<Client> start_client(std::uint16_t node, std::optional<ClusterKey> of = {}) {
        auto made = Client::create({.address = loopback(),
                                    .port = port_,
                                    .node = NodeId{node},
                                    .life = 100U + node,
                                    .poll_every = 50ms,
                                    .poll_patience = 20ms},
                                   of ? *of : key(), *ring_, sys::boot_now());
        EXPECT_TRUE(made) << made.error().context;
        auto client = std::make_unique<Client>(*std::move(made));
        clients_.push_back(client.get());
        return client;
    }

    /// Turns the loop until that holds; fails the test after two seconds.
    template <class Question>
    void run_until(Question question) {
        const Instant limit = sys::boot_now() + 2s;
        while (!question()) {
            ASSERT_LT(sys::boot_now(), limit) << "it never came about";
            ring_->timeout_at(sys::boot_now() + 2ms, {.op = ring::Op::Timer});
            const auto waited = ring_->wait([&](const ring::Completion& completion) {
                if (completion.token.op == ring::Op::WitnessDatagram)
                    server_->complete(completion, sys::boot_now());
                if (completion.token.op != ring::Op::ArbiterNews) return;
                for (Client* client : clients_) client->complete(completion, sys::boot_now());
            });
            ASSERT_TRUE(waited);
            for (Client* client : clients_) client->tick(sys::boot_now());
        }
    }
    ArbiterAnswer ask(Client& client, Asking asking, Duration lease = 1s,
                      Duration patience = 500ms) {
        client.ask({.arbiter = arbiter::ArbiterKind::Witness,
                    .request = ++request_,
                    .asking = asking,
                    .lease = asking == Asking::Release ? Duration{} : lease,
                    .patience = patience},
                   sys::boot_now());
        std::vector<ArbiterAnswer> answers;
        run_until([&] {
            for (ArbiterAnswer& answer : client.take_answers())
                answers.push_back(std::move(answer));
            return !answers.empty();
        });
        EXPECT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers.front().request, request_);
        return answers.front();
    }

    std::optional<ring::Ring> ring_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Server>
        graveyard_;  // the kernel may write into its slots while there is a ring
    std::vector<Client*> clients_;
    std::uint64_t request_ = 0;
};

/// Somebody on the network with a socket and no key.
class Stranger {
public:
    explicit Stranger(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
        const net::SocketAddress to =
            net::socket_address(*heart::IpAddress::parse("127.0.0.1"), port);
        EXPECT_EQ(::connect(socket_.get(), to.get(), to.length), 0);
    }
    void send(std::span<const std::uint8_t> bytes) const {
        EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// What has come back so far, in bytes; 0 if nothing.
    [[nodiscard]] std::size_t received() const {
        std::array<char, 2048> bytes{};
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }

private:
    sys::Fd socket_;
};

wire::WitnessDatagram sealed_claim(const ClusterKey& key, std::uint64_t version = 1) {
    wire::WitnessDatagram bytes =
        wire::encode_witness(wire::WitnessRequest{.kind = wire::WitnessKind::Claim,
                                                  .cluster = key.id,
                                                  .node = NodeId{2},
                                                  .life = 1,
                                                  .number = 1,
                                                  .witness = 7,
                                                  .version = version,
                                                  .lease = 1s});
    seal(bytes, key.request);
    return bytes;
}

TEST_F(WitnessServer, GrantsOneNodeAndRefusesTheOther) {
    start_server();
    const auto one = start_client(1);
    const auto two = start_client(2);
    const Instant before = sys::boot_now();

    const ArbiterAnswer granted = ask(*one, Asking::Claim);
    const ArbiterAnswer refused = ask(*two, Asking::Claim);

    EXPECT_EQ(granted.reply, Reply::Granted);
    EXPECT_GE(granted.until, before + 1s);
    EXPECT_LE(granted.until, sys::boot_now() + 1s);
    EXPECT_EQ(refused.reply, Reply::Refused);
    EXPECT_EQ(refused.holder, NodeId{1});
    EXPECT_NE(refused.reason.find("node 1 has it for"), std::string::npos) << refused.reason;
}

TEST_F(WitnessServer, ARenewalAndAReleaseReachIt) {
    start_server();
    const auto one = start_client(1);
    const auto two = start_client(2);
    ask(*one, Asking::Claim);

    EXPECT_EQ(ask(*one, Asking::Renew).reply, Reply::Granted);
    EXPECT_EQ(ask(*one, Asking::Release).reply, Reply::Released);
    EXPECT_EQ(ask(*two, Asking::Claim).reply, Reply::Granted);

    EXPECT_EQ(server_->leases(sys::boot_now()), 1U);
}

TEST_F(WitnessServer, AfterItsStartItIsNotReady) {
    start_server(0s);
    const auto one = start_client(1);

    const ArbiterAnswer answer = ask(*one, Asking::Claim);

    EXPECT_EQ(answer.reply, Reply::NotReady);
    EXPECT_NE(answer.reason.find("started anew"), std::string::npos) << answer.reason;
    EXPECT_TRUE(one->status().is_starting);
}

TEST_F(WitnessServer, ThePollKnowsItsLifeSoThatAClaimTakesOneRoundTrip) {
    start_server();
    const auto one = start_client(1);
    run_until([&] { return one->status().is_reachable; });
    const std::uint64_t stale = server_->counters().stale;

    EXPECT_EQ(ask(*one, Asking::Claim).reply, Reply::Granted);

    EXPECT_EQ(server_->counters().stale, stale);
}

TEST_F(WitnessServer, DropsInSilenceWhatIsNotFromAClusterOfItsOwn) {
    start_server();
    const Stranger stranger(port_);
    const ClusterKey own = key();
    const ClusterKey other = key("other");
    wire::WitnessDatagram forged = sealed_claim(own);
    forged.back() ^= 1;
    wire::WitnessDatagram reserved = sealed_claim(own);
    reserved[7] = 1;
    seal(reserved, own.request);
    const wire::WitnessDatagram whole = sealed_claim(own);
    std::vector<std::uint8_t> longer(whole.begin(), whole.end());
    longer.resize(wire::kWitnessBytes + 1);

    stranger.send(forged);
    stranger.send(sealed_claim(other));
    stranger.send(reserved);
    stranger.send(longer);
    stranger.send(std::span(whole).first(95));
    stranger.send(std::span(whole).first(0));
    run_until([&] { return server_->counters().malformed == 4; });

    EXPECT_EQ(stranger.received(), 0U);
    EXPECT_EQ(server_->counters().wrong_tag, 1U);
    EXPECT_EQ(server_->counters().unknown_cluster, 1U);
    EXPECT_EQ(server_->leases(sys::boot_now()), 0U);
    EXPECT_EQ(server_->take_notes().size(), 3U) << "one for each reason, not for each datagram";
}

TEST_F(WitnessServer, AReplayedClaimIsAnsweredAndChangesNothing) {
    start_server();
    const ClusterKey own = key();
    const Stranger node(port_);
    const wire::WitnessDatagram claim = sealed_claim(own);
    node.send(claim);
    run_until([&] { return server_->counters().granted == 1; });
    const auto one = start_client(1);
    ASSERT_EQ(ask(*one, Asking::Claim).reply, Reply::Refused);
    const Stranger attacker(port_);

    attacker.send(claim);
    run_until([&] { return server_->counters().stale >= 1; });

    std::size_t answer = 0;
    run_until([&] { return (answer = attacker.received()) > 0; });
    EXPECT_EQ(answer, claim.size()) << "an answer never amplifies";
    EXPECT_EQ(server_->counters().granted, 1U);
}

TEST_F(WitnessServer, AWitnessThatIsNotThereIsUnreachableWithAReason) {
    port_ = free_port();
    const auto one = start_client(1);

    const ArbiterAnswer answer = ask(*one, Asking::Claim, 1s, 30ms);

    EXPECT_EQ(answer.reply, Reply::Unreachable);
    EXPECT_NE(answer.reason.find("nothing listens"), std::string::npos) << answer.reason;
    run_until([&] {
        for (const Note& note : one->take_notes()) {
            if (note.kind == "witness-unreachable") return true;
        }
        return false;
    });
    EXPECT_FALSE(one->status().is_reachable);
}

TEST_F(WitnessServer, AClientWithAnotherKeyIsNotHeardAndSaysSo) {
    start_server();
    ClusterKey wrong = key();
    wrong.request.words[0] ^= 1;
    const auto one = start_client(1, wrong);

    const ArbiterAnswer answer = ask(*one, Asking::Claim, 1s, 30ms);

    EXPECT_EQ(answer.reply, Reply::Unreachable);
    EXPECT_GT(server_->counters().wrong_tag, 0U);
    run_until([&] { return !one->status().trouble.empty(); });
    EXPECT_NE(one->status().trouble.find("xbeat witness key"), std::string::npos);
}

TEST_F(WitnessServer, AnImpostorsAnswersAreRefused) {
    // Somebody at the witness's address who does not have the key for answers.
    start_server();
    ClusterKey impostor = key();
    impostor.answer.words[1] ^= 1;
    ASSERT_TRUE(server_->replace_keys({impostor}, sys::boot_now() - 20s));
    const auto one = start_client(1);

    EXPECT_EQ(ask(*one, Asking::Claim, 1s, 30ms).reply, Reply::Unreachable);

    EXPECT_GT(one->status().refused, 0U);
    EXPECT_NE(one->status().trouble.find("does not have this cluster's key"), std::string::npos);
}

TEST_F(WitnessServer, ARestartedWitnessIsNoticedAndGrantsNothingAtFirst) {
    start_server();
    const auto one = start_client(1);
    ASSERT_EQ(ask(*one, Asking::Claim).reply, Reply::Granted);
    graveyard_ = std::move(server_);
    port_ = 0;
    start_server(0s, 8);
    const auto moved = start_client(1);
    run_until([&] { return moved->status().is_reachable; });

    EXPECT_EQ(ask(*moved, Asking::Renew).reply, Reply::NotReady);
}

TEST_F(WitnessServer, KeysAreReplacedWithoutLosingLeases) {
    start_server();
    const auto one = start_client(1);
    ASSERT_EQ(ask(*one, Asking::Claim, 10s).reply, Reply::Granted);
    ClusterKey second = key("next");
    second.cluster = "lab";  // a new key of the same cluster

    ASSERT_TRUE(server_->replace_keys({key(), second, key("new")}, sys::boot_now()));

    EXPECT_EQ(server_->clusters(), 2U);
    const auto two = start_client(2, second);
    EXPECT_EQ(ask(*two, Asking::Claim).reply, Reply::Refused) << "two keys, one lease";
    const auto fresh = start_client(1, key("new"));
    EXPECT_EQ(ask(*fresh, Asking::Claim).reply, Reply::NotReady) << "a new cluster waits";
}

TEST_F(WitnessServer, AClusterThatWasTakenOutIsUnknown) {
    start_server();
    ASSERT_TRUE(server_->replace_keys({}, sys::boot_now()));
    const auto one = start_client(1);

    EXPECT_EQ(ask(*one, Asking::Claim, 1s, 30ms).reply, Reply::Unreachable);

    EXPECT_GT(server_->counters().unknown_cluster, 0U);
}

TEST_F(WitnessServer, APortThatIsTakenIsAnErrorThatNamesIt) {
    start_server();

    const auto second =
        Server::create({.address = loopback(), .port = port_, .life = 1}, {}, *ring_, {});

    ASSERT_FALSE(second);
    EXPECT_NE(second.error().context.find(std::to_string(port_)), std::string::npos);
}

TEST_F(WitnessServer, BothFamiliesAreServedByDefault) {
    auto made = Server::create({.address = {}, .port = 0, .life = 7}, {key()}, *ring_,
                               sys::boot_now() - 20s);
    ASSERT_TRUE(made) << made.error().context;
    server_ = std::make_unique<Server>(*std::move(made));
    port_ = server_->port();
    const auto one = start_client(1);

    EXPECT_EQ(ask(*one, Asking::Claim).reply, Reply::Granted);
}

}  // namespace
}  // namespace xbeat::witness
