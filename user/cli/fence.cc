// `xbeat fence`: shoot, vouch, and see what was shot, what could shoot, and whether it would work.
#include "cli/fence.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/render_xml.h"
#include "cli/status_json.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "fence/devices.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

// Longer than any device takes: an attempt may last minutes, and several follow each other.
constexpr std::chrono::minutes kPatience{10};

struct FenceLine {
    std::string node;
    std::string device;
    bool off = false;
    bool on = false;
    ChangeOptions change;
};
using Line = std::shared_ptr<FenceLine>;

ExitCode shoot(Session& session, const FenceLine& line, const std::string& command) {
    const std::string action = line.off ? "off" : (line.on ? "on" : "reboot");
    if (line.off && line.on) {
        return fail_usage(session, "--off and --on exclude each other", command);
    }
    const std::string warning =
        concat(action == "on" ? "This powers on " : "This cuts the power of ", line.node,
               action == "reboot" ? " and starts it again." : ".");
    session.timeout = kPatience;
    Request request{"fence"};
    request.text("node", line.node).text("action", action);
    return change_by_request(session, line.change, request, warning);
}

ExitCode confirm(Session& session, const FenceLine& line) {
    const std::string warning =
        concat("Is ", line.node,
               " surely off? If it still runs, its resources will run twice and data may be lost. "
               "Until it is a member again it may start only where it can hear this node.");
    Request request{"confirm"};
    request.text("node", line.node);
    return change_by_request(session, line.change, request, warning);
}

std::string history_text(const std::vector<FenceStatus>& rows, const std::string& node) {
    std::string text;
    for (const FenceStatus& row : rows) {
        const std::string when = row.outcome == "pending" ? "now" : calendar_text(row.when);
        const std::string by = row.device.empty() ? std::string() : concat(" by ", row.device);
        const std::string why = row.reason.empty() ? std::string() : concat(": ", row.reason);
        text += printable(fmt::format("{}  {} of {}: {}{}, from {}{}", when, row.action, row.target,
                                      row.outcome, by, row.origin, why));
        text += '\n';
    }
    if (!rows.empty()) return text;
    return concat(node.empty() ? "no node was fenced" : concat(node, " was not fenced"),
                  ", as far as is remembered\n");
}

ExitCode show_history(Session& session, const FenceLine& line) {
    Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    std::erase_if(input->fence_history, [&](const FenceStatus& row) {
        return !line.node.empty() && row.target != line.node;
    });
    Answer answer;
    answer.text = history_text(input->fence_history, line.node);
    answer.document["fence_history"] = status_json(*input)["fence_history"];
    StatusOptions only_fencing;
    only_fencing.headers = only_fencing.nodes = only_fencing.resources = false;
    only_fencing.links = only_fencing.failures = false;
    only_fencing.fence_history = 3;
    answer.elements = status_elements(*input, only_fencing);
    return show(session, answer);
}

ExitCode clean_history(Session& session, const FenceLine& line) {
    Request request{"forget_fences"};
    request.text("node", line.node);
    return change_by_request(session, line.change, request);
}

std::vector<std::string> nodes_of(const cib::Element& cib) {
    std::vector<std::string> names;
    const cib::Element configuration = configuration_of(cib);
    const cib::Element* nodes = configuration.child("nodes");
    if (nodes == nullptr) return names;
    for (const cib::Element& node : nodes->children) {
        if (node.name == "node") names.emplace_back(node.get("uname"));
    }
    return names;
}

std::string_view check_text(fence::HostCheck check) {
    switch (check) {
        case fence::HostCheck::Known:
            return "";
        case fence::HostCheck::List:
            return ", if its list names it";
        case fence::HostCheck::Status:
            return ", if it tells its status";
        case fence::HostCheck::Default:
            return ", if the device says that it knows it";
    }
    return "";
}

// The levels in which `executor` would shoot `target`: lines for a person, and a list of lists.
void add_levels(const std::vector<fence::Level>& levels, std::string& text, Document& document) {
    int number = 0;
    for (const fence::Level& level : levels) {
        text += fmt::format("    {}. ", ++number);
        Document devices = Document::array();
        for (const fence::Device& device : level) {
            text += printable(fmt::format("{}{} ({}, plug {}{})", devices.empty() ? "" : " and ",
                                          device.id, device.type, device.plug,
                                          check_text(device.check)));
            devices.push_back(
                {{"device", device.id}, {"agent", device.type}, {"plug", device.plug}});
        }
        text += '\n';
        document.push_back({{"level", number}, {"devices", devices}});
    }
}

ExitCode list_devices(Session& session, const FenceLine& line) {
    const Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const std::vector<std::string> nodes = nodes_of(*cib);
    if (!line.node.empty() && std::find(nodes.begin(), nodes.end(), line.node) == nodes.end()) {
        return fail(session, {.code = Code::NotFound,
                              .context = concat("there is no node '", line.node,
                                                "'; 'xbeat node list' names them")});
    }
    Answer answer;
    const bool is_enabled = fence::is_fencing_enabled(*cib);
    answer.document = {{"fencing_enabled", is_enabled}, {"targets", Document::array()}};
    if (!is_enabled) answer.text = "fencing is switched off: none of these is used\n";
    for (const std::string& target : nodes) {
        if (!line.node.empty() && target != line.node) continue;
        for (const std::string& executor : nodes) {
            if (executor == target) continue;
            const auto levels =
                fence::levels_for(*cib, target, executor, "off", sys::calendar_now());
            answer.text += concat(printable(concat(target, " from ", executor, ":")),
                                  levels.empty() ? " nothing can fence it\n" : "\n");
            Document rows = Document::array();
            add_levels(levels, answer.text, rows);
            answer.document["targets"].push_back(
                {{"target", target}, {"from", executor}, {"levels", rows}});
            if (levels.empty() && !line.node.empty()) answer.code = ExitCode::Unsatisfied;
        }
    }
    return show(session, answer);
}

ExitCode validate(Session& session, const FenceLine& line) {
    session.timeout = kPatience;
    Request request{"validate_device"};
    request.text("device", line.device);
    const Result<std::string> found = ask_text(session, request, "message");
    if (!found) return fail(session, found.error());
    Answer answer{.text = concat(*found, "\n")};
    answer.document = {{"device", line.device}, {"answers", lines_of(*found)}};
    return show(session, answer);
}

void add_sights(const Command& noun, const Line& line) {
    Command past = noun.verb("history", "What was fenced, by what, and how it went");
    past.word("NODE", line->node, "Only of this one");
    past.footer("Example:\n  xbeat fence history pm02 --json");
    past.shows(with(line, show_history));

    Command clean = noun.verb("cleanup", "Forget that history, on all nodes");
    clean.word("NODE", line->node, "Only of this one");
    clean.footer("Example:\n  xbeat fence cleanup pm02");
    clean.changes(line->change, with(line, clean_history));

    Command devices = noun.verb("list", "Which devices shoot which node, in which order");
    devices.word("NODE", line->node, "Only this one; exit code 113 if nothing can fence it");
    devices.footer("Example:\n  xbeat fence list pm02");
    devices.shows(with(line, list_devices));

    Command check = noun.verb("validate", "Ask a device all that switches nothing: would it work?");
    check.required("DEVICE", line->device);
    check.footer(
        "Asked from this node, with the parameters of the configuration. Exit code 78 if an\n"
        "answer was bad.\nExample:\n  xbeat fence validate fence-pm02");
    check.shows(with(line, validate));
}

}  // namespace

void add_shots(const Command& noun, std::string_view noun_name, std::string_view name) {
    const Line line = std::make_shared<FenceLine>();
    const std::string command = concat("xbeat ", noun_name, " ", name);
    Command shot = noun.verb(name, "Cut its power through its fence device");
    shot.required("NODE", line->node);
    shot.flag("--off", line->off, "Leave it off; otherwise it starts again");
    shot.flag("--on", line->on, "Power it on");
    shot.footer(concat("Examples:\n  ", command, " pm02\n  ", command, " pm02 --off --yes"));
    shot.changes(
        line->change,
        with(line, [command](Session& session,
                             const FenceLine& each) { return shoot(session, each, command); }),
        Harm::MayStop);

    Command vouch = noun.verb("confirm", "Vouch that it is off, where no device can");
    vouch.required("NODE", line->node);
    if (noun_name == "node") vouch.also({"clearstate"});  // what the crm shell calls it
    vouch.footer(concat("Example:\n  xbeat ", noun_name, " confirm pm02"));
    vouch.changes(line->change, with(line, confirm), Harm::MayStop);
}

void add_fence(const Command& root) {
    Command noun = root.verb("fence", "Fence a node, vouch for it, its history and its devices");
    noun.needs_verb();
    noun.footer(
        "Examples:\n  xbeat fence node pm02\n  xbeat fence history\n"
        "  xbeat fence validate fence-pm02\n"
        "What an agent takes: 'xbeat ra info fence_ipmilan'.");
    if (!noun.is_wanted()) return;
    add_shots(noun, "fence", "node");
    add_sights(noun, std::make_shared<FenceLine>());
}

}  // namespace xbeat::cli
