// `xbeat ticket`: which site may run what depends on a ticket.
#include <algorithm>
#include <array>
#include <memory>

#include "cib/edit.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
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

ExitCode list(Session& session) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    for (const schedule::TicketView& ticket : input->situation.tickets) {
        session.out << ticket.id << ": " << (ticket.granted ? "granted" : "revoked")
                    << (ticket.standby ? " (standby)" : "");
        if (ticket.last_granted)
            session.out << ", last granted " << calendar_text(*ticket.last_granted);
        session.out << '\n';
    }
    if (input->situation.tickets.empty()) session.out << "there are no tickets\n";
    return ExitCode::Ok;
}

ExitCode constraints(Session& session, const TicketLine& line) {
    const Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const cib::Element configuration = configuration_of(*cib);
    bool any = false;
    if (const cib::Element* list = configuration.child("constraints")) {
        for (const cib::Element& one : list->children) {
            if (one.name != "rsc_ticket" || one.get("ticket") != line.ticket) continue;
            session.out << one.get("id") << ": " << one.get("rsc") << ", loss-policy="
                        << (one.has("loss-policy") ? one.get("loss-policy") : "stop") << '\n';
            any = true;
        }
    }
    if (!any) session.out << "nothing depends on " << line.ticket << '\n';
    return ExitCode::Ok;
}

// What the document would be with that ticket's attribute, for showing what would happen.
Result<cib::Element> with_ticket(const Session& session, const TicketLine& line,
                                 std::string_view name, std::string_view value) {
    cib::Element cib = XB_TRY(fetch_cib(session));
    cib::Element& tickets = cib.child_or_new("status").child_or_new("tickets");
    auto found =
        std::find_if(tickets.children.begin(), tickets.children.end(),
                     [&](const cib::Element& one) { return one.get("id") == line.ticket; });
    if (found == tickets.children.end()) {
        cib::Element state;
        state.name = "ticket_state";
        state.set("id", line.ticket);
        tickets.children.push_back(std::move(state));
        found = tickets.children.end() - 1;
    }
    found->set(name, value);
    return cib;
}

ExitCode set(Session& session, const TicketLine& line, std::string_view name,
             std::string_view value, bool asks) {
    const bool is_shown = line.change.dry_run || (asks && session.is_interactive);
    if (is_shown) {
        const Result<cib::Element> after = with_ticket(session, line, name, value);
        if (!after) return fail(session, after.error());
        session.out << (line.change.dry_run ? "Would do (nothing was changed):\n"
                                            : "This would happen:\n")
                    << preview(*after);
    }
    if (line.change.dry_run) return ExitCode::Ok;
    if (asks && !line.change.yes && !is_confirmed(session, "")) {
        session.err << "xbeat: nothing was done\n";
        return ExitCode::Error;
    }
    Request request{"set_ticket"};
    request.text("ticket", line.ticket).text("name", std::string(name));
    request.text("value", std::string(value));
    return change_by_request(session, line.change, request);
}

ExitCode remove(Session& session, const TicketLine& line) {
    if (!line.change.yes &&
        !is_confirmed(session, concat("This forgets the state of ", line.ticket, "."))) {
        session.err << "xbeat: nothing was done\n";
        return ExitCode::Error;
    }
    Request request{"set_ticket"};
    request.text("ticket", line.ticket).flag("remove", true);
    request.text_if("name", line.name);
    return change_by_request(session, line.change, request);
}

struct StateVerb {
    std::string_view name;
    std::string_view help;
    std::string_view attribute;
    std::string_view value;
    bool asks;
};
constexpr std::array kStateVerbs{
    StateVerb{"grant", "Let this site run what depends on it", "granted", "true", true},
    StateVerb{"revoke", "Take it away: what depends on it stops here", "granted", "false", true},
    StateVerb{"standby", "Stop what depends on it, but keep the ticket", "standby", "true", true},
    StateVerb{"activate", "End that standby", "standby", "false", false}};

}  // namespace

void add_ticket(const Command& root) {
    Command noun = root.verb("ticket", "Tickets: which site may run what");
    noun.needs_verb();
    noun.footer("Examples:\n  xbeat ticket list\n  xbeat ticket grant berlin --yes");
    if (!noun.is_wanted()) return;
    const auto line = std::make_shared<TicketLine>();

    Command all = noun.verb("list", "All tickets and their state");
    all.footer("Example:\n  xbeat ticket list");
    all.runs([](Session& session) { return list(session); });

    Command what = noun.verb("constraints", "What depends on it");
    what.required("TICKET", line->ticket);
    what.footer("Example:\n  xbeat ticket constraints berlin");
    what.runs([line](Session& session) { return constraints(session, *line); });

    for (const StateVerb& row : kStateVerbs) {
        Command verb = noun.verb(row.name, row.help);
        verb.required("TICKET", line->ticket);
        add_destructive_options(verb, line->change);
        verb.footer(concat("Example:\n  xbeat ticket ", row.name, " berlin --dry-run"));
        verb.runs([line, row](Session& session) {
            return set(session, *line, row.attribute, row.value, row.asks);
        });
    }

    Command value = noun.verb("set", "Set another attribute of it");
    value.required("TICKET", line->ticket);
    value.required("NAME", line->name);
    value.required("VALUE", line->value);
    add_change_options(value, line->change);
    value.footer("Example:\n  xbeat ticket set berlin owner site-2");
    value.runs(
        [line](Session& session) { return set(session, *line, line->name, line->value, false); });

    Command gone = noun.verb("delete", "Forget its state, or one attribute of it");
    gone.required("TICKET", line->ticket);
    gone.word("NAME", line->name);
    gone.flag("--yes,-y", line->change.yes, "Do not ask");
    gone.footer("Example:\n  xbeat ticket delete berlin --yes");
    gone.runs([line](Session& session) { return remove(session, *line); });
}

}  // namespace xbeat::cli
