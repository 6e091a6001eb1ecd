// crm_resource: where a resource may run. --ban, --move, --clear; --constraints and --stack.
#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "cib/duration.h"
#include "cib/edit.h"
#include "core/text.h"
#include "rules/rule.h"
#include "shim/resource_tool.h"

namespace xbeat::shim {
namespace {

using cib::Element;
using schedule::ResourceView;
using schedule::RoleView;

std::string utc_text(EpochSeconds when) {
    const std::time_t at = static_cast<std::time_t>(when.value);
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &parts);
    return {text.data(), size};
}

// The nodes that a ban without a node could mean, and whether that is just one: where it runs, or
// where the only promoted instance does.
struct Places {
    std::set<std::string> active;
    std::set<std::string> promoted;

    [[nodiscard]] std::string only() const {
        if (active.size() == 1) return *active.begin();
        return promoted.size() == 1 ? *promoted.begin() : std::string();
    }
};

Places places_of(const schedule::Situation& situation, const std::string& id) {
    std::vector<const ResourceView*> views;
    find_views(situation.resources, id, views);
    Places places;
    for (const ResourceView* view : views) {
        places.active.insert(view->nodes.begin(), view->nodes.end());
        if (view->role == RoleView::Promoted)
            places.promoted.insert(view->nodes.begin(), view->nodes.end());
    }
    return places;
}

int not_moved(const Tool& tool, const std::string& id, const Places& places) {
    tool.io.err << "crm_resource: Resource '" << id << "' not moved: active in "
                << places.active.size() << " locations";
    if (!places.promoted.empty()) tool.io.err << " (promoted in " << places.promoted.size() << ')';
    tool.io.err << ".\nTo prevent '" << id << "' from running on a specific location, specify a "
                << "node.\n";
    return kUsage;
}

void warn_of_ban(const Tool& tool, const std::string& id, const std::string& node,
                 bool only_promoted) {
    tool.io.out << "WARNING: Creating rsc_location constraint 'cli-ban-" << id << "-on-" << node
                << "' with a score of -INFINITY for resource " << id << " on " << node
                << ".\n\tThis will prevent " << id << " from "
                << (only_promoted ? "being promoted" : "running") << " on " << node
                << " until the constraint is removed using the clear option or by editing the CIB "
                   "with an appropriate tool\n\tThis will be the case even if "
                << node << " is the last node in the cluster\n";
}

int clear(const Tool& tool, const Arguments& given, const std::string& id,
          const std::string& node) {
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            if (given.has("expired")) {
                (void)cib::clear_expired(configuration, id, clock_now());
            } else {
                (void)cib::clear_resource(configuration, id, node);
            }
            return {};
        });
    return changed ? kOk : tool.fail(changed.error());
}

// Nothing if --lifetime was not given or is none, which is then told.
struct Lifetime {
    std::optional<EpochSeconds> expires;
    bool is_bad = false;
};

Lifetime read_lifetime(const Tool& tool, const Arguments& given) {
    if (!given.has("lifetime")) return {};
    const std::string text = given.get("lifetime");
    const std::optional<Duration> span = cib::parse_duration(text);
    if (!span) {
        tool.io.err << "Invalid duration specified: " << text
                    << "\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for "
                       "examples of valid durations\n";
        return {.expires = {}, .is_bad = true};
    }
    const EpochSeconds end{clock_now().value +
                           std::chrono::duration_cast<std::chrono::seconds>(*span).count()};
    if (!given.has("quiet"))
        tool.io.out << "Migration will take effect until: " << utc_text(end) << '\n';
    return {.expires = end, .is_bad = false};
}

}  // namespace

int change_place(const Tool& tool, const Arguments& given) {
    const std::string id = base_of(given.get("resource"));
    std::string node = node_of(given);
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    if (!is_resource(tool, id)) return no_such_or_down(tool, id);
    if (!node.empty() && !has_node(*situation, node)) return no_such_node(tool, node);
    if (given.has("clear")) return clear(tool, given, id, node);
    const Places places = places_of(*situation, id);
    // Without a node a move leaves the place where it is, as a ban does.
    const bool is_ban = given.has("ban") || node.empty();
    if (node.empty()) node = places.only();
    if (node.empty()) return not_moved(tool, id, places);
    cib::MoveOptions options;
    options.only_promoted = given.has("promoted") || given.has("master");
    const bool is_there =
        options.only_promoted ? places.promoted.contains(node) : places.active.contains(node);
    if (!is_ban && is_there && !given.has("force")) {
        tool.io.err << "crm_resource: Error performing operation: Requested item already exists\n";
        return kExists;
    }
    const Lifetime lifetime = read_lifetime(tool, given);
    if (lifetime.is_bad) return kUsage;
    options.expires = lifetime.expires;
    // By force the place that it leaves is forbidden as well: what sticks there would stay.
    const bool is_driven = !is_ban && !is_there && given.has("force");
    const std::string left = is_driven && places.only() != node ? places.only() : std::string();
    const std::string& banned = is_ban ? node : left;
    if (!banned.empty() && !given.has("quiet"))
        warn_of_ban(tool, id, banned, options.only_promoted);
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            if (is_ban) return cib::ban_resource(configuration, id, node, options);
            if (Result<void> moved = cib::move_resource(configuration, id, node, options); !moved)
                return moved;
            if (left.empty()) return {};
            return cib::ban_resource(configuration, id, left, options);
        });
    return changed ? kOk : tool.fail(changed.error());
}

namespace {

// What names a resource in the constraints, indented as deep as it was followed.
class Constraints {
public:
    Constraints(std::ostream& out, const Element& configuration,
                const schedule::Situation& situation, bool is_recursive)
        : out_(out), situation_(situation), ids_(configuration), is_recursive_(is_recursive) {
        if (const Element* const found = configuration.child("constraints")) list_ = found;
    }

    void show(const std::string& id) {
        locations(id, 0);
        colocations(id, 0, Side::With);
        colocations(id, 0, Side::Dependent);
    }

private:
    enum class Side : std::uint8_t { With, Dependent };

    // Lists are items of the list that they are in, but for the first ones.
    static std::string head(std::size_t depth) {
        return depth == 0 ? std::string() : concat(std::string(4 * depth, ' '), "* ");
    }
    static std::string item(std::size_t depth) {
        return concat(std::string(4 * depth + 2, ' '), "* ");
    }

    // `from`: the location or the rule that gives the score.
    static std::string location_line(const std::string& id, std::string_view node,
                                     const Element& from, std::size_t depth) {
        return concat(item(depth), "Node ", node, " (score=", from.get("score"),
                      ", id=", from.get("id"), ", rsc=", id, ")\n");
    }

    // A rule counts for each node for which it holds.
    void rule_lines(std::string& lines, const Element& location, const std::string& id,
                    std::size_t depth) const {
        for (const Element& rule : location.children) {
            if (rule.name != "rule") continue;
            for (const schedule::NodeView& node : situation_.nodes) {
                rules::Attributes attributes{{"#uname", node.name}, {"#id", node.id}};
                for (const auto& each : node.attributes) attributes[each.name] = each.value;
                rules::RuleInput input;
                input.now = clock_now();
                input.ids = &ids_;
                input.node_attributes = &attributes;
                if (!rules::holds(rule, input)) continue;
                lines += location_line(id, node.name, rule, depth);
            }
        }
    }

    void locations(const std::string& id, std::size_t depth) const {
        std::string lines;
        // The newest first, as Pacemaker keeps them.
        for (auto each = list_->children.rbegin(); each != list_->children.rend(); ++each) {
            if (each->name != "rsc_location" || each->get("rsc") != id) continue;
            if (each->has("node")) {
                lines += location_line(id, each->get("node"), *each, depth);
            }
            rule_lines(lines, *each, id, depth);
        }
        if (!lines.empty()) out_ << head(depth) << "Locations:\n" << lines;
    }

    // The other ends: of those that want to be where it is, or of those where it wants to be.
    void colocations(const std::string& id, std::size_t depth, Side side) {
        const bool is_with = side == Side::With;
        bool has_head = false;
        for (const Element& each : list_->children) {
            if (each.name != "rsc_colocation" || !each.has("rsc")) continue;
            if (each.get(is_with ? "with-rsc" : "rsc") != id) continue;
            const std::string other(each.get(is_with ? "rsc" : "with-rsc"));
            if (!has_head) {
                out_ << head(depth)
                     << (is_with ? concat("Resources colocated with ", id, ":\n")
                                 : concat("Resources ", id, " is colocated with:\n"));
            }
            has_head = true;
            if (!seen_.insert(std::string(each.get("id"))).second) {
                out_ << item(depth) << other << " (id=" << each.get("id") << " - loop)\n";
                continue;
            }
            out_ << item(depth) << other << " (score=" << each.get("score");
            if (each.has("with-rsc-role")) {
                out_ << (is_with ? ", needs role=" : ", with role=")
                     << role_name(each.get("with-rsc-role"));
            }
            out_ << ", id=" << each.get("id") << ")\n";
            locations(other, depth + 1);
            if (is_recursive_) colocations(other, depth + 1, side);
        }
    }

    static std::string_view role_name(std::string_view role) {
        if (role == "Master") return "Promoted";
        return role == "Slave" ? "Unpromoted" : role;
    }

    std::ostream& out_;
    const schedule::Situation& situation_;
    rules::IdIndex ids_;
    const Element none_;
    const Element* list_ = &none_;
    bool is_recursive_;
    std::set<std::string> seen_;
};

// Below <resources>: the element that holds it there, or itself.
std::string top_of(const Element& configuration, const std::string& id) {
    const Element* const resources = configuration.child("resources");
    if (resources == nullptr) return {};
    for (const Element& top : resources->children) {
        if (top.name != "template" && top.find_id(id) != nullptr) return std::string(top.get("id"));
    }
    return {};
}

}  // namespace

bool is_resource(const Tool& tool, const std::string& id) {
    const Result<Element> document = tool.cluster.cib({.sections = {"resources"}, .resource = id});
    const Element* const configuration = document ? document->child("configuration") : nullptr;
    if (configuration == nullptr) return false;
    const Element* const found = configuration->find_id(id);
    constexpr std::array<std::string_view, 6> kKinds{"primitive", "group",  "clone",
                                                     "bundle",    "master", "template"};
    return found != nullptr && std::find(kKinds.begin(), kKinds.end(), found->name) != kKinds.end();
}

int show_constraints(const Tool& tool, const Arguments& given) {
    const Result<Element> document = tool.cluster.cib({});
    if (!document) return tool.fail(document.error());
    const Element* const configuration = document->child("configuration");
    const std::string id = base_of(given.get("resource"));
    const std::string top = configuration == nullptr ? "" : top_of(*configuration, id);
    if (top.empty()) return no_such(tool, id);
    schedule::Options options;
    options.now = clock_now();
    const schedule::Situation situation = schedule::observe(*document, options);
    const bool is_recursive = given.has("stack") || given.has("recursive");
    Constraints(tool.io.out, *configuration, situation, is_recursive)
        .show(given.has("force") ? id : top);
    return kOk;
}

}  // namespace xbeat::shim
