#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::net {
namespace {

struct FreeSsl {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSsl>;

// TLS_AES_256_GCM_SHA384's number (RFC 8446, appendix B.4).
constexpr std::array<unsigned char, 2> kSuite{0x13, 0x02};

Session make_session(SSL* ssl, const Psk& psk) {
    Session session(::SSL_SESSION_new());
    const SSL_CIPHER* const suite = ::SSL_CIPHER_find(ssl, kSuite.data());
    if (session == nullptr || suite == nullptr) return nullptr;
    if (::SSL_SESSION_set1_master_key(session.get(), psk.key.data(), psk.key.size()) != 1)
        return nullptr;
    if (::SSL_SESSION_set_cipher(session.get(), suite) != 1) return nullptr;
    if (::SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1) return nullptr;
    return session;
}

/// OpenSSL's own words for the newest error, or ours.
Error refused() {
    const unsigned long code = ::ERR_peek_last_error();
    const char* const reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
    ::ERR_clear_error();
    return {.code = Code::Denied,
            .context = concat("the encrypted channel was refused: ",
                              reason == nullptr ? "the other end closed it" : reason)};
}

}  // namespace

struct TlsSession::State {
    std::unique_ptr<SSL_CTX, FreeSsl> context;
    std::unique_ptr<SSL, FreeSsl> ssl;
    std::vector<Psk> psks;
    std::optional<std::size_t> used;
    bool is_ready = false;

    static State& of(SSL* ssl) { return *static_cast<State*>(SSL_get_app_data(ssl)); }
};

namespace {

// The two callbacks are templates only because State is private to the class: they are given to C.
template <class State>
int offer_key(SSL* ssl, const EVP_MD* digest, const unsigned char** identity,
              std::size_t* identity_size, SSL_SESSION** session) {
    const Psk& psk = State::of(ssl).psks.front();
    Session made = make_session(ssl, psk);
    if (made == nullptr) return 0;
    const SSL_CIPHER* const suite = ::SSL_SESSION_get0_cipher(made.get());
    if (digest != nullptr && ::SSL_CIPHER_get_handshake_digest(suite) != digest) {
        *session = nullptr;  // the server wants another hash: offer no key, and so fail
        return 1;
    }
    *identity = reinterpret_cast<const unsigned char*>(psk.identity.data());
    *identity_size = psk.identity.size();
    *session = made.release();
    return 1;
}

template <class State>
int find_key(SSL* ssl, const unsigned char* identity, std::size_t identity_size,
             SSL_SESSION** session) {
    State& state = State::of(ssl);
    const std::string_view wanted(reinterpret_cast<const char*>(identity), identity_size);
    *session = nullptr;
    for (std::size_t i = 0; i < state.psks.size(); ++i) {
        if (state.psks[i].identity != wanted) continue;
        *session = make_session(ssl, state.psks[i]).release();
        state.used = i;
        return *session == nullptr ? 0 : 1;
    }
    return 1;  // none: there is no certificate to fall back to, so the handshake fails
}

bool restrict_context(SSL_CTX* context) {
    if (::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) return false;
    if (::SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1) return false;
    if (::SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") != 1) return false;
    if (::SSL_CTX_set1_groups_list(context, "X25519") != 1) return false;
    if (::SSL_CTX_set_num_tickets(context, 0) != 1) return false;
    ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return true;
}

}  // namespace

Result<std::unique_ptr<TlsSession::State>> TlsSession::make_state(bool accepts,
                                                                  std::vector<Psk> psks) {
    XB_CHECK(!psks.empty());
    ::ERR_clear_error();
    auto state = std::make_unique<State>();
    state->context.reset(::SSL_CTX_new(accepts ? ::TLS_server_method() : ::TLS_client_method()));
    const Error no_library{.code = Code::Unavailable, .context = "OpenSSL offers no TLS 1.3"};
    if (state->context == nullptr || !restrict_context(state->context.get())) return no_library;
    if (accepts) {
        ::SSL_CTX_set_psk_find_session_callback(state->context.get(), find_key<State>);
    } else {
        // A server that answers with a certificate instead of the key must not be believed.
        ::SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_PEER, nullptr);
        ::SSL_CTX_set_psk_use_session_callback(state->context.get(), offer_key<State>);
    }
    state->ssl.reset(::SSL_new(state->context.get()));
    BIO* const in = ::BIO_new(::BIO_s_mem());
    BIO* const out = ::BIO_new(::BIO_s_mem());
    if (state->ssl == nullptr || in == nullptr || out == nullptr) return no_library;
    ::SSL_set_bio(state->ssl.get(), in, out);
    SSL_set_app_data(state->ssl.get(), state.get());
    state->psks = std::move(psks);
    if (accepts) {
        ::SSL_set_accept_state(state->ssl.get());
    } else {
        ::SSL_set_connect_state(state->ssl.get());
    }
    return state;
}

Result<TlsSession> TlsSession::connector(const Psk& psk) {
    return TlsSession(XB_TRY(make_state(false, {psk})));
}

Result<TlsSession> TlsSession::acceptor(std::vector<Psk> psks) {
    return TlsSession(XB_TRY(make_state(true, std::move(psks))));
}

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

bool TlsSession::is_ready() const { return state_->is_ready; }

std::size_t TlsSession::used_key() const {
    XB_CHECK(state_->is_ready);
    XB_CHECK(state_->used.has_value());
    return *state_->used;
}

Result<void> TlsSession::feed(std::string_view ciphertext, std::string& plain) {
    SSL* const ssl = state_->ssl.get();
    ::ERR_clear_error();
    std::size_t taken = 0;
    if (!ciphertext.empty() &&
        ::BIO_write_ex(::SSL_get_rbio(ssl), ciphertext.data(), ciphertext.size(), &taken) != 1)
        return refused();
    if (!state_->is_ready) {
        const int outcome = ::SSL_do_handshake(ssl);
        if (outcome != 1) {
            if (::SSL_get_error(ssl, outcome) == SSL_ERROR_WANT_READ) return {};
            return refused();
        }
        // Without the key in use there would be no proof of anything.
        if (::SSL_session_reused(ssl) != 1) return refused();
        state_->is_ready = true;
    }
    std::array<char, 16384> chunk;
    while (true) {
        std::size_t count = 0;
        const int outcome = ::SSL_read_ex(ssl, chunk.data(), chunk.size(), &count);
        if (outcome == 1) {
            plain.append(chunk.data(), count);
            continue;
        }
        if (::SSL_get_error(ssl, outcome) == SSL_ERROR_WANT_READ) return {};
        return refused();
    }
}

Result<void> TlsSession::write(std::string_view plain) {
    XB_CHECK(state_->is_ready);
    ::ERR_clear_error();
    std::size_t taken = 0;
    // A memory BIO grows, so it takes everything at once.
    if (plain.empty()) return {};
    if (::SSL_write_ex(state_->ssl.get(), plain.data(), plain.size(), &taken) != 1)
        return refused();
    XB_CHECK(taken == plain.size());
    return {};
}

std::string TlsSession::take_output() {
    BIO* const out = ::SSL_get_wbio(state_->ssl.get());
    std::string bytes(::BIO_ctrl_pending(out), '\0');
    if (bytes.empty()) return bytes;
    std::size_t count = 0;
    XB_CHECK(::BIO_read_ex(out, bytes.data(), bytes.size(), &count) == 1);
    XB_CHECK(count == bytes.size());
    return bytes;
}

}  // namespace xbeat::net
