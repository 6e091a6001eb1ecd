#include "shim/shim.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "core/check.h"
#include "core/text.h"
#include "shim/error_tool.h"
#include "shim/help.h"
#include "shim/tools.h"
#include "sys/boot_clock.h"

namespace xbeat::shim {

using cib::Element;

namespace {

using Run = int (*)(const Tool&, Words);

struct Row {
    std::string_view name;
    Run run;  // null: always a command of `xbeat` itself, see commands.cc
};

constexpr std::array kRows{
    Row{"attrd_updater", run_updater},
    Row{"cibadmin", run_cib},
    Row{"crm_attribute", run_attribute},
    Row{"crm_error", run_error},
    Row{"crm_failcount", run_failcount},
    Row{"crm_master", run_master},
    Row{"crm_mon", nullptr},
    Row{"crm_node", run_node},
    Row{"crm_report", run_report},
    Row{"crm_resource", run_resource},
    Row{"crm_shadow", run_shadow},
    Row{"crm_simulate", nullptr},
    Row{"crm_standby", run_standby},
    Row{"crm_ticket", run_ticket},
    Row{"crm_verify", run_verify},
    Row{"crmadmin", run_admin},
    Row{"pacemakerd", run_version},
    Row{"stonith_admin", run_stonith},
};

const Row* find_row(std::string_view name) {
    const auto found =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return row.name == name; });
    return found == kRows.end() ? nullptr : &*found;
}

int code_of(Code code) {
    switch (code) {
        case Code::NotFound:
            return kNoSuch;
        case Code::Denied:
            return kNotAllowed;
        case Code::Unavailable:
            return kDisconnected;
        case Code::Timeout:
            return kTimedOut;
        case Code::Invalid:
            return kConfiguration;
        case Code::Exists:
            return kExists;
        case Code::Conflict:
            return kOld;
        case Code::Unsafe:
            return kUnsafe;
        default:
            return kFailed;
    }
}

}  // namespace

std::span<const std::string_view> names() {
    static constexpr auto kNames = [] {
        std::array<std::string_view, kRows.size()> list{};
        for (std::size_t i = 0; i < kRows.size(); ++i) list[i] = kRows[i].name;
        return list;
    }();
    return kNames;
}

bool is_shim(std::string_view name) { return find_row(name) != nullptr; }

namespace {

// How the answer is wanted. All tools take these two, so they are taken before a tool sees its
// words.
struct OutputForm {
    std::string form = "text";
    std::string file;
    std::vector<std::string> words;  // without them
};

OutputForm read_form(std::span<const std::string> arguments) {
    OutputForm out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        bool is_taken = false;
        for (const auto& [name, value] : {std::pair{std::string_view("--output-as"), &out.form},
                                          std::pair{std::string_view("--output-to"), &out.file}}) {
            if (word == name && i + 1 < arguments.size()) {
                *value = arguments[++i];
                is_taken = true;
                break;
            }
            if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=') {
                *value = word.substr(name.size() + 1);
                is_taken = true;
                break;
            }
        }
        if (!is_taken) out.words.push_back(word);
    }
    return out;
}

std::string_view status_text(int code) {
    for (const ExitRow& row : exit_codes()) {
        if (row.code == code) return row.text;
    }
    return "Unknown exit status";
}

std::string request_text(std::string_view name, std::span<const std::string> arguments) {
    std::string text(name);
    for (const std::string& word : arguments) text += ' ' + word;
    return text;
}

// As Pacemaker's tools wrap what they show, with the errors in it.
std::string wrapped(const std::string& request, const std::string& answer,
                    const std::string& errors, int code) {
    Element result = Tool::element("pacemaker-result");
    result.set("api-version", "2.25");
    result.set("request", request);
    Result<Element> shown = cib::parse_xml(concat("<answer>", answer, "</answer>"));
    if (answer.find('<') != std::string::npos && shown) {
        result.children = std::move(shown->children);
    } else if (!answer.empty()) {
        Element output = Tool::element("output");
        output.set("source", "stdout");
        output.children.push_back(Tool::text(answer));
        result.children.push_back(std::move(output));
    }
    Element status = Tool::element("status");
    status.set("code", concat(code));
    status.set("message", status_text(code));
    if (!errors.empty()) {
        Element list = Tool::element("errors");
        std::istringstream lines(errors);
        for (std::string line; std::getline(lines, line);) {
            Element error = Tool::element("error");
            error.children.push_back(Tool::text(line));
            list.children.push_back(std::move(error));
        }
        status.children.push_back(std::move(list));
    }
    result.children.push_back(std::move(status));
    return cib::print_xml(result);
}

}  // namespace

int run(std::string_view name, std::span<const std::string> arguments, Io& io, Cluster& cluster) {
    const Row* row = find_row(name);
    XB_CHECK(row != nullptr);
    const OutputForm form = read_form(arguments);
    const bool is_xml = form.form == "xml";
    if (!is_xml && form.form != "text" && form.form != "none") {
        io.err << name << ": Invalid value for --output-as: " << form.form << '\n';
        return kUsage;
    }
    std::ostringstream shown;
    std::ostringstream errors;
    Io captured{.in = io.in,
                .out = shown,
                .err = is_xml ? static_cast<std::ostream&>(errors) : io.err,
                .environment = io.environment};
    const bool is_captured = is_xml || form.form == "none" || !form.file.empty();
    const Tool tool{
        .name = name, .io = is_captured ? captured : io, .cluster = cluster, .is_xml = is_xml};
    int code = kOk;
    if (asks_for_version(form.words)) {
        code = run_version(tool, form.words);
    } else if (asks_for_help(name, form.words)) {
        tool.io.out << help_of(name);
    } else {
        XB_CHECK(row->run != nullptr);
        code = row->run(tool, form.words);
    }
    if (!is_captured || form.form == "none") return code;
    const std::string text =
        is_xml ? wrapped(request_text(name, arguments), shown.str(), errors.str(), code)
               : shown.str();
    if (form.file.empty() || form.file == "-") {
        io.out << text;
        return code;
    }
    std::ofstream file(form.file, std::ios::trunc);
    file << text;
    file.close();
    if (file.good()) return code;
    io.err << name << ": cannot write " << form.file << '\n';
    return kFailed;
}

Element Tool::element(std::string_view name) {
    Element made;
    made.name = name;
    return made;
}

Element Tool::text(std::string_view body) {
    Element made;
    made.kind = cib::NodeKind::Text;
    made.text = body;
    return made;
}

void Tool::show(const Element& shown) const { io.out << cib::print_xml(shown); }

void Tool::show_list(std::string_view what, std::string_view item,
                     const std::vector<std::string>& names) const {
    if (!is_xml) {
        for (const std::string& each : names) io.out << each << '\n';
        return;
    }
    Element list = element("list");
    list.set("name", what);
    list.set("count", concat(names.size()));
    for (const std::string& each : names) {
        Element row = element("item");
        row.set("name", item);
        row.children.push_back(text(each));
        list.children.push_back(std::move(row));
    }
    show(list);
}

std::string time_text(std::string_view seconds) {
    return sys::calendar_text({parse_integer(seconds).value_or(0)});
}

int exit_code(const Error& error) { return code_of(error.code); }

int Tool::fail(const Error& error) const {
    io.err << name << ": " << error.context;
    // Agents look for these words to tell a cluster that is not there from everything else.
    if (error.code == Code::Unavailable) io.err << ": Transport endpoint is not connected";
    io.err << '\n';
    return exit_code(error);
}

int Tool::fail_usage(std::string_view text) const {
    io.err << name << ": " << text << '\n';
    return kUsage;
}

int Tool::fail_left_out(std::string_view instead) const {
    io.err << name << ": this form is left out here: " << instead << '\n';
    return kNotSupported;
}

Result<std::string> Tool::node_or_local(const std::string& given) const {
    if (!given.empty() && given != "auto" && given != "localhost") return given;
    std::string node = io.environment("OCF_RESKEY_CRM_meta_on_node");
    if (!node.empty()) return node;
    return XB_TRY(cluster.self()).node;
}

// Agents compare the version; this is the one whose tools these stand for.
int run_version(const Tool& tool, Words /*words*/) {
    tool.io.out << "Pacemaker 2.1.5\nxbeat in its place\n";
    return kOk;
}

}  // namespace xbeat::shim
