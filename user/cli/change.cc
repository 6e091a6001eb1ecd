#include "cli/change.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cib/edit.h"
#include "cib/validate.h"
#include "cli/ask.h"
#include "cli/effects.h"
#include "cli/render_plan.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"
#include "core/text.h"
#include "schedule/schedule.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr int kTriesMax = 5;             // against other operators; each try is one round trip
constexpr Duration kSettleMax = 600s;    // a slow stop may take minutes
constexpr Duration kQuietTime = 300ms;   // idle for so long counts as settled
constexpr Duration kLookPeriod = 100ms;  // between two looks while nothing is reported

// A masked secret that came back would overwrite the real one.
bool has_masked_secret(const cib::Element& element) {
    if (element.name == "nvpair" && element.get("value") == "********") return true;
    return std::any_of(element.children.begin(), element.children.end(), has_masked_secret);
}

Result<void> send_configuration(const Session& session, const cib::Element& configuration,
                                const std::string& base_version) {
    if (has_masked_secret(configuration)) {
        return Error{.code = Code::Denied,
                     .context =
                         "the configuration contains masked secrets (********), which would "
                         "replace the real ones; fetch it as root or as a member of the "
                         "group xbeat-admin"};
    }
    Request request{"replace_configuration"};
    request.text("configuration", cib::print_xml(configuration)).text("base_version", base_version);
    XB_TRY(ask(session, request));
    return {};
}

// The daemon checks again; here every mistake can be shown, not only the first.
Result<void> refuse_unusable(const cib::Element& configuration) {
    const std::vector<cib::Problem> problems = cib::validate(configuration);
    if (!cib::has_error(problems)) return {};
    std::string text = "the configuration would be unusable; nothing was changed:";
    for (const cib::Problem& problem : problems) {
        if (problem.severity == cib::Severity::Error)
            text += concat("\n  ", cib::to_string(problem));
    }
    return Error{.code = Code::Invalid, .context = text};
}

schedule::Plan plan_of(const cib::Element& cib) {
    const EpochSeconds now = schedule::effective_time(cib, sys::calendar_now());
    return schedule::schedule(cib, {.now = now});
}

// One round: the sentence for the user, or why not. `is_changed` says whether anything was sent.
struct Outcome {
    std::string sentence;
    bool is_changed = false;
    bool is_refused = false;  // by the person who was asked
};

constexpr std::string_view kWould = "Would do (nothing was changed):";
constexpr std::string_view kWill = "This would happen:";

Result<Outcome> try_once(Session& session, const ChangeOptions& options, const Edit& edit,
                         const Check& check) {
    // Whoever may only look learns now which group may change, not after minutes in an editor.
    if (!options.dry_run) XB_TRY(require_admin(session));
    cib::Element cib = XB_TRY(fetch_cib(session));
    if (check) XB_TRY(check(cib));
    cib::Element& configuration = cib.child_or_new("configuration");
    const cib::Element before = configuration;
    const std::string sentence = XB_TRY(edit(configuration));
    if (configuration == before) return Outcome{.sentence = "nothing to change: it is so already"};
    XB_TRY(refuse_unusable(configuration));
    if (options.dry_run) {
        say(session, sentence);
        show_preview(session, kWould, cib);
        return Outcome{};
    }
    if (options.asks && !options.yes && session.is_interactive) {
        say(session, sentence);
        show_preview(session, kWill, cib);
        if (!is_confirmed(session, ""))
            return Outcome{.sentence = "nothing was changed", .is_refused = true};
    }
    XB_TRY(send_configuration(session, configuration, version_text(cib::version_of(cib))));
    return Outcome{.sentence = sentence, .is_changed = true};
}

ExitCode after_change(Session& session, const ChangeOptions& options) {
    if (!options.wait) return ExitCode::Ok;
    const Result<void> settled = wait_until_settled(session);
    return settled ? ExitCode::Ok : fail(session, settled.error());
}

}  // namespace

std::string version_text(const cib::Version& version) {
    return concat(version.admin_epoch, '.', version.epoch);
}

Result<cib::Element> fetch_cib(const Session& session) {
    // An administrator's connection has the secrets unmasked; without the right to it, the rest.
    Result<json> reply = ask(session, {"cib"}, control::Role::Admin);
    if (!reply && reply.error().code == Code::Denied) reply = ask(session, {"cib"});
    if (!reply) return reply.error();
    Result<cib::Element> cib = cib::parse_xml(text_of(*reply, "cib"));
    if (!cib) {
        return Error{
            .code = Code::Corrupt,
            .context = concat("the daemon's configuration cannot be read: ", cib.error().context)};
    }
    return cib;
}

cib::Element configuration_of(const cib::Element& cib) {
    if (const cib::Element* found = cib.child("configuration")) return *found;
    cib::Element empty;
    empty.name = "configuration";
    return empty;
}

void show_preview(Session& session, std::string_view heading, const cib::Element& cib) {
    const std::vector<std::string> lines = plan_lines(plan_of(cib));
    if (session.form != Form::Text) {
        session.said.actions = lines;
        return;
    }
    session.out << heading << '\n' << render_lines(lines);
}

Result<void> require_admin(const Session& session) {
    const Result<control::Client> door = connect(session, control::Role::Admin);
    if (!door) return door.error();
    return {};
}

ExitCode change_configuration(Session& session, const ChangeOptions& options, const Edit& edit,
                              const Check& check) {
    for (int tries = 1;; ++tries) {
        const Result<Outcome> outcome = try_once(session, options, edit, check);
        if (outcome) {
            if (!outcome->sentence.empty()) say(session, outcome->sentence);
            if (outcome->is_refused) return ExitCode::Error;
            return outcome->is_changed ? after_change(session, options) : ExitCode::Ok;
        }
        const bool is_race = outcome.error().code == Code::Conflict && options.retry;
        if (!is_race || tries == kTriesMax) return fail(session, outcome.error());
    }
}

std::optional<ExitCode> reason_to_stop(Session& session, const ChangeOptions& options,
                                       const Request& request, std::string_view warning) {
    const bool asks = options.asks && !options.yes && session.is_interactive;
    if (!options.dry_run && !asks) return std::nullopt;
    Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Result<void> applied = apply_request(*cib, request, sys::calendar_now());
    if (!applied) return fail(session, applied.error());
    if (!warning.empty()) say(session, warning);
    show_preview(session, options.dry_run ? kWould : kWill, *cib);
    if (options.dry_run) return ExitCode::Ok;
    if (is_confirmed(session, "")) return std::nullopt;
    return refuse(session);
}

ExitCode refuse(Session& session) {
    constexpr std::string_view kNothing = "nothing was done";
    session.err << "xbeat: " << kNothing << '\n';
    session.said.errors.emplace_back(kNothing);
    return ExitCode::Error;
}

ExitCode change_by_request(Session& session, const ChangeOptions& options, const Request& request,
                           std::string_view warning) {
    if (const auto code = reason_to_stop(session, options, request, warning)) return *code;
    const ExitCode code = request_change(session, request);
    return code == ExitCode::Ok ? after_change(session, options) : code;
}

namespace {

// The coordinator says when it is idle; another member knows it from what is left to do.
Result<bool> is_quiet(const json& status) {
    const std::string activity = text_of(status, "activity");
    if (activity.starts_with("no safe takeover") || activity.starts_with("refused")) {
        return Error{.code = Code::Unsafe,
                     .context = concat("the cluster cannot go on: ", activity)};
    }
    if (activity == "idle") return true;
    if (!activity.starts_with("follows")) return false;
    const Result<cib::Element> cib = cib::parse_xml(text_of(status, "cib"));
    return cib && !has_work(plan_of(*cib));
}

}  // namespace

Result<void> wait_until_settled(Session& session) {
    control::Client questions = XB_TRY(connect(session));
    control::Client events = XB_TRY(connect(session));
    XB_TRY(events.send({{"op", "events"}, {"limit", 1}, {"follow", true}}));
    const Instant deadline = sys::boot_now() + kSettleMax;
    Instant idle_since = Instant::max();
    std::string activity;
    while (sys::boot_now() < deadline) {
        const json status = XB_TRY(questions.call({{"op", "status"}}, session.timeout));
        const Instant now = sys::boot_now();
        activity = text_of(status, "activity");
        idle_since = XB_TRY(is_quiet(status)) ? std::min(idle_since, now) : Instant::max();
        if (idle_since != Instant::max() && now - idle_since >= kQuietTime) return {};
        const Result<json> event = events.next(kLookPeriod);
        if (!event && event.error().code != Code::Timeout) return event.error();
    }
    return Error{
        .code = Code::Timeout,
        .context = concat("the cluster has not settled after ", kSettleMax.count() / 1'000'000'000,
                          " s (", activity, "); the change is made, see 'xbeat events'")};
}

}  // namespace xbeat::cli
