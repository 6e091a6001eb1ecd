// `xbeat attribute`: values that nodes carry: permanent ones, transient ones, private ones.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cib/duration.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

struct AttributeLine {
    std::string name;
    std::string value;
    std::string node;
    std::string dampen;
    bool permanent = false;
    bool is_private = false;
    ChangeOptions change;
};

struct Row {
    std::string node;
    std::string name;
    std::string value;
    std::string kind;  // permanent, transient, private
    friend auto operator<=>(const Row&, const Row&) = default;
};

void collect(const cib::Element& owner, std::string_view section, const Row& form,
             std::vector<Row>& rows) {
    for (const cib::Element& set : owner.children) {
        if (set.name != section) continue;
        for (const cib::Element& pair : set.children) {
            if (pair.name != "nvpair") continue;
            Row row = form;
            row.name = pair.get("name");
            row.value = pair.get("value");
            rows.push_back(std::move(row));
        }
    }
}

Result<std::vector<Row>> fetch_rows(const Session& session) {
    std::vector<Row> rows;
    const cib::Element cib = XB_TRY(fetch_cib(session));
    const cib::Element configuration = configuration_of(cib);
    if (const cib::Element* nodes = configuration.child("nodes")) {
        for (const cib::Element& node : nodes->children) {
            const Row form{.node = std::string(node.get("uname")),
                           .name = {},
                           .value = {},
                           .kind = "permanent"};
            collect(node, "instance_attributes", form, rows);
        }
    }
    const json reply = XB_TRY(ask(session, {"attributes"}));
    for (const json& entry : objects_of(reply, "attributes")) {
        rows.push_back({.node = text_of(entry, "node"),
                        .name = text_of(entry, "name"),
                        .value = text_of(entry, "value"),
                        .kind = flag_of(entry, "private") ? "private" : "transient"});
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

ExitCode list(Session& session, const AttributeLine& line) {
    Result<std::vector<Row>> rows = fetch_rows(session);
    if (!rows) return fail(session, rows.error());
    std::erase_if(*rows, [&](const Row& row) {
        return (!line.node.empty() && row.node != line.node) ||
               (!line.name.empty() && row.name != line.name);
    });
    if (rows->empty() && !line.name.empty()) {
        return fail(session, {.code = Code::NotFound,
                              .context = concat("no node has an attribute '", line.name,
                                                "'; 'xbeat attribute show' names them")});
    }
    Answer answer{.document = {{"attributes", Document::array()}}};
    for (const Row& row : *rows) {
        answer.text += concat(row.node, ": ", printable(row.name), "=", printable(row.value), " (",
                              row.kind, ")\n");
        answer.document["attributes"].push_back(
            {{"node", row.node}, {"name", row.name}, {"value", row.value}, {"kind", row.kind}});
    }
    if (rows->empty()) answer.text = "no node has an attribute\n";
    return show(session, answer);
}

Result<Request> request_for(const Session& session, const AttributeLine& line, bool removes) {
    Request request{"set_attribute"};
    const std::string node = line.node.empty() ? XB_TRY(ask_own_name(session)) : line.node;
    request.text("node", node).text("name", line.name).flag("permanent", line.permanent);
    if (removes) {
        request.flag("remove", true);
    } else {
        request.text("value", line.value);
    }
    if (line.is_private) request.flag("private", true);
    if (line.dampen.empty()) return request;
    const auto length = cib::parse_duration(line.dampen);
    if (!length) {
        return Error{
            .code = Code::Invalid,
            .context = concat("--dampen ", line.dampen, " is no time span; write 5s or 1min")};
    }
    request.number("dampen_ms", length->count() / 1'000'000);
    return request;
}

ExitCode change(Session& session, const AttributeLine& line, bool removes) {
    if (line.permanent && (line.is_private || !line.dampen.empty())) {
        return fail_usage(session, "--permanent excludes --private and --dampen",
                          "xbeat attribute set");
    }
    const Result<Request> request = request_for(session, line, removes);
    if (!request) return fail(session, request.error());
    return change_by_request(session, line.change, *request);
}

}  // namespace

void add_attribute(const Command& root) {
    Command noun = root.verb("attribute", "Attributes of nodes: show, set, delete");
    noun.needs_verb();
    noun.footer(
        "Examples:\n  xbeat attribute show\n  xbeat attribute set site berlin --node pm01 "
        "--permanent");
    if (!noun.is_wanted()) return;
    const auto line = std::make_shared<AttributeLine>();

    Command all = noun.verb("show", "All, or those of one name; of all nodes, or of one");
    all.word("NAME", line->name);
    all.option("--node", line->node, "NODE", "Only of this node");
    all.footer("Example:\n  xbeat attribute show pingd");
    all.shows(with(line, list));

    Command set = noun.verb("set", "Set one");
    Command gone = noun.verb("delete", "Delete one");
    for (Command verb : {set, gone}) {
        verb.required("NAME", line->name);
        verb.option("--node", line->node, "NODE", "Default: this node");
        verb.flag("--permanent", line->permanent,
                  "In the configuration; otherwise it is forgotten when the node leaves");
    }
    set.required("VALUE", line->value);
    set.flag("--private", line->is_private,
             "Known to the members only, never in the configuration");
    set.option("--dampen", line->dampen, "TIME", "Written once it has not changed for so long");
    set.footer("Example:\n  xbeat attribute set pingd 100 --dampen 5s");
    gone.footer("Example:\n  xbeat attribute delete pingd --node pm02");
    const auto run = [&line](bool removes) {
        return with(line, [removes](Session& session, const AttributeLine& l) {
            return change(session, l, removes);
        });
    };
    set.changes(line->change, run(false));
    gone.changes(line->change, run(true));
}

}  // namespace xbeat::cli
