// `xbeat doctor`: looks for what usually goes wrong, and says how to mend it.
#include "cli/doctor.h"

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

void append(std::vector<Finding>& to, std::vector<Finding> more) {
    for (Finding& one : more) to.push_back(std::move(one));
}

// The configuration file and the key; the configuration, if it can be read.
std::optional<daemon::Config> examine_files(const Session& session,
                                            std::vector<Finding>& findings) {
    const Result<daemon::Config> config = daemon::load_config(session.config_file);
    if (!config) {
        findings.push_back({.health = Health::Bad,
                            .about = "configuration",
                            .text = config.error().context,
                            .remedy = "'xbeat init' makes a new one; xbeat.toml(5) explains it"});
        return std::nullopt;
    }
    findings.push_back(
        {.health = Health::Good,
         .about = "configuration",
         .text = concat(session.config_file, " is right; this is ", config->self_node().name),
         .remedy = {}});
    const auto key = daemon::load_key(config->key_file);
    findings.push_back(
        key ? Finding{.health = Health::Good,
                      .about = "key",
                      .text = concat(config->key_file, " is readable by root only"),
                      .remedy = {}}
            : Finding{.health = Health::Bad,
                      .about = "key",
                      .text = key.error().context,
                      .remedy = "'xbeat keygen FILE' makes a new one; both nodes need the same"});
    return *config;
}

std::vector<Finding> examine(const Session& session) {
    std::vector<Finding> findings;
    const MachinePlaces places;
    const std::optional<daemon::Config> config = examine_files(session, findings);
    append(findings, examine_machine(places));
    if (config) append(findings, examine_links(places, *config));
    const Result<StatusInput> status = ask_status(session);
    if (!status) {
        findings.push_back(
            {.health = Health::Bad,
             .about = "daemon",
             .text = status.error().context,
             .remedy = "systemctl start xbeatd; 'journalctl -u xbeatd' tells why not"});
        return findings;
    }
    // A heart that beats in the kernel has its token bucket.
    for (Finding& one : findings) {
        if (one.about != "sch_tbf" || (status->mode != "native" && status->mode != "generic"))
            continue;
        one = {.health = Health::Good, .about = one.about, .text = "is in use", .remedy = {}};
    }
    append(findings, examine_daemon(*status));
    const Result<cib::Element> cib = fetch_cib(session);
    if (cib) {
        const bool fence = !config || config->arbiter.kind == node::ArbiterKind::Fence;
        append(findings, examine_configuration(configuration_of(*cib), fence));
    }
    return findings;
}

ExitCode run_doctor(Session& session) {
    const std::vector<Finding> findings = examine(session);
    std::size_t failed = 0;
    std::size_t doubtful = 0;
    Answer answer{.document = {{"findings", Document::array()}}};
    for (const Finding& one : findings) {
        failed += one.health == Health::Bad ? 1 : 0;
        doubtful += one.health == Health::Doubtful ? 1 : 0;
        answer.document["findings"].push_back({{"health", to_string(one.health)},
                                               {"about", one.about},
                                               {"text", one.text},
                                               {"remedy", one.remedy}});
    }
    answer.text = concat(render_findings(findings), findings.size(), " checks: ", failed,
                         " failed, ", doubtful, " doubtful\n");
    if (failed > 0) answer.code = ExitCode::Unsatisfied;
    return show(session, answer);
}

}  // namespace

void add_doctor(const Command& root) {
    Command verb = root.verb("doctor", "Look for what usually goes wrong, and say how to mend it");
    if (!verb.is_wanted()) return;
    verb.footer(
        "Exit code 113 if a check failed. Works without a daemon.\nExample:\n  xbeat doctor");
    verb.shows(run_doctor);
}

}  // namespace xbeat::cli
