// `xbeat resource`: what to do with a resource, in the words of the crm shell.
#include <algorithm>
#include <array>
#include <memory>

#include "cib/duration.h"
#include "cib/edit.h"
#include "cib/suggest.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/render_resources.h"
#include "cli/render_xml.h"
#include "cli/resource_line.h"
#include "cli/status_json.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

using cib::Element;
using cib::SetKind;
using schedule::ResourceView;

using Line = std::shared_ptr<ResourceLine>;

void collect_names(const ResourceView& resource, std::vector<std::string>& names) {
    names.push_back(resource.display_name);
    for (const ResourceView& child : resource.children) collect_names(child, names);
}

// Where a resource runs, all instances together, each node once.
void collect_places(const ResourceView& resource, std::vector<std::string>& places) {
    for (const ResourceView& child : resource.children) collect_places(child, places);
    for (const std::string& node : resource.nodes) {
        if (std::find(places.begin(), places.end(), node) == places.end()) places.push_back(node);
    }
}

}  // namespace

const ResourceView* find_resource(const std::vector<ResourceView>& list, std::string_view name) {
    for (const ResourceView& one : list) {
        if (one.id == name || one.display_name == name) return &one;
        if (const ResourceView* inner = find_resource(one.children, name)) return inner;
    }
    return nullptr;
}

Error unknown_resource(const StatusInput& input, std::string_view name) {
    std::vector<std::string> names;
    for (const ResourceView& one : input.situation.resources) collect_names(one, names);
    const std::vector<std::string_view> known(names.begin(), names.end());
    return {.code = Code::NotFound,
            .context = concat("there is no resource '", name, "'", cib::did_you_mean(name, known),
                              "; 'xbeat resource list' names them")};
}

Result<std::vector<std::string>> places_of(const Session& session, const std::string& name) {
    const StatusInput input = XB_TRY(ask_status(session));
    const ResourceView* resource = find_resource(input.situation.resources, name);
    if (resource == nullptr) return unknown_resource(input, name);
    std::vector<std::string> places;
    collect_places(*resource, places);
    return places;
}

namespace {

// The one node a command without NODE means: where the resource runs.
Result<std::string> only_place(const Session& session, const std::string& resource) {
    const std::vector<std::string> places = XB_TRY(places_of(session, resource));
    if (places.size() == 1) return places.front();
    if (places.empty()) {
        return Error{
            .code = Code::NotFound,
            .context = concat("'", resource, "' runs nowhere, so say which node is meant")};
    }
    return Error{.code = Code::Invalid,
                 .context = concat("'", resource, "' runs on ", bracketed(places),
                                   ", so say which node is meant")};
}

Result<cib::MoveOptions> move_options(const ResourceLine& line) {
    cib::MoveOptions options{.only_promoted = line.promoted_only, .expires = std::nullopt};
    if (line.lifetime.empty()) return options;
    const auto length = cib::parse_duration(line.lifetime);
    if (!length) {
        return Error{.code = Code::Invalid,
                     .context = concat("--lifetime ", line.lifetime,
                                       " is no time span; write 90s, 10min, 2h or PT10M")};
    }
    options.expires = EpochSeconds{sys::calendar_now().value + length->count() / 1'000'000'000};
    return options;
}

ExitCode move_or_ban(Session& session, const ResourceLine& line, bool is_ban) {
    const Result<cib::MoveOptions> options = move_options(line);
    if (!options) return fail(session, options.error());
    std::string node = line.node;
    // Moving without a target means: away from where it is.
    const bool away = node.empty();
    if (away) {
        const Result<std::string> place = only_place(session, line.resource);
        if (!place) return fail(session, place.error());
        node = *place;
    }
    std::vector<std::string> left;  // on purpose, although it would stick there
    if (line.change.force && !away) {
        const Result<std::vector<std::string>> places = places_of(session, line.resource);
        if (!places) return fail(session, places.error());
        left = *places;
        std::erase(left, node);
    }
    ChangeOptions how = line.change;
    how.asks = is_ban || away || !left.empty();
    return change_configuration(session, how, [&](Element& configuration) -> Result<std::string> {
        if (is_ban || away) {
            XB_TRY(cib::ban_resource(configuration, line.resource, node, *options));
            return concat(line.resource, " is kept away from ", node,
                          " until 'xbeat resource clear ", line.resource, "'");
        }
        XB_TRY(cib::move_resource(configuration, line.resource, node, *options));
        for (const std::string& place : left)
            XB_TRY(cib::ban_resource(configuration, line.resource, place, *options));
        return concat(line.resource, " prefers ", node, left.empty() ? "" : " and leaves ",
                      left.empty() ? "" : bracketed(left), " until 'xbeat resource clear ",
                      line.resource, "'");
    });
}

ExitCode clear(Session& session, const ResourceLine& line) {
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            const std::vector<std::string> removed =
                line.expired_only
                    ? cib::clear_expired(configuration, line.resource, sys::calendar_now())
                    : cib::clear_resource(configuration, line.resource, line.node);
            std::string text = "removed";
            for (const std::string& id : removed) text += " " + id;
            return text;
        });
}

ExitCode set_meta(Session& session, const ResourceLine& line, std::string_view name,
                  std::string_view value) {
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            XB_TRY(
                cib::set_resource_value(configuration, line.resource, SetKind::Meta, name, value));
            return concat("set ", name, "=", value, " for ", line.resource);
        });
}

ExitCode restart(Session& session, ResourceLine line) {
    const Result<cib::Element> before = fetch_cib(session);
    if (!before) return fail(session, before.error());
    const Element* configuration = before->child("configuration");
    const auto role =
        configuration == nullptr
            ? std::nullopt
            : cib::get_resource_value(*configuration, line.resource, SetKind::Meta, "target-role");
    if (role && equals_ignoring_case(*role, "stopped")) {
        return fail(session, {.code = Code::Invalid,
                              .context = concat("'", line.resource,
                                                "' is stopped on purpose; start it with "
                                                "'xbeat resource start ",
                                                line.resource, "'")});
    }
    line.change.wait = !line.change.dry_run;
    const ExitCode stopped = set_meta(session, line, "target-role", "Stopped");
    // Whoever agreed to the stop is not asked about the start.
    line.change.asks = false;
    // A person said no, or there is no such resource: then nothing was stopped.
    const bool was_stopped = stopped == ExitCode::Ok || stopped == ExitCode::TimedOut;
    if (line.change.dry_run || !was_stopped) return stopped;
    // Whatever became of the stop, the resource is not left disabled.
    const ExitCode started =
        change_configuration(session, line.change, [&](Element& now) -> Result<std::string> {
            if (role) {
                XB_TRY(cib::set_resource_value(now, line.resource, SetKind::Meta, "target-role",
                                               *role));
            } else if (cib::get_resource_value(now, line.resource, SetKind::Meta, "target-role")) {
                XB_TRY(cib::unset_resource_value(now, line.resource, SetKind::Meta, "target-role"));
            }
            return concat("started ", line.resource, " again");
        });
    return stopped == ExitCode::Ok ? started : stopped;
}

// As `crm_resource --locate` has it.
cib::Element found_at(const std::string& resource, const std::vector<std::string>& places) {
    cib::Element search;
    search.name = "resource-search";
    search.set("resource", resource);
    for (const std::string& place : places) {
        cib::Element text;
        text.kind = cib::NodeKind::Text;
        text.text = place;
        cib::Element node;
        node.name = "node";
        node.children.push_back(std::move(text));
        search.children.push_back(std::move(node));
    }
    return search;
}

ExitCode locate(Session& session, const ResourceLine& line) {
    const Result<std::vector<std::string>> places = places_of(session, line.resource);
    if (!places) return fail(session, places.error());
    Answer answer{.document = {{"resource", line.resource}, {"nodes", *places}},
                  .elements = {found_at(line.resource, *places)}};
    for (const std::string& node : *places)
        answer.text += concat("resource ", line.resource, " is running on: ", node, "\n");
    if (places->empty()) {
        answer.text = concat("resource ", line.resource, " is NOT running\n");
        answer.code = ExitCode::Unsatisfied;
    }
    return show(session, answer);
}

ExitCode list(Session& session, const ResourceLine& line) {
    Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    std::vector<ResourceView>& resources = input->situation.resources;
    if (!line.resource.empty()) {
        const ResourceView* one = find_resource(resources, line.resource);
        if (one == nullptr) return fail(session, unknown_resource(*input, line.resource));
        resources = std::vector<ResourceView>{ResourceView(*one)};
    }
    Answer answer;
    if (session.form == Form::Text) {
        for (const ResourceView& resource : resources) {
            for (const std::string& row :
                 resource_lines(resource, input->situation.nodes, {.inactive = true}, 0))
                answer.text += row + "\n";
        }
        if (answer.text.empty()) answer.text = "there are no resources\n";
    } else {
        answer.document["resources"] = status_json(*input)["resources"];
        answer.elements = status_elements(*input, {.headers = false,
                                                   .nodes = false,
                                                   .inactive = true,
                                                   .failures = false,
                                                   .links = false,
                                                   .fence_history = 0});
    }
    return show(session, answer);
}

ExitCode constraints(Session& session, const ResourceLine& line) {
    const Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Element* configuration = cib->child("configuration");
    if (configuration == nullptr || configuration->find_id(line.resource) == nullptr) {
        const StatusInput input = status_from_cib(*cib, sys::calendar_now());
        return fail(session, unknown_resource(input, line.resource));
    }
    const std::vector<std::string> sentences = cib::references_to(*configuration, line.resource);
    Answer answer{.document = {{"resource", line.resource}, {"references", sentences}}};
    for (const std::string& sentence : sentences) answer.text += sentence + "\n";
    if (sentences.empty()) answer.text = concat("nothing refers to ", line.resource, "\n");
    return show(session, answer);
}

ExitCode make_fail(Session& session, ResourceLine line) {
    if (line.node.empty()) {
        const Result<std::string> place = only_place(session, line.resource);
        if (!place) return fail(session, place.error());
        line.node = *place;
    }
    Request request{"fail"};
    request.text("resource", line.resource).text("node", line.node);
    return change_by_request(session, line.change, request);
}

ExitCode forget(Session& session, const ResourceLine& line, bool failed_only) {
    Request request{"cleanup"};
    request.flag("failed_only", failed_only);
    request.text_if("resource", line.resource).text_if("node", line.node);
    return change_by_request(session, line.change, request);
}

ExitCode show_value(Session& session, const ResourceLine& line, SetKind kind) {
    const Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Element* configuration = cib->child("configuration");
    const auto value =
        configuration == nullptr
            ? std::nullopt
            : cib::get_resource_value(*configuration, line.resource, kind, line.name);
    if (configuration == nullptr || configuration->find_id(line.resource) == nullptr) {
        const StatusInput input = status_from_cib(*cib, sys::calendar_now());
        return fail(session, unknown_resource(input, line.resource));
    }
    if (!value) {
        return fail(session, {.code = Code::NotFound,
                              .context = concat("'", line.resource, "' has no value for '",
                                                line.name, "'")});
    }
    return show(
        session,
        {.text = *value + "\n",
         .document = {{"resource", line.resource}, {"name", line.name}, {"value", *value}}});
}

ExitCode change_value(Session& session, const ResourceLine& line, SetKind kind) {
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            if (line.operation == "delete") {
                XB_TRY(cib::unset_resource_value(configuration, line.resource, kind, line.name));
                return concat("removed ", line.name, " from ", line.resource);
            }
            XB_TRY(
                cib::set_resource_value(configuration, line.resource, kind, line.name, line.value));
            return concat("set ", line.name, "=", line.value, " for ", line.resource);
        });
}

ExitCode value_verb(Session& session, const ResourceLine& line, SetKind kind) {
    if (line.operation == "show") return show_value(session, line, kind);
    if (line.operation == "set" && line.value.empty()) {
        return fail_usage(session, "'set' needs a VALUE", "xbeat resource meta");
    }
    return change_value(session, line, kind);
}

void add_places(const Command& noun, const Line& line) {
    Command move = noun.verb("move", "Prefer a node from now on (without NODE: leave this one)");
    Command ban = noun.verb("ban", "Keep away from a node");
    for (Command verb : {move, ban}) {
        verb.required("RSC", line->resource);
        verb.word("NODE", line->node);
        verb.option("--lifetime", line->lifetime, "TIME",
                    "Forget it after this time: 90s, 10min, 2h, PT10M");
        verb.flag("--promoted", line->promoted_only, "Only for the promoted role");
    }
    move.flag("--force", line->change.force,
              "Also keep it away from where it runs now, if its stickiness would hold it there");
    move.also({"migrate"});
    move.footer(
        "Examples:\n  xbeat resource move web pm02 --wait\n  xbeat resource move web --lifetime "
        "1h");
    ban.footer("Example:\n  xbeat resource ban web pm01");
    const auto run = [&line](bool is_ban) {
        return with(line, [is_ban](Session& session, const ResourceLine& l) {
            return move_or_ban(session, l, is_ban);
        });
    };
    move.changes(line->change, run(false), Harm::MayStop);
    ban.changes(line->change, run(true), Harm::MayStop);

    Command undo = noun.verb("clear", "Forget what move and ban asked for");
    undo.required("RSC", line->resource);
    undo.word("NODE", line->node);
    undo.flag("--expired", line->expired_only, "Only what is over");
    undo.also({"unmove", "unmigrate"});
    undo.footer("Example:\n  xbeat resource clear web");
    undo.changes(line->change, with(line, clear));
}

struct RoleVerb {
    Harm harm;
    std::string_view name;
    std::string_view help;
    std::string_view meta;
    std::string_view value;
};
constexpr std::array kRoleVerbs{
    RoleVerb{Harm::None, "start", "Let it run", "target-role", "Started"},
    RoleVerb{Harm::MayStop, "stop", "Keep it stopped", "target-role", "Stopped"},
    RoleVerb{Harm::None, "promote", "Let it be promoted", "target-role", "Promoted"},
    RoleVerb{Harm::MayStop, "demote", "Keep it unpromoted", "target-role", "Unpromoted"},
    RoleVerb{Harm::None, "manage", "Manage it again", "is-managed", "true"},
    RoleVerb{Harm::None, "unmanage", "Leave it as it is, whatever happens", "is-managed", "false"}};

void add_roles(const Command& noun, const Line& line) {
    for (const RoleVerb& row : kRoleVerbs) {
        Command verb = noun.verb(row.name, row.help);
        verb.required("RSC", line->resource);
        verb.footer(concat("Example:\n  xbeat resource ", row.name, " web --wait"));
        verb.changes(line->change,
                     with(line,
                          [row](Session& session, const ResourceLine& l) {
                              return set_meta(session, l, row.meta, row.value);
                          }),
                     row.harm);
    }
    Command again = noun.verb("restart", "Stop it, wait, start it, wait");
    again.required("RSC", line->resource);
    again.footer("Example:\n  xbeat resource restart web");
    again.changes(line->change, with(line, restart), Harm::MayStop);
}

void add_failures(const Command& noun, const Line& line) {
    Command cleanup = noun.verb("cleanup", "Forget failures, so that it is tried again");
    Command refresh = noun.verb("refresh", "Forget everything known and look again");
    for (Command verb : {cleanup, refresh}) {
        verb.word("RSC", line->resource, "Default: all resources");
        verb.word("NODE", line->node, "Default: all nodes");
    }
    cleanup.footer("Examples:\n  xbeat resource cleanup\n  xbeat resource cleanup web pm01");
    refresh.footer("Example:\n  xbeat resource refresh web");
    const auto run = [&line](bool failed_only) {
        return with(line, [failed_only](Session& session, const ResourceLine& l) {
            return forget(session, l, failed_only);
        });
    };
    cleanup.changes(line->change, run(true));
    refresh.changes(line->change, run(false));

    Command make = noun.verb("fail", "Pretend that it failed, to try the recovery");
    make.required("RSC", line->resource);
    make.word("NODE", line->node, "Default: where it runs");
    make.footer("Example:\n  xbeat resource fail web-server --wait");
    make.changes(line->change, with(line, make_fail), Harm::MayStop);
}

void add_values(const Command& noun, const Line& line) {
    struct ValueVerb {
        const char* name;
        const char* help;
        SetKind kind;
    };
    constexpr std::array kVerbs{
        ValueVerb{"meta", "A meta-attribute", SetKind::Meta},
        ValueVerb{"param", "A parameter of the agent", SetKind::Parameter},
        ValueVerb{"utilization", "What it needs of a node", SetKind::Utilization}};
    for (const ValueVerb& row : kVerbs) {
        Command verb = noun.verb(row.name, concat(row.help, ": show, set or delete it"));
        verb.required("RSC", line->resource);
        verb.one_of("WHAT", line->operation, {"show", "set", "delete"});
        verb.required("NAME", line->name);
        verb.word("VALUE", line->value);
        verb.footer(concat("Example:\n  xbeat resource ", row.name, " web set NAME VALUE"));
        verb.changes(line->change,
                     with(line, [kind = row.kind](Session& session, const ResourceLine& l) {
                         return value_verb(session, l, kind);
                     }));
    }
}

}  // namespace

void add_resource(const Command& root) {
    Command noun = root.verb("resource", "Start, stop, move, clean up resources");
    noun.needs_verb();
    if (!noun.is_wanted()) return;
    noun.footer(
        "Examples:\n"
        "  xbeat resource move web pm02 --wait\n"
        "  xbeat resource cleanup web\n"
        "  xbeat resource stop web --dry-run");
    const Line line = std::make_shared<ResourceLine>();
    add_places(noun, line);
    add_roles(noun, line);
    add_failures(noun, line);
    add_values(noun, line);
    add_resource_agent(noun, line);

    Command where = noun.verb("locate", "Where it runs (exit code 113: nowhere)");
    where.required("RSC", line->resource);
    where.footer("Example:\n  xbeat resource locate web");
    where.shows(with(line, locate));

    Command what = noun.verb("constraints", "What refers to it");
    what.required("RSC", line->resource);
    what.footer("Example:\n  xbeat resource constraints web");
    what.shows(with(line, constraints));

    Command all = noun.verb("list", "All resources and their state, or one of them");
    all.word("RSC", line->resource);
    all.also({"status", "show"});
    all.footer("Example:\n  xbeat resource list");
    all.shows(with(line, list));
}

}  // namespace xbeat::cli
