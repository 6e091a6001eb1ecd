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

Command& Command::takes_rest(std::function<ExitCode(Session&, std::vector<std::string>)> run) {
    app_->prefix_command();
    app_->callback([app = app_, choice = choice_, run = std::move(run)] {
        choice->run = [rest = app->remaining(), run](Session& session) {
            return run(session, rest);
        };
    });
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

Command& Command::runs(Run run) {
    app_->callback([choice = choice_, run = std::move(run)] { choice->run = run; });
    return *this;
}

}  // namespace xbeat::cli
