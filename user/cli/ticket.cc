// `xbeat ticket`: which site may run what depends on a ticket.
#include <algorithm>
#include <array>
#include <memory>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/render_xml.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

struct TicketLine {
    std::string ticket;
    std::string name;
    std::string value;
    ChangeOptions change;
};

ExitCode list(Session& session, const TicketLine& /*line*/) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    Answer answer{.document = {{"tickets", Document::array()}}};
    for (const schedule::TicketView& ticket : input->situation.tickets) {
        answer.text += concat(ticket.id, ": ", ticket.granted ? "granted" : "revoked",
                              ticket.standby ? " (standby)" : "");
        if (ticket.last_granted)
            answer.text += concat(", last granted ", calendar_text(*ticket.last_granted));
        answer.text += '\n';
        answer.document["tickets"].push_back(
            {{"id", ticket.id},
             {"granted", ticket.granted},
             {"standby", ticket.standby},
             {"last_granted_s", ticket.last_granted ? ticket.last_granted->value : 0}});
    }
    if (answer.text.empty()) answer.text = "there are no tickets\n";
    answer.elements = status_elements(*input, {.headers = false,
                                               .nodes = false,
                                               .resources = false,
                                               .tickets = true,
                                               .failures = false,
                                               .links = false,
                                               .fence_history = 0});
    return show(session, answer);
}

ExitCode constraints(Session& session, const TicketLine& line) {
    const Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const cib::Element configuration = configuration_of(*cib);
    Answer answer{.document = {{"ticket", line.ticket}, {"constraints", Document::array()}}};
    if (const cib::Element* list = configuration.child("constraints")) {
        for (const cib::Element& one : list->children) {
            if (one.name != "rsc_ticket" || one.get("ticket") != line.ticket) continue;
            const std::string_view policy =
                one.has("loss-policy") ? one.get("loss-policy") : "stop";
            answer.text +=
                concat(one.get("id"), ": ", one.get("rsc"), ", loss-policy=", policy, "\n");
            answer.document["constraints"].push_back(
                {{"id", one.get("id")}, {"resource", one.get("rsc")}, {"loss_policy", policy}});
        }
    }
    if (answer.text.empty()) answer.text = concat("nothing depends on ", line.ticket, "\n");
    return show(session, answer);
}

ExitCode set(Session& session, const TicketLine& line, std::string_view name,
             std::string_view value) {
    Request request{"set_ticket"};
    request.text("ticket", line.ticket).text("name", std::string(name));
    request.text("value", std::string(value));
    return change_by_request(session, line.change, request);
}

ExitCode remove(Session& session, const TicketLine& line) {
    Request request{"set_ticket"};
    request.text("ticket", line.ticket).flag("remove", true);
    request.text_if("name", line.name);
    return change_by_request(session, line.change, request,
                             concat("This forgets the state of ", line.ticket, "."));
}

struct StateVerb {
    std::string_view name;
    std::string_view help;
    std::string_view attribute;
    std::string_view value;
    Harm harm;
};
constexpr std::array kStateVerbs{
    StateVerb{"grant", "Let this site run what depends on it", "granted", "true", Harm::MayStop},
    StateVerb{"revoke", "Take it away: what depends on it stops here", "granted", "false",
              Harm::MayStop},
    StateVerb{"standby", "Stop what depends on it, but keep the ticket", "standby", "true",
              Harm::MayStop},
    StateVerb{"activate", "End that standby", "standby", "false", Harm::None}};

}  // namespace

void add_ticket(const Command& root) {
    Command noun = root.verb("ticket", "Tickets: which site may run what");
    noun.needs_verb();
    noun.footer("Examples:\n  xbeat ticket list\n  xbeat ticket grant berlin --yes");
    if (!noun.is_wanted()) return;
    const auto line = std::make_shared<TicketLine>();

    Command all = noun.verb("list", "All tickets and their state");
    all.also({"show", "status"});
    all.footer("Example:\n  xbeat ticket list");
    all.shows(with(line, list));

    Command what = noun.verb("constraints", "What depends on it");
    what.required("TICKET", line->ticket);
    what.footer("Example:\n  xbeat ticket constraints berlin");
    what.shows(with(line, constraints));

    for (const StateVerb& row : kStateVerbs) {
        Command verb = noun.verb(row.name, row.help);
        verb.required("TICKET", line->ticket);
        verb.footer(concat("Example:\n  xbeat ticket ", row.name, " berlin --dry-run"));
        verb.changes(line->change,
                     with(line,
                          [row](Session& session, const TicketLine& l) {
                              return set(session, l, row.attribute, row.value);
                          }),
                     row.harm);
    }

    Command value = noun.verb("set", "Set another attribute of it");
    value.required("TICKET", line->ticket);
    value.required("NAME", line->name);
    value.required("VALUE", line->value);
    value.footer("Example:\n  xbeat ticket set berlin owner site-2");
    value.changes(line->change, with(line, [](Session& session, const TicketLine& l) {
                      return set(session, l, l.name, l.value);
                  }));

    Command gone = noun.verb("delete", "Forget its state, or one attribute of it");
    gone.required("TICKET", line->ticket);
    gone.word("NAME", line->name);
    gone.footer("Example:\n  xbeat ticket delete berlin --yes");
    gone.changes(line->change, with(line, remove), Harm::MayStop);
}

}  // namespace xbeat::cli
