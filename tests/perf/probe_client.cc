// xblab-probe: the client that notices. One request a period to a service; every one is accounted.
//
//   xblab-probe udp|http ADDRESS PORT [--period-us N] [--timeout-ms N] [--seconds N]
//
// It writes one JSON object a line: {"event":"ready"} when the first request is answered, "lost"
// when the first request of an outage is given up, "outage" when the service is back, and "sum" at
// the end (SIGTERM, SIGINT, or --seconds). An outage runs from the moment when its first unanswered
// request was sent to the moment when the next answered one was answered; both on CLOCK_BOOTTIME.
// Requests are judged in the order in which they were sent. The client's own lateness is reported
// with each outage (own_gap_ns, the longest pause between two of its sends in that time), since a
// client that did not run cannot tell an outage from its own sleep.
//
// "udp": one datagram each, echoed with the server's name behind it. "http": one new connection
// each, non-blocking, GET /, complete when "200" and the page are there.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/fd.h"

namespace {

using xbeat::concat;
using xbeat::sys::Fd;

constexpr int kUsage = 64;
constexpr int kUnavailable = 69;
constexpr int kPriority = 60;               // above the load of the starvation tests
constexpr std::size_t kInFlightMax = 4096;  // descriptors of requests that nobody answers

std::int64_t now_ns() { return xbeat::sys::boot_now().time_since_epoch().count(); }

struct Options {
    bool is_http = false;
    sockaddr_in server{};
    std::int64_t period_ns = 1'000'000;
    std::int64_t timeout_ns = 100'000'000;
    std::int64_t seconds = 0;  // 0: until told
};

struct Request {
    std::int64_t sent_ns = 0;
    std::int64_t answered_ns = 0;  // 0: not yet
    bool is_lost = false;
    std::int64_t gap_ns = 0;  // since the request before it was sent
    int server = -1;          // index of who answered
};

/// What happened to the requests, judged in order.
class Ledger {
public:
    explicit Ledger(std::int64_t timeout_ns) : timeout_ns_(timeout_ns) {}

    std::uint64_t sent(std::int64_t at_ns) {
        const std::int64_t gap = last_sent_ns_ == 0 ? 0 : at_ns - last_sent_ns_;
        last_sent_ns_ = at_ns;
        open_.push_back({.sent_ns = at_ns, .gap_ns = gap});
        ++sent_;
        return first_ + open_.size() - 1;
    }

    void answered(std::uint64_t number, std::int64_t at_ns, const std::string& server) {
        if (number < first_ || number - first_ >= open_.size()) return;  // given up before
        Request& request = open_[number - first_];
        if (request.answered_ns != 0 || request.is_lost) return;
        request.answered_ns = at_ns;
        request.server = server_index(server);
    }

    void refused(std::uint64_t number) {
        if (number < first_ || number - first_ >= open_.size()) return;
        Request& request = open_[number - first_];
        if (request.answered_ns == 0) request.is_lost = true;
    }

    /// Judges all requests that can be judged; returns the number before which all are.
    std::uint64_t judge(std::int64_t now) {
        while (!open_.empty()) {
            Request& request = open_.front();
            if (request.answered_ns == 0 && !request.is_lost) {
                if (now - request.sent_ns < timeout_ns_) break;
                request.is_lost = true;
            }
            request.is_lost ? take_lost(request) : take_answered(request);
            open_.pop_front();
            ++first_;
        }
        return first_;
    }

    void print_sum() {
        std::string servers;
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            servers += concat(i == 0 ? "" : ",", "{\"name\":\"", servers_[i],
                              "\",\"answered\":", counts_[i], "}");
        }
        if (outage_from_ns_ != 0) print_outage(0);
        print(concat("{\"event\":\"sum\",\"sent\":", sent_, ",\"answered\":", answered_,
                     ",\"lost\":", lost_, ",\"unjudged\":", open_.size(), ",\"outages\":", outages_,
                     ",\"own_gap_max_ns\":", gap_max_ns_, ",\"rtt_max_ns\":", rtt_max_ns_,
                     ",\"servers\":[", servers, "]}"));
    }

private:
    int server_index(const std::string& name) {
        const auto found = std::find(servers_.begin(), servers_.end(), name);
        if (found != servers_.end()) return static_cast<int>(found - servers_.begin());
        servers_.push_back(name);
        counts_.push_back(0);
        return static_cast<int>(servers_.size() - 1);
    }

    void take_lost(const Request& request) {
        ++lost_;
        gap_max_ns_ = std::max(gap_max_ns_, request.gap_ns);
        if (outage_from_ns_ == 0) {
            outage_from_ns_ = request.sent_ns;
            outage_lost_ = 0;
            outage_gap_ns_ = 0;
            print(concat("{\"event\":\"lost\",\"from_ns\":", request.sent_ns, "}"));
        }
        ++outage_lost_;
        outage_gap_ns_ = std::max(outage_gap_ns_, request.gap_ns);
    }

    void take_answered(const Request& request) {
        ++answered_;
        ++counts_[static_cast<std::size_t>(request.server)];
        gap_max_ns_ = std::max(gap_max_ns_, request.gap_ns);
        rtt_max_ns_ = std::max(rtt_max_ns_, request.answered_ns - request.sent_ns);
        const std::string& name = servers_[static_cast<std::size_t>(request.server)];
        if (answered_ == 1) {
            print(concat("{\"event\":\"ready\",\"at_ns\":", request.answered_ns, ",\"server\":\"",
                         name, "\"}"));
        }
        if (outage_from_ns_ != 0) {
            outage_gap_ns_ = std::max(outage_gap_ns_, request.gap_ns);
            print_outage(request.answered_ns, name);
            outage_from_ns_ = 0;
        } else if (request.server != last_server_ && last_server_ >= 0) {
            print(concat("{\"event\":\"moved\",\"at_ns\":", request.answered_ns, ",\"server\":\"",
                         name, "\"}"));
        }
        last_server_ = request.server;
    }

    void print_outage(std::int64_t to_ns, const std::string& server = {}) {
        ++outages_;
        print(concat("{\"event\":\"outage\",\"from_ns\":", outage_from_ns_, ",\"to_ns\":", to_ns,
                     ",\"lost\":", outage_lost_, ",\"own_gap_ns\":", outage_gap_ns_,
                     ",\"server\":\"", server, "\"}"));
    }

    static void print(const std::string& line) {
        std::puts(line.c_str());
        std::fflush(stdout);
    }

    std::int64_t timeout_ns_;
    std::deque<Request> open_;  // not judged yet, by number from first_ on
    std::uint64_t first_ = 0;
    std::int64_t last_sent_ns_ = 0;
    std::int64_t outage_from_ns_ = 0;  // 0: served
    std::int64_t outage_gap_ns_ = 0;
    std::int64_t gap_max_ns_ = 0;
    std::int64_t rtt_max_ns_ = 0;
    std::uint64_t outage_lost_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t outages_ = 0;
    int last_server_ = -1;
    std::vector<std::string> servers_;
    std::vector<std::uint64_t> counts_;
};

/// One request under way. For UDP all share one socket, for HTTP each has its own.
class Prober {
public:
    Prober(const Options& options, int epoll)
        : options_(options), epoll_(epoll), ledger_(options.timeout_ns) {}

    bool open() {
        if (options_.is_http) return true;
        udp_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return udp_.is_open() && watch(udp_.get(), EPOLLIN) && connect_to(udp_.get());
    }

    void send_one() {
        const std::int64_t at_ns = now_ns();
        const std::uint64_t number = ledger_.sent(at_ns);
        if (options_.is_http) {
            connect_one(number);
            return;
        }
        const std::string text = concat(number);
        // Not sent is not answered; an error queued by an earlier datagram is taken by this call.
        if (::send(udp_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0 &&
            ::send(udp_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
            return;
        }
    }

    void on_event(int descriptor, std::uint32_t events) {
        if (descriptor == udp_.get()) {
            receive_datagrams();
        } else {
            advance(descriptor, events);
        }
    }

    void judge() {
        const std::uint64_t before = ledger_.judge(now_ns());
        while (!connections_.empty() && oldest() < before) close_oldest();
    }

    void finish() {
        judge();
        ledger_.print_sum();
    }

private:
    struct Connection {
        Fd socket;
        std::uint64_t number = 0;
        bool asked = false;
        std::string reply;
    };

    bool watch(int descriptor, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        event.data.fd = descriptor;
        return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
    }

    bool connect_to(int descriptor) const {
        const auto* address = reinterpret_cast<const sockaddr*>(&options_.server);
        return ::connect(descriptor, address, sizeof options_.server) == 0 || errno == EINPROGRESS;
    }

    void receive_datagrams() {
        std::array<char, 256> data{};
        for (;;) {
            const ssize_t length = ::recv(udp_.get(), data.data(), data.size(), 0);
            if (length < 0 && errno == ECONNREFUSED) continue;  // says nothing about which one
            if (length < 0) return;
            const std::string_view text(data.data(), static_cast<std::size_t>(length));
            const std::size_t space = text.find(' ');
            const auto number = xbeat::parse_integer(text.substr(0, space));
            if (!number || space == std::string_view::npos) continue;
            ledger_.answered(static_cast<std::uint64_t>(*number), now_ns(),
                             std::string(text.substr(space + 1)));
        }
    }

    void connect_one(std::uint64_t number) {
        if (connections_.size() >= kInFlightMax) return ledger_.refused(number);
        Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int yes = 1;
        const linger at_once{.l_onoff = 1,
                             .l_linger = 0};  // a thousand a second leave no TIME_WAIT
        if (!socket.is_open() ||
            ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0 ||
            ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
            !connect_to(socket.get()) || !watch(socket.get(), EPOLLIN | EPOLLOUT | EPOLLET)) {
            return ledger_.refused(number);
        }
        const int descriptor = socket.get();
        by_number_[number] = descriptor;
        connections_[descriptor] = {std::move(socket), number, false, {}};
    }

    void advance(int descriptor, std::uint32_t events) {
        const auto found = connections_.find(descriptor);
        if (found == connections_.end()) return;
        Connection& connection = found->second;
        if ((events & EPOLLERR) != 0) return drop(descriptor);
        if (!connection.asked && (events & EPOLLOUT) != 0) {
            static constexpr std::string_view kAsk =
                "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
            if (::send(descriptor, kAsk.data(), kAsk.size(), MSG_NOSIGNAL) < 0) {
                return drop(descriptor);
            }
            connection.asked = true;
        }
        std::array<char, 2048> data{};
        ssize_t length = 0;
        while ((length = ::recv(descriptor, data.data(), data.size(), 0)) > 0) {
            connection.reply.append(data.data(), static_cast<std::size_t>(length));
        }
        const std::size_t body = connection.reply.find("\r\n\r\n");
        const bool whole = body != std::string::npos && connection.reply.size() > body + 4;
        if (whole) {
            if (connection.reply.starts_with("HTTP/1.1 200")) {
                const std::string_view name =
                    xbeat::trim(std::string_view(connection.reply).substr(body + 4));
                ledger_.answered(connection.number, now_ns(), std::string(name));
            }
            return drop(descriptor);
        }
        if (length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) drop(descriptor);
    }

    /// Closes a connection; what was not answered is lost at once (refused, reset, no page).
    void drop(int descriptor) {
        const auto found = connections_.find(descriptor);
        if (found == connections_.end()) return;
        ledger_.refused(found->second.number);
        by_number_.erase(found->second.number);
        connections_.erase(found);
    }

    [[nodiscard]] std::uint64_t oldest() const { return by_number_.begin()->first; }
    void close_oldest() { drop(by_number_.begin()->second); }

    Options options_;
    int epoll_;
    Ledger ledger_;
    Fd udp_;
    std::map<int, Connection> connections_;
    std::map<std::uint64_t, int> by_number_;
};

bool parse(Options& options, int argc, char** argv) {
    if (argc < 4) return false;
    options.is_http = std::strcmp(argv[1], "http") == 0;
    if (!options.is_http && std::strcmp(argv[1], "udp") != 0) return false;
    const auto port = xbeat::parse_integer(argv[3]);
    if (!port || *port < 1 || *port > 65535) return false;
    options.server.sin_family = AF_INET;
    options.server.sin_port = htons(static_cast<std::uint16_t>(*port));
    if (::inet_pton(AF_INET, argv[2], &options.server.sin_addr) != 1) return false;
    for (int i = 4; i < argc; i += 2) {
        const auto number = i + 1 < argc ? xbeat::parse_integer(argv[i + 1]) : std::nullopt;
        if (!number || *number < 1) return false;
        const std::string_view name = argv[i];
        if (name == "--period-us") {
            options.period_ns = *number * 1000;
        } else if (name == "--timeout-ms") {
            options.timeout_ns = *number * 1'000'000;
        } else if (name == "--seconds") {
            options.seconds = *number;
        } else {
            return false;
        }
    }
    return true;
}

int measure(const Options& options) {
    const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    const Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    const Fd signals(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
    const timespec period{.tv_sec = options.period_ns / 1'000'000'000,
                          .tv_nsec = options.period_ns % 1'000'000'000};
    const itimerspec beat{.it_interval = period, .it_value = period};
    for (const int descriptor : {timer.get(), signals.get()}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return kUnavailable;
    }
    Prober prober(options, epoll.get());
    if (!prober.open() || ::timerfd_settime(timer.get(), 0, &beat, nullptr) != 0) {
        std::perror("xblab-probe");
        return kUnavailable;
    }
    const std::int64_t end_ns =
        options.seconds == 0 ? INT64_MAX : now_ns() + options.seconds * 1'000'000'000;
    while (now_ns() < end_ns) {
        std::array<epoll_event, 256> events{};
        const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), 1000);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd == signals.get()) {
                prober.finish();
                return 0;
            }
            if (event.data.fd != timer.get()) prober.on_event(event.data.fd, event.events);
        }
        // Periods that were slept through are not made up for: a late client does not burst.
        std::uint64_t passed = 0;
        if (::read(timer.get(), &passed, sizeof passed) == sizeof passed) prober.send_one();
        prober.judge();
    }
    prober.finish();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(options, argc, argv)) {
        std::fputs(
            "usage: xblab-probe udp|http ADDRESS PORT [--period-us N] [--timeout-ms N] "
            "[--seconds N]\n",
            stderr);
        return kUsage;
    }
    const sched_param priority{.sched_priority = kPriority};
    if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
        std::fputs("no real-time priority: own_gap_ns tells how late the client was\n", stderr);
    }
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) std::fputs("memory is not locked\n", stderr);
    return measure(options);
}
