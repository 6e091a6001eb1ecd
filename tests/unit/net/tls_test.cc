#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <set>

namespace xbeat::net {
namespace {

using Secret = std::array<std::uint8_t, 32>;

Psk make(std::uint8_t fill, PskUse use) {
    Secret secret;
    secret.fill(fill);
    Result<Psk> psk = derive_psk(secret, use);
    EXPECT_TRUE(psk);
    return *psk;
}

constexpr PskUse kUse{.cluster = "lab", .connector = NodeId{1}, .acceptor = NodeId{2}};

/// Lets the two talk until nothing more is said. The first error of either side.
Result<void> talk(TlsSession& a, TlsSession& b, std::string& to_a, std::string& to_b) {
    XB_TRY(a.feed({}, to_a));
    while (true) {
        const std::string from_a = a.take_output();
        if (!from_a.empty()) XB_TRY(b.feed(from_a, to_b));
        const std::string from_b = b.take_output();
        if (!from_b.empty()) XB_TRY(a.feed(from_b, to_a));
        if (from_a.empty() && from_b.empty()) return {};
    }
}

/// Two sessions that have shaken hands.
struct Pair {
    TlsSession a;
    TlsSession b;
};
Pair shaken() {
    Result<TlsSession> a = TlsSession::connector(make(1, kUse));
    Result<TlsSession> b = TlsSession::acceptor({make(1, kUse)});
    EXPECT_TRUE(a);
    EXPECT_TRUE(b);
    std::string to_a;
    std::string to_b;
    EXPECT_TRUE(talk(*a, *b, to_a, to_b));
    return {.a = *std::move(a), .b = *std::move(b)};
}

TEST(Tls, ShakesHandsWithOneKeyAndCarriesBytesBothWays) {
    Result<TlsSession> a = TlsSession::connector(make(1, kUse));
    Result<TlsSession> b = TlsSession::acceptor({make(9, kUse), make(1, kUse)});
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    std::string to_a;
    std::string to_b;
    ASSERT_TRUE(talk(*a, *b, to_a, to_b));
    ASSERT_TRUE(a->is_ready());
    ASSERT_TRUE(b->is_ready());
    EXPECT_EQ(b->used_key(), 1U);

    ASSERT_TRUE(a->write("question"));
    ASSERT_TRUE(b->write(std::string(100'000, 'x')));
    ASSERT_TRUE(talk(*a, *b, to_a, to_b));

    EXPECT_EQ(to_b, "question");
    EXPECT_EQ(to_a, std::string(100'000, 'x'));
}

TEST(Tls, ShowsNoByteOfTheTextOnTheWire) {
    Pair pair = shaken();

    ASSERT_TRUE(pair.a.write("fence confirmed: pm01"));

    EXPECT_EQ(pair.a.take_output().find("pm01"), std::string::npos);
}

TEST(Tls, NamesItsKeyWithoutNamingClusterOrNodes) {
    Result<TlsSession> a = TlsSession::connector(
        make(1, {.cluster = "payroll", .connector = NodeId{1}, .acceptor = NodeId{2}}));
    ASSERT_TRUE(a);
    std::string plain;
    ASSERT_TRUE(a->feed({}, plain));

    EXPECT_EQ(a->take_output().find("payroll"), std::string::npos);
}

// Claim S-6: every mismatch of what the two ends are is refused, on both ends.
TEST(Tls, RefusesEveryMismatchOfKeyClusterNodeAndPath) {
    struct Row {
        const char* what;
        std::uint8_t fill;
        PskUse use;
    };
    for (const Row& row :
         {Row{"another secret", 2, kUse},
          Row{"another cluster",
              1,
              {.cluster = "lab2", .connector = NodeId{1}, .acceptor = NodeId{2}}},
          Row{"another connector",
              1,
              {.cluster = "lab", .connector = NodeId{3}, .acceptor = NodeId{2}}},
          Row{"another acceptor",
              1,
              {.cluster = "lab", .connector = NodeId{1}, .acceptor = NodeId{3}}},
          Row{"the other direction",
              1,
              {.cluster = "lab", .connector = NodeId{2}, .acceptor = NodeId{1}}},
          Row{"another path",
              1,
              {.cluster = "lab", .connector = NodeId{1}, .acceptor = NodeId{2}, .path = PathId{1}}},
          Row{"another generation of the secret",
              1,
              {.cluster = "lab",
              .connector = NodeId{1},
              .acceptor = NodeId{2},
              .path = PathId{0},
              .key_id = 1}}}) {
        Result<TlsSession> a = TlsSession::connector(make(row.fill, row.use));
        Result<TlsSession> b = TlsSession::acceptor({make(1, kUse)});
        ASSERT_TRUE(a);
        ASSERT_TRUE(b);
        std::string to_a;
        std::string to_b;

        const Result<void> outcome = talk(*a, *b, to_a, to_b);

        ASSERT_FALSE(outcome) << row.what;
        EXPECT_EQ(outcome.error().code, Code::Denied) << row.what;
        EXPECT_FALSE(a->is_ready()) << row.what;
        EXPECT_FALSE(b->is_ready()) << row.what;
    }
}

/// The same name, another key: what an attacker who recorded a handshake can say.
TEST(Tls, RefusesAKnownNameWithAWrongKey) {
    Psk forged = make(1, kUse);
    forged.key.fill(0x5a);
    Result<TlsSession> a = TlsSession::connector(forged);
    Result<TlsSession> b = TlsSession::acceptor({make(1, kUse)});
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    std::string to_a;
    std::string to_b;

    EXPECT_FALSE(talk(*a, *b, to_a, to_b));
    EXPECT_FALSE(b->is_ready());
}

TEST(Tls, RefusesPlainBytesInsteadOfAHandshake) {
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(64, '\0'), std::string(64, '\xff')}) {
        Result<TlsSession> b = TlsSession::acceptor({make(1, kUse)});
        ASSERT_TRUE(b);
        std::string plain;

        const Result<void> outcome = b->feed(bytes, plain);

        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, Code::Denied);
        EXPECT_TRUE(plain.empty());
    }
}

TEST(Tls, RefusesARecordThatWasChangedOnTheWay) {
    Pair pair = shaken();
    ASSERT_TRUE(pair.a.write("message"));
    std::string record = pair.a.take_output();
    record.back() = static_cast<char>(record.back() ^ 1);
    std::string plain;

    EXPECT_FALSE(pair.b.feed(record, plain));
    EXPECT_TRUE(plain.empty());
}

/// The first flight of an OpenSSL client that is set up by `prepare`.
template <class Prepare>
std::string first_flight(Prepare prepare) {
    SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
    prepare(context);
    SSL* const ssl = ::SSL_new(context);
    ::SSL_set_bio(ssl, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
    ::SSL_set_connect_state(ssl);
    ::SSL_do_handshake(ssl);
    std::string bytes(::BIO_ctrl_pending(::SSL_get_wbio(ssl)), '\0');
    std::size_t count = 0;
    ::BIO_read_ex(::SSL_get_wbio(ssl), bytes.data(), bytes.size(), &count);
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
    return bytes;
}

TEST(Tls, RefusesAnOlderTlsAndAClientWithoutTheKey) {
    const std::string old = first_flight(
        [](SSL_CTX* context) { ::SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
    const std::string keyless = first_flight(
        [](SSL_CTX* context) { ::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION); });
    for (const std::string& flight : {old, keyless}) {
        ASSERT_FALSE(flight.empty());
        Result<TlsSession> b = TlsSession::acceptor({make(1, kUse)});
        ASSERT_TRUE(b);
        std::string plain;

        EXPECT_FALSE(b->feed(flight, plain));
        EXPECT_FALSE(b->is_ready());
    }
}

TEST(Keys, DifferForEveryUse) {
    std::set<std::string> identities;
    std::set<std::array<std::uint8_t, kPskBytes>> keys;
    std::size_t uses = 0;
    for (const char* cluster : {"a", "b", "a/00001"}) {
        for (std::uint16_t connector = 1; connector <= 3; ++connector) {
            for (std::uint8_t path = 0; path < 3; ++path) {
                const Psk psk = make(1, {.cluster = cluster,
                                         .connector = NodeId{connector},
                                         .acceptor = NodeId{4},
                                         .path = PathId{path}});
                identities.insert(psk.identity);
                keys.insert(psk.key);
                ++uses;
            }
        }
    }
    EXPECT_EQ(identities.size(), uses);
    EXPECT_EQ(keys.size(), uses);
}

TEST(Keys, AreTheSameInEveryProcess) {
    // A change of this value makes a running peer unreachable: it is part of the protocol.
    EXPECT_EQ(make(1, kUse).identity, make(1, kUse).identity);
    EXPECT_EQ(make(1, kUse).identity.size(), 7U + 32U);
}

}  // namespace
}  // namespace xbeat::net
