#include "net/peers.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <deque>

#include "core/check.h"
#include "core/limits.h"
#include "net/connection.h"
#include "net/keys.h"
#include "net/socket.h"
#include "sys/chance.h"
#include "sys/system_error.h"

namespace xbeat::net {
namespace {}  // namespace

std::string_view to_string(LinkState state) {
    switch (state) {
        case LinkState::Down:
            return "down";
        case LinkState::Connecting:
            return "connecting";
        case LinkState::Handshaking:
            return "handshaking";
        case LinkState::Up:
            return "up";
    }
    return "down";
}

class Peers::Impl {
public:
    Impl(Options options, ring::Ring& ring) : options_(std::move(options)), ring_(ring) {}
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> prepare(Instant now);
    void complete(const ring::Completion& completion, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    Result<void> send(NodeId node, std::string_view bytes, Instant now);
    void reset(NodeId node, std::string_view reason, Instant now);
    void path_up(NodeId node, PathId path, Instant now);
    [[nodiscard]] LinkState state(NodeId node, PathId path) const;
    [[nodiscard]] bool has_unsent() const;
    News take() { return std::exchange(news_, {}); }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    /// One path to one peer.
    struct Link {
        Psk psk;
        std::uint16_t slot = kNoIndex;  // of the connection that is made, proven or in use
        Instant retry_at{};             // when to connect, while there is none
        Duration backoff = kBackoffMin;
        std::string trouble;  // noted last, so that the same is not noted at every attempt
    };
    struct Entry {
        Peer peer;
        bool is_ours_to_connect = false;
        std::vector<Link> links;
        std::optional<Session> session;   // while the channel is up
        std::uint64_t session_id = 0;     // of the session, or the one that we offer
        std::uint64_t session_ended = 0;  // the last one that ended: not to be joined again
        std::size_t up = 0;               // connections in use
    };
    struct Listener {
        sys::Fd socket;
        Instant rearm_at{};
        Instant quiet_until{};  // a stranger was noted: the next ones are only counted
        bool is_armed = false;
    };

    Result<void> derive_keys();
    Result<void> listen();
    Connection* claim_slot();
    Connection* find(ring::Token token);
    [[nodiscard]] Entry* find(NodeId node);
    [[nodiscard]] const Entry* find(NodeId node) const;
    void arm(std::size_t path);
    void accept(const ring::Completion& completion, Instant now);
    Result<void> welcome(sys::Fd socket, std::uint16_t path, Instant now);
    void connect(std::uint16_t peer, std::uint16_t path, Instant now);
    Result<void> begin_connect(std::uint16_t peer, std::uint16_t path, Instant now);
    Result<void> begin_tls(Connection& connection, Instant now);
    Result<void> take_in(Connection& connection, std::int32_t count, Instant now);
    Result<void> take_frame(Connection& connection, Connection::Frame frame, Instant now);
    Result<void> greet(Connection& connection);
    Result<void> check_hello(const Connection& connection, const Hello& hello) const;
    Result<void> take_hello(Connection& connection, const Hello& hello, Instant now);
    Result<void> take_reply(Connection& connection, const Hello& hello);
    Result<void> join(Connection& connection, std::uint64_t received);
    void close(Connection& connection, const Error& why, Instant now);
    void channel_down(std::uint16_t peer, std::string_view reason, Instant now);
    void pump_all(std::uint16_t peer, Instant now);
    void note_trouble(Connection& connection, const Error& why, Instant now);

    Options options_;
    ring::Ring& ring_;
    std::vector<Entry> entries_;
    std::vector<Listener> listeners_;     // index = path; not listening where nobody connects
    std::deque<Connection> connections_;  // addresses must not change: the kernel writes there
    News news_;
    std::uint64_t refused_ = 0;
};

Peers::Impl::~Impl() {
    ::OPENSSL_cleanse(options_.secret.data(), options_.secret.size());
    // The ring lets go of a socket that it accepts on some time after its own end; until then the
    // closed socket goes on listening, and nobody else can.
    for (const Listener& listener : listeners_) {
        if (listener.socket.is_open()) ::shutdown(listener.socket.get(), SHUT_RDWR);
    }
}

Result<void> Peers::Impl::derive_keys() {
    for (Peer& peer : options_.peers) {
        Entry entry;
        entry.is_ours_to_connect = options_.self < peer.id;
        const NodeId connector = std::min(options_.self, peer.id);
        const NodeId acceptor = std::max(options_.self, peer.id);
        for (std::size_t path = 0; path < peer.addresses.size(); ++path) {
            Link link;
            link.psk = XB_TRY(
                derive_psk(options_.secret, {.cluster = options_.cluster,
                                             .connector = connector,
                                             .acceptor = acceptor,
                                             .path = PathId{static_cast<std::uint8_t>(path)}}));
            entry.links.push_back(std::move(link));
        }
        entry.peer = std::move(peer);
        entries_.push_back(std::move(entry));
    }
    ::OPENSSL_cleanse(options_.secret.data(), options_.secret.size());
    return {};
}

Result<void> Peers::Impl::listen() {
    const bool anyone = std::any_of(entries_.begin(), entries_.end(),
                                    [](const Entry& entry) { return !entry.is_ours_to_connect; });
    listeners_.resize(options_.addresses.size());
    if (!anyone) return {};
    for (std::size_t path = 0; path < listeners_.size(); ++path) {
        listeners_[path].socket = XB_TRY(listen_on(options_.addresses[path], options_.port));
        arm(path);
    }
    return {};
}

Result<void> Peers::Impl::prepare(Instant now) {
    std::size_t links = 0;
    for (const Peer& peer : options_.peers) {
        XB_CHECK(peer.id != options_.self);
        XB_CHECK(peer.addresses.size() == options_.addresses.size());
        links += peer.addresses.size();
    }
    // A slot for each link, one for what replaces it, and those that have not shaken hands.
    if (options_.addresses.size() > kPathsMax || 2 * links + kHandshakesMax > kConnectionsMax)
        return Error{.code = Code::Limit, .context = "there are too many peers and paths"};
    XB_TRY(derive_keys());
    XB_TRY(listen());
    for (Entry& entry : entries_) {
        for (Link& link : entry.links) link.retry_at = now;
    }
    return {};
}

Connection* Peers::Impl::claim_slot() {
    for (Connection& connection : connections_) {
        if (connection.free_if_idle()) return &connection;
    }
    if (connections_.size() >= kConnectionsMax) return nullptr;
    Connection& made = connections_.emplace_back();
    made.slot = static_cast<std::uint16_t>(connections_.size() - 1);
    return &made;
}

Connection* Peers::Impl::find(ring::Token token) {
    if (token.slot >= connections_.size()) return nullptr;
    Connection& connection = connections_[token.slot];
    return connection.generation == token.generation ? &connection : nullptr;
}

Peers::Impl::Entry* Peers::Impl::find(NodeId node) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.peer.id == node; });
    return found == entries_.end() ? nullptr : &*found;
}
const Peers::Impl::Entry* Peers::Impl::find(NodeId node) const {
    return const_cast<Impl*>(this)->find(node);
}

void Peers::Impl::arm(std::size_t path) {
    listeners_[path].is_armed = true;
    ring_.accept(listeners_[path].socket.get(),
                 {.op = ring::Op::PeerAccept, .slot = static_cast<std::uint16_t>(path)});
}

void Peers::Impl::accept(const ring::Completion& completion, Instant now) {
    const std::uint16_t path = completion.token.slot;
    if (!completion.more) {
        // Out of descriptors or memory: not again at once, or the loop would spin.
        listeners_[path].is_armed = false;
        listeners_[path].rearm_at = completion.result >= 0 ? now : now + kBackoffMax;
    }
    if (completion.result < 0) return;
    if (!welcome(sys::Fd(completion.result), path, now)) ++refused_;
}

/// A stranger at the door: only known addresses get as far as TLS, and only so many at a time.
Result<void> Peers::Impl::welcome(sys::Fd socket, std::uint16_t path, Instant now) {
    const Error turned_away{.code = Code::Denied, .context = "turned away"};
    const auto from = other_end(socket.get());
    std::vector<Psk> psks;
    for (const Entry& entry : entries_) {
        if (entry.is_ours_to_connect) continue;
        if (from && entry.peer.addresses[path] == *from) psks.push_back(entry.links[path].psk);
    }
    const auto waiting =
        std::count_if(connections_.begin(), connections_.end(), [](const Connection& connection) {
            return connection.accepted && connection.state == Connection::State::Handshaking;
        });
    if (psks.empty() || static_cast<std::size_t>(waiting) >= kHandshakesMax) return turned_away;
    Connection* const connection = claim_slot();
    if (connection == nullptr) return turned_away;
    XB_TRY(tune(socket.get(), options_.user_timeout));
    connection->tls = XB_TRY(TlsSession::acceptor(std::move(psks)));
    connection->open(std::move(socket));
    connection->accepted = true;
    connection->path = path;
    connection->state = Connection::State::Handshaking;
    connection->deadline = now + kHandshakeMax;
    connection->receive(ring_);
    return {};
}

void Peers::Impl::connect(std::uint16_t peer, std::uint16_t path, Instant now) {
    const Result<void> outcome = begin_connect(peer, path, now);
    if (outcome) return;
    Link& link = entries_[peer].links[path];
    link.retry_at = now + link.backoff;
    link.backoff = std::min(link.backoff * 2, kBackoffMax);
}

Result<void> Peers::Impl::begin_connect(std::uint16_t peer, std::uint16_t path, Instant now) {
    sys::Fd socket = XB_TRY(socket_from(options_.addresses[path], options_.user_timeout));
    Connection* const connection = claim_slot();
    if (connection == nullptr)
        return Error{.code = Code::Limit, .context = "all connections are in use"};
    connection->open(std::move(socket));
    connection->state = Connection::State::Connecting;
    connection->peer = peer;
    connection->path = path;
    connection->deadline = now + kConnectMax;
    entries_[peer].links[path].slot = connection->slot;
    connection->connect(ring_, socket_address(entries_[peer].peer.addresses[path], options_.port));
    return {};
}

Result<void> Peers::Impl::begin_tls(Connection& connection, Instant now) {
    const Link& link = entries_[connection.peer].links[connection.path];
    connection.tls = XB_TRY(TlsSession::connector(link.psk));
    connection.state = Connection::State::Handshaking;
    connection.deadline = now + kHandshakeMax;
    XB_TRY(connection.tls->feed({}, connection.plain));
    XB_TRY(connection.pump(ring_, nullptr));
    connection.receive(ring_);
    return {};
}

void Peers::Impl::complete(const ring::Completion& completion, Instant now) {
    if (completion.token.op == ring::Op::PeerAccept) return accept(completion, now);
    Connection* const connection = find(completion.token);
    if (connection == nullptr) return;  // of an earlier user of the slot
    const std::uint16_t peer_before = connection->peer;
    Result<void> outcome;
    const Error lost = sys::system_error("connection lost",
                                         completion.result < 0 ? -completion.result : ECONNRESET);
    switch (completion.token.op) {
        case ring::Op::PeerConnect:
            connection->connected();
            if (connection->state != Connection::State::Connecting) break;
            outcome = completion.result < 0 ? Result<void>(lost) : begin_tls(*connection, now);
            break;
        case ring::Op::PeerReceive: {
            const bool is_live = connection->state != Connection::State::Closing;
            if (!is_live) {
                connection->received(completion.result);
                break;
            }
            outcome = take_in(*connection, completion.result, now);
            if (outcome) connection->receive(ring_);
            break;
        }
        case ring::Op::PeerSend:
            connection->sent(completion.result);
            if (completion.result < 0 && connection->state != Connection::State::Closing)
                outcome = lost;
            break;
        default:
            XB_CHECK(false);
    }
    if (!outcome) close(*connection, outcome.error(), now);
    if (connection->state == Connection::State::Closing) {
        connection->free_if_idle();
    } else if (connection->peer == kNoIndex || connection->state != Connection::State::Up) {
        const Result<void> pumped = connection->pump(ring_, nullptr);
        if (!pumped) close(*connection, pumped.error(), now);
    }
    const std::uint16_t peer = connection->peer != kNoIndex ? connection->peer : peer_before;
    if (peer != kNoIndex) pump_all(peer, now);
}

/// What came from the socket, as far as it goes: decrypted, cut into frames, taken in.
Result<void> Peers::Impl::take_in(Connection& connection, std::int32_t count, Instant now) {
    const std::string_view bytes = connection.received(count);
    if (count < 0) return sys::system_error("connection lost", -count);
    if (count == 0)
        return Error{.code = Code::Unavailable, .context = "the peer closed the connection"};
    XB_TRY(connection.tls->feed(bytes, connection.plain));
    if (!connection.tls->is_ready()) return {};
    if (!connection.accepted && !connection.hello_sent) XB_TRY(greet(connection));
    while (connection.state == Connection::State::Handshaking ||
           connection.state == Connection::State::Up) {
        std::optional<Connection::Frame> frame = XB_TRY(connection.next());
        if (!frame) return {};
        XB_TRY(take_frame(connection, *std::move(frame), now));
    }
    return {};
}

Result<void> Peers::Impl::take_frame(Connection& connection, Connection::Frame frame, Instant now) {
    const Error unexpected{.code = Code::Corrupt, .context = "a frame that does not belong there"};
    if (connection.state == Connection::State::Handshaking) {
        const FrameKind wanted = connection.accepted ? FrameKind::Hello : FrameKind::Reply;
        if (frame.header.kind != wanted) return unexpected;
        const Hello hello = XB_TRY(decode_hello(frame.payload));
        return connection.accepted ? take_hello(connection, hello, now)
                                   : take_reply(connection, hello);
    }
    Entry& entry = entries_[connection.peer];
    XB_CHECK(entry.session.has_value());
    if (frame.header.kind == FrameKind::Ack)
        return entry.session->acknowledged(frame.header.sequence);
    if (frame.header.kind != FrameKind::Data) return unexpected;
    if (XB_TRY(entry.session->arrived(frame.header.sequence)) == Session::Arrival::Duplicate)
        return {};
    connection.acknowledge = true;
    news_.events.emplace_back(
        node::MessageReceived{.peer = entry.peer.id, .bytes = std::move(frame.payload)});
    return {};
}

/// Our hello, once the channel is encrypted: the session that is there, or a new one.
Result<void> Peers::Impl::greet(Connection& connection) {
    Entry& entry = entries_[connection.peer];
    if (entry.session_id == 0) entry.session_id = sys::random_number();
    connection.push_urgent(
        encode_hello(FrameKind::Hello, {.cluster = options_.cluster,
                                        .from = options_.self,
                                        .to = entry.peer.id,
                                        .path = PathId{static_cast<std::uint8_t>(connection.path)},
                                        .session = entry.session_id,
                                        .received = entry.session ? entry.session->received() : 0,
                                        .is_fresh = !entry.session.has_value()}));
    connection.hello_sent = true;
    return {};
}

/// The key has proven who it is; the words inside must say the same.
Result<void> Peers::Impl::check_hello(const Connection& connection, const Hello& hello) const {
    const auto refuse = [](std::string text) {
        return Error{.code = Code::Denied, .context = std::move(text)};
    };
    if (hello.cluster != options_.cluster)
        return refuse(fmt::format("the peer belongs to cluster `{}`", hello.cluster));
    if (hello.to != options_.self) return refuse("the peer means another node");
    if (hello.path.value != connection.path) return refuse("the peer means another path");
    if (hello.from != entries_[connection.peer].peer.id)
        return refuse(fmt::format("the peer says that it is node {}", hello.from.value));
    return {};
}

Result<void> Peers::Impl::take_hello(Connection& connection, const Hello& hello, Instant now) {
    // Which key was used says which peer it is: the keys offered were those of this path, in order.
    std::size_t index = connection.tls->used_key();
    const auto from = other_end(connection.fd());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].is_ours_to_connect || !from) continue;
        if (!(entries_[i].peer.addresses[connection.path] == *from)) continue;
        if (index-- != 0) continue;
        connection.peer = static_cast<std::uint16_t>(i);
        break;
    }
    if (connection.peer == kNoIndex)
        return Error{.code = Code::Unavailable, .context = "the peer has gone again"};
    XB_TRY(check_hello(connection, hello));
    Entry& entry = entries_[connection.peer];
    const bool is_known = entry.session && entry.session_id == hello.session;
    if (!is_known) {
        if (!hello.is_fresh || hello.session == entry.session_ended)
            return Error{.code = Code::Conflict,
                         .context = "the peer goes on with a session that has ended here"};
        if (entry.session) channel_down(connection.peer, "the peer began anew", now);
        entry.session_id = hello.session;
    }
    Link& link = entry.links[connection.path];
    const std::uint16_t replaced = std::exchange(link.slot, connection.slot);
    XB_TRY(join(connection, hello.received));
    if (replaced != kNoIndex && replaced != connection.slot)
        close(connections_[replaced],
              {.code = Code::Conflict, .context = "replaced by a newer connection"}, now);
    connection.push_urgent(
        encode_hello(FrameKind::Reply, {.cluster = options_.cluster,
                                        .from = options_.self,
                                        .to = entry.peer.id,
                                        .path = PathId{static_cast<std::uint8_t>(connection.path)},
                                        .session = entry.session_id,
                                        .received = entry.session->received(),
                                        .is_fresh = false}));
    return {};
}

Result<void> Peers::Impl::take_reply(Connection& connection, const Hello& hello) {
    XB_TRY(check_hello(connection, hello));
    if (hello.session != entries_[connection.peer].session_id)
        return Error{.code = Code::Conflict, .context = "the session ended meanwhile"};
    return join(connection, hello.received);
}

Result<void> Peers::Impl::join(Connection& connection, std::uint64_t received) {
    Entry& entry = entries_[connection.peer];
    Session fresh;
    Session& session = entry.session ? *entry.session : fresh;
    XB_TRY(session.acknowledged(received));
    if (!entry.session) entry.session = std::move(fresh);
    connection.state = Connection::State::Up;
    entry.links[connection.path].backoff = kBackoffMin;
    entry.links[connection.path].trouble.clear();
    if (++entry.up == 1) news_.events.emplace_back(node::ChannelUp{entry.peer.id});
    return {};
}

void Peers::Impl::note_trouble(Connection& connection, const Error& why, Instant now) {
    if (connection.peer == kNoIndex) {
        ++refused_;
        Listener& listener = listeners_[connection.path];
        if (now < listener.quiet_until) return;
        listener.quiet_until = now + kRefusalNoteInterval;
        news_.notes.push_back(Note{.level = Level::Warning,
                                   .kind = "channel-refused",
                                   .node = "",
                                   .resource = "",
                                   .text = why.context,
                                   .fields = {{"path", fmt::format("{}", connection.path)}},
                                   .at = now});
        return;
    }
    Entry& entry = entries_[connection.peer];
    Link& link = entry.links[connection.path];
    if (link.trouble == why.context) return;
    link.trouble = why.context;
    const bool is_security = why.code == Code::Denied || why.code == Code::Corrupt;
    news_.notes.push_back(Note{.level = is_security ? Level::Warning : Level::Debug,
                               .kind = is_security ? "channel-refused" : "connection-lost",
                               .node = entry.peer.name,
                               .resource = "",
                               .text = why.context,
                               .fields = {{"path", fmt::format("{}", connection.path)}},
                               .at = now});
}

void Peers::Impl::close(Connection& connection, const Error& why, Instant now) {
    if (connection.state == Connection::State::Free ||
        connection.state == Connection::State::Closing)
        return;
    const bool was_up = connection.state == Connection::State::Up;
    note_trouble(connection, why, now);
    connection.close(ring_, connection.tls ? connection.tls->take_output() : std::string());
    if (connection.peer == kNoIndex) return;
    Entry& entry = entries_[connection.peer];
    Link& link = entry.links[connection.path];
    if (link.slot == connection.slot) {
        link.slot = kNoIndex;
        link.retry_at = now + link.backoff;
        link.backoff = std::min(link.backoff * 2, kBackoffMax);
    }
    if (!was_up) return;
    XB_CHECK(entry.up > 0);
    if (--entry.up == 0) channel_down(connection.peer, why.context, now);
}

/// The session is over: what was not acknowledged is lost, and every connection of it ends.
void Peers::Impl::channel_down(std::uint16_t peer, std::string_view reason, Instant now) {
    Entry& entry = entries_[peer];
    if (!entry.session) return;
    entry.session.reset();
    entry.session_ended = std::exchange(entry.session_id, 0);
    entry.up = 0;
    news_.events.emplace_back(
        node::ChannelDown{.peer = entry.peer.id, .reason = std::string(reason)});
    for (Link& link : entry.links) {
        if (link.slot == kNoIndex) continue;
        Connection& connection = connections_[std::exchange(link.slot, kNoIndex)];
        connection.close(ring_, {});
        link.retry_at = now;
    }
}

void Peers::Impl::pump_all(std::uint16_t peer, Instant now) {
    Entry& entry = entries_[peer];
    for (Link& link : entry.links) {
        if (link.slot == kNoIndex) continue;
        Connection& connection = connections_[link.slot];
        const Result<void> outcome =
            connection.pump(ring_, entry.session ? &*entry.session : nullptr);
        if (!outcome) close(connection, outcome.error(), now);
    }
}

void Peers::Impl::tick(Instant now) {
    for (std::size_t path = 0; path < listeners_.size(); ++path) {
        Listener& listener = listeners_[path];
        if (listener.socket.is_open() && !listener.is_armed && listener.rearm_at <= now) arm(path);
    }
    for (Connection& connection : connections_) {
        const bool is_waiting = connection.state == Connection::State::Connecting ||
                                connection.state == Connection::State::Handshaking;
        if (is_waiting && connection.deadline <= now)
            close(connection, {.code = Code::Timeout, .context = "the peer does not answer"}, now);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!entries_[i].is_ours_to_connect) continue;
        for (std::size_t path = 0; path < entries_[i].links.size(); ++path) {
            const Link& link = entries_[i].links[path];
            if (link.slot == kNoIndex && link.retry_at <= now)
                connect(static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(path), now);
        }
    }
}

std::optional<Instant> Peers::Impl::deadline() const {
    std::optional<Instant> next;
    const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
    for (const Listener& listener : listeners_) {
        if (listener.socket.is_open() && !listener.is_armed) consider(listener.rearm_at);
    }
    for (const Connection& connection : connections_) {
        if (connection.state == Connection::State::Connecting ||
            connection.state == Connection::State::Handshaking)
            consider(connection.deadline);
    }
    for (const Entry& entry : entries_) {
        if (!entry.is_ours_to_connect) continue;
        for (const Link& link : entry.links) {
            if (link.slot == kNoIndex) consider(link.retry_at);
        }
    }
    return next;
}

Result<void> Peers::Impl::send(NodeId node, std::string_view bytes, Instant now) {
    Entry* const entry = find(node);
    if (entry == nullptr)
        return Error{.code = Code::NotFound,
                     .context = fmt::format("no peer has id {}", node.value)};
    if (!entry->session) return {};
    const Result<void> pushed = entry->session->push(bytes);
    if (!pushed) {
        if (bytes.size() <= kMessageBytesMax) reset(node, pushed.error().context, now);
        return pushed;
    }
    pump_all(static_cast<std::uint16_t>(entry - entries_.data()), now);
    return {};
}

void Peers::Impl::reset(NodeId node, std::string_view reason, Instant now) {
    Entry* const entry = find(node);
    if (entry != nullptr)
        channel_down(static_cast<std::uint16_t>(entry - entries_.data()), reason, now);
}

void Peers::Impl::path_up(NodeId node, PathId path, Instant now) {
    Entry* const entry = find(node);
    if (entry == nullptr || path.value >= entry->links.size()) return;
    Link& link = entry->links[path.value];
    if (!entry->is_ours_to_connect) return;
    link.backoff = kBackoffMin;
    // A connect that was begun while the path was silent waits for TCP's own, slow repetition.
    if (link.slot != kNoIndex && connections_[link.slot].state == Connection::State::Connecting)
        close(connections_[link.slot], {.code = Code::Timeout, .context = "the path was silent"},
              now);
    link.retry_at = now;
    tick(now);
}

LinkState Peers::Impl::state(NodeId node, PathId path) const {
    const Entry* const entry = find(node);
    if (entry == nullptr || path.value >= entry->links.size()) return LinkState::Down;
    const std::uint16_t slot = entry->links[path.value].slot;
    if (slot == kNoIndex) return LinkState::Down;
    switch (connections_[slot].state) {
        case Connection::State::Connecting:
            return LinkState::Connecting;
        case Connection::State::Handshaking:
            return LinkState::Handshaking;
        case Connection::State::Up:
            return LinkState::Up;
        case Connection::State::Free:
        case Connection::State::Closing:
            return LinkState::Down;
    }
    return LinkState::Down;
}

bool Peers::Impl::has_unsent() const {
    for (const Connection& connection : connections_) {
        if (connection.state != Connection::State::Up) continue;
        const Entry& entry = entries_[connection.peer];
        if (entry.session && connection.has_unsent(*entry.session)) return true;
    }
    return false;
}

Peers::Peers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Peers::Peers(Peers&&) noexcept = default;
Peers::~Peers() = default;

Result<Peers> Peers::create(Options options, ring::Ring& ring, Instant now) {
    auto impl = std::make_unique<Impl>(std::move(options), ring);
    XB_TRY(impl->prepare(now));
    return Peers(std::move(impl));
}
void Peers::complete(const ring::Completion& completion, Instant now) {
    impl_->complete(completion, now);
}
void Peers::tick(Instant now) { impl_->tick(now); }
std::optional<Instant> Peers::deadline() const { return impl_->deadline(); }
Result<void> Peers::send(NodeId peer, std::string_view bytes, Instant now) {
    return impl_->send(peer, bytes, now);
}
void Peers::reset(NodeId peer, Instant now) { impl_->reset(peer, "reset by this node", now); }
void Peers::path_up(NodeId peer, PathId path, Instant now) { impl_->path_up(peer, path, now); }
LinkState Peers::state(NodeId peer, PathId path) const { return impl_->state(peer, path); }
bool Peers::has_unsent() const { return impl_->has_unsent(); }
Peers::News Peers::take() { return impl_->take(); }
std::uint64_t Peers::refused() const { return impl_->refused(); }

}  // namespace xbeat::net
