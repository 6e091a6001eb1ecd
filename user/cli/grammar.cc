#include "cli/grammar.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace xbeat::cli {

Command Command::verb(std::string_view name, std::string_view help) const {
    return {*app_->add_subcommand(std::string(name), std::string(help)), *choice_, words_};
}

bool Command::is_wanted() const {
    return std::find(words_.begin(), words_.end(), app_->get_name()) != words_.end();
}

Command& Command::needs_verb() {
    app_->require_subcommand(1);
    return *this;
}

Command& Command::word(std::string_view name, std::string& target, std::string_view help) {
    app_->add_option(std::string(name), target, std::string(help));
    return *this;
}

Command& Command::required(std::string_view name, std::string& target, std::string_view help) {
    app_->add_option(std::string(name), target, std::string(help))->required();
    return *this;
}

Command& Command::one_of(std::string_view name, std::string& target,
                         std::vector<std::string> allowed) {
    std::string help;
    for (const std::string& one : allowed) help += (help.empty() ? "" : ", ") + one;
    app_->add_option(std::string(name), target, help)
        ->required()
        ->check(CLI::IsMember(std::move(allowed)));
    return *this;
}

Command& Command::words(std::string_view name, std::vector<std::string>& target,
                        std::string_view help) {
    app_->add_option(std::string(name), target, std::string(help));
    return *this;
}

Command& Command::required_words(std::string_view name, std::vector<std::string>& target,
                                 std::string_view help) {
    app_->add_option(std::string(name), target, std::string(help))->required();
    return *this;
}

Command& Command::flag(std::string_view names, bool& target, std::string_view help) {
    app_->add_flag(std::string(names), target, std::string(help));
    return *this;
}

Command& Command::option(std::string_view names, std::string& target, std::string_view type,
                         std::string_view help) {
    app_->add_option(std::string(names), target, std::string(help))->type_name(std::string(type));
    return *this;
}

Command& Command::optional_value(std::string_view names, std::string& target, std::string implied,
                                 std::string_view type, std::string_view help) {
    // CLI11 stores nothing for a lone option with expected(0, 1); each() and a default do.
    CLI::Option* option = app_->add_option(std::string(names), target, std::string(help));
    option->type_name(std::string(type))->expected(0, 1)->default_str(std::move(implied));
    return *this;
}

Command& Command::option_of(std::string_view names, std::string& target,
                            std::vector<std::string> allowed, std::string_view help) {
    app_->add_option(std::string(names), target, std::string(help))
        ->check(CLI::IsMember(std::move(allowed)));
    return *this;
}

Command& Command::list(std::string_view names, std::vector<std::string>& target,
                       std::string_view type, std::string_view help) {
    app_->add_option(std::string(names), target, std::string(help))
        ->type_name(std::string(type))
        ->delimiter(',');
    return *this;
}

Command& Command::number(std::string_view names, int& target, Range range, std::string_view type,
                         std::string_view help) {
    app_->add_option(std::string(names), target, std::string(help))
        ->check(CLI::Range(range.least, range.most))
        ->type_name(std::string(type));
    return *this;
}

Command& Command::also(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) app_->alias(std::string(name));
    return *this;
}

Command& Command::under(std::string_view heading) {
    app_->group(std::string(heading));
    return *this;
}

Command& Command::footer(std::string_view text) {
    app_->footer(std::string(text));
    return *this;
}

void Command::add_forms(Nature nature) {
    choice_->natures[app_] = nature;
    flag("--json", choice_->as_json, "As JSON, for programs");
    flag("--xml", choice_->as_xml, "As XML, for programs");
}

Command& Command::shows(Run run) {
    add_forms(Nature::Shows);
    app_->callback([choice = choice_, run = std::move(run)] { choice->run = run; });
    return *this;
}

Command& Command::changes(ChangeOptions& options, Run run, Harm harm) {
    flag("--wait,-w", options.wait, "Wait until the cluster has settled");
    flag("--dry-run", options.dry_run, "Show what would happen, change nothing");
    if (harm == Harm::MayStop) flag("--yes,-y", options.yes, "Do not ask");
    add_forms(Nature::Changes);
    app_->callback([choice = choice_, &options, harm, run = std::move(run)] {
        options.asks = harm == Harm::MayStop;
        choice->run = run;
    });
    return *this;
}

Command& Command::changes_by_words(ChangeOptions& options, std::vector<std::string>& rest,
                                   Run run) {
    changes(options, run);
    app_->prefix_command();
    app_->callback([app = app_, choice = choice_, &rest, run = std::move(run)] {
        rest = app->remaining();
        choice->run = run;
    });
    return *this;
}

Command& Command::makes(ChangeOptions& options, Run run) {
    flag("--dry-run", options.dry_run, "Show what would be written, write nothing");
    add_forms(Nature::Makes);
    app_->callback([choice = choice_, run = std::move(run)] { choice->run = run; });
    return *this;
}

}  // namespace xbeat::cli
