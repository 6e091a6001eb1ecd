// How the second node of a new pair gets the configuration and the key: once, from the first.
//
// `xbeat init` waits for it on the links; the token that a person carries over opens this one
// conversation and nothing else. It holds no key of the cluster: once it was used, or its time is
// over, it is worth nothing, also to who has seen it and recorded every byte (TLS 1.3 with the
// token's secret as pre-shared key and a fresh X25519 exchange, see net/tls.h).
//
//   joiner                          first node
//   {"want": "setup"}          ->
//                              <-   {"setup": "..."}     the joiner may still give up: nothing used
//   {"want": "key"}            ->
//                              <-   {"key": "hex"}       from now on the token is used
//   {"done": true}             ->
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/setup.h"
#include "core/result.h"
#include "core/time.h"
#include "sys/fd.h"

namespace xbeat::cli {

constexpr Duration kTokenLifeMin = 60s;
constexpr Duration kTokenLifeMax = 24h;
// TCP, this much above the cluster's port: the daemon may start before the other node joins.
constexpr int kHandoverPortAbove = 2;
constexpr Duration kConversationMax = 10s;  // one joiner from its connection to the key's arrival

/// The first node's side: listens on its own addresses until one joiner has the key.
class Handover {
public:
    /// Listens beside the cluster's port. Port 0: any that is free. Requires: two nodes, the first
    /// of them this one; key.size() == kSetupKeyBytes. Errors: System (the port is in use), Invalid
    /// (an address).
    static Result<Handover> open(const Setup& setup, std::string key, EpochSeconds expires);

    [[nodiscard]] const Invitation& invitation() const { return invitation_; }

    struct Joined {
        std::string address = {};
        bool is_confirmed = false;  // it has said that it wrote the key down
    };
    /// Waits for the joiner. Connections from elsewhere than the peer's addresses are closed at
    /// once, and those without the secret are told to `refused` in one sentence each.
    /// Errors: Timeout at `deadline`, System.
    Result<Joined> serve(Instant deadline,
                         const std::function<void(const std::string&)>& refused) const;

private:
    Setup setup_;
    std::string key_;
    Invitation invitation_;
    std::vector<sys::Fd> listeners_;
};

/// The joiner's side.
class Joiner {
public:
    /// Connects over the first link on which somebody answers, and fetches the setup. `now`: what
    /// this machine's clock says, to explain a failure. Errors: Timeout for a token whose time is
    /// over, Denied for one that the other side does not know, Unavailable with what to look at.
    static Result<Joiner> connect(const Invitation& invitation, EpochSeconds now);

    Joiner(Joiner&&) noexcept;
    Joiner& operator=(Joiner&&) = delete;
    ~Joiner();
    [[nodiscard]] const Setup& setup() const { return setup_; }
    /// Uses the token up. Errors: Unavailable, Corrupt.
    Result<std::string> take_key();
    /// Tells the first node that all is written. That it cannot be told is no error: it says so.
    void confirm();

private:
    class Talk;
    friend class Handover;
    Joiner(std::unique_ptr<Talk> talk, Setup setup);

    std::unique_ptr<Talk> talk_;
    Setup setup_;
};

}  // namespace xbeat::cli
