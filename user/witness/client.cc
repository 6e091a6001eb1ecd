#include "witness/client.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/socket.h"
#include "sys/boot_clock.h"
#include "sys/log.h"
#include "sys/system_error.h"

namespace xbeat::witness {
namespace {

using arbiter::Finding;
using arbiter::WitnessFinding;

constexpr ring::Token kNews{.op = ring::Op::ArbiterNews};
constexpr std::uint64_t kPollId = 0;    // the manager's questions begin at 1
constexpr int kDatagramsPerCall = 256;  // a flood must not keep the loop

std::int64_t in_ms(Duration span) {
    return std::chrono::ceil<std::chrono::milliseconds>(span).count();
}

Result<sys::Fd> open_socket(const heart::IpAddress& address) {
    const bool is_v6 = address.family == heart::IpAddress::Family::V6;
    sys::Fd socket(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            IPPROTO_UDP));
    if (!socket.is_open()) return sys::system_error("cannot make a UDP socket for the witness");
    return socket;
}

}  // namespace

Result<Client> Client::create(Options options, ClusterKey key, ring::Ring& ring, Instant now) {
    sys::Fd socket = XB_TRY(open_socket(options.address));
    Client made(std::move(socket), options, std::move(key), ring, now);
    ring.poll(made.socket_.get(), POLLIN, kNews);
    return made;
}

Client::Client(sys::Fd socket, Options options, ClusterKey key, ring::Ring& ring, Instant now)
    : socket_(std::move(socket)),
      options_(options),
      key_(std::move(key)),
      ring_(&ring),
      asker_({.cluster = key_.id, .node = options.node, .life = options.life}),
      poll_at_(now) {}

std::string Client::where() const {
    return fmt::format("{} port {}", heart::to_string(options_.address), options_.port);
}

void Client::ask(const arbiter::AskArbiter& question, Instant now) {
    asker_.ask({.id = question.request,
                .kind = question.asking == arbiter::Asking::Release ? wire::WitnessKind::Release
                                                                    : wire::WitnessKind::Claim,
                .lease = question.lease,
                .deadline = now + question.patience},
               now);
    digest(now);
}

void Client::complete(const ring::Completion& completion, Instant now) {
    if (!completion.more) ring_->poll(socket_.get(), POLLIN, kNews);
    drain(now);
    digest(now);
}

/// Takes in everything that has arrived.
void Client::drain(Instant now) {
    for (int i = 0; i < kDatagramsPerCall; ++i) {
        std::array<std::uint8_t, wire::kWitnessBytes + 1> bytes{};  // one more: to see longer ones
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            // An ICMP message about a datagram of ours: nobody listens, or no way leads there.
            was_refused_ = errno == ECONNREFUSED;
            continue;
        }
        const std::span<const std::uint8_t> datagram(bytes.data(), static_cast<std::size_t>(got));
        if (wire::witness_cluster(datagram) != key_.id || !is_sealed(datagram, key_.answer)) {
            ++refused_;
            continue;
        }
        const auto answer = wire::decode_witness_answer(datagram);
        if (!answer) {
            ++refused_;
            continue;
        }
        holder_ = answer->holder;
        asker_.take(*answer, now);
    }
}

/// Sends what the asker wants sent, and hands on what it found.
void Client::digest(Instant now) {
    send();
    for (const WitnessFinding& found : asker_.take_findings()) judge(found, now);
    if (!asker_.is_open()) poll_at_ = std::min(poll_at_, now + options_.poll_every);
}

/// Connects to the witness, anew: way and source address are those of now. Nobody there is no
/// error here; a network that cannot be reached is a datagram that is lost.
void Client::aim() {
    const net::SocketAddress to = net::socket_address(options_.address, options_.port);
    is_aimed_ = ::connect(socket_.get(), to.get(), to.length) == 0;
}

void Client::send() {
    for (const wire::WitnessRequest& request : asker_.take_requests()) {
        if (!is_aimed_) aim();
        wire::WitnessDatagram datagram = wire::encode_witness(request);
        seal(datagram, key_.request);
        const auto put = [&] {
            return ::send(socket_.get(), datagram.data(), datagram.size(),
                          MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
        };
        if (put()) continue;
        // The first error may be an ICMP message about an earlier datagram: this one did not leave.
        was_refused_ = errno == ECONNREFUSED;
        if (was_refused_ && put()) continue;
        // What cannot leave now leaves with the next copy.
        is_aimed_ = errno == ECONNREFUSED;
    }
}

void Client::judge(const WitnessFinding& found, Instant now) {
    const bool is_answered =
        found.finding != Finding::Unreachable && found.finding != Finding::Superseded;
    if (is_answered) heard(found);
    if (found.finding == Finding::Unreachable) missed();
    if (found.id == kPollId) {
        poll_at_ = now + options_.poll_every;
        return;
    }
    answers_.push_back(answer_to(found));
}

void Client::heard(const WitnessFinding& found) {
    misses_ = 0;
    was_refused_ = false;
    const arbiter::WitnessAsker::Knowledge& known = asker_.knowledge();
    if (!is_reachable_ || !was_judged_) {
        Note note = sys::Log::note(Level::Info, "witness-reachable",
                                   fmt::format("the witness at {} answers", where()));
        note.fields = {{"round_trip_us", fmt::format("{}", found.round_trip.count() / 1000)}};
        notes_.push_back(std::move(note));
    }
    if (known.restarts != restarts_noted_) {
        restarts_noted_ = known.restarts;
        notes_.push_back(sys::Log::note(
            Level::Warning, "witness-restarted",
            fmt::format("the witness at {} was started anew; it grants nothing until the longest "
                        "lease has run out",
                        where())));
    }
    is_reachable_ = true;
    was_judged_ = true;
    is_starting_ = found.finding == Finding::Starting;
}

void Client::missed() {
    ++misses_;
    if (misses_ < options_.misses_max) return;
    if (was_judged_ && !is_reachable_) return;
    is_reachable_ = false;
    was_judged_ = true;
    notes_.push_back(sys::Log::note(Level::Warning, "witness-unreachable", status().trouble));
}

arbiter::ArbiterAnswer Client::answer_to(const WitnessFinding& found) const {
    arbiter::ArbiterAnswer answer{
        .request = found.id, .reply = {}, .holder = found.holder, .until = {}, .reason = {}};
    switch (found.finding) {
        case Finding::Granted:
            answer.reply = arbiter::Reply::Granted;
            answer.until = found.until;
            break;
        case Finding::Held:
            answer.reply = arbiter::Reply::Refused;
            answer.reason = fmt::format("the witness at {} says that node {} has it for {} ms more",
                                        where(), found.holder.value, in_ms(found.remaining));
            break;
        case Finding::Released:
            answer.reply = arbiter::Reply::Released;
            break;
        case Finding::Starting:
            answer.reply = arbiter::Reply::NotReady;
            answer.until = sys::boot_now() + found.remaining;  // then it is ready
            answer.reason =
                fmt::format("the witness at {} was started anew and grants nothing for {} ms more",
                            where(), in_ms(found.remaining));
            break;
        case Finding::Contested:
            answer.reply = arbiter::Reply::NotReady;
            answer.reason =
                fmt::format("others changed the lease at {} faster than we could ask", where());
            break;
        case Finding::Told:
        case Finding::Superseded:
            answer.reply = arbiter::Reply::Unreachable;
            answer.reason = "another question took its place";
            break;
        case Finding::Unreachable:
            answer.reply = arbiter::Reply::Unreachable;
            answer.reason =
                was_refused_
                    ? fmt::format("nothing listens at {}: is xbeat-witness running?", where())
                    : fmt::format("no answer from the witness at {} in time", where());
            break;
    }
    return answer;
}

void Client::tick(Instant now) {
    asker_.tick(now);
    digest(now);
    if (asker_.is_open() || now < poll_at_) return;
    poll_at_ = now + options_.poll_every;
    aim();
    asker_.ask({.id = kPollId,
                .kind = wire::WitnessKind::Query,
                .lease = {},
                .deadline = now + options_.poll_patience},
               now);
    digest(now);
}

std::optional<Instant> Client::deadline() const {
    if (const auto wake = asker_.wake_at()) return wake;
    return poll_at_;
}

std::vector<arbiter::ArbiterAnswer> Client::take_answers() { return std::exchange(answers_, {}); }

ClientStatus Client::status() const {
    const arbiter::WitnessAsker::Knowledge& known = asker_.knowledge();
    ClientStatus status{.address = where(),
                        .is_judged = was_judged_,
                        .is_reachable = is_reachable_,
                        .trouble = {},
                        .heard = known.heard,
                        .round_trip = known.round_trip,
                        .restarts = known.restarts,
                        .strays = known.strays,
                        .refused = refused_,
                        .holder = holder_,
                        .is_starting = is_starting_};
    if (is_reachable_) return status;
    if (was_refused_)
        status.trouble = fmt::format("nothing listens at {}: is xbeat-witness running?", where());
    else if (refused_ > 0)
        status.trouble = fmt::format(
            "what answers at {} does not have this cluster's key: put what `xbeat witness key` "
            "prints into its file",
            where());
    else
        status.trouble = fmt::format(
            "no answer from the witness at {}: it does not run, cannot be reached, or does not "
            "have this cluster's key (`xbeat witness key`)",
            where());
    return status;
}

}  // namespace xbeat::witness
