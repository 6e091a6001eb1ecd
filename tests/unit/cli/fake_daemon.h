// A daemon for tests of the command line: a socket in a folder of its own, and a function that
// answers.
//
// It serves connections one after the other on a thread; what it was asked is kept for the test.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "sys/fd.h"

namespace xbeat::cli::testing {

/// A line that says yes, with these members.
inline std::string ok(nlohmann::json object = nlohmann::json::object()) {
    object["ok"] = true;
    return object.dump();
}

class FakeDaemon {
public:
    /// Lines to send for a request; none at all means to stay silent, as a daemon that hangs.
    using Answer = std::function<std::vector<std::string>(const nlohmann::json& request)>;

    explicit FakeDaemon(Answer answer) : answer_(std::move(answer)) {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-cli-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
        listener_ = sys::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        stop_ = sys::Fd(::eventfd(0, EFD_CLOEXEC));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder_ + "/admin.sock").copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* raw = reinterpret_cast<const sockaddr*>(&address);
        if (::bind(listener_.get(), raw, sizeof address) != 0) std::abort();
        if (::listen(listener_.get(), 16) != 0) std::abort();
        thread_ = std::thread([this] { serve(); });
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon() {
        const std::uint64_t one = 1;
        if (::write(stop_.get(), &one, sizeof one) != sizeof one) std::abort();
        thread_.join();
        std::filesystem::remove_all(folder_);
    }

    [[nodiscard]] const std::string& run_dir() const { return folder_; }

    /// All requests so far with this `op`, oldest first.
    [[nodiscard]] std::vector<nlohmann::json> requests(std::string_view op) {
        const std::scoped_lock lock(mutex_);
        std::vector<nlohmann::json> found;
        for (const nlohmann::json& request : requests_) {
            if (request.value("op", "") == op) found.push_back(request);
        }
        return found;
    }

private:
    struct Connection {
        sys::Fd fd;
        std::string input;
    };

    void serve() {
        std::vector<Connection> connections;
        for (;;) {
            std::vector<pollfd> watched{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                                        {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
            for (const Connection& one : connections) {
                watched.push_back({.fd = one.fd.get(), .events = POLLIN, .revents = 0});
            }
            if (::poll(watched.data(), watched.size(), -1) < 0) continue;
            if (watched[0].revents != 0) return;
            for (std::size_t at = connections.size(); at-- > 0;) {
                if (watched[at + 2].revents != 0 && !read_from(connections[at])) {
                    connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(at));
                }
            }
            if (watched[1].revents != 0) {
                sys::Fd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                connections.push_back({.fd = std::move(accepted), .input = {}});
            }
        }
    }

    bool read_from(Connection& connection) {
        char block[4096];
        const ssize_t got = ::recv(connection.fd.get(), block, sizeof block, 0);
        if (got <= 0) return false;
        connection.input.append(block, static_cast<std::size_t>(got));
        std::size_t end = 0;
        while ((end = connection.input.find('\n')) != std::string::npos) {
            const auto request = nlohmann::json::parse(connection.input.substr(0, end));
            connection.input.erase(0, end + 1);
            {
                const std::scoped_lock lock(mutex_);
                requests_.push_back(request);
            }
            for (const std::string& line : answer_(request)) {
                if (line == kClose) return false;
                const std::string bytes = line + "\n";
                ::send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            }
        }
        return true;
    }

public:
    /// In the place of a line: closes the connection.
    static constexpr std::string_view kClose = "CLOSE";

private:
    Answer answer_;
    std::string folder_;
    sys::Fd listener_;
    sys::Fd stop_;
    std::mutex mutex_;
    std::vector<nlohmann::json> requests_;
    std::thread thread_;
};

}  // namespace xbeat::cli::testing
