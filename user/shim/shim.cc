#include "shim/shim.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/check.h"
#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using Run = int (*)(const Tool&, Words);

struct Row {
    std::string_view name;
    Run run;                // null: a command of `xbeat` itself
    std::string_view noun;  // that command
};

constexpr std::array kRows{
    Row{"attrd_updater", run_updater, {}},
    Row{"cibadmin", run_cib, {}},
    Row{"crm_attribute", run_attribute, {}},
    Row{"crm_failcount", run_failcount, {}},
    Row{"crm_master", run_master, {}},
    Row{"crm_mon", nullptr, "mon"},
    Row{"crm_node", run_node, {}},
    Row{"crm_resource", run_resource, {}},
    Row{"crm_simulate", nullptr, "simulate"},
    Row{"crm_standby", run_standby, {}},
    Row{"crm_ticket", run_ticket, {}},
    Row{"crm_verify", nullptr, "verify"},
    Row{"crmadmin", run_admin, {}},
    Row{"pacemakerd", run_version, {}},
    Row{"stonith_admin", run_stonith, {}},
};

const Row* find_row(std::string_view name) {
    const auto found =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return row.name == name; });
    return found == kRows.end() ? nullptr : &*found;
}

// What Pacemaker's tools have to be told and this program does by itself: to look at the running
// cluster, to say all that it finds, and that a file is a file.
bool is_without_meaning(std::string_view tool, std::string_view word) {
    constexpr std::array<std::string_view, 6> kVerify{"-L",        "--live-check", "-V",
                                                      "--verbose", "-x",           "--xml-file"};
    if (tool == "crm_verify")
        return std::find(kVerify.begin(), kVerify.end(), word) != kVerify.end();
    return tool == "crm_simulate" && (word == "-L" || word == "--live-check");
}

// A word of Pacemaker's tool as this program's command takes it.
std::string own_word(std::string_view tool, const std::string& word) {
    constexpr std::string_view kFile = "--xml-file=";
    if (tool == "crm_verify" && word.starts_with(kFile)) return word.substr(kFile.size());
    const bool is_scores = word == "-s" || word == "--show-scores" || word == "-sL";
    return tool == "crm_simulate" && is_scores ? "--scores" : word;
}

// crm_resource that is asked for nothing, or for the list, shows the resources as crm_mon does.
bool is_resource_list(std::string_view name, std::span<const std::string> arguments) {
    if (name != "crm_resource" || arguments.size() > 1) return false;
    return arguments.empty() || arguments[0] == "-L" || arguments[0] == "--list";
}

int code_of(Code code) {
    switch (code) {
        case Code::NotFound:
            return kNoSuch;
        case Code::Denied:
            return kNotAllowed;
        case Code::Unavailable:
            return kDisconnected;
        case Code::Timeout:
            return kTimedOut;
        case Code::Invalid:
            return kConfiguration;
        case Code::Exists:
            return kExists;
        case Code::Conflict:
            return kOld;
        case Code::Unsafe:
            return kUnsafe;
        default:
            return kFailed;
    }
}

}  // namespace

std::span<const std::string_view> names() {
    static constexpr auto kNames = [] {
        std::array<std::string_view, kRows.size()> list{};
        for (std::size_t i = 0; i < kRows.size(); ++i) list[i] = kRows[i].name;
        return list;
    }();
    return kNames;
}

bool is_shim(std::string_view name) { return find_row(name) != nullptr; }

std::optional<std::vector<std::string>> as_command(std::string_view name,
                                                   std::span<const std::string> arguments) {
    if (is_resource_list(name, arguments)) return std::vector<std::string>{"resource", "list"};
    const Row* row = find_row(name);
    if (row == nullptr || row->run != nullptr) return std::nullopt;
    std::vector<std::string> words = {std::string(row->noun)};
    for (const std::string& word : arguments) {
        if (!is_without_meaning(name, word)) words.push_back(own_word(name, word));
    }
    return words;
}

int run(std::string_view name, std::span<const std::string> arguments, Io& io, Cluster& cluster) {
    const Row* row = find_row(name);
    XB_CHECK(row != nullptr);
    XB_CHECK(row->run != nullptr);
    const Tool tool{.name = name, .io = io, .cluster = cluster};
    const bool asks_version =
        std::any_of(arguments.begin(), arguments.end(),
                    [](const std::string& word) { return word == "-$" || word == "--version"; });
    if (asks_version) return run_version(tool, arguments);
    return row->run(tool, arguments);
}

int exit_code(const Error& error) { return code_of(error.code); }

int Tool::fail(const Error& error) const {
    io.err << name << ": " << error.context;
    // Agents look for these words to tell a cluster that is not there from everything else.
    if (error.code == Code::Unavailable) io.err << ": Transport endpoint is not connected";
    io.err << '\n';
    return exit_code(error);
}

int Tool::fail_usage(std::string_view text) const {
    io.err << name << ": " << text << '\n';
    return kUsage;
}

int Tool::fail_left_out(std::string_view instead) const {
    io.err << name << ": this form is left out here: " << instead << '\n';
    return kNotSupported;
}

Result<std::string> Tool::node_or_local(const std::string& given) const {
    if (!given.empty() && given != "auto" && given != "localhost") return given;
    std::string node = io.environment("OCF_RESKEY_CRM_meta_on_node");
    if (!node.empty()) return node;
    return XB_TRY(cluster.self()).node;
}

// Agents compare the version; this is the one whose tools these stand for.
int run_version(const Tool& tool, Words /*words*/) {
    tool.io.out << "Pacemaker 2.1.5\nxbeat in its place\n";
    return kOk;
}

}  // namespace xbeat::shim
