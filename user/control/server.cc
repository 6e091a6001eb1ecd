#include "control/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "control/credentials.h"
#include "core/check.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::control {
namespace {

constexpr std::size_t kReadBytes = 16384;
constexpr Duration kRearmDelay = std::chrono::milliseconds(100);

struct Listener {
    const SocketRow* row = nullptr;
    std::optional<gid_t> group;
    sys::Fd socket;
    std::string path;
    Instant rearm_at{};
    bool is_armed = false;
};

struct Connection {
    enum class State : std::uint8_t { Free, Open, Closing };
    State state = State::Free;
    std::uint32_t generation = 1;
    sys::Fd socket;
    Role role = Role::None;
    Credentials caller;
    std::string buffer;       // where the kernel writes
    std::string input;        // not yet taken
    std::size_t scanned = 0;  // of input: no line ends before
    std::string output;       // with the kernel, or to go there
    std::size_t output_at = 0;
    std::string queued;  // to follow `output`
    Instant moved_at{};  // a byte went in or out, or a request was finished
    bool is_receiving = false;
    bool is_sending = false;
    bool is_busy = false;       // a request is under way
    bool is_following = false;  // ... whose reply has no end
    bool is_ended = false;      // nothing more will come in
    bool is_last = false;       // close once everything was written

    [[nodiscard]] std::size_t unsent() const { return output.size() - output_at + queued.size(); }
};

Result<Listener> listen_on(const SocketRow& row, const std::string& run_dir) {
    Listener made;
    made.row = &row;
    made.group = find_group(row.group);
    made.path = fmt::format("{}/{}", run_dir, row.file);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (made.path.size() >= sizeof address.sun_path)
        return Error{.code = Code::Invalid,
                     .context = fmt::format("the run directory's name is too long: {}", run_dir)};
    made.path.copy(address.sun_path, made.path.size());
    made.socket = sys::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made.socket.is_open()) return sys::system_error("cannot make a control socket");
    if (::unlink(made.path.c_str()) != 0 && errno != ENOENT)
        return sys::system_error(fmt::format("cannot replace {}", made.path));
    // Nobody may connect before owner and mode are right: the socket is born without permissions
    // (fchmod before bind is kept, unix(7)) and does not listen yet.
    if (::fchmod(made.socket.get(), 0) != 0 ||
        ::bind(made.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return sys::system_error(fmt::format("cannot make {}", made.path));
    const bool is_shared =
        made.group && ::chown(made.path.c_str(), static_cast<uid_t>(-1), *made.group) == 0;
    if (::chmod(made.path.c_str(), is_shared ? 0660 : 0600) != 0 ||
        ::listen(made.socket.get(), 64) != 0)
        return sys::system_error(fmt::format("cannot listen on {}", made.path));
    return made;
}

}  // namespace

class Server::Impl {
public:
    explicit Impl(ring::Ring& ring) : ring_(ring) {}
    ~Impl() {
        for (const Listener& listener : listeners_) {
            // It may be gone already; there is nobody left to tell.
            static_cast<void>(::unlink(listener.path.c_str()));
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> listen(const std::string& run_dir);
    void complete(const ring::Completion& completion, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    std::vector<Incoming> take() { return std::exchange(incoming_, {}); }
    void finish(Peer peer, std::string_view line, Instant now);
    bool stream(Peer peer, std::string_view line, Instant now);
    [[nodiscard]] bool has_unsent() const {
        return std::any_of(
            connections_.begin(), connections_.end(), [](const Connection& connection) {
                return connection.state == Connection::State::Open && connection.unsent() > 0;
            });
    }
    [[nodiscard]] std::size_t connections() const;
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    [[nodiscard]] ring::Token token(ring::Op op, const Connection& connection) const {
        return {.op = op, .slot = slot_of(connection), .generation = connection.generation};
    }
    [[nodiscard]] std::uint16_t slot_of(const Connection& connection) const;
    Connection* find(Peer peer);
    Connection* claim_slot();
    void arm(std::size_t index);
    void accept(const ring::Completion& completion, Instant now);
    bool welcome(sys::Fd socket, const Listener& listener, Instant now);
    void received(Connection& connection, std::int32_t count, Instant now);
    void sent(Connection& connection, std::int32_t count, Instant now);
    void take_lines(Connection& connection, Instant now);
    void reply(Connection& connection, std::string_view line, Instant now);
    void pump(Connection& connection);
    void settle(Connection& connection);
    void close(Connection& connection);
    bool free_if_idle(Connection& connection);
    [[nodiscard]] std::optional<Instant> deadline_of(const Connection& connection) const;

    ring::Ring& ring_;
    std::vector<Listener> listeners_;
    std::deque<Connection> connections_;  // addresses must not change: the kernel writes there
    std::vector<Incoming> incoming_;
    std::uint64_t refused_ = 0;
};

Result<void> Server::Impl::listen(const std::string& run_dir) {
    if (::mkdir(run_dir.c_str(), 0755) != 0 && errno != EEXIST)
        return sys::system_error(fmt::format("cannot make {}", run_dir));
    for (const SocketRow& row : kSockets) listeners_.push_back(XB_TRY(listen_on(row, run_dir)));
    for (std::size_t i = 0; i < listeners_.size(); ++i) arm(i);
    return {};
}

void Server::Impl::arm(std::size_t index) {
    listeners_[index].is_armed = true;
    ring_.accept(listeners_[index].socket.get(),
                 {.op = ring::Op::ControlAccept, .slot = static_cast<std::uint16_t>(index)});
}

std::uint16_t Server::Impl::slot_of(const Connection& connection) const {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (&connections_[i] == &connection) return static_cast<std::uint16_t>(i);
    }
    XB_CHECK(false);
    return 0;
}

Connection* Server::Impl::find(Peer peer) {
    if (peer.slot >= connections_.size()) return nullptr;
    Connection& connection = connections_[peer.slot];
    return connection.generation == peer.generation ? &connection : nullptr;
}

bool Server::Impl::free_if_idle(Connection& connection) {
    if (connection.state == Connection::State::Free) return true;
    if (connection.state != Connection::State::Closing || connection.is_receiving ||
        connection.is_sending)
        return false;
    const std::uint32_t generation = connection.generation + 1;
    connection = Connection{};
    connection.generation = generation;
    return true;
}

Connection* Server::Impl::claim_slot() {
    for (Connection& connection : connections_) {
        if (free_if_idle(connection)) return &connection;
    }
    if (connections_.size() >= kConnectionsMax) return nullptr;
    return &connections_.emplace_back();
}

void Server::Impl::accept(const ring::Completion& completion, Instant now) {
    Listener& listener = listeners_[completion.token.slot];
    if (!completion.more) {
        // Out of descriptors or memory: not again at once, or the loop would spin.
        listener.is_armed = false;
        listener.rearm_at = completion.result >= 0 ? now : now + kRearmDelay;
    }
    if (completion.result < 0) return;
    if (!welcome(sys::Fd(completion.result), listener, now)) ++refused_;
}

bool Server::Impl::welcome(sys::Fd socket, const Listener& listener, Instant now) {
    Result<Credentials> caller = credentials_of(socket.get());
    if (!caller) return false;
    const auto of_uid =
        std::count_if(connections_.begin(), connections_.end(), [&](const Connection& connection) {
            return connection.state == Connection::State::Open &&
                   connection.caller.uid == caller->uid;
        });
    if (static_cast<std::size_t>(of_uid) >= kConnectionsPerUidMax) return false;
    Connection* const connection = claim_slot();
    if (connection == nullptr) return false;
    connection->role = role_of(*caller, *listener.row, listener.group, ::geteuid());
    connection->caller = *std::move(caller);
    connection->state = Connection::State::Open;
    connection->socket = std::move(socket);
    connection->buffer.resize(kReadBytes);
    connection->moved_at = now;
    settle(*connection);
    return true;
}

void Server::Impl::complete(const ring::Completion& completion, Instant now) {
    if (completion.token.op == ring::Op::ControlAccept) return accept(completion, now);
    Connection* const connection =
        find({.slot = completion.token.slot, .generation = completion.token.generation});
    if (connection == nullptr) return;  // of an earlier user of the slot
    if (completion.token.op == ring::Op::ControlReceive) {
        received(*connection, completion.result, now);
    } else {
        sent(*connection, completion.result, now);
    }
    if (connection->state == Connection::State::Closing) {
        free_if_idle(*connection);
    } else {
        settle(*connection);
    }
}

void Server::Impl::received(Connection& connection, std::int32_t count, Instant now) {
    connection.is_receiving = false;
    if (connection.state != Connection::State::Open) return;
    if (count <= 0) {
        // It may have closed only its sending half and still want the reply; a follower has gone.
        connection.is_ended = true;
        if (count < 0 || connection.is_following) close(connection);
        return;
    }
    connection.moved_at = now;
    connection.input.append(connection.buffer, 0, static_cast<std::size_t>(count));
    take_lines(connection, now);
}

void Server::Impl::sent(Connection& connection, std::int32_t count, Instant now) {
    connection.is_sending = false;
    if (connection.state != Connection::State::Open) return;
    if (count <= 0) return close(connection);
    connection.moved_at = now;
    connection.output_at += static_cast<std::size_t>(count);
}

/// Takes up the next line, if no request is under way; bad ones are answered here.
void Server::Impl::take_lines(Connection& connection, Instant now) {
    while (connection.state == Connection::State::Open && !connection.is_busy &&
           !connection.is_last) {
        const std::size_t end = connection.input.find('\n', connection.scanned);
        if (end == std::string::npos || end > kLineBytesMax) {
            connection.scanned = connection.input.size();
            if (connection.input.size() <= kLineBytesMax) return;
            ++refused_;
            connection.is_last = true;
            return reply(
                connection,
                print_error({.code = Code::Limit, .context = "the request is too long"}, {}), now);
        }
        Parsed parsed =
            parse_request(std::string_view(connection.input).substr(0, end), connection.role);
        connection.input.erase(0, end + 1);
        connection.scanned = 0;
        if (connection.input.empty()) connection.input.shrink_to_fit();
        if (!parsed.request) {
            reply(connection, print_error(parsed.request.error(), parsed.echo), now);
            continue;
        }
        connection.is_busy = true;
        const auto* const events = std::get_if<ReadEvents>(&parsed.request->body);
        connection.is_following = events != nullptr && events->follow;
        incoming_.push_back(
            {.peer = {.slot = slot_of(connection), .generation = connection.generation},
             .role = connection.role,
             .uid = connection.caller.uid,
             .pid = connection.caller.pid,
             .echo = std::move(parsed.echo),
             .request = *std::move(parsed.request)});
    }
}

void Server::Impl::reply(Connection& connection, std::string_view line, Instant now) {
    if (connection.unsent() == 0) connection.moved_at = now;
    if (connection.unsent() + line.size() > kReplyBytesMax) {
        ++refused_;
        return close(connection);
    }
    connection.queued += line;
    pump(connection);
}

void Server::Impl::pump(Connection& connection) {
    if (connection.is_sending || connection.state != Connection::State::Open) return;
    if (connection.output_at == connection.output.size()) {
        connection.output = std::exchange(connection.queued, {});
        connection.output_at = 0;
        if (connection.output.empty()) return;
    }
    connection.is_sending = true;
    ring_.send(connection.socket.get(),
               std::string_view(connection.output).substr(connection.output_at),
               token(ring::Op::ControlSend, connection));
}

/// What follows from the connection's state: send, read on, or end.
void Server::Impl::settle(Connection& connection) {
    if (connection.state != Connection::State::Open) return;
    pump(connection);
    const bool is_done = connection.unsent() == 0 && !connection.is_busy;
    if (is_done && (connection.is_last || connection.is_ended)) return close(connection);
    // While a request is under way only a bounded amount is read ahead, to notice a hang-up.
    const bool is_full = connection.is_busy && connection.input.size() > kReadBytes;
    if (connection.is_receiving || connection.is_ended || connection.is_last || is_full) return;
    connection.is_receiving = true;
    ring_.receive(connection.socket.get(), connection.buffer,
                  token(ring::Op::ControlReceive, connection));
}

void Server::Impl::close(Connection& connection) {
    if (connection.state != Connection::State::Open) return;
    connection.state = Connection::State::Closing;
    static_cast<void>(::shutdown(connection.socket.get(), SHUT_RDWR));
    if (connection.is_receiving) ring_.cancel(token(ring::Op::ControlReceive, connection));
    if (connection.is_sending) ring_.cancel(token(ring::Op::ControlSend, connection));
    free_if_idle(connection);
}

void Server::Impl::finish(Peer peer, std::string_view line, Instant now) {
    Connection* const connection = find(peer);
    if (connection == nullptr || connection->state != Connection::State::Open) return;
    connection->is_busy = false;
    connection->moved_at = now;
    reply(*connection, line, now);
    take_lines(*connection, now);
    settle(*connection);
}

bool Server::Impl::stream(Peer peer, std::string_view line, Instant now) {
    Connection* const connection = find(peer);
    if (connection == nullptr || connection->state != Connection::State::Open) return false;
    reply(*connection, line, now);
    return true;
}

std::optional<Instant> Server::Impl::deadline_of(const Connection& connection) const {
    if (connection.state != Connection::State::Open) return std::nullopt;
    if (connection.unsent() > 0) return connection.moved_at + kWriteIdleMax;
    if (connection.is_busy) return std::nullopt;
    return connection.moved_at + kReadIdleMax;
}

void Server::Impl::tick(Instant now) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (!listeners_[i].is_armed && listeners_[i].rearm_at <= now) arm(i);
    }
    for (Connection& connection : connections_) {
        const auto at = deadline_of(connection);
        if (!at || *at > now) continue;
        ++refused_;
        close(connection);
    }
}

std::optional<Instant> Server::Impl::deadline() const {
    std::optional<Instant> next;
    const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
    for (const Listener& listener : listeners_) {
        if (!listener.is_armed) consider(listener.rearm_at);
    }
    for (const Connection& connection : connections_) {
        if (const auto at = deadline_of(connection)) consider(*at);
    }
    return next;
}

std::size_t Server::Impl::connections() const {
    return static_cast<std::size_t>(std::count_if(
        connections_.begin(), connections_.end(),
        [](const Connection& connection) { return connection.state == Connection::State::Open; }));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::create(const std::string& run_dir, ring::Ring& ring) {
    auto impl = std::make_unique<Impl>(ring);
    XB_TRY(impl->listen(run_dir));
    return Server(std::move(impl));
}
void Server::complete(const ring::Completion& completion, Instant now) {
    impl_->complete(completion, now);
}
void Server::tick(Instant now) { impl_->tick(now); }
std::optional<Instant> Server::deadline() const { return impl_->deadline(); }
std::vector<Incoming> Server::take() { return impl_->take(); }
void Server::finish(Peer peer, std::string_view line, Instant now) {
    impl_->finish(peer, line, now);
}
bool Server::stream(Peer peer, std::string_view line, Instant now) {
    return impl_->stream(peer, line, now);
}
bool Server::has_unsent() const { return impl_->has_unsent(); }
std::size_t Server::connections() const { return impl_->connections(); }
std::uint64_t Server::refused() const { return impl_->refused(); }

}  // namespace xbeat::control
