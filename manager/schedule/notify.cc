#include "schedule/notify.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/propagate.h"
#include "schedule/settle.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

enum Bracket : std::size_t { kPre, kPreDone, kPost, kPostDone };

std::string notify_key(std::string_view resource, std::string_view type, std::string_view task) {
    return concat(resource, '_', type, "_notify_", task, "_0");
}

void put(Step& step, std::string_view name, std::string value) {
    for (const auto& pair : step.meta) {
        if (pair.first == name) return;
    }
    step.meta.emplace_back(name, std::move(value));
}

struct BracketRequest {
    Resource& owner;
    const Step& around;     // whose optional flag it takes
    std::string_view word;  // of that step, in the key
    Task told;              // what it is about
    std::string_view type;  // pre, confirmed-pre, post, confirmed-post
};

Step& make_bracket(World& world, const BracketRequest& request) {
    const bool confirmed = request.type.starts_with("confirmed-");
    Step& step =
        make_step(world, {.resource = &request.owner,
                          .task = confirmed ? Task::Notified : Task::Notify,
                          .optional = request.around.is(flag::kOptional),
                          .key = notify_key(request.owner.id, request.type, request.word)});
    step.flags |= flag::kPseudo;
    put(step, "notify_key_type", std::string(request.type));
    put(step, "notify_key_operation", std::string(request.word));
    put(step, "notify_type",
        confirmed ? std::string(request.type.substr(10)) : std::string(request.type));
    put(step, "notify_operation", std::string(to_string(request.told)));
    return step;
}

void copy_runnable(Step& to, const Step& from) {
    if (from.is(flag::kRunnable)) {
        to.flags |= flag::kRunnable;
    } else {
        to.flags &= ~flag::kRunnable;
    }
}

struct Entry {
    const Resource* resource = nullptr;
    const Node* node = nullptr;
};

struct Entries {
    std::vector<Entry> active, inactive, unpromoted, promoted, start, stop, promote, demote;
};

void collect(const Resource& resource, bool with_steps, Entries& out) {
    if (!resource.children.empty()) {
        for (const Resource* child : resource.children) collect(*child, with_steps, out);
        return;
    }
    const Entry here{&resource,
                     resource.running_on.empty() ? nullptr : resource.running_on.front()};
    switch (resource.role) {
        case Role::Unknown:  // nothing in its history said anything
            break;
        case Role::Stopped:
            out.inactive.push_back(here);
            break;
        case Role::Started:
            out.active.push_back(here);
            break;
        case Role::Unpromoted:
            out.unpromoted.push_back(here);
            out.active.push_back(here);
            break;
        case Role::Promoted:
            out.promoted.push_back(here);
            out.active.push_back(here);
            break;
    }
    if (!with_steps) return;
    for (const Step* step : resource.steps) {
        if (step->is(flag::kOptional) || step->node == nullptr) continue;
        const bool implied = step->task == Task::Stop && step->node->unclean;
        if (!implied && !step->is(flag::kRunnable)) continue;
        const Entry entry{&resource, step->node};
        if (step->task == Task::Start) out.start.push_back(entry);
        if (step->task == Task::Stop) out.stop.push_back(entry);
        if (step->task == Task::Promote) out.promote.push_back(entry);
        if (step->task == Task::Demote) out.demote.push_back(entry);
    }
}

struct Words {
    std::string resources = " ";
    std::string nodes = " ";
};

void append_word(std::string& list, std::string_view word) {
    if (list == " ") list.clear();
    if (!list.empty()) list.push_back(' ');
    list += word;
}

Words words_of(std::vector<Entry> entries) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        if (a.resource->id != b.resource->id) return a.resource->id < b.resource->id;
        if (a.node == nullptr || b.node == nullptr) return a.node == nullptr && b.node != nullptr;
        return a.node->id < b.node->id;
    });
    Words out;
    const Resource* last = nullptr;
    for (const Entry& entry : entries) {
        if (entry.resource == last) continue;
        last = entry.resource;
        append_word(out.resources, entry.resource->id);
        if (entry.node != nullptr) append_word(out.nodes, entry.node->name);
    }
    return out;
}

using Keys = std::vector<std::pair<std::string, std::string>>;

void add_words(Keys& keys, std::string_view what, const std::vector<Entry>& entries) {
    const Words words = words_of(entries);
    keys.emplace_back(concat("notify_", what, "_resource"), words.resources);
    keys.emplace_back(concat("notify_", what, "_uname"), words.nodes);
}

std::string all_hosts(const World& world) {
    std::string out = " ";
    for (const Node& node : world.nodes) {
        const Node* host = &node;
        if (is_guest(node)) {
            // A guest that is down has no host yet, and stands for itself.
            if (const Node* current = active_on(*node.remote->launcher)) host = current;
        }
        append_word(out, host->name);
    }
    return out;
}

Keys keys_of(const World& world, const Resource& clone, const Entries& entries) {
    Keys keys;
    add_words(keys, "start", entries.start);
    add_words(keys, "stop", entries.stop);
    add_words(keys, "promote", entries.promote);
    add_words(keys, "demote", entries.demote);
    add_words(keys, "active", entries.active);
    add_words(keys, "promoted", entries.promoted);
    add_words(keys, "master", entries.promoted);
    add_words(keys, "unpromoted", entries.unpromoted);
    add_words(keys, "slave", entries.unpromoted);
    keys.emplace_back("notify_inactive_resource", words_of(entries.inactive).resources);
    std::string available = " ";
    for (const Node& node : world.nodes) {
        if (clone.allowed.find(&node) != nullptr) append_word(available, node.name);
    }
    keys.emplace_back("notify_available_uname", available);
    std::string all = " ";
    for (const Node& node : world.nodes) append_word(all, node.name);
    keys.emplace_back("notify_all_uname", all);
    const std::string* target = meta(clone, "container-attribute-target");
    if (target != nullptr && equals_ignoring_case(*target, "host")) {
        keys.emplace_back("notify_all_hosts", all_hosts(world));
    }
    return keys;
}

struct Telling {
    World& world;
    Task told;
    Step* const* brackets;  // four, some may be null
    const Keys& keys;
    const Entries& entries;
};

Step* tell(const Telling& telling, Resource& resource, Node* node, Step* from, Step* done) {
    if (from == nullptr || done == nullptr || node == nullptr || !node->online ||
        !from->is(flag::kRunnable)) {
        return nullptr;
    }
    std::string_view type;
    for (const auto& [name, value] : from->meta) {
        if (name == "notify_type") type = value;
    }
    Step& step =
        make_step(telling.world, {.resource = &resource,
                                  .task = Task::Notify,
                                  .node = node,
                                  .optional = from->is(flag::kOptional),
                                  .key = notify_key(resource.id, type, to_string(telling.told))});
    for (const auto& [name, value] : from->meta) put(step, name, value);
    for (const auto& [name, value] : telling.keys) put(step, name, value);
    link_steps(*from, step, kPlain);
    link_steps(step, *done, kPlain);
    return &step;
}

void tell_after(const Telling& telling, Resource& resource, Node* node) {
    Step* done = telling.brackets[kPostDone];
    Step* step = tell(telling, resource, node, telling.brackets[kPost], done);
    if (step != nullptr) step->priority = Score::kInfinity;
    if (done == nullptr) return;
    for (Step* monitor : resource.steps) {
        if (monitor->interval_ms > 0 && monitor->task == Task::Monitor) {
            link_steps(*done, *monitor, kPlain);
        }
    }
}

void add_keys(Step& step, const Keys& keys) {
    for (const auto& [name, value] : keys) put(step, name, value);
}

void tell_leaving(const Telling& telling, Resource& resource) {
    const Step* stop = find_step(resource, Task::Stop);
    const bool is_implied = stop != nullptr && stop->is(flag::kPseudo);
    for (Node* node : resource.running_on) {
        // Nobody listens where the stop is implied by the fencing.
        if (is_implied && (node->unclean || node->remote_requires_reset)) continue;
        tell(telling, resource, node, telling.brackets[kPre], telling.brackets[kPreDone]);
        if (telling.told == Task::Demote || stop == nullptr || stop->is(flag::kOptional)) {
            tell_after(telling, resource, node);
        }
    }
}

void tell_arriving(const Telling& telling, Resource& resource) {
    if (resource.assigned == nullptr) return;
    const Step* start = find_step(resource, Task::Start);
    // Who has to come up first and cannot will not be there to listen.
    if (start != nullptr && !start->is_any(flag::kOptional | flag::kRunnable)) return;
    if (telling.told != Task::Start || start == nullptr || start->is(flag::kOptional)) {
        tell(telling, resource, resource.assigned, telling.brackets[kPre],
             telling.brackets[kPreDone]);
    }
    tell_after(telling, resource, resource.assigned);
}

void tell_all(const Telling& telling, Resource& resource) {
    if (!resource.children.empty()) {
        for (Resource* child : resource.children) tell_all(telling, *child);
        return;
    }
    for (Step* step : std::vector<Step*>(resource.steps)) {
        if (step->is(flag::kOptional) || step->node == nullptr) continue;
        if (step->task == Task::Start || step->task == Task::Stop || step->task == Task::Promote ||
            step->task == Task::Demote) {
            add_keys(*step, telling.keys);
        }
    }
    if (telling.told == Task::Start && telling.entries.start.empty()) return;
    if (telling.told == Task::Promote && telling.entries.promote.empty()) return;
    if (telling.told == Task::Demote && telling.entries.demote.empty()) return;
    const bool leaves = telling.told == Task::Stop || telling.told == Task::Demote;
    if (leaves && resource.role > Role::Stopped) tell_leaving(telling, resource);
    if (!leaves && resource.next_role != Role::Stopped) tell_arriving(telling, resource);
}

// A new round of telling begins when the earlier ones are over: demotions, stops, starts,
// promotions.
void order_after_others(const Resource& clone, Task task, Step& pre) {
    if (task != Task::Promote) return;
    const CloneData& data = clone.clone;
    for (Step* done : {data.notify_start[kPostDone], data.notify_stop[kPostDone],
                       data.notify_demote[kPostDone]}) {
        if (done != nullptr) link_steps(*done, pre, kPlain);
    }
}

// The other direction: what was made before has to wait for the later one.
void order_before_others(const Resource& clone, Task task, Step& done) {
    const CloneData& data = clone.clone;
    const auto link = [&done](Step* next) {
        if (next != nullptr) link_steps(done, *next, kPlain);
    };
    if (task == Task::Stop) link(data.notify_start[kPre]);
    if (task != Task::Demote) return;
    link(data.notify_start[kPre]);
    link(data.notify_stop[kPre]);
    link(data.notify_promote[kPre]);
}

}  // namespace

void make_notify_brackets(World& world, Resource& clone, Task task, Step& action, Step& complete) {
    Step** out = task == Task::Start     ? clone.clone.notify_start
                 : task == Task::Stop    ? clone.clone.notify_stop
                 : task == Task::Promote ? clone.clone.notify_promote
                                         : clone.clone.notify_demote;
    const std::string_view done_word = to_string(complete.task);
    Step& pre = make_bracket(world, {clone, action, to_string(task), task, "pre"});
    Step& pre_done = make_bracket(world, {clone, action, to_string(task), task, "confirmed-pre"});
    pre.flags |= flag::kRunnable;
    pre_done.flags |= flag::kRunnable;
    link_steps(pre, pre_done, kPlain);
    link_steps(pre_done, action, kPlain);
    Step& post = make_bracket(world, {clone, complete, done_word, task, "post"});
    Step& post_done = make_bracket(world, {clone, complete, done_word, task, "confirmed-post"});
    post.priority = Score::kInfinity;
    post_done.priority = Score::kInfinity;
    copy_runnable(post, complete);
    copy_runnable(post_done, complete);
    link_steps(complete, post, kFirstDrivesThen);
    link_steps(post, post_done, kFirstDrivesThen);
    link_steps(pre_done, post, kPlain);
    order_after_others(clone, task, pre);
    out[kPre] = &pre;
    out[kPreDone] = &pre_done;
    out[kPost] = &post;
    out[kPostDone] = &post_done;
    order_before_others(clone, task, post_done);
}

void make_notifications(World& world) {
    for (Resource& clone : world.resources) {
        if (clone.kind != Kind::Clone) continue;
        for (Step* step : std::vector<Step*>(clone.steps)) {
            static_cast<void>(step_flags(*step, nullptr));
        }
        if (!clone.notify) continue;
        Entries entries;
        collect(clone, true, entries);
        const Keys keys = keys_of(world, clone, entries);
        tell_all({world, Task::Start, clone.clone.notify_start, keys, entries}, clone);
        tell_all({world, Task::Stop, clone.clone.notify_stop, keys, entries}, clone);
        if (!clone.promotable) continue;
        tell_all({world, Task::Promote, clone.clone.notify_promote, keys, entries}, clone);
        tell_all({world, Task::Demote, clone.clone.notify_demote, keys, entries}, clone);
    }
}

void notify_of_fencing(World& world, Step& stop, Resource& resource, Step& fencing) {
    Resource& clone = *top_of(resource);
    Step& post = make_bracket(world, {resource, fencing, "stonith", Task::Stop, "post"});
    Step& done = make_bracket(world, {resource, fencing, "stonith", Task::Stop, "confirmed-post"});
    for (Step* step : {&post, &done}) {
        step->priority = Score::kInfinity;
        copy_runnable(*step, fencing);
    }
    link_steps(fencing, post, kFirstDrivesThen);
    link_steps(post, done, kFirstDrivesThen);
    Entries entries;
    collect(clone, false, entries);
    entries.stop.push_back({&resource, stop.node});
    const Keys keys = keys_of(world, clone, entries);
    Step* const brackets[4] = {nullptr, nullptr, &post, &done};
    tell_all({world, Task::Stop, brackets, keys, entries}, clone);
}

}  // namespace xbeat::schedule
