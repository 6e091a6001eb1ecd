#include "fence/examiner.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace xbeat::fence {
namespace {

using execute::AgentDone;
using execute::AgentStatus;
using execute::DeviceCall;

constexpr Duration kTimeout = 20s;  // of a question, where the device names no time

bool is_good(const AgentDone& done) { return done.status == AgentStatus::Done && done.rc == 0; }

DeviceCall once(std::string_view action) {
    return {.action = std::string(action), .attempts = 1, .timeout = {}};
}

void add_line(std::string& text, std::string_view line) {
    if (!text.empty()) text += '\n';
    text += line;
}

std::int64_t took_ms(const AgentDone& done) {
    return (done.ended_at - done.started_at).count() / 1'000'000;
}

}  // namespace

Result<void> Examiner::begin(std::uint64_t number, std::string_view device, const cib::Element& cib,
                             EpochSeconds now) {
    if (running_.size() >= kExaminationsMax) {
        return Error{Code::Limit, "too many fence devices are being examined: try again"};
    }
    std::optional<Device> found = find_device(cib, device, {}, "off", now);
    if (!found) {
        return Error{Code::NotFound, concat("there is no fence device ", device,
                                            "; `xbeat fence list` shows them")};
    }
    Examination examination;
    examination.number = number;
    examination.device = *std::move(found);
    const cib::Element* configuration = cib.child("configuration");
    const cib::Element* nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    for (const cib::Element& node :
         nodes == nullptr ? std::vector<cib::Element>() : nodes->children) {
        std::optional<Device> against = find_device(cib, device, node.get("uname"), "off", now);
        if (!against) continue;
        examination.targets.emplace_back(node.get("uname"));
        examination.against.push_back(*std::move(against));
    }
    examination.steps = {{.question = Question::Metadata}};
    go_on(std::move(examination));
    return {};
}

// Asks the next question, or ends.
void Examiner::go_on(Examination examination) {
    if (examination.steps.empty()) {
        Result<std::string> outcome = examination.text;
        if (examination.is_bad) outcome = Error{Code::Invalid, examination.text};
        out_.findings.push_back({.number = examination.number, .outcome = std::move(outcome)});
        return;
    }
    const Step step = examination.steps.back();
    const Device& device =
        step.question == Question::Status ? examination.against[step.target] : examination.device;
    const Abilities* known = examination.abilities ? &*examination.abilities : nullptr;
    DeviceCall call;
    std::string target;
    switch (step.question) {
        case Question::Metadata:
            call = once("metadata");
            break;
        case Question::Validate:
            call = once("validate-all");
            break;
        case Question::Monitor:
            call = device.monitor;
            break;
        case Question::List:
            call = device.list;
            break;
        case Question::Status:
            call = device.status;
            target = examination.targets[step.target];
            break;
    }
    execute::RunAgent run = make_run(device, call, known, target, kTimeout);
    run.operation = OperationId{(*next_run_)++};
    running_.emplace(run.operation, std::move(examination));
    out_.run.push_back(std::move(run));
}

bool Examiner::agent_done(const AgentDone& done) {
    auto found = running_.extract(done.operation);
    if (found.empty()) return false;
    Examination examination = std::move(found.mapped());
    const Step step = examination.steps.back();
    examination.steps.pop_back();
    judge(examination, step, done);
    go_on(std::move(examination));
    return true;
}

void Examiner::judge(Examination& examination, const Step& step, const AgentDone& done) {
    constexpr std::int32_t kIsOff = 2;  // of `status`
    const auto say = [&](std::string_view what, bool good, std::string_view words) {
        add_line(examination.text, concat(good ? "ok      " : "FAILED  ", what, ": ", words));
        examination.is_bad = examination.is_bad || !good;
    };
    const std::string trouble = failure_text("it", done);
    switch (step.question) {
        case Question::Metadata:
            return plan_rest(examination, done);
        case Question::Validate:
            return say("validate-all", is_good(done),
                       is_good(done) ? "the parameters are valid" : trouble);
        case Question::Monitor:
            return say("monitor", is_good(done),
                       is_good(done) ? concat("the device answers, after ", took_ms(done), " ms")
                                     : trouble);
        case Question::List:
            if (!is_good(done)) return say("list", false, trouble);
            for (std::size_t i = 0; i < examination.targets.size(); ++i) {
                const std::string& plug = examination.against[i].plug;
                const bool is_listed = lists(done.output, plug);
                say("list", is_listed,
                    concat(plug, is_listed ? " is" : " is not", " one of the device's plugs"));
            }
            return;
        case Question::Status: {
            const bool is_off = done.status == AgentStatus::Done && done.rc == kIsOff;
            const std::string& plug = examination.against[step.target].plug;
            return say(concat("status of ", examination.targets[step.target]),
                       is_good(done) || is_off,
                       is_good(done) ? concat("plug ", plug, " is on")
                       : is_off      ? concat("plug ", plug, " is off")
                                     : trouble);
        }
    }
}

// Which questions the agent can be asked is in its metadata.
void Examiner::plan_rest(Examination& examination, const AgentDone& done) {
    if (done.status != AgentStatus::Done) {
        // Without an agent there is nobody to ask.
        examination.is_bad = true;
        return add_line(examination.text, concat("FAILED  ", examination.device.type, ": ",
                                                 failure_text("metadata", done)));
    }
    const Result<Abilities> abilities = read_abilities(done.output);
    const Abilities can = abilities ? *abilities : Abilities{};
    add_line(examination.text,
             abilities ? concat("ok      metadata: ", examination.device.type, " is installed")
                       : concat("FAILED  metadata: ", abilities.error().context));
    examination.is_bad = !abilities;
    if (abilities) examination.abilities = *abilities;
    std::vector<Step> steps;
    if (can.has_validation) steps.push_back({.question = Question::Validate});
    steps.push_back({.question = Question::Monitor});
    if (examination.targets.empty()) {
        add_line(examination.text,
                 "FAILED  nodes: it serves none of the cluster's nodes: see "
                 "pcmk_host_list and pcmk_host_map");
        examination.is_bad = true;
    } else if (can.has_list && examination.device.check != HostCheck::Status) {
        steps.push_back({.question = Question::List});
    }
    for (std::size_t i = 0; can.has_status && i < examination.targets.size(); ++i) {
        steps.push_back({.question = Question::Status, .target = i});
    }
    examination.steps.assign(steps.rbegin(), steps.rend());
}

ExaminerOutput Examiner::take() { return std::exchange(out_, {}); }

}  // namespace xbeat::fence
