// `xbeat metrics`: printed once, or served on this machine to whoever collects them.
#include "cli/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kHeadBytesMax = 8192;  // of a request; a longer one is answered with 400
constexpr timeval kSlowMax{.tv_sec = 5, .tv_usec = 0};  // for a client to send or to take its reply

struct MetricsLine {
    std::string listen;
};

Result<std::string> collect(const Session& session) {
    control::Client client = XB_TRY(connect(session));
    const json status = XB_TRY(client.call({{"op", "status"}}, session.timeout));
    const json heart = XB_TRY(client.call({{"op", "heart"}}, session.timeout));
    const json times = XB_TRY(client.call({{"op", "timeline"}}, session.timeout));
    const StatusInput input = XB_TRY(status_from_reply(status));
    const auto daemon = status.find("daemon");
    return render_metrics(input, heart, daemon != status.end() ? *daemon : json::object(),
                          timelines_from_reply(times));
}

Result<sys::Fd> listen_on(const sockaddr* address, socklen_t size, const std::string& where) {
    sys::Fd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) return sys::system_error("cannot make a socket");
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), 16) != 0)
        return sys::system_error(concat("cannot listen on ", where));
    return fd;
}

Result<sys::Fd> listen_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error{
            .code = Code::Invalid,
            .context = concat("'", path, "' is no path of a socket: too short or too long")};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    const sys::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), raw, sizeof address) == 0) {
        return Error{.code = Code::Exists, .context = concat("somebody serves ", path, " already")};
    }
    // Left over from a process that is gone; what is no socket stays and makes bind() fail.
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode)) ::unlink(path.c_str());
    sys::Fd fd = XB_TRY(listen_on(raw, sizeof address, path));
    if (::chmod(path.c_str(), 0660) != 0)
        return sys::system_error(concat("cannot set the mode of ", path));
    return fd;
}

Result<sys::Fd> listen_loopback(const std::string& where) {
    const std::size_t colon = where.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_integer(where.substr(colon + 1));
    const std::string host = where.substr(0, colon);
    if (port && *port >= 1 && *port <= 65535 && (host == "127.0.0.1" || host == "localhost")) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(*port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address, where);
    }
    if (port && *port >= 1 && *port <= 65535 && host == "[::1]") {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(static_cast<std::uint16_t>(*port));
        address.sin6_addr = in6addr_loopback;
        return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address, where);
    }
    return Error{.code = Code::Invalid,
                 .context = concat("'", where,
                                   "' is no place to listen: write 127.0.0.1:PORT, "
                                   "[::1]:PORT or unix:PATH (only this machine may ask)")};
}

// Reads a request's head and writes the reply; whoever is slow or talks nonsense is let go.
void serve_one(const sys::Fd& client, const std::function<std::string()>& make) {
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kSlowMax, sizeof kSlowMax);
    ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kSlowMax, sizeof kSlowMax);
    std::string head;
    std::array<char, 2048> block{};
    while (head.find("\r\n\r\n") == std::string::npos && head.size() < kHeadBytesMax) {
        const ssize_t got = ::recv(client.get(), block.data(), block.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        head.append(block.data(), static_cast<std::size_t>(got));
    }
    const std::string reply = http_reply(head, make);
    std::string_view rest = reply;
    while (!rest.empty()) {
        const ssize_t put = ::send(client.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(put));
    }
}

}  // namespace

std::string http_reply(std::string_view head, const std::function<std::string()>& make) {
    const auto reply = [](std::string_view status, std::string_view type, std::string_view body) {
        return concat("HTTP/1.1 ", status, "\r\nContent-Type: ", type,
                      "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n\r\n", body);
    };
    if (head.find("\r\n\r\n") == std::string_view::npos)
        return reply("400 Bad Request", "text/plain", "the request is too long\n");
    const std::vector<std::string_view> words = split_words(head.substr(0, head.find("\r\n")));
    if (words.size() != 3 || !words[2].starts_with("HTTP/1."))
        return reply("400 Bad Request", "text/plain", "this is not HTTP/1.1\n");
    if (words[0] != "GET")
        return reply("405 Method Not Allowed", "text/plain", "only GET is answered\n");
    if (words[1] != "/metrics" && words[1] != "/")
        return reply("404 Not Found", "text/plain", "ask for /metrics\n");
    return reply("200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8", make());
}

Result<void> serve_metrics(const std::string& where, const std::function<std::string()>& make) {
    constexpr std::string_view kUnix = "unix:";
    const sys::Fd listener = where.starts_with(kUnix)
                                 ? XB_TRY(listen_unix(where.substr(kUnix.size())))
                                 : XB_TRY(listen_loopback(where));
    for (;;) {
        const sys::Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (client.is_open()) {
            serve_one(client, make);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return sys::system_error(concat("cannot take connections on ", where));
        }
    }
}

namespace {

// `name{label="value",...} number`; the labels stay as they are written.
Document samples_of(std::string_view text) {
    Document samples = Document::array();
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t space = line.rfind(' ');
        if (line.starts_with('#') || space == std::string_view::npos) continue;
        const std::string_view series = line.substr(0, space);
        const std::size_t brace = std::min(series.find('{'), series.size());
        samples.push_back({{"name", series.substr(0, brace)},
                           {"labels", series.substr(brace)},
                           {"value", line.substr(space + 1)}});
    }
    return samples;
}

ExitCode run_metrics(Session& session, const MetricsLine& line) {
    if (line.listen.empty()) {
        const Result<std::string> text = collect(session);
        if (!text) return fail(session, text.error());
        if (session.form == Form::Text) {
            session.out << *text;
            return ExitCode::Ok;
        }
        return show(session, {.document = {{"samples", samples_of(*text)}}});
    }
    if (session.form != Form::Text)
        return fail_usage(session, "what is served is OpenMetrics: --listen has no other form",
                          "xbeat metrics");
    const Result<void> ended = serve_metrics(line.listen, [&session] {
        const Result<std::string> text = collect(session);
        return text ? *text : render_no_metrics(text.error().context);
    });
    return fail(session, ended.error());
}

}  // namespace

void add_metrics(const Command& root) {
    Command verb =
        root.verb("metrics", "Figures for Prometheus: printed, or served on this machine");
    if (!verb.is_wanted()) return;
    const auto line = std::make_shared<MetricsLine>();
    verb.option("--listen", line->listen, "WHERE",
                "Serve them until stopped: 127.0.0.1:PORT, [::1]:PORT or unix:PATH");
    verb.footer(
        "Examples:\n  xbeat metrics\n  xbeat metrics --listen 127.0.0.1:9664\n"
        "  xbeat metrics --listen unix:/run/xbeat-metrics.sock");
    verb.shows(with(line, run_metrics));
}

}  // namespace xbeat::cli
