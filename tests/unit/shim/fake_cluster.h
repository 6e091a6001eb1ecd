// A cluster that a test plays, and a bench on which the tools run against it.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cib/validate.h"
#include "shim/shim.h"

namespace xbeat::shim {

inline constexpr std::string_view kCib =
    R"(<cib have-quorum="1" dc-uuid="1" admin_epoch="0" epoch="5">
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="p" name="no-quorum-policy" value="freeze"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="pm01"><instance_attributes id="nodes-1">
<nvpair id="nodes-1-a" name="a" value="perm"/></instance_attributes></node>
<node id="2" uname="pm02"/></nodes>
<resources><primitive id="d" class="ocf" provider="heartbeat" type="Dummy">
<instance_attributes id="d-ia"><nvpair id="d-ia-s" name="state" value="/tmp/x"/>
</instance_attributes></primitive></resources><constraints/></configuration>
<status><node_state id="1" uname="pm01" in_ccm="true" crmd="online" join="member"
expected="member"><lrm id="1"><lrm_resources><lrm_resource id="d" type="Dummy" class="ocf"
provider="heartbeat"><lrm_rsc_op id="d_last_0" operation_key="d_start_0" operation="start"
transition-key="1:1:0:a" transition-magic="0:0;1:1:0:a" call-id="3" rc-code="0" op-status="0"
interval="0" last-rc-change="1700000000" exec-time="5"/></lrm_resource></lrm_resources></lrm>
</node_state><tickets><ticket_state id="T" granted="true"/></tickets></status></cib>)";

class FakeCluster final : public Cluster {
public:
    FakeCluster() : document(*cib::parse_xml(kCib)) {}
    Result<Self> self() override {
        if (is_down) return down();
        return Self{.node = "pm01", .node_id = "1"};
    }
    // No more than what was asked for: a tool that needs another part fails here.
    Result<cib::Element> cib(const cib::Part& part) override {
        if (is_down) return down();
        asked_whole = asked_whole || (part.sections.empty() && part.resource.empty());
        return cib::part_of(document, part);
    }
    Result<std::vector<TransientAttribute>> attributes() override {
        if (is_down) return down();
        return transients;
    }
    Result<void> set_attribute(const AttributeChange& change) override {
        if (is_down) return down();
        changes.push_back(change);
        return {};
    }
    Result<void> set_ticket(std::string_view ticket, std::string_view name,
                            const std::optional<std::string>& value) override {
        calls.push_back(std::string(ticket) + ' ' + std::string(name) + ' ' +
                        value.value_or("(none)"));
        return {};
    }
    // As the daemon: what fails, or cannot be used, leaves the document as it was.
    Result<void> change_document(const Edit& edit) override {
        if (is_down) return down();
        cib::Element draft = document;
        if (const Result<void> edited = edit(draft); !edited) return edited.error();
        const cib::Element* const configuration = draft.child("configuration");
        if (configuration == nullptr || cib::has_error(cib::validate(*configuration))) {
            return Error{.code = Code::Invalid, .context = "it would be unusable"};
        }
        if (draft != document) ++configurations_sent;
        document = std::move(draft);
        return {};
    }
    Result<void> clean_up(std::string_view resource, std::string_view node,
                          bool failed_only) override {
        calls.push_back("cleanup " + std::string(resource) + ' ' + std::string(node) +
                        (failed_only ? " failed" : " all"));
        return {};
    }
    Result<void> fail_resource(std::string_view resource, std::string_view node) override {
        calls.push_back("fail " + std::string(resource) + ' ' + std::string(node));
        return {};
    }
    Result<void> fence(std::string_view node, std::string_view action) override {
        calls.push_back("fence " + std::string(node) + ' ' + std::string(action));
        return {};
    }
    Result<void> confirm_fenced(std::string_view node) override {
        calls.push_back("confirm " + std::string(node));
        return {};
    }
    Result<std::vector<FenceEvent>> fence_history() override { return fences; }
    Result<void> forget_fences(std::string_view node) override {
        calls.push_back("forget " + std::string(node));
        return {};
    }
    Result<void> validate_device(std::string_view device) override {
        calls.push_back("validate " + std::string(device));
        if (device == "good") return {};
        return Error{.code = Code::Invalid, .context = "it does not answer"};
    }
    Result<bool> is_idle() override { return true; }

    cib::Element document;
    std::vector<TransientAttribute> transients;
    std::vector<AttributeChange> changes;
    bool asked_whole = false;  // for the whole document
    std::vector<std::string> calls;
    std::vector<FenceEvent> fences;
    bool is_down = false;
    int configurations_sent = 0;

private:
    static Error down() { return {.code = Code::Unavailable, .context = "no daemon runs"}; }
};

struct Bench {
    FakeCluster cluster;
    std::map<std::string, std::string> environment;
    std::string input;  // standard input
    std::string out;
    std::string err;

    int run(const std::string& line) {
        std::istringstream words_of(line);
        std::string name;
        words_of >> name;
        std::vector<std::string> words;
        for (std::string word; words_of >> word;) words.push_back(word == "''" ? "" : word);
        return run(name, words);
    }
    int run(const std::string& name, const std::vector<std::string>& words) {
        std::istringstream in(input);
        std::ostringstream output;
        std::ostringstream errors;
        Io io{.in = in, .out = output, .err = errors, .environment = [this](const char* variable) {
                  const auto found = environment.find(variable);
                  return found == environment.end() ? std::string() : found->second;
              }};
        const int code = shim::run(name, words, io, cluster);
        out = output.str();
        err = errors.str();
        return code;
    }
    void add(std::string node, std::string name, std::string value) {
        cluster.transients.push_back({.node = std::move(node),
                                      .name = std::move(name),
                                      .value = std::move(value),
                                      .is_private = false,
                                      .is_waiting = false,
                                      .expected = {}});
    }
};

}  // namespace xbeat::shim
