// xbeatd: the command line of the daemon. See xbeatd(8).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "daemon/answers.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

namespace {

using xbeat::Code;
using xbeat::Error;
using xbeat::Level;
namespace daemon = xbeat::daemon;

// The part of Pacemaker's table of exit codes that a daemon needs (crm_exit_t; sysexits(3)).
constexpr int kExitUsage = 64;
constexpr int kExitNoInput = 66;
constexpr int kExitNoPermission = 77;
constexpr int kExitConfig = 78;
constexpr int kExitExists = 108;

std::string from_environment(const char* name, const char* otherwise) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

/// Beside this program, else where packages put it.
std::string find_executor() {
    if (const std::string given = from_environment("XBEAT_EXEC", ""); !given.empty()) return given;
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const auto beside = self.parent_path() / "xbeat-exec";
    if (!ignored && std::filesystem::exists(beside, ignored)) return beside.string();
    return "/usr/libexec/xbeat/xbeat-exec";
}

int fail(const Error& error, int otherwise) {
    daemon::Log log;
    log.write(daemon::Log::note(Level::Error, "start-failed", error.context));
    if (error.code == Code::NotFound) return kExitNoInput;
    if (error.code == Code::Denied) return kExitNoPermission;
    if (error.code == Code::Exists) return kExitExists;
    return otherwise;
}

int run(const daemon::Places& places, bool only_check) {
    const xbeat::Result<daemon::Config> config = daemon::load_config(places.config_file);
    if (!config) return fail(config.error(), kExitConfig);
    const xbeat::Result<xbeat::heart::Secret> secret = daemon::load_key(config->key_file);
    if (!secret) return fail(secret.error(), kExitConfig);
    if (only_check) {
        fmt::print("{}: right; this is node `{}` of cluster `{}`, profile {}\n", places.config_file,
                   config->self_node().name, config->cluster, config->profile);
        return EXIT_SUCCESS;
    }
    const xbeat::Result<daemon::Ending> ending = daemon::run_daemon(places, *config, *secret);
    if (!ending) return fail(ending.error(), EXIT_FAILURE);
    if (*ending == daemon::Ending::Overtaken) return EXIT_FAILURE;  // to be started again
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    daemon::Places places;
    places.config_file = from_environment("XBEAT_CONFIG", places.config_file.c_str());
    places.state_dir = from_environment("XBEAT_STATE_DIR", places.state_dir.c_str());
    places.run_dir = from_environment("XBEAT_RUN_DIR", places.run_dir.c_str());
    places.log_dir = from_environment("XBEAT_LOG_DIR", places.log_dir.c_str());
    places.exec_program = find_executor();
    bool only_check = false;
    bool is_foreground = false;

    CLI::App app{"The xbeat daemon: runs this node of the cluster. See xbeatd(8)."};
    app.set_version_flag("--version", fmt::format("xbeatd {}", daemon::kVersion));
    app.add_option("--config", places.config_file, "the node's configuration")
        ->capture_default_str();
    app.add_option("--state-dir", places.state_dir, "where the store is kept")
        ->capture_default_str();
    app.add_option("--run-dir", places.run_dir, "sockets, lock and pins")->capture_default_str();
    app.add_flag("--foreground", is_foreground,
                 "for compatibility: it always stays in the foreground");
    app.add_flag("--check", only_check, "check configuration and key, and end");
    app.add_flag("--verbose", places.verbose, "log debug notes too");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? EXIT_SUCCESS : kExitUsage;
    }
    return run(places, only_check);
}
