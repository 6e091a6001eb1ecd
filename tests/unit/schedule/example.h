// Small clusters as CIB text, for the tests of the scheduler.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::schedule::testing {

constexpr EpochSeconds kNow{1'800'000'000};

/// A cluster without fencing unless an option says otherwise; nodes are online unless named down.
struct Example {
    std::vector<std::string> nodes{"pm01", "pm02"};
    std::vector<std::string> down;
    std::string options;      // nvpairs
    std::string resources;    // elements
    std::string constraints;  // elements
    // What ran: "RESOURCE NODE OPERATION RC", oldest first; monitors of 10 s are "monitor10".
    std::vector<std::string> history;

    static std::string primitive(std::string_view id, std::string_view meta = {}) {
        return concat(
            "<primitive id=\"", id, "\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">",
            meta.empty()
                ? std::string()
                : concat("<meta_attributes id=\"", id, "-meta\">", meta, "</meta_attributes>"),
            "<operations><op id=\"", id,
            "-mon\" name=\"monitor\" interval=\"10s\"/></operations></primitive>");
    }
    static std::string pair(std::string_view name, std::string_view value) {
        return concat("<nvpair id=\"o-", name, "\" name=\"", name, "\" value=\"", value, "\"/>");
    }

    [[nodiscard]] std::string record(std::string_view line, std::size_t call) const {
        std::vector<std::string> words;
        std::string word;
        for (const char c : concat(line, " ")) {
            if (c != ' ') {
                word.push_back(c);
            } else {
                words.push_back(std::exchange(word, {}));
            }
        }
        const bool repeated = words[2] == "monitor10";
        const std::string task = repeated ? "monitor" : words[2];
        const std::string interval = repeated ? "10000" : "0";
        const std::string key = concat("1:", call, ":0:00000000-0000-0000-0000-000000000000");
        return concat("<lrm_rsc_op id=\"", words[0], '_', task, '_', interval, "\" operation=\"",
                      task, "\" operation_key=\"", words[0], '_', task, '_', interval,
                      "\" call-id=\"", call, "\" rc-code=\"", words[3],
                      "\" op-status=\"0\" interval=\"", interval, "\" transition-key=\"", key,
                      "\" transition-magic=\"0:", words[3], ';', key, "\"/>");
    }

    [[nodiscard]] std::string history_of(std::string_view node) const {
        std::vector<std::string> order;
        std::vector<std::string> records;
        for (std::size_t at = 0; at < history.size(); ++at) {
            const std::string& line = history[at];
            const std::string id = line.substr(0, line.find(' '));
            if (line.find(concat(' ', node, ' ')) == std::string::npos) continue;
            std::size_t place = 0;
            while (place < order.size() && order[place] != id) ++place;
            if (place == order.size()) {
                order.push_back(id);
                records.emplace_back();
            }
            records[place] += record(line, at + 1);
        }
        std::string out;
        for (std::size_t at = 0; at < order.size(); ++at) {
            out += concat("<lrm_resource id=\"", order[at],
                          "\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">", records[at],
                          "</lrm_resource>");
        }
        return out;
    }

    [[nodiscard]] std::string text() const {
        std::string nodes_text;
        std::string status;
        for (std::size_t at = 0; at < nodes.size(); ++at) {
            const std::string& name = nodes[at];
            nodes_text += concat("<node id=\"", at + 1, "\" uname=\"", name, "\"/>");
            bool up = true;
            for (const std::string& each : down) up = up && each != name;
            status += concat("<node_state id=\"", at + 1, "\" uname=\"", name, "\" in_ccm=\"",
                             up ? "true" : "false", "\" crmd=\"", up ? "online" : "offline",
                             "\" join=\"", up ? "member" : "down", "\" expected=\"",
                             up ? "member" : "down", "\"><lrm id=\"", at + 1, "\"><lrm_resources>",
                             history_of(name), "</lrm_resources></lrm></node_state>");
        }
        const bool has_fencing = options.find("stonith-enabled") != std::string::npos;
        return concat(
            "<cib validate-with=\"pacemaker-3.9\" have-quorum=\"1\" epoch=\"1\" num_updates=\"0\" "
            "admin_epoch=\"0\"><configuration><crm_config><cluster_property_set "
            "id=\"cib-bootstrap-options\">",
            options, has_fencing ? std::string() : pair("stonith-enabled", "false"),
            "</cluster_property_set></crm_config><nodes>", nodes_text, "</nodes><resources>",
            resources, "</resources><constraints>", constraints,
            "</constraints></configuration><status>", status, "</status></cib>");
    }

    [[nodiscard]] cib::Element parsed() const {
        Result<cib::Element> read = cib::parse_xml(text());
        EXPECT_TRUE(read) << read.error().context << "\n" << text();
        return std::move(*read);
    }
    [[nodiscard]] Plan plan() const { return schedule(parsed(), {.now = kNow}); }
};

/// "start web pm01", "probe web pm02", "monitor10 web pm01", "stonith pm02": the real actions.
inline std::vector<std::string> actions_of(const Plan& plan) {
    std::vector<std::string> out;
    for (const Action& action : plan.actions) {
        if (action.kind == ActionKind::Pseudo) continue;
        std::string task = action.task;
        if (task == "monitor") {
            task = action.interval_ms == 0 ? "probe" : concat(task, action.interval_ms / 1000);
        }
        const std::string& name =
            action.resource_long_id.empty() ? action.resource_id : action.resource_long_id;
        out.push_back(name.empty() ? concat(task, ' ', action.node)
                                   : concat(task, ' ', name, ' ', action.node));
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace xbeat::schedule::testing
