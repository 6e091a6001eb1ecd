// `xbeat verify` and `xbeat configure verify`: is this configuration sound?
#include <memory>

#include "cib/edit.h"
#include "cib/validate.h"
#include "cli/answer.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

Result<cib::Element> read_configuration(Session& session, const std::string& file) {
    if (file.empty()) {
        const cib::Element cib = XB_TRY(fetch_cib(session));
        return configuration_of(cib);
    }
    const std::string text = XB_TRY(read_input(session, file));
    Result<cib::Element> loaded = cib::load_replace(text);
    if (!loaded) {
        return Error{.code = loaded.error().code,
                     .context = concat(file, ": ", loaded.error().context)};
    }
    return loaded;
}

}  // namespace

ExitCode verify_configuration(Session& session, const std::string& file) {
    const Result<cib::Element> configuration = read_configuration(session, file);
    if (!configuration) return fail(session, configuration.error());
    const std::vector<cib::Problem> problems = cib::validate(*configuration);
    const bool is_usable = !cib::has_error(problems);
    Answer answer{.document = {{"usable", is_usable}, {"problems", Document::array()}}};
    for (const cib::Problem& problem : problems) {
        answer.text += cib::to_string(problem) + "\n";
        answer.document["problems"].push_back(
            {{"severity", problem.severity == cib::Severity::Error ? "error" : "warning"},
             {"rule", problem.rule},
             {"id", problem.id},
             {"line", problem.line},
             {"text", problem.text}});
    }
    const std::string what =
        file.empty() ? "the configuration" : (file == "-" ? "standard input" : file);
    if (is_usable)
        answer.text +=
            what + (problems.empty() ? " is sound\n" : " can be used; see the warnings\n");
    if (!is_usable) answer.code = ExitCode::BadConfig;
    return show(session, answer);
}

void add_verify(const Command& root) {
    Command verify = root.verb("verify", "Check a configuration: a file's, or the running one");
    const auto file = std::make_shared<std::string>();
    verify.word("FILE", *file,
                "crm language or XML; - reads standard input; default: the running cluster's");
    verify.footer("Examples:\n  xbeat verify\n  xbeat verify web.crm");
    verify.shows([file](Session& session) { return verify_configuration(session, *file); });
}

}  // namespace xbeat::cli
