// TLS 1.3 with a pre-shared key, bytes in and bytes out: no socket in sight.
//
// Only TLS 1.3, only psk_dhe_ke with X25519, only TLS_AES_256_GCM_SHA384 (the PSK is bound to its
// hash); no certificates, tickets or early data. The caller moves ciphertext between this and a
// socket. Source: RFC 8446 sections 2.2 and 4.2.11; SSL_CTX_set_psk_find_session_callback(3).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "net/keys.h"

namespace xbeat::net {

class TlsSession {
public:
    /// The side that connects: offers exactly this key.
    static Result<TlsSession> connector(const Psk& psk);
    /// The side that accepts: takes any of these keys; at least one.
    static Result<TlsSession> acceptor(std::vector<Psk> psks);

    TlsSession(TlsSession&&) noexcept;
    TlsSession& operator=(TlsSession&&) noexcept;
    ~TlsSession();

    /// Takes in what came from the socket (may be empty) and goes as far as possible: shakes hands,
    /// then appends what it decrypted to `plain`. Error Denied: the other end is not who it must
    /// be, speaks another TLS, or none at all; or the bytes were changed on the way. The session is
    /// useless then, but take_output() may still hold an alert for the other end.
    Result<void> feed(std::string_view ciphertext, std::string& plain);
    /// Encrypts. Requires: is_ready(). Errors as feed().
    Result<void> write(std::string_view plain);
    /// What must go to the socket now, removed from here; empty if nothing.
    [[nodiscard]] std::string take_output();
    /// Shaken hands: both ends have the key.
    [[nodiscard]] bool is_ready() const;
    /// Which of the acceptor's keys was used. Requires: is_ready(), and made by acceptor().
    [[nodiscard]] std::size_t used_key() const;

private:
    struct State;
    explicit TlsSession(std::unique_ptr<State> state);
    static Result<std::unique_ptr<State>> make_state(bool accepts, std::vector<Psk> psks);
    std::unique_ptr<State> state_;
};

}  // namespace xbeat::net
