#include "cli/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <set>

#include "cli/agents.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/run.h"
#include "core/text.h"
#include "fence/devices.h"

namespace xbeat::cli {
namespace {

using Names = std::set<std::string>;

void collect_resources(const std::vector<schedule::ResourceView>& list, Names& names) {
    for (const schedule::ResourceView& one : list) {
        names.insert(one.display_name);
        collect_resources(one.children, names);
    }
}

void collect_ids(const cib::Element& element, Names& names) {
    // Of the objects themselves; what is inside them has ids that nobody types.
    for (const cib::Element& section : element.children) {
        for (const cib::Element& object : section.children) {
            if (object.has("uname")) {
                names.insert(std::string(object.get("uname")));
            } else if (object.has("id") && section.name != "crm_config") {
                names.insert(std::string(object.get("id")));
            }
        }
    }
}

void collect_agents(Names& names) {
    for (const std::string& provider : ocf_providers()) {
        for (const std::string& type : agent_types("ocf", provider))
            names.insert(concat("ocf:", provider, ":", type));
    }
    for (const std::string& type : agent_types("stonith", "")) names.insert(type);
}

// What may stand for a word of that name.
Names names_for(const Session& session, std::string_view word) {
    Names names;
    if (word == "AGENT") {
        collect_agents(names);
    } else if (word == "IDS" || word == "OLD") {
        const Result<cib::Element> cib = fetch_cib(session);
        if (cib) collect_ids(configuration_of(*cib), names);
    } else if (word == "DEVICE") {
        const Result<cib::Element> cib = fetch_cib(session);
        if (!cib) return names;
        const std::vector<std::string> devices = fence::device_ids(*cib);
        names.insert(devices.begin(), devices.end());
    } else if (word == "RSC" || word == "NODE" || word == "TICKET") {
        const Result<StatusInput> input = ask_status(session);
        if (!input) return names;
        if (word == "RSC") collect_resources(input->situation.resources, names);
        for (const schedule::NodeView& node : input->situation.nodes) {
            if (word == "NODE") names.insert(node.name);
        }
        for (const schedule::TicketView& ticket : input->situation.tickets) {
            if (word == "TICKET") names.insert(ticket.id);
        }
    }
    return names;
}

// The command that the words lead to, and how many words follow it.
struct Place {
    CLI::App* app = nullptr;
    std::size_t words = 0;
    std::string option = {};  // that the last word belongs to, if it takes a value
};

CLI::App* find_command(CLI::App* app, const std::string& word) {
    const std::vector<CLI::App*> found =
        app->get_subcommands([&](const CLI::App* one) { return one->get_name() == word; });
    return found.empty() ? nullptr : found.front();
}

CLI::Option* find_option(CLI::App* app, const std::string& word) {
    for (CLI::Option* option : app->get_options()) {
        if (!option->get_positional() && option->check_name(word)) return option;
    }
    return nullptr;
}

Place place_of(CLI::App& root, std::span<const std::string> words) {
    Place place{.app = &root};
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        place.option.clear();
        if (word.starts_with('-')) {
            CLI::Option* option = find_option(place.app, word);
            const bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
            if (takes_value && at + 1 < words.size()) {
                ++at;
            } else if (takes_value) {
                place.option = option->get_type_name();
            }
            continue;
        }
        CLI::App* below = place.words == 0 ? find_command(place.app, word) : nullptr;
        if (below != nullptr) {
            place.app = below;
        } else {
            ++place.words;
        }
    }
    return place;
}

Names candidates(const Session& session, const Place& place, const std::string& begun) {
    Names names;
    if (!place.option.empty()) return names_for(session, place.option);
    if (begun.starts_with('-')) {
        for (const CLI::App* at = place.app; at != nullptr; at = at->get_parent()) {
            for (const CLI::Option* option : at->get_options()) {
                for (const std::string& name : option->get_lnames()) names.insert("--" + name);
            }
        }
        return names;
    }
    if (place.words == 0) {
        for (const CLI::App* sub : place.app->get_subcommands([](const CLI::App*) { return true; }))
            names.insert(sub->get_name());
    }
    if (!names.empty()) return names;
    std::vector<const CLI::Option*> positionals;
    for (const CLI::Option* option : place.app->get_options()) {
        if (option->get_positional()) positionals.push_back(option);
    }
    if (positionals.empty()) return names;
    const std::size_t index = std::min(place.words, positionals.size() - 1);
    const CLI::Option* option = positionals[index];
    const bool is_full = place.words >= positionals.size() && option->get_items_expected_max() <= 1;
    if (is_full) return names;
    if (option->get_name() == "WHAT") return {"delete", "set", "show"};
    return names_for(session, option->get_name());
}

}  // namespace

ExitCode complete(Session& session, std::span<const std::string> words) {
    // Somebody waits with a finger on the key.
    session.timeout = std::chrono::milliseconds(1'000);
    if (const char* const folder = std::getenv("XBEAT_RUN_DIR")) session.run_dir = folder;
    CLI::App app;
    Choice choice;
    describe_commands(app, session, choice, words);
    const std::string begun = words.empty() ? std::string() : words.back();
    const auto before = words.first(words.empty() ? 0 : words.size() - 1);
    for (const std::string& name : candidates(session, place_of(app, before), begun)) {
        if (name.starts_with(begun)) session.out << name << '\n';
    }
    return ExitCode::Ok;
}

}  // namespace xbeat::cli
