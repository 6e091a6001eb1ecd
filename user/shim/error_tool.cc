// crm_error: what an exit code or an error number means.
#include "shim/error_tool.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

constexpr std::array<ExitRow, 43> kExitCodes{{
    {0, "CRM_EX_OK", "OK"},
    {1, "CRM_EX_ERROR", "Error occurred"},
    {2, "CRM_EX_INVALID_PARAM", "Invalid parameter"},
    {3, "CRM_EX_UNIMPLEMENT_FEATURE", "Unimplemented"},
    {4, "CRM_EX_INSUFFICIENT_PRIV", "Insufficient privileges"},
    {5, "CRM_EX_NOT_INSTALLED", "Not installed"},
    {6, "CRM_EX_NOT_CONFIGURED", "Not configured"},
    {7, "CRM_EX_NOT_RUNNING", "Not running"},
    {8, "CRM_EX_PROMOTED", "Promoted"},
    {9, "CRM_EX_FAILED_PROMOTED", "Failed in promoted role"},
    {64, "CRM_EX_USAGE", "Incorrect usage"},
    {65, "CRM_EX_DATAERR", "Invalid data given"},
    {66, "CRM_EX_NOINPUT", "Input file not available"},
    {67, "CRM_EX_NOUSER", "User does not exist"},
    {68, "CRM_EX_NOHOST", "Host does not exist"},
    {69, "CRM_EX_UNAVAILABLE", "Necessary service unavailable"},
    {70, "CRM_EX_SOFTWARE", "Internal software bug"},
    {71, "CRM_EX_OSERR", "Operating system error occurred"},
    {72, "CRM_EX_OSFILE", "System file not available"},
    {73, "CRM_EX_CANTCREAT", "Cannot create output file"},
    {74, "CRM_EX_IOERR", "I/O error occurred"},
    {75, "CRM_EX_TEMPFAIL", "Temporary failure, try again"},
    {76, "CRM_EX_PROTOCOL", "Protocol violated"},
    {77, "CRM_EX_NOPERM", "Insufficient privileges"},
    {78, "CRM_EX_CONFIG", "Invalid configuration"},
    {100, "CRM_EX_FATAL", "Fatal error occurred, will not respawn"},
    {101, "CRM_EX_PANIC", "System panic required"},
    {102, "CRM_EX_DISCONNECT", "Not connected"},
    {103, "CRM_EX_OLD", "Update was older than existing configuration"},
    {104, "CRM_EX_DIGEST", "Digest mismatch"},
    {105, "CRM_EX_NOSUCH", "No such object"},
    {106, "CRM_EX_QUORUM", "Quorum required"},
    {107, "CRM_EX_UNSAFE", "Operation not safe"},
    {108, "CRM_EX_EXISTS", "Requested item already exists"},
    {109, "CRM_EX_MULTIPLE", "Multiple items match request"},
    {110, "CRM_EX_EXPIRED", "Requested item has expired"},
    {111, "CRM_EX_NOT_YET_IN_EFFECT", "Requested item is not yet in effect"},
    {112, "CRM_EX_INDETERMINATE", "Could not determine status"},
    {113, "CRM_EX_UNSATISFIED", "Not applicable under current conditions"},
    {124, "CRM_EX_TIMEOUT", "Timeout occurred"},
    {190, "CRM_EX_DEGRADED", "Service is active but might fail soon"},
    {191, "CRM_EX_DEGRADED_PROMOTED", "Service is promoted but might fail soon"},
    {193, "CRM_EX_NONE", "No exit status available"},
}};

// Beyond the kernel's error numbers Pacemaker's older functions have their own.
constexpr std::array<ExitRow, 16> kOwnErrors{{
    {201, "pcmk_err_generic", "Error"},
    {202, "pcmk_err_no_quorum", "Operation requires quorum"},
    {203, "pcmk_err_schema_validation", "Update does not conform to the configured schema"},
    {204, "pcmk_err_transform_failed", "Schema transform failed"},
    {205, "pcmk_err_old_data", "Update was older than existing configuration"},
    {206, "pcmk_err_diff_failed", "Application of update diff failed"},
    {207, "pcmk_err_diff_resync", "Application of update diff failed, requesting full refresh"},
    {208, "pcmk_err_cib_modified", "On-disk configuration was manually modified"},
    {209, "pcmk_err_cib_backup", "Could not archive previous configuration"},
    {210, "pcmk_err_cib_save", "Could not save new configuration to disk"},
    {212, "pcmk_err_cib_corrupt", "Could not parse on-disk configuration"},
    {213, "pcmk_err_multiple", "Resource active on multiple nodes"},
    {214, "pcmk_err_node_unknown", "Node not found"},
    {215, "pcmk_err_already", "Already in requested state"},
    {216, "pcmk_err_bad_nvpair", "Bad name/value pair given"},
    {217, "pcmk_err_unknown_format", "Unknown output format"},
}};

constexpr std::array kErrorOptions{
    OptionRow{'X', "exit", Takes::Nothing},    OptionRow{'r', "rc", Takes::Nothing},
    OptionRow{'n', "name", Takes::Nothing},    OptionRow{'l', "list", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing},
};

ExitRow find_in(std::span<const ExitRow> rows, int code) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [code](const auto& row) { return row.code == code; });
    return found == rows.end() ? ExitRow{} : *found;
}

// Of an error number the C library knows the words.
std::string words_of(bool is_exit, int code) {
    if (is_exit) {
        const ExitRow row = find_in(kExitCodes, code);
        return std::string(row.text.empty() ? "Unknown exit status" : row.text);
    }
    const ExitRow row = find_in(kOwnErrors, code);
    if (!row.text.empty()) return std::string(row.text);
    return code == 0 ? std::string("OK") : std::string(std::strerror(code));
}

std::string name_of(bool is_exit, int code) {
    const ExitRow row = is_exit ? find_in(kExitCodes, code) : find_in(kOwnErrors, code);
    if (!row.name.empty()) return std::string(row.name);
    if (is_exit) return "CRM_EX_UNKNOWN";
    const char* const name = code == 0 ? "pcmk_rc_ok" : ::strerrorname_np(code);
    return name == nullptr ? std::string("Unknown") : std::string(name);
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

int list_all(const Tool& tool, bool is_exit, bool has_names) {
    constexpr int kLastError = 217;
    constexpr std::size_t kNameWidth = 27;
    for (int code = 0; code <= kLastError; ++code) {
        const bool is_known = is_exit ? !find_in(kExitCodes, code).text.empty()
                                      : !find_in(kOwnErrors, code).text.empty() || code == 0 ||
                                            ::strerrorname_np(code) != nullptr;
        if (!is_known) continue;
        const std::string number = concat(code);
        tool.io.out << std::string(number.size() < 5 ? 5 - number.size() : 0, ' ') << number
                    << ": ";
        if (has_names) tool.io.out << padded(name_of(is_exit, code), kNameWidth) << ' ';
        tool.io.out << words_of(is_exit, code) << '\n';
    }
    return kOk;
}

}  // namespace

std::span<const ExitRow> exit_codes() { return kExitCodes; }

int run_error(const Tool& tool, Words words) {
    // Numbers stand free, also negative ones behind "--".
    std::vector<std::string> options;
    std::vector<std::string> numbers;
    bool is_only_numbers = false;
    for (const std::string& word : words) {
        if (word == "--") {
            is_only_numbers = true;
        } else if (is_only_numbers || !word.starts_with('-')) {
            numbers.push_back(word);
        } else {
            options.push_back(word);
        }
    }
    const Result<Arguments> given = Arguments::parse(options, kErrorOptions);
    if (!given) return tool.fail_usage(given.error().context);
    if (given->has("rc")) {
        return tool.fail_left_out(
            "return codes of Pacemaker's library have no meaning here; "
            "-X tells exit codes");
    }
    const bool is_exit = given->has("exit");
    if (numbers.empty() || given->has("list")) {
        return list_all(tool, is_exit, given->has("name"));
    }
    for (const std::string& number : numbers) {
        const std::optional<std::int64_t> code = parse_integer(number);
        constexpr std::int64_t kCodeMax = 1'000'000;
        if (!code || *code > kCodeMax || *code < -kCodeMax) {
            return tool.fail_usage(concat("'", number, "' is no code"));
        }
        const int value = static_cast<int>(*code < 0 ? -*code : *code);
        if (given->has("name")) tool.io.out << name_of(is_exit, value) << " - ";
        tool.io.out << words_of(is_exit, value) << '\n';
    }
    return kOk;
}

// Tools whose work this program does in another way; each names the way.
int run_shadow(const Tool& tool, Words /*words*/) {
    return tool.fail_left_out(
        "'xbeat configure ... --dry-run' and 'xbeat simulate' show what a change would do, "
        "'xbeat configure save FILE' and 'load replace FILE' keep a copy to edit, "
        "'xbeat configure undo' takes a change back");
}

int run_report(const Tool& tool, Words /*words*/) {
    return tool.fail_left_out(
        "'xbeat report' collects logs, configuration and status of all nodes");
}

}  // namespace xbeat::shim
