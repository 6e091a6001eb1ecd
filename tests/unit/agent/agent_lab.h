// A folder of throw-away agents that passes the allow-list, and a client to run them with.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "agent/cgroup.h"
#include "agent/exec_client.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::agent {

constexpr Duration kGenerous = std::chrono::seconds(60);

/// Below /run, because /tmp is writable by everybody and so never allowed. Needs root.
class AgentFolder {
public:
    AgentFolder() {
        std::string name = "/run/xbeat-agent-test.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) return;
        path_ = name;
        ::chmod(path_.c_str(), 0755);
    }
    AgentFolder(const AgentFolder&) = delete;
    AgentFolder& operator=(const AgentFolder&) = delete;
    ~AgentFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }

    /// Writes a file with its folders; `name` is relative.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0755) const {
        const std::string file = path_ + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(file).parent_path());
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }
    /// An OCF agent test:NAME whose body is shell text.
    std::string agent(const std::string& name, const std::string& body, mode_t mode = 0755) const {
        return write("resource.d/test/" + name, "#!/bin/sh\n" + body + "\n", mode);
    }

private:
    std::string path_;
};

/// xbeat-exec of this build: $XBEAT_EXEC, or beside or above the test program. Empty if not built.
inline std::string exec_program() {
    if (const char* named = std::getenv("XBEAT_EXEC")) return named;
    const std::filesystem::path folder =
        std::filesystem::read_symlink("/proc/self/exe").parent_path();
    for (const std::filesystem::path& one :
         {folder / "xbeat-exec", folder.parent_path() / "xbeat-exec"}) {
        if (std::filesystem::exists(one)) return one.string();
    }
    return {};
}

/// Gathers replies by operation until one arrives.
class Replies {
public:
    explicit Replies(ExecClient& client) : client_(client) {}

    /// The next Done or Failed of the operation; empty after kGenerous.
    std::optional<Reply> end_of(OperationId id) {
        return wait([id](const Reply& reply) {
            return operation_of(reply) == id &&
                   (std::holds_alternative<Done>(reply) || std::holds_alternative<Failed>(reply));
        });
    }
    template <class Kind>
    std::optional<Kind> next(OperationId id) {
        const std::optional<Reply> found = wait([id](const Reply& reply) {
            return operation_of(reply) == id && std::holds_alternative<Kind>(reply);
        });
        if (!found) return std::nullopt;
        return std::get<Kind>(*found);
    }

private:
    template <class Wanted>
    std::optional<Reply> wait(Wanted wanted) {
        const Instant end = sys::boot_now() + kGenerous;
        while (true) {
            for (std::size_t i = 0; i < kept_.size(); ++i) {
                if (!wanted(kept_[i])) continue;
                Reply found = std::move(kept_[i]);
                kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
                return found;
            }
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(end - sys::boot_now()).count();
            if (left <= 0) return std::nullopt;
            pollfd ready{.fd = client_.fd(), .events = POLLIN, .revents = 0};
            ::poll(&ready, 1, static_cast<int>(left));
            Result<std::vector<Reply>> replies = client_.receive();
            if (!replies) return std::nullopt;
            for (Reply& reply : *replies) kept_.push_back(std::move(reply));
        }
    }

    ExecClient& client_;
    std::vector<Reply> kept_;
};

/// True once `question` is; false after kGenerous. For states of other processes that send no
/// event.
template <class Question>
bool eventually(Question question) {
    const Instant end = sys::boot_now() + kGenerous;
    while (!question()) {
        if (sys::boot_now() > end) return false;
        ::poll(nullptr, 0, 2);
    }
    return true;
}

/// Alive and not a zombie.
inline bool is_running(pid_t pid) {
    std::ifstream file(concat("/proc/", pid, "/stat"));
    std::string line;
    if (!std::getline(file, line)) return false;
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && line.size() > name_end + 2 && line[name_end + 2] != 'Z';
}

/// Removes the control groups of an xbeat-exec whose services have been killed by now.
inline void remove_groups(const std::string& instance) {
    EXPECT_TRUE(eventually([&] {
        CgroupTree tree = CgroupTree::open(instance);
        if (!tree.is_available()) return true;
        tree.close();
        return !std::filesystem::exists(tree.path());
    })) << instance;
}

inline std::string read_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace xbeat::agent
