#include <gtest/gtest.h>

#include "core/text.h"
#include "fence/devices.h"
#include "fence/fencer.h"
#include "fence/guard.h"

namespace xbeat::fence {
namespace {

using execute::AgentDone;
using execute::AgentStatus;
using execute::RunAgent;

std::string device(const std::string& id,
                   const std::vector<std::pair<std::string, std::string>>& parameters) {
    std::string text =
        concat("<primitive id=\"", id,
               "\" class=\"stonith\" type=\"fence_x\"><instance_attributes id=\"", id, "-ia\">");
    for (const auto& [name, value] : parameters) {
        text += concat("<nvpair id=\"", id, '-', name, "\" name=\"", name, "\" value=\"", value,
                       "\"/>");
    }
    return text + "</instance_attributes></primitive>";
}

cib::Element cib_with(const std::string& resources, const std::string& rest = "") {
    Result<cib::Element> cib =
        cib::parse_xml(concat("<cib><configuration><resources>", resources, "</resources>", rest,
                              "</configuration></cib>"));
    EXPECT_TRUE(cib.has_value());
    return *cib;
}

TEST(Devices, ServeTheNodesOfTheirListOnly) {
    const cib::Element cib = cib_with(device("a", {{"pcmk_host_list", "pm01, pm02"}}) +
                                      device("b", {{"pcmk_host_list", "pm01"}}));

    const std::vector<Level> levels = levels_for(cib, "pm02", "pm01", "reboot", {});

    ASSERT_EQ(levels.size(), 1U);
    EXPECT_EQ(levels[0][0].id, "a");
    EXPECT_EQ(levels[0][0].plug, "pm02");
    EXPECT_EQ(levels[0][0].check, HostCheck::Known);
    EXPECT_TRUE(levels_for(cib, "pm03", "pm01", "reboot", {}).empty());
}

TEST(Devices, TakeThePlugFromTheMap) {
    const cib::Element cib = cib_with(device("a", {{"pcmk_host_map", "pm01:7;pm02:8"}}));

    EXPECT_EQ(levels_for(cib, "pm02", "pm01", "off", {})[0][0].plug, "8");
}

TEST(Devices, WithoutListOrMapAreAskedThemselves) {
    const cib::Element asked = cib_with(device("a", {}));
    const cib::Element trusted = cib_with(device("a", {{"pcmk_host_check", "none"}}));

    EXPECT_EQ(levels_for(asked, "pm02", "pm01", "off", {})[0][0].check, HostCheck::Default);
    EXPECT_EQ(levels_for(trusted, "pm02", "pm01", "off", {})[0][0].check, HostCheck::Known);
}

TEST(Devices, KeepTheirOwnParametersAndNotTheManagers) {
    const cib::Element cib = cib_with(device("a", {{"pcmk_host_list", "pm02"},
                                                   {"ip", "10.0.0.9"},
                                                   {"pcmk_reboot_action", "off"},
                                                   {"pcmk_reboot_retries", "5"},
                                                   {"pcmk_reboot_timeout", "7s"},
                                                   {"pcmk_delay_base", "pm01:9s;pm02:3s"},
                                                   {"pcmk_host_argument", "port"}}));

    const Device found = levels_for(cib, "pm02", "pm01", "reboot", {})[0][0];

    ASSERT_EQ(found.parameters.size(), 1U);
    EXPECT_EQ(found.parameters[0].first, "ip");
    EXPECT_EQ(found.shot.action, "off");
    EXPECT_EQ(found.shot.attempts, 5);
    EXPECT_EQ(found.shot.timeout, 7s);
    EXPECT_EQ(found.delay_base, 3s);
    EXPECT_EQ(found.plug_argument, "port");
}

TEST(Devices, ThatAreStoppedOrBannedAreNotUsed) {
    const std::string list = device("a", {{"pcmk_host_list", "pm02"}});
    std::string stopped = list;
    stopped.insert(stopped.rfind("</primitive>"),
                   "<meta_attributes id=\"m\"><nvpair id=\"r\" name=\"target-role\" "
                   "value=\"Stopped\"/></meta_attributes>");
    const std::string ban =
        "<constraints><rsc_location id=\"l\" rsc=\"a\" node=\"pm01\" score=\"-INFINITY\"/>"
        "</constraints>";

    EXPECT_TRUE(levels_for(cib_with(stopped), "pm02", "pm01", "off", {}).empty());
    EXPECT_TRUE(levels_for(cib_with(list, ban), "pm02", "pm01", "off", {}).empty());
    EXPECT_EQ(levels_for(cib_with(list, ban), "pm02", "pm03", "off", {}).size(), 1U);
}

TEST(Devices, TakeClassTypeAndParametersOfTheirTemplate) {
    const cib::Element cib = cib_with(
        "<template id=\"t\" class=\"stonith\" type=\"fence_y\"><instance_attributes id=\"ti\">"
        "<nvpair id=\"t1\" name=\"ip\" value=\"10.0.0.1\"/><nvpair id=\"t2\" name=\"login\" "
        "value=\"admin\"/></instance_attributes><meta_attributes id=\"tm\"><nvpair id=\"t3\" "
        "name=\"provides\" value=\"unfencing\"/></meta_attributes></template>"
        "<primitive id=\"a\" template=\"t\"><instance_attributes id=\"ai\"><nvpair id=\"a1\" "
        "name=\"ip\" value=\"10.0.0.9\"/><nvpair id=\"a2\" name=\"pcmk_host_list\" "
        "value=\"pm02\"/></instance_attributes></primitive>");

    ASSERT_TRUE(has_devices(cib));
    EXPECT_EQ(device_ids(cib), std::vector<std::string>{"a"});
    const std::vector<Level> levels = levels_for(cib, "pm02", "pm01", "off", {});

    ASSERT_EQ(levels.size(), 1U);
    EXPECT_EQ(levels[0][0].id, "a");
    EXPECT_EQ(levels[0][0].type, "fence_y");
    EXPECT_EQ(levels[0][0].parameters, (std::vector<std::pair<std::string, std::string>>{
                                           {"ip", "10.0.0.9"}, {"login", "admin"}}));
    EXPECT_EQ(unfencing_of(cib, "pm02", {}).size(), 1U);
}

TEST(Devices, TakeSetsByReference) {
    const cib::Element cib =
        cib_with(device("a", {{"pcmk_host_list", "pm01"}, {"login", "admin"}}) +
                 "<primitive id=\"b\" class=\"stonith\" type=\"fence_x\"><instance_attributes "
                 "id-ref=\"a-ia\"/></primitive>");

    const std::vector<Level> levels = levels_for(cib, "pm01", "pm02", "off", {});

    ASSERT_EQ(levels.size(), 2U);
    EXPECT_EQ(levels[1][0].id, "b");
    EXPECT_EQ(levels[1][0].parameters, levels[0][0].parameters);
}

TEST(Devices, TakeTheSetWhoseRuleHoldsThen) {
    const cib::Element cib = cib_with(
        "<primitive id=\"a\" class=\"stonith\" type=\"fence_x\"><instance_attributes id=\"new\" "
        "score=\"2\"><rule id=\"r\" score=\"0\"><date_expression id=\"d\" operation=\"gt\" "
        "start=\"2026-01-01T00:00:00Z\"/></rule><nvpair id=\"n1\" name=\"ip\" value=\"10.0.0.2\"/>"
        "</instance_attributes><instance_attributes id=\"old\" score=\"1\"><nvpair id=\"o1\" "
        "name=\"ip\" value=\"10.0.0.1\"/><nvpair id=\"o2\" name=\"pcmk_host_list\" "
        "value=\"pm02\"/></instance_attributes></primitive>");
    const auto ip_at = [&cib](std::int64_t seconds) {
        const auto levels = levels_for(cib, "pm02", "pm01", "off", EpochSeconds{seconds});
        return levels.empty() ? std::string() : levels[0][0].parameters.at(0).second;
    };

    EXPECT_EQ(ip_at(1'767'225'599), "10.0.0.1");  // a second before that new year
    EXPECT_EQ(ip_at(1'767'225'601), "10.0.0.2");
}

TEST(Devices, FollowTheLevelsInTheirOrderAndOnlyWholeOnes) {
    const cib::Element cib = cib_with(
        device("a", {{"pcmk_host_list", "pm02"}}) + device("b", {{"pcmk_host_list", "pm02"}}),
        "<fencing-topology><fencing-level id=\"l2\" target=\"pm02\" index=\"2\" devices=\"a\"/>"
        "<fencing-level id=\"l1\" target=\"pm02\" index=\"1\" devices=\"b,missing\"/>"
        "<fencing-level id=\"l3\" target=\"pm02\" index=\"3\" devices=\"b,a\"/>"
        "</fencing-topology>");

    const std::vector<Level> levels = levels_for(cib, "pm02", "pm01", "off", {});

    ASSERT_EQ(levels.size(), 2U);
    EXPECT_EQ(levels[0][0].id, "a");
    EXPECT_EQ(levels[1].size(), 2U);
}

std::string topology(const std::string& levels) {
    return concat(
        "<nodes><node id=\"2\" uname=\"pm02\"><instance_attributes id=\"i\"><nvpair "
        "id=\"r\" name=\"rack\" value=\"5\"/></instance_attributes></node></nodes>"
        "<fencing-topology>",
        levels, "</fencing-topology>");
}

TEST(Devices, FollowLevelsByPatternAndByAttribute) {
    const std::string devices =
        device("a", {{"pcmk_host_list", "pm02"}}) + device("b", {{"pcmk_host_list", "pm02"}});
    const auto first = [&](const std::string& levels) {
        const auto found =
            levels_for(cib_with(devices, topology(levels)), "pm02", "pm01", "off", {});
        return found.empty() ? std::string("none") : found[0][0].id;
    };
    const std::string pattern =
        "<fencing-level id=\"p\" target-pattern=\"^pm0[1-3]$\" index=\"1\" devices=\"b\"/>";
    const std::string attribute =
        "<fencing-level id=\"t\" target-attribute=\"rack\" target-value=\"5\" index=\"1\" "
        "devices=\"b\"/>";

    EXPECT_EQ(first(pattern), "b");
    EXPECT_EQ(first(attribute), "b");
    // Its own name counts more, wherever it stands; of the others the first that fits.
    const std::string own = "<fencing-level id=\"o\" target=\"pm02\" index=\"1\" devices=\"a\"/>";
    EXPECT_EQ(first(pattern + own), "a");
    std::string other = pattern;
    other.replace(other.find("pm0[1-3]"), 8, "pm0[7-9]");
    EXPECT_EQ(first(other + attribute), "b");
    // None fits: every device on its own. A pattern that cannot be read fits nothing.
    EXPECT_EQ(first(other), "a");
    other.replace(other.find("pm0[7-9]"), 8, "pm0[");
    EXPECT_EQ(first(other), "a");
}

TEST(Devices, FencingTimeoutIsTheClustersOrAMinute) {
    const auto with = [](const std::string& name, const std::string& value) {
        return cib_with(
            "", concat("<crm_config><cluster_property_set id=\"s\"><nvpair id=\"n\" "
                       "name=\"",
                       name, "\" value=\"", value, "\"/></cluster_property_set></crm_config>"));
    };

    EXPECT_EQ(fencing_timeout(cib_with("")), 60s);
    EXPECT_EQ(fencing_timeout(with("stonith-timeout", "40s")), 40s);
    EXPECT_EQ(fencing_timeout(with("fencing-timeout", "2min")), 120s);
    EXPECT_EQ(fencing_timeout(with("fencing-timeout", "soon")), 60s);
}

TEST(Devices, AListNamesATargetWhole) {
    EXPECT_TRUE(lists("pm01\npm02\n", "pm02"));
    EXPECT_TRUE(lists("7,pm02;8", "pm02"));
    EXPECT_FALSE(lists("pm021\n", "pm02"));
    EXPECT_FALSE(lists("", "pm02"));
}

// --- Fencer --------------------------------------------------------------------------------------

class Shooter {
public:
    explicit Shooter(cib::Element cib) : cib_(std::move(cib)), fencer_("pm01", &next_run_, 1) {}

    void order(const std::string& action, Duration delay = {}, const std::string& target = "pm02") {
        fencer_.begin({.target = target, .action = action, .timeout = 60s, .delay = delay}, cib_,
                      now_);
    }
    std::vector<RunAgent> runs() {
        FencerOutput out = fencer_.take();
        for (Outcome& outcome : out.outcomes) outcomes.push_back(std::move(outcome));
        return std::move(out.run);
    }
    void answer(const RunAgent& run, AgentStatus status, int rc, const std::string& output = "") {
        AgentDone done;
        done.operation = run.operation;
        done.status = status;
        done.rc = rc;
        done.output = output;
        EXPECT_TRUE(fencer_.agent_done(done, now_));
    }
    void pass(Duration span) {
        now_.boot += span;
        fencer_.wake(now_);
    }
    Fencer& fencer() { return fencer_; }
    std::vector<Outcome> outcomes;

private:
    cib::Element cib_;
    Now now_;
    std::uint64_t next_run_ = 1;
    Fencer fencer_;
};

std::string parameter(const RunAgent& run, std::string_view name) {
    for (const auto& [key, value] : run.parameters) {
        if (key == name) return value;
    }
    return "(none)";
}

cib::Element two_devices() {
    return cib_with(device("a", {{"pcmk_host_list", "pm02"}, {"pcmk_off_retries", "1"}}) +
                    device("b", {{"pcmk_host_list", "pm02"}, {"pcmk_off_retries", "1"}}));
}

TEST(Fencer, GivesTheAgentActionPlugAndNode) {
    Shooter shooter(cib_with(device("a", {{"pcmk_host_map", "pm02:8"}, {"ip", "10.0.0.9"}})));
    shooter.order("reboot");

    const std::vector<RunAgent> runs = shooter.runs();

    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].agent_class, "stonith");
    EXPECT_EQ(runs[0].type, "fence_x");
    EXPECT_EQ(runs[0].action, "reboot");
    EXPECT_EQ(parameter(runs[0], "action"), "reboot");
    EXPECT_EQ(parameter(runs[0], "plug"), "8");
    EXPECT_EQ(parameter(runs[0], "nodename"), "pm02");
    EXPECT_EQ(parameter(runs[0], "ip"), "10.0.0.9");
}

// Claim I-3: only the device's confirmation counts.
TEST(Fencer, NothingButExitCodeZeroIsSuccess) {
    for (const AgentStatus status :
         {AgentStatus::TimedOut, AgentStatus::Killed, AgentStatus::NotInstalled,
          AgentStatus::NotAllowed, AgentStatus::Failed}) {
        Shooter shooter(two_devices());
        shooter.order("off");
        shooter.answer(shooter.runs()[0], status, 0);
        shooter.answer(shooter.runs()[0], status, 0);
        (void)shooter.runs();
        ASSERT_EQ(shooter.outcomes.size(), 1U);
        EXPECT_FALSE(shooter.outcomes[0].succeeded);
        EXPECT_FALSE(shooter.outcomes[0].reason.empty());
    }
    Shooter shooter(two_devices());
    shooter.order("off");
    shooter.answer(shooter.runs()[0], AgentStatus::Done, 0);
    (void)shooter.runs();
    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_TRUE(shooter.outcomes[0].succeeded);
    EXPECT_EQ(shooter.outcomes[0].device, "a");
}

TEST(Fencer, TriesTheNextDeviceAfterTheAttemptsOfTheFirst) {
    Shooter shooter(cib_with(device("a", {{"pcmk_host_list", "pm02"}}) +
                             device("b", {{"pcmk_host_list", "pm02"}})));
    shooter.order("off");
    for (const char* expected : {"a", "a", "b"}) {
        const std::vector<RunAgent> runs = shooter.runs();
        ASSERT_EQ(runs.size(), 1U);
        EXPECT_EQ(runs[0].resource, expected);
        shooter.answer(runs[0], AgentStatus::Done, runs[0].resource == "b" ? 0 : 1);
    }
    (void)shooter.runs();

    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_EQ(shooter.outcomes[0].device, "b");
}

TEST(Fencer, SwitchesAllOfALevelOffBeforeAnyOn) {
    const cib::Element cib = cib_with(
        device("a", {{"pcmk_host_list", "pm02"}}) + device("b", {{"pcmk_host_list", "pm02"}}),
        "<fencing-topology><fencing-level id=\"l\" target=\"pm02\" index=\"1\" devices=\"a,b\"/>"
        "</fencing-topology>");
    Shooter shooter(cib);
    shooter.order("reboot");
    std::string sequence;
    for (int i = 0; i < 4; ++i) {
        const std::vector<RunAgent> runs = shooter.runs();
        ASSERT_EQ(runs.size(), 1U);
        sequence += concat(runs[0].resource, ':', runs[0].action, ' ');
        shooter.answer(runs[0], AgentStatus::Done, 0);
    }
    (void)shooter.runs();

    EXPECT_EQ(sequence, "a:off b:off a:on b:on ");
    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_TRUE(shooter.outcomes[0].succeeded);
}

TEST(Fencer, HalfALevelIsNoSuccess) {
    const cib::Element cib = cib_with(
        device("a", {{"pcmk_host_list", "pm02"}}) +
            device("b", {{"pcmk_host_list", "pm02"}, {"pcmk_off_retries", "1"}}),
        "<fencing-topology><fencing-level id=\"l\" target=\"pm02\" index=\"1\" devices=\"a,b\"/>"
        "</fencing-topology>");
    Shooter shooter(cib);
    shooter.order("off");
    shooter.answer(shooter.runs()[0], AgentStatus::Done, 0);
    shooter.answer(shooter.runs()[0], AgentStatus::Done, 1);
    (void)shooter.runs();

    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_FALSE(shooter.outcomes[0].succeeded);
}

TEST(Fencer, AsksADeviceWithoutAListAndPassesOnIfItDoesNotKnowTheTarget) {
    Shooter shooter(cib_with(device("a", {{"pcmk_host_check", "dynamic-list"}}) +
                             device("b", {{"pcmk_host_check", "dynamic-list"}})));
    shooter.order("off");

    std::vector<RunAgent> runs = shooter.runs();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "list");
    shooter.answer(runs[0], AgentStatus::Done, 0, "pm07\n");
    runs = shooter.runs();
    EXPECT_EQ(runs[0].resource, "b");
    shooter.answer(runs[0], AgentStatus::Done, 0, "pm02\n");
    runs = shooter.runs();

    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "off");
    EXPECT_EQ(runs[0].resource, "b");
}

// An agent's metadata with these actions.
std::string metadata(const std::vector<std::string>& actions,
                     const std::string& parameter = "plug") {
    std::string text =
        concat("<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_x\">",
               "<parameters><parameter name=\"", parameter, "\"/></parameters>", "<actions>");
    for (const std::string& action : actions) text += concat("<action name=\"", action, "\"/>");
    return text + "</actions></resource-agent>\n";
}

TEST(Fencer, AsksADeviceOfUnknownTargetsAsItsMetadataAllows) {
    Shooter lister(cib_with(device("a", {})));
    lister.order("off");
    std::vector<RunAgent> runs = lister.runs();
    EXPECT_EQ(runs[0].action, "metadata");
    lister.answer(runs[0], AgentStatus::Done, 0, metadata({"list", "status"}));
    EXPECT_EQ(lister.runs()[0].action, "list");

    Shooter looker(cib_with(device("a", {})));
    looker.order("off");
    looker.answer(looker.runs()[0], AgentStatus::Done, 0, metadata({"status"}));
    EXPECT_EQ(looker.runs()[0].action, "status");

    Shooter mute(cib_with(device("a", {})));
    mute.order("off");
    mute.answer(mute.runs()[0], AgentStatus::Done, 0, metadata({"on", "off"}));
    EXPECT_EQ(mute.runs()[0].action, "off");

    Shooter garbled(cib_with(device("a", {})));
    garbled.order("off");
    garbled.answer(garbled.runs()[0], AgentStatus::Done, 0, "<resource-agent <<< \x01");
    EXPECT_EQ(garbled.runs()[0].action, "list");
}

TEST(Fencer, TakesAStatusOfOffAsAnAnswerAndAnErrorAsNone) {
    const cib::Element cib =
        cib_with(device("a", {{"pcmk_host_check", "status"}, {"pcmk_status_retries", "1"}}));
    Shooter off(cib);
    off.order("off");
    std::vector<RunAgent> runs = off.runs();
    EXPECT_EQ(parameter(runs[0], "plug"), "pm02");
    off.answer(runs[0], AgentStatus::Done, 2);
    EXPECT_EQ(off.runs()[0].action, "off");

    Shooter unknown(cib);
    unknown.order("off");
    unknown.answer(unknown.runs()[0], AgentStatus::Done, 1);
    EXPECT_TRUE(unknown.runs().empty());
    ASSERT_EQ(unknown.outcomes.size(), 1U);
    EXPECT_FALSE(unknown.outcomes[0].succeeded);
}

TEST(Fencer, ListsWithTheListsOwnActionTimeoutAndRetries) {
    Shooter shooter(cib_with(device("a", {{"pcmk_host_check", "dynamic-list"},
                                          {"pcmk_list_action", "plugs"},
                                          {"pcmk_list_timeout", "7s"},
                                          {"pcmk_list_retries", "3"},
                                          {"pcmk_off_timeout", "9s"}})));
    shooter.order("off");
    for (int i = 0; i < 3; ++i) {
        const std::vector<RunAgent> runs = shooter.runs();
        ASSERT_EQ(runs.size(), 1U) << i;
        EXPECT_EQ(runs[0].action, "plugs");
        EXPECT_EQ(runs[0].timeout, 7s);
        shooter.answer(runs[0], i < 2 ? AgentStatus::TimedOut : AgentStatus::Done, 0, "pm02");
    }

    const std::vector<RunAgent> runs = shooter.runs();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].action, "off");
    EXPECT_EQ(runs[0].timeout, 9s);
    // The three questions are no shots: both attempts are left.
    shooter.answer(runs[0], AgentStatus::Done, 1);
    EXPECT_EQ(shooter.runs().size(), 1U);
}

TEST(Fencer, LeavesAPlugThatIsConfiguredAsItIs) {
    const auto plug = [](const std::vector<std::pair<std::string, std::string>>& own,
                         std::string_view name) {
        std::vector<std::pair<std::string, std::string>> all = own;
        all.emplace_back("pcmk_host_list", "pm02");
        Shooter shooter(cib_with(device("a", all)));
        shooter.order("off");
        return parameter(shooter.runs()[0], name);
    };

    EXPECT_EQ(plug({{"plug", "7"}}, "plug"), "7");
    EXPECT_EQ(plug({{"port", "7"}}, "port"), "7");
    EXPECT_EQ(plug({{"port", "7"}}, "plug"), "(none)");
    EXPECT_EQ(plug({{"plug", "dynamic"}}, "plug"), "pm02");
    EXPECT_EQ(plug({{"pcmk_host_argument", "none"}}, "plug"), "(none)");
    EXPECT_EQ(plug({{"pcmk_host_argument", "uuid"}}, "uuid"), "pm02");
}

TEST(Fencer, CallsThePlugPortWhereTheAgentKnowsNoOtherName) {
    Shooter shooter(cib_with(device("a", {})));
    shooter.order("off");
    shooter.answer(shooter.runs()[0], AgentStatus::Done, 0, metadata({"list"}, "port"));
    shooter.answer(shooter.runs()[0], AgentStatus::Done, 0, "pm02");

    const std::vector<RunAgent> runs = shooter.runs();

    EXPECT_EQ(parameter(runs[0], "port"), "pm02");
    EXPECT_EQ(parameter(runs[0], "plug"), "(none)");
}

TEST(Fencer, DelaysAShotAndNeverAPowerOn) {
    const cib::Element cib =
        cib_with(device("a", {{"pcmk_host_list", "pm02"}, {"pcmk_delay_base", "3s"}}));
    Shooter off(cib);
    off.order("off");
    EXPECT_TRUE(off.runs().empty());
    EXPECT_EQ(off.fencer().next_deadline(), Instant(3s));
    Shooter on(cib);
    on.order("on");
    EXPECT_EQ(on.runs().size(), 1U);
}

std::string providing_unfencing(std::string text) {
    text.insert(text.rfind("</primitive>"),
                "<meta_attributes id=\"m\"><nvpair id=\"p\" name=\"provides\" "
                "value=\"unfencing\"/></meta_attributes>");
    return text;
}

TEST(Fencer, UnfencesItsOwnNodeWithEveryDeviceThatAsksForIt) {
    std::string second = providing_unfencing(device("b", {{"pcmk_host_list", "pm01"}}));
    second.replace(second.find("id=\"m\""), 6, "id=\"n\"");
    Shooter shooter(cib_with(device("power", {{"pcmk_host_list", "pm01"}}) +
                             providing_unfencing(device("a", {{"pcmk_host_list", "pm01"}})) +
                             second));
    shooter.order("on", {}, "pm01");
    std::string sequence;
    for (int i = 0; i < 2; ++i) {
        const std::vector<RunAgent> runs = shooter.runs();
        ASSERT_EQ(runs.size(), 1U);
        sequence += concat(runs[0].resource, ':', runs[0].action, ' ');
        EXPECT_TRUE(shooter.outcomes.empty());
        shooter.answer(runs[0], AgentStatus::Done, 0);
    }
    (void)shooter.runs();

    EXPECT_EQ(sequence, "a:on b:on ");
    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_TRUE(shooter.outcomes[0].succeeded);
    EXPECT_EQ(shooter.outcomes[0].device, "a,b");
}

TEST(Fencer, WithinItsDelayAnOrderCanBeRecalledAndAfterAShotItCannot) {
    Shooter shooter(two_devices());
    shooter.order("off", 20ms);
    EXPECT_TRUE(shooter.runs().empty());
    EXPECT_EQ(shooter.fencer().next_deadline(), Instant(20ms));
    EXPECT_TRUE(shooter.fencer().recall("pm02"));
    EXPECT_FALSE(shooter.fencer().has_job("pm02"));

    shooter.order("off", 20ms);
    shooter.pass(20ms);
    EXPECT_EQ(shooter.runs().size(), 1U);
    EXPECT_TRUE(shooter.fencer().has_shot("pm02"));
    EXPECT_FALSE(shooter.fencer().recall("pm02"));
}

TEST(Fencer, ASecondOrderJoinsTheFirst) {
    Shooter shooter(two_devices());
    shooter.order("off");
    shooter.order("reboot");

    EXPECT_EQ(shooter.runs().size(), 1U);
}

// How many agents run at once when two nodes are to be shot with one device.
std::size_t at_once(std::vector<std::pair<std::string, std::string>> parameters) {
    parameters.emplace_back("pcmk_host_list", "pm02 pm03");
    Shooter shooter(cib_with(device("a", parameters)));
    shooter.order("off");
    shooter.order("off", {}, "pm03");
    return shooter.runs().size();
}

TEST(Fencer, RunsAsManyAgentsOfADeviceAtOnceAsItsLimitSays) {
    EXPECT_EQ(at_once({}), 1U);
    EXPECT_EQ(at_once({{"pcmk_action_limit", "2"}}), 2U);
    EXPECT_EQ(at_once({{"pcmk_action_limit", "-1"}}), 2U);
    EXPECT_EQ(at_once({{"pcmk_action_limit", "0"}}), 1U);
    EXPECT_EQ(at_once({{"pcmk_action_limit", "many"}}), 1U);
}

TEST(Fencer, GoesOnWithADeviceAsSoonAsItIsFree) {
    Shooter shooter(
        cib_with(device("a", {{"pcmk_host_list", "pm02 pm03"}, {"pcmk_off_retries", "1"}})));
    shooter.order("off");
    shooter.order("off", {}, "pm03");
    const std::vector<RunAgent> first = shooter.runs();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(parameter(first[0], "nodename"), "pm02");
    EXPECT_FALSE(shooter.fencer().has_shot("pm03"));

    // However the first one ends.
    shooter.answer(first[0], AgentStatus::TimedOut, 1);
    const std::vector<RunAgent> second = shooter.runs();

    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(parameter(second[0], "nodename"), "pm03");
    shooter.answer(second[0], AgentStatus::Done, 0);
    (void)shooter.runs();
    ASSERT_EQ(shooter.outcomes.size(), 2U);
    EXPECT_FALSE(shooter.outcomes[0].succeeded);
    EXPECT_TRUE(shooter.outcomes[1].succeeded);
}

TEST(Fencer, WithoutADeviceFailsAtOnceAndSaysSo) {
    Shooter shooter(cib_with(device("a", {{"pcmk_host_list", "pm07"}})));
    shooter.order("off");
    (void)shooter.runs();

    ASSERT_EQ(shooter.outcomes.size(), 1U);
    EXPECT_FALSE(shooter.outcomes[0].succeeded);
    EXPECT_NE(shooter.outcomes[0].reason.find("pm02"), std::string::npos);
}

// --- Guard ---------------------------------------------------------------------------------------

// Claim I-6.
TEST(Guard, ThreeFencesInTenMinutesWithoutAJoinAreEnough) {
    Guard guard;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(guard.reason_to_refrain("pm02", 10, Instant(i * 1min)), "");
        guard.succeeded("pm02", Instant(i * 1min));
    }

    EXPECT_NE(guard.reason_to_refrain("pm02", 10, Instant(3min)), "");
    EXPECT_EQ(guard.reason_to_refrain("pm01", 10, Instant(3min)), "");
    EXPECT_EQ(guard.reason_to_refrain("pm02", 10, Instant(11min)), "");
    guard.cleared("pm02");
    EXPECT_EQ(guard.reason_to_refrain("pm02", 10, Instant(3min)), "");
}

// Claim I-6: the daemon that counts may be started anew meanwhile, on a machine that was as well.
TEST(Guard, FencesAreCountedAcrossLives) {
    const Now before{.boot = Instant(1h), .calendar = EpochSeconds{1'700'000'000}};
    Guard guard;
    guard.succeeded("pm02", before.boot - 3min);
    guard.succeeded("pm02", before.boot - 2min);
    guard.succeeded("pm02", before.boot);
    guard.failed("pm03", before.boot);
    const std::string text = guard.to_text(before);

    Guard later;
    const Now now{.boot = Instant(5s), .calendar = EpochSeconds{1'700'000'060}};
    later.load(text, now);

    EXPECT_NE(later.reason_to_refrain("pm02", 10, now.boot), "");
    EXPECT_EQ(later.reason_to_refrain("pm03", 10, now.boot), "");
    EXPECT_EQ(later.reason_to_refrain("pm02", 10, now.boot + 6min + 1s), "");  // the first is past
    EXPECT_EQ(later.to_text(now), text);
}

TEST(Guard, CountsThatMakeNoSenseAreOfThisMoment) {
    const Now now{.boot = Instant(1h), .calendar = EpochSeconds{1'700'000'000}};
    Guard guard;
    guard.load("pm02 soon pm02 99999999999 pm02 1700000001 pm03 -9223372036854775808 pm04", now);

    EXPECT_EQ(guard.to_text(now), "pm02 1700000000 pm02 1700000000 pm02 1700000000");
}

TEST(Guard, FailedAttemptsPauseLongerEachTimeAndEndAtTheLimit) {
    Guard guard;
    Duration last{};
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(guard.reason_to_refrain("pm02", 10, Instant{}), "") << i;
        guard.failed("pm02", Instant{});
        const Duration pause = *guard.not_before("pm02") - Instant{};
        EXPECT_GE(pause, last);
        EXPECT_LE(pause, kRetryPauseMax);
        last = pause;
    }
    EXPECT_EQ(last, kRetryPauseMax);
    EXPECT_NE(guard.reason_to_refrain("pm02", 10, Instant{}), "");
}

}  // namespace
}  // namespace xbeat::fence
