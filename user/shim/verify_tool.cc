// crm_verify: whether a configuration can be used. Silent if it can, as Pacemaker's is.
#include <array>
#include <fstream>
#include <iterator>

#include "cib/edit.h"
#include "cib/validate.h"
#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kVerifyOptions{
    OptionRow{'L', "live-check", Takes::Nothing}, OptionRow{'x', "xml-file", Takes::Value},
    OptionRow{'X', "xml-text", Takes::Value},     OptionRow{'p', "xml-pipe", Takes::Nothing},
    OptionRow{'S', "save-xml", Takes::Value},     OptionRow{'V', "verbose", Takes::Nothing},
    OptionRow{'q', "quiet", Takes::Nothing},
};

Error unreadable(std::string_view what, std::string_view why) {
    return {.code = Code::Invalid, .context = concat("Couldn't parse input ", what, ": ", why)};
}

// The document, wherever it comes from, as it was written there.
Result<std::string> read_text(const Tool& tool, const Arguments& given) {
    if (given.has("live-check")) return cib::print_xml(XB_TRY(tool.cluster.cib({})));
    if (given.has("xml-text")) return given.get("xml-text");
    if (given.has("xml-pipe")) return std::string(std::istreambuf_iterator<char>(tool.io.in), {});
    const std::string name = given.get("xml-file");
    std::ifstream file(name, std::ios::binary);
    if (!file.is_open()) return unreadable(concat("file: ", name), "it cannot be opened");
    return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int run_verify(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kVerifyOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const bool has_source = given->has("live-check") || given->has("xml-text") ||
                            given->has("xml-pipe") || given->has("xml-file");
    if (!has_source) {
        tool.io.err << "crm_verify: No configuration source specified.  Use --help for usage "
                       "information.\n";
        return kFailed;
    }
    const Result<std::string> text = read_text(tool, *given);
    if (!text) {
        if (text.error().code != Code::Invalid) return tool.fail(text.error());
        tool.io.err << "crm_verify: " << text.error().context << '\n';
        return kFailed;
    }
    const Result<Element> loaded = cib::load_replace(*text);
    if (!loaded) {
        tool.io.err << "crm_verify: " << loaded.error().context
                    << "\ncrm_verify: Errors found during check: config not valid\n";
        return kConfiguration;
    }
    const std::vector<cib::Problem> problems = cib::validate(*loaded);
    const bool is_bad = cib::has_error(problems);
    for (const cib::Problem& problem : problems) {
        const bool is_shown = given->has("verbose") || problem.severity == cib::Severity::Error;
        if (is_shown) tool.io.err << cib::to_string(problem) << '\n';
    }
    if (given->has("save-xml")) {
        std::ofstream file(given->get("save-xml"), std::ios::trunc);
        file << *text;
        file.close();
        if (!file.good()) {
            tool.io.err << "crm_verify: cannot write " << given->get("save-xml") << '\n';
            return kFailed;
        }
    }
    if (!is_bad) return kOk;
    tool.io.err << "crm_verify: Errors found during check: config not valid\n";
    return kConfiguration;
}

}  // namespace xbeat::shim
