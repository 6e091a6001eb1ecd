// The witness on its socket: datagrams in, answers out, and what is counted.
//
// A few slots each receive a datagram, have the ledger answer it, send that and receive again; they
// are all the memory there is, so a flood costs datagrams, not bytes. What does not carry a known
// cluster's tag is dropped in silence and counted. An answer leaves from the address that was asked
// and is as long as the question. The ledger (arbiter/witness_ledger.h) decides.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "arbiter/witness_ledger.h"
#include "core/note.h"
#include "core/result.h"
#include "heart/ip_address.h"
#include "ring/ring.h"
#include "sys/fd.h"
#include "witness/keys.h"

namespace xbeat::witness {

/// What became of the datagrams; each is counted in exactly one of the first nine.
struct Counters {
    std::uint64_t told = 0;
    std::uint64_t granted = 0;
    std::uint64_t held = 0;
    std::uint64_t stale = 0;
    std::uint64_t starting = 0;
    std::uint64_t released = 0;
    std::uint64_t malformed = 0;        // size, magic, version, ranges
    std::uint64_t unknown_cluster = 0;  // no key with that number
    std::uint64_t wrong_tag = 0;        // another key, or not a node of ours at all
    std::uint64_t unsent = 0;           // answers that the kernel refused to send
};

class Server {
public:
    struct Options {
        heart::IpAddress address;  // None: all addresses of both families
        std::uint16_t port = wire::kWitnessPort;
        std::uint64_t life = 0;  // random, never 0
    };

    /// Binds and starts to receive. Errors: System for the socket. The ring outlives the server.
    static Result<Server> create(Options options, std::vector<ClusterKey> keys, ring::Ring& ring,
                                 Instant now);
    Server(Server&&) = default;

    void complete(const ring::Completion& completion, Instant now);
    /// Takes these keys in place of the old ones; leases of clusters that stay go on. A cluster
    /// that is new, or was away, is refused until the longest lease has run out. Limit if the
    /// clusters of this life, those taken out included, are more than kClustersMax.
    Result<void> replace_keys(std::vector<ClusterKey> keys, Instant now);

    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] std::size_t clusters() const { return of_cluster_.size(); }
    /// How many leases are held now.
    [[nodiscard]] std::size_t leases(Instant now) const;
    [[nodiscard]] Instant starting_until() const { return ledger_.starting_until(); }
    /// The port that was bound: interesting if 0 was asked for.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Changes of holders, and what was dropped for the first time or again after a minute.
    [[nodiscard]] std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

private:
    static constexpr std::size_t kSlots = 64;
    static constexpr std::size_t kControlBytes = 128;  // more than IP_PKTINFO and IPV6_PKTINFO take

    struct Key {
        ClusterKey key;
        std::size_t place = 0;
    };
    struct Slot {
        bool is_sending = false;
        msghdr message{};
        iovec part{};
        sockaddr_storage from{};
        std::array<std::uint8_t, wire::kWitnessBytes + 1> bytes{};  // one more: to see longer ones
        alignas(std::size_t) std::array<std::uint8_t, kControlBytes> control{};
    };

    Server(sys::Fd socket, Options options, ring::Ring& ring, Instant now);
    void receive(std::uint16_t place);
    /// True if the slot now holds an answer to be sent.
    bool serve(Slot& slot, std::size_t size, Instant now);
    void count(wire::WitnessOutcome outcome);
    void drop(std::uint64_t& counter, const char* why, const Slot& slot, Instant now);

    sys::Fd socket_;
    std::uint16_t port_ = 0;
    ring::Ring* ring_;
    arbiter::WitnessLedger ledger_;
    std::unordered_map<std::uint64_t, Key> keys_;                 // by the datagrams' number
    std::map<std::string, std::size_t, std::less<>> of_cluster_;  // places of present clusters
    std::map<std::string, std::size_t, std::less<>> places_;      // ... of all of this life
    std::unique_ptr<std::array<Slot, kSlots>> slots_;             // the kernel knows their place
    Counters counters_;
    std::map<std::string, Instant, std::less<>> told_at_;  // of dropped datagrams, by reason
    std::vector<NodeId> holders_;                          // as last noted
    std::vector<Note> notes_;
};

}  // namespace xbeat::witness
