#include "cli/handover.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/status_source.h"
#include "cli/words.h"
#include "core/check.h"
#include "core/text.h"
#include "net/keys.h"
#include "net/socket.h"
#include "net/tls.h"
#include "sys/boot_clock.h"
#include "sys/chance.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

// 0 stays: any that is free.
int handover_port(int port) {
    if (port == 0) return 0;
    const bool is_last = port + kHandoverPortAbove > UINT16_MAX;
    return is_last ? port - kHandoverPortAbove : port + kHandoverPortAbove;
}

using heart::IpAddress;
using nlohmann::json;

constexpr std::size_t kLineBytesMax = 64U << 10U;  // a setup has a few hundred bytes
constexpr Duration kConnectMax = 5s;               // for one link
constexpr Duration kUserTimeout = 5s;

// Waits for what poll(2) is asked for. Errors: Timeout, System.
Result<void> wait_for(std::span<pollfd> watched, Instant deadline) {
    for (;;) {
        const Duration left = deadline - sys::boot_now();
        if (left <= Duration::zero())
            return Error{.code = Code::Timeout, .context = "the other end does not answer"};
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        const int count = ::poll(watched.data(), watched.size(), static_cast<int>(ms));
        if (count > 0) return {};
        if (count < 0 && errno != EINTR) return sys::system_error("cannot wait for a connection");
    }
}

Result<void> make_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return sys::system_error("cannot set the mode of a socket");
    return {};
}

Result<IpAddress> address_of(const std::string& text) {
    if (const auto address = IpAddress::parse(text)) return *address;
    return Error{.code = Code::Invalid, .context = concat(printable(text), " is no IP address")};
}

// The secret itself never is a key of TLS, nor its name on the wire.
Result<net::Psk> psk_of(const std::string& secret) {
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size());
    net::Psk psk;
    XB_TRY(net::derive_bytes(bytes, "xbeat/v1/handover/key", psk.key));
    std::array<std::uint8_t, 16> name{};
    XB_TRY(net::derive_bytes(bytes, "xbeat/v1/handover/name", name));
    for (const std::uint8_t byte : name) psk.identity += fmt::format("{:02x}", byte);
    return psk;
}

std::string random_secret() {
    std::string secret(kTokenSecretBytes, '\0');
    sys::random_bytes({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
    return secret;
}

std::string hex_of(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

// An empty text for anything else.
std::string bytes_of_hex(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        unsigned value = 0;
        for (const char digit : text.substr(i, 2)) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            const std::size_t at = kDigits.find(digit);
            if (at == std::string_view::npos) return {};
            value = value * 16 + static_cast<unsigned>(at);
        }
        bytes += static_cast<char>(value);
    }
    return bytes;
}

}  // namespace

// One JSON object a line, inside TLS.
class Joiner::Talk {
public:
    Talk(sys::Fd socket, net::TlsSession tls) : socket_(std::move(socket)), tls_(std::move(tls)) {}

    Result<void> shake_hands(Instant deadline) {
        XB_TRY(advance());
        while (!tls_.is_ready()) XB_TRY(read_more(deadline));
        return {};
    }
    Result<void> send(const json& object) {
        XB_TRY(tls_.write(object.dump() + "\n"));
        return flush();
    }
    Result<json> receive(Instant deadline) {
        std::size_t end = 0;
        while ((end = plain_.find('\n')) == std::string::npos) {
            if (plain_.size() > kLineBytesMax)
                return Error{.code = Code::Limit, .context = "the other end sends too much"};
            XB_TRY(read_more(deadline));
        }
        json object = json::parse(plain_.substr(0, end), nullptr, false);
        ::OPENSSL_cleanse(plain_.data(), end);
        plain_.erase(0, end + 1);
        if (object.is_object()) return object;
        return Error{.code = Code::Corrupt, .context = "the other end does not make sense"};
    }

private:
    // What was refused is told to the other end as well.
    Result<void> advance(std::string_view ciphertext = {}) {
        const Result<void> fed = tls_.feed(ciphertext, plain_);
        const Result<void> flushed = flush();
        return fed ? flushed : fed;
    }
    Result<void> flush() {
        std::string bytes = tls_.take_output();
        std::string_view left = bytes;
        const Instant deadline = sys::boot_now() + kUserTimeout;
        while (!left.empty()) {
            const ssize_t put = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
            if (put > 0) {
                left.remove_prefix(static_cast<std::size_t>(put));
            } else if (errno == EAGAIN) {
                pollfd one{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
                XB_TRY(wait_for({&one, 1}, deadline));
            } else if (errno != EINTR) {
                return sys::system_error("the connection broke");
            }
        }
        return {};
    }
    Result<void> read_more(Instant deadline) {
        pollfd one{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        XB_TRY(wait_for({&one, 1}, deadline));
        std::array<char, 4096> block;
        const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), 0);
        if (got > 0) return advance({block.data(), static_cast<std::size_t>(got)});
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
        if (got < 0) return sys::system_error("the connection broke");
        return Error{.code = Code::Unavailable, .context = "the other end closed the connection"};
    }

    sys::Fd socket_;
    net::TlsSession tls_;
    std::string plain_;
};

Result<Handover> Handover::open(const Setup& setup, std::string key, EpochSeconds expires) {
    XB_CHECK(setup.nodes.size() == 2);
    XB_CHECK(key.size() == kSetupKeyBytes);
    Handover made;
    made.setup_ = setup;
    made.setup_.self.clear();
    made.key_ = std::move(key);
    Invitation& invitation = made.invitation_;
    invitation = {.cluster = setup.cluster,
                  .port = handover_port(setup.port),
                  .expires = expires,
                  .secret = random_secret(),
                  .links = {}};
    for (std::size_t i = 0; i < setup.nodes[0].links.size(); ++i) {
        const std::string& own = setup.nodes[0].links[i].address;
        const IpAddress address = XB_TRY(address_of(own));
        XB_TRY(address_of(setup.nodes[1].links[i].address));
        sys::Fd listener =
            XB_TRY(net::listen_on(address, static_cast<std::uint16_t>(invitation.port)));
        XB_TRY(make_nonblocking(listener.get()));
        if (invitation.port == 0) {
            net::SocketAddress found;
            found.length = sizeof found.storage;
            auto* const raw = reinterpret_cast<sockaddr*>(&found.storage);
            if (::getsockname(listener.get(), raw, &found.length) != 0)
                return sys::system_error("cannot read a socket's port");
            sockaddr_in in{};
            std::memcpy(&in, &found.storage, sizeof in);  // the port stands there in IPv6 too
            invitation.port = ntohs(in.sin_port);
        }
        made.listeners_.push_back(std::move(listener));
        invitation.links.push_back({.host = own, .joiner = setup.nodes[1].links[i].address});
    }
    return made;
}

Result<Handover::Joined> Handover::serve(
    Instant deadline, const std::function<void(const std::string&)>& refused) const {
    const net::Psk psk = XB_TRY(psk_of(invitation_.secret));
    std::vector<pollfd> watched;
    for (const sys::Fd& listener : listeners_)
        watched.push_back({.fd = listener.get(), .events = POLLIN, .revents = 0});
    for (;;) {
        XB_TRY(wait_for(watched, deadline));
        for (std::size_t i = 0; i < watched.size(); ++i) {
            if (watched[i].revents == 0) continue;
            sys::Fd accepted(
                ::accept4(watched[i].fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!accepted.is_open()) continue;  // it has gone away again
            const auto from = net::other_end(accepted.get());
            const std::string name = from ? heart::to_string(*from) : "nowhere";
            if (name != heart::to_string(XB_TRY(address_of(invitation_.links[i].joiner)))) {
                refused(concat("a connection from ", name, " was closed: that is not the peer"));
                continue;
            }
            const Instant end = std::min(deadline, sys::boot_now() + kConversationMax);
            Joiner::Talk talk(std::move(accepted), XB_TRY(net::TlsSession::acceptor({psk})));
            const auto converse = [&]() -> Result<bool> {
                XB_TRY(talk.shake_hands(end));
                const json first = XB_TRY(talk.receive(end));
                if (text_of(first, "want") != "setup") return false;
                XB_TRY(talk.send({{"setup", setup_text(setup_)}}));
                const json second = XB_TRY(talk.receive(end));
                return text_of(second, "want") == "key";
            };
            const Result<bool> wants_key = converse();
            if (!wants_key || !*wants_key) {
                refused(concat(
                    name, " did not join: ", wants_key ? "it gave up" : wants_key.error().context));
                continue;
            }
            // From here on the token is used, whatever becomes of the connection.
            const Result<void> given = talk.send({{"key", hex_of(key_)}});
            const Result<json> done = given ? talk.receive(end) : Result<json>(given.error());
            return Joined{.address = name, .is_confirmed = done && flag_of(*done, "done")};
        }
    }
}

namespace {

// A socket to the host over one link, connected. Errors: System.
Result<sys::Fd> dial(const InvitationLink& link, int port) {
    const IpAddress host = XB_TRY(address_of(link.host));
    const IpAddress own = XB_TRY(address_of(link.joiner));
    sys::Fd socket = XB_TRY(net::socket_from(own, kUserTimeout));
    XB_TRY(make_nonblocking(socket.get()));
    const net::SocketAddress to = net::socket_address(host, static_cast<std::uint16_t>(port));
    if (::connect(socket.get(), to.get(), to.length) == 0) return socket;
    const std::string what = concat(link.host, " port ", port);
    if (errno != EINPROGRESS) return sys::system_error(what);
    pollfd one{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    const Result<void> waited = wait_for({&one, 1}, sys::boot_now() + kConnectMax);
    if (!waited) return Error{.code = Code::Timeout, .context = concat(what, ": no answer")};
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return sys::system_error(what, error);
    return socket;
}

// Nobody listens, or nobody is to be reached: which of the reasons it can be.
Error nobody_there(const Invitation& invitation, EpochSeconds now, const std::string& tried) {
    if (now > invitation.expires) {
        return {
            .code = Code::Timeout,
            .context = concat("the token's time was over at ", calendar_text(invitation.expires),
                              "; make a new one with 'xbeat init --force' on the first node")};
    }
    return {.code = Code::Unavailable,
            .context = concat("nobody waits for this token: it was used already, or the 'xbeat "
                              "init' that made it was ended, or a link or firewall is in the way. "
                              "Tried:",
                              tried)};
}

}  // namespace

Joiner::Joiner(std::unique_ptr<Talk> talk, Setup setup)
    : talk_(std::move(talk)), setup_(std::move(setup)) {}
Joiner::Joiner(Joiner&&) noexcept = default;
Joiner::~Joiner() = default;

Result<Joiner> Joiner::connect(const Invitation& invitation, EpochSeconds now) {
    const net::Psk psk = XB_TRY(psk_of(invitation.secret));
    std::string tried;
    for (const InvitationLink& link : invitation.links) {
        Result<sys::Fd> socket = dial(link, invitation.port);
        if (!socket) {
            tried += concat("\n  ", socket.error().context);
            continue;
        }
        auto talk =
            std::make_unique<Talk>(*std::move(socket), XB_TRY(net::TlsSession::connector(psk)));
        const Instant end = sys::boot_now() + kConversationMax;
        const auto converse = [&]() -> Result<json> {
            XB_TRY(talk->shake_hands(end));
            XB_TRY(talk->send({{"want", "setup"}}));
            return talk->receive(end);
        };
        const Result<json> answer = converse();
        if (!answer) {
            // A newer 'init', or a daemon, listens there: it does not know this secret.
            return Error{.code = Code::Denied,
                         .context = concat("who listens at ", link.host,
                                           " does not know this token (", answer.error().context,
                                           "): it was used, or a newer one was made since; ",
                                           "'xbeat init --force' on the first node makes one")};
        }
        Result<Setup> setup = read_setup(text_of(*answer, "setup"));
        if (!setup) return setup.error();
        return Joiner(std::move(talk), *std::move(setup));
    }
    return nobody_there(invitation, now, tried);
}

Result<std::string> Joiner::take_key() {
    const Instant end = sys::boot_now() + kConversationMax;
    XB_TRY(talk_->send({{"want", "key"}}));
    const json answer = XB_TRY(talk_->receive(end));
    std::string key = bytes_of_hex(text_of(answer, "key"));
    if (key.size() == kSetupKeyBytes) return key;
    return Error{.code = Code::Corrupt, .context = "the first node sent no key"};
}

void Joiner::confirm() {
    // If it cannot be told, 'init' says that the joiner did not confirm: nobody is misled.
    (void)talk_->send({{"done", true}});
}

}  // namespace xbeat::cli
