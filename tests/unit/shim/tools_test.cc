// The tools' answers beside Pacemaker's own (2.1.5, on the same document as a file): exit codes and
// the whole of what they print. One row a form; what differs on purpose says so.
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "shim/cib_edit.h"
#include "shim/error_tool.h"
#include "unit/shim/fake_cluster.h"

namespace xbeat::shim {
namespace {

constexpr std::string_view kRunning = R"(<cib have-quorum="1" dc-uuid="1" admin_epoch="0" epoch="5">
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="p" name="no-quorum-policy" value="freeze"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="pm01"><instance_attributes id="nodes-1">
<nvpair id="nodes-1-a" name="a" value="perm"/><nvpair id="nodes-1-b" name="ab" value="2"/>
</instance_attributes></node><node id="2" uname="pm02"/></nodes>
<resources><primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="e" class="ocf" provider="pacemaker" type="Dummy"/>
<group id="g"><primitive id="g1" class="ocf" provider="pacemaker" type="Dummy"/></group>
<clone id="c"><primitive id="ci" class="ocf" provider="pacemaker" type="Dummy"/></clone>
<clone id="m"><meta_attributes id="mm"><nvpair id="mm1" name="promotable" value="true"/>
</meta_attributes><primitive id="mi" class="ocf" provider="pacemaker" type="Stateful"/></clone>
<primitive id="f2" class="stonith" type="fence_x"><instance_attributes id="f2-i">
<nvpair id="f2-l" name="pcmk_host_list" value="pm02"/></instance_attributes></primitive>
</resources>
<constraints><rsc_location id="l1" rsc="d" node="pm01" score="50"/>
<rsc_location id="l2" rsc="e" node="pm02" score="-INFINITY"/>
<rsc_location id="l3" rsc="e"><rule id="r3" score="100">
<expression id="x3" attribute="#uname" operation="eq" value="pm01"/></rule></rsc_location>
<rsc_colocation id="co1" rsc="e" with-rsc="d" score="INFINITY"/>
<rsc_colocation id="co2" rsc="g" with-rsc="e" score="100"/>
<rsc_colocation id="co3" rsc="d" with-rsc="m" with-rsc-role="Promoted" score="INFINITY"/>
<rsc_ticket id="t1" rsc="d" ticket="T" loss-policy="stop"/></constraints></configuration>
<status><node_state id="1" uname="pm01" in_ccm="true" crmd="online" join="member"
expected="member"><lrm id="1"><lrm_resources>OP(d)OP(e)OP(g1)OP(ci)PROMOTED(mi)</lrm_resources></lrm>
</node_state><node_state id="2" uname="pm02" in_ccm="true" crmd="online" join="member"
expected="member"><lrm id="2"><lrm_resources>OP(ci)OP(mi)</lrm_resources></lrm></node_state>
<tickets><ticket_state id="T" granted="true" standby="false" last-granted="1700000000"/></tickets>
</status></cib>)";

// OP(d) and PROMOTED(d): a history of one operation.
cib::Element running() {
    std::string text(kRunning);
    const std::regex macro(R"((OP|PROMOTED)\((\w+)\))");
    std::smatch match;
    while (std::regex_search(text, match, macro)) {
        const std::string id = match[2];
        const std::string task = match[1] == "OP" ? "start" : "promote";
        const std::string type = id == "mi" ? "Stateful" : "Dummy";
        const std::string record =
            "<lrm_resource id=\"" + id + "\" type=\"" + type +
            "\" class=\"ocf\" provider=\"pacemaker\"><lrm_rsc_op id=\"" + id +
            "_last_0\" operation_key=\"" + id + "_" + task + "_0\" operation=\"" + task +
            "\" transition-key=\"1:1:0:a\" transition-magic=\"0:0;1:1:0:a\" call-id=\"3\" "
            "rc-code=\"0\" op-status=\"0\" interval=\"0\" last-rc-change=\"1700000000\" "
            "exec-time=\"5\"/></lrm_resource>";
        text = match.prefix().str() + record + match.suffix().str();
    }
    return *cib::parse_xml(text);
}

struct Row {
    const char* line;
    int code;
    const char* out;
    const char* err = "";  // stands somewhere in the errors; empty: there are none
};

void check(std::span<const Row> rows) {
    ::setenv("TZ", "UTC", 1);
    for (const Row& row : rows) {
        Bench bench;
        bench.cluster.document = running();
        bench.environment["OCF_RESKEY_CRM_meta_on_node"] = "pm01";
        bench.add("pm01", "t", "tv");
        bench.add("pm01", "tt", "tw");
        EXPECT_EQ(bench.run(row.line), row.code) << row.line << '\n' << bench.err;
        EXPECT_EQ(bench.out, row.out) << row.line;
        if (*row.err == '\0') {
            EXPECT_EQ(bench.err, "") << row.line;
        } else {
            EXPECT_NE(bench.err.find(row.err), std::string::npos) << row.line << '\n' << bench.err;
        }
    }
}

constexpr const char* kNoResource =
    "crm_resource: Resource 'nix' not found\nError performing operation: No such object\n";
constexpr const char* kNoNode =
    "crm_resource: Node 'pm09' not found\nError performing operation: No such object\n";
constexpr const char* kBan =
    "WARNING: Creating rsc_location constraint 'cli-ban-d-on-pm01' with a score of -INFINITY for "
    "resource d on pm01.\n\tThis will prevent d from running on pm01 until the constraint is "
    "removed using the clear option or by editing the CIB with an appropriate tool\n\tThis will be "
    "the case even if pm01 is the last node in the cluster\n";

const Row kPlaceRows[] = {
    {"crm_resource -W -r m", kOk,
     "resource m is running on: pm01 Promoted\nresource m is running on: pm02\n"},
    {"crm_resource -r d -B -N pm01", kOk, kBan},
    {"crm_resource -r d -B", kOk, kBan},
    {"crm_resource -r d -M", kOk, kBan},
    {"crm_resource -Q -r d -M", kOk, ""},
    {"crm_resource -r d -B -N pm09", kNoSuch, "", kNoNode},
    {"crm_resource -r nix -B -N pm01", kNoSuch, "", kNoResource},
    {"crm_resource -r d -M -N pm02", kOk, ""},
    {"crm_resource -r d -M -N pm01", kExists, "", "Requested item already exists"},
    {"crm_resource -r d -M -N pm01 -f", kOk, ""},
    {"crm_resource -r d -M -N pm09", kNoSuch, "", kNoNode},
    {"crm_resource -r d -U", kOk, ""},
    {"crm_resource -r d -U -e", kOk, ""},
    {"crm_resource -r nix -U", kNoSuch, "", kNoResource},
    {"crm_resource -r d -U -N pm09", kNoSuch, "", kNoNode},
    {"crm_resource -M -r c", kUsage, "",
     "crm_resource: Resource 'c' not moved: active in 2 locations.\nTo prevent 'c' from running on "
     "a specific location, specify a node.\n"},
    {"crm_resource -M -r d --lifetime nix", kUsage, "", "Invalid duration specified: nix"},
    {"crm_resource -Y -r d", kOk, "Resource d is running\n"},
    {"crm_resource -Y -r d -N pm02", kOk, "Resource d is not running on host pm02\n"},
    {"crm_resource -C -r d", kOk, "Cleaned up d on pm01\nCleaned up d on pm02\n"},
    {"crm_resource -C -r nix", kNoSuch, "", kNoResource},
    {"crm_resource -C -r d -N pm09", kNoSuch, "", kNoNode},
    {"crm_resource -R", kOk, "Cleaned up all resources on all nodes\n"},
    {"crm_resource --force-start", kUsage, "", "Must supply a resource id with -r"},
    {"crm_resource --digests -r d -N pm01", kNotSupported, "", "xbeat why"},
};

const Row kConstraintRows[] = {
    {"crm_resource -a -r d", kOk,
     "Locations:\n"
     "  * Node pm01 (score=50, id=l1, rsc=d)\n"
     "Resources colocated with d:\n"
     "  * e (score=INFINITY, id=co1)\n"
     "    * Locations:\n"
     "      * Node pm01 (score=100, id=r3, rsc=e)\n"
     "      * Node pm02 (score=-INFINITY, id=l2, rsc=e)\n"
     "Resources d is colocated with:\n"
     "  * m (score=INFINITY, with role=Promoted, id=co3)\n"},
    {"crm_resource --stack -r e", kOk,
     "Locations:\n"
     "  * Node pm01 (score=100, id=r3, rsc=e)\n"
     "  * Node pm02 (score=-INFINITY, id=l2, rsc=e)\n"
     "Resources colocated with e:\n"
     "  * g (score=100, id=co2)\n"
     "Resources e is colocated with:\n"
     "  * d (score=INFINITY, id=co1)\n"
     "    * Locations:\n"
     "      * Node pm01 (score=50, id=l1, rsc=d)\n"
     "    * Resources d is colocated with:\n"
     "      * m (score=INFINITY, with role=Promoted, id=co3)\n"},
    {"crm_resource -A -r g1", kOk,
     "Resources g is colocated with:\n"
     "  * e (score=100, id=co2)\n"
     "    * Locations:\n"
     "      * Node pm01 (score=100, id=r3, rsc=e)\n"
     "      * Node pm02 (score=-INFINITY, id=l2, rsc=e)\n"
     "    * Resources e is colocated with:\n"
     "      * d (score=INFINITY, id=co1)\n"
     "        * Locations:\n"
     "          * Node pm01 (score=50, id=l1, rsc=d)\n"
     "        * Resources d is colocated with:\n"
     "          * m (score=INFINITY, with role=Promoted, id=co3)\n"},
    {"crm_resource -a -r m", kOk,
     "Resources colocated with m:\n"
     "  * d (score=INFINITY, needs role=Promoted, id=co3)\n"
     "    * Locations:\n"
     "      * Node pm01 (score=50, id=l1, rsc=d)\n"},
    {"crm_resource -a -r c", kOk, ""},
    {"crm_resource -a -r nix", kNoSuch, "", kNoResource},
    {"crm_resource -a", kUsage, "", "crm_resource: Must supply a resource id with -r\n"},
};

const Row kParameterRows[] = {
    {"crm_resource -r d -p state -v 7", kOk,
     "Set 'd' option: id=d-instance_attributes-state set=d-instance_attributes name=state "
     "value=7\n"},
    {"crm_resource -r m -m -p promotable -v false", kOk,
     "Set 'm' option: id=mm1 name=promotable value=false\n"},
    {"crm_resource -r m -m -d promotable", kOk, "Deleted 'm' option: id=mm1 name=promotable\n"},
    {"crm_resource -r d -d nope", kOk, ""},
    {"crm_resource -r nix -d nope", kNoSuch, "", kNoResource},
    {"crm_resource -r nix -p a -v b", kNoSuch, "", kNoResource},
    {"crm_resource -r d -p a", kUsage, "",
     "crm_resource: You need to supply a value with the -v option\n"},
    {"crm_resource -q -r d", kOk,
     "d\t(ocf:pacemaker:Dummy):\t Started pm01\nResource XML:\n<primitive id=\"d\" class=\"ocf\" "
     "provider=\"pacemaker\" type=\"Dummy\"/>\n"},
    {"crm_resource -D -r g1", kNoSuch, "", "You need to specify a resource type with -t"},
    {"crm_resource -D -r nix -t primitive", kNoSuch, "", kNoResource},
    {"crm_resource -D -r f2 -t primitive", kOk, ""},
    {"crm_resource --nonsense", kUsage, "", "Unknown option --nonsense"},
};

const Row kAttributeRows[] = {
    {"crm_attribute", kOk, "scope=crm_config  name=no-quorum-policy value=freeze\n"},
    {"crm_attribute -n no-quorum-policy -D", kOk,
     "Deleted crm_config option: id=p name=no-quorum-policy\n"},
    {"crm_attribute -n nope -D", kOk, ""},
    {"crm_attribute -N pm01 -n a -D", kOk, "Deleted nodes attribute: id=nodes-1-a name=a\n"},
    {"crm_attribute -N pm01 -G", kOk,
     "scope=nodes  name=a value=perm\nscope=nodes  name=ab value=2\n"},
    {"crm_attribute -N pm01 -P ^ab -G", kOk, "scope=nodes  name=ab value=2\n"},
    {"crm_attribute -N pm01 -l reboot -P ^t -G", kOk,
     "scope=status  name=t value=tv\nscope=status  name=tt value=tw\n"},
    {"crm_attribute -N pm01 -P ^a -v 5", kUsage, "",
     "pattern can only be used with query, or with till-reboot update or delete"},
    {"crm_attribute -N pm01 -P ( -G", kUsage, "", "no regular expression"},
    {"crm_attribute -N pm01 -i nodes-1-a -n a -G", kOk,
     "scope=nodes id=nodes-1-a name=a value=perm\n"},
    {"crm_attribute -N pm09 -n b -v 7", kNoSuch, "",
     "crm_attribute: Could not map name=pm09 to a UUID\n"},
    {"crm_attribute -v 1", kSoftware, "",
     "crm_attribute: Error performing operation: Invalid argument\n"},
    {"crm_attribute -n nope -G -d x", kOk, "scope=crm_config  name=nope value=x\n"},
    {"crm_attribute -n no-quorum-policy -G --output-as=xml", kOk,
     "<pacemaker-result api-version=\"2.25\" request=\"crm_attribute -n no-quorum-policy -G "
     "--output-as=xml\">\n  <attribute name=\"no-quorum-policy\" value=\"freeze\" "
     "scope=\"crm_config\"/>\n  <status code=\"0\" message=\"OK\"/>\n</pacemaker-result>\n"},
    {"crm_attribute -n nope -G --output-as=xml", kNoSuch,
     "<pacemaker-result api-version=\"2.25\" request=\"crm_attribute -n nope -G "
     "--output-as=xml\">\n  <status code=\"105\" message=\"No such object\">\n    <errors>\n"
     "      <error>crm_attribute: Error performing operation: No such device or address</error>\n"
     "    </errors>\n  </status>\n</pacemaker-result>\n"},
    {"crm_attribute -n no-quorum-policy -v x --output-as=yaml", kUsage, "", "--output-as: yaml"},
};

const Row kNodeRows[] = {
    {"crm_node -N 2", kOk, "pm02\n"},
    {"crm_node -R pm02", kUsage, "", "--force"},
    {"crm_node -R pm02 --force", kUnsafe, "", "xbeat shutdown"},
    {"crm_node -R pm09 --force", kNoSuch, "", "no node pm09"},
    {"crmadmin -N", kOk, "cluster node: pm01 (1)\ncluster node: pm02 (2)\n"},
    {"crmadmin -N all -B", kOk, "export pm01=1\nexport pm02=2\n"},
    {"crmadmin -N cluster -q", kOk, "pm01\npm02\n"},
    {"crmadmin -N remote", kOk, ""},
    {"crmadmin -D", kOk, "Designated Controller is: pm01\n"},
    {"crmadmin -qD", kOk, "pm01\n"},
    {"crmadmin -S pm01", kOk, "Controller on pm01 in state S_IDLE: ok\n"},
    {"crmadmin -S pm02 -q", kOk, "S_NOT_DC\n"},
    {"crmadmin -S pm09", kNoSuch, "", "no node pm09"},
    {"crmadmin -P", kOk, "Status of pacemakerd: 'Pacemaker is running'\n"},
    {"crmadmin", kUsage, "", "Must specify a command option"},
    {"crmadmin --nodes=cluster --output-as=xml", kOk,
     "<pacemaker-result api-version=\"2.25\" request=\"crmadmin --nodes=cluster "
     "--output-as=xml\">\n  <nodes>\n    <node type=\"cluster\" name=\"pm01\" id=\"1\"/>\n"
     "    <node type=\"cluster\" name=\"pm02\" id=\"2\"/>\n  </nodes>\n"
     "  <status code=\"0\" message=\"OK\"/>\n</pacemaker-result>\n"},
};

const Row kTicketRows[] = {
    {"crm_ticket -l", kOk, "T\tgranted           last-granted='Tue Nov 14 22:13:20 2023'\n"},
    {"crm_ticket -L", kOk,
     "T\tgranted           (granted=true, standby=false, last-granted='Tue Nov 14 22:13:20 "
     "2023')\n"},
    {"crm_ticket -w", kOk, "T\n"},
    {"crm_ticket -q", kOk,
     "State XML:\n\n<tickets>\n  <ticket_state id=\"T\" granted=\"true\" standby=\"false\" "
     "last-granted=\"1700000000\"/>\n</tickets>\n"},
    {"crm_ticket -c -t T", kOk,
     "Constraints XML:\n\n<rsc_ticket id=\"t1\" rsc=\"d\" ticket=\"T\" loss-policy=\"stop\"/>\n"},
    {"crm_ticket -c -t X", kNoSuch, "",
     "crm_ticket: Could not show ticket constraints: No such device or address\n"},
    {"crm_ticket -t T -G granted", kOk, "true\n"},
    {"crm_ticket -t T -G nix -d 7", kOk, "7\n"},
    {"crm_ticket -t X -l", kNoSuch, "", "crm_ticket: No such ticket 'X'\n"},
    {"crm_ticket -t T -g", kNotAllowed, "", "please specify --force.\n"},
    {"crm_ticket -t T -g --force", kOk, ""},
    {"crm_ticket -t T -r", kNotAllowed, "", "crm_ticket --ticket T --constraints\n"},
    {"crm_ticket -t T -S granted -v false", kNotAllowed, "", "please specify --force.\n"},
    {"crm_ticket -t T -s", kOk, ""},
    {"crm_ticket -t T -C", kNotAllowed, "", "please specify --force.\n"},
    {"crm_ticket -t T -C -f", kOk, "Cleaned up T\n"},
    {"crm_ticket -t X -C", kNoSuch, "", "crm_ticket: No such ticket 'X'\n"},
    {"crm_ticket", kUsage, "", "Must supply a command"},
};

const Row kStonithRows[] = {
    {"stonith_admin -L", kOk, "f2\n1 fence device found\n"},
    {"stonith_admin -l pm02", kOk, "f2\n1 fence device found\n"},
    {"stonith_admin -l pm01", kOk, "0 fence devices found\n"},
    {"stonith_admin -s f2", kOk, "pm02\n"},
    {"stonith_admin -s nix", kNoSuch, "", "no fence device nix"},
    {"stonith_admin -Q good", kOk, ""},
    {"stonith_admin -Q bad", kConfiguration, "", "does not answer"},
    {"stonith_admin -h pm02", kOk, "Node pm02 has never been fenced\n"},
    {"stonith_admin -H * -c", kOk, "cleaning up fencing-history\n"},
    {"stonith_admin -R dev -a fence_x", kNotSupported, "", "xbeat configure"},
    {"stonith_admin -M", kUsage, "", "an agent is needed"},
    {"stonith_admin", kUsage, "", "--help"},
};

const Row kOtherRows[] = {
    {"crm_error -X 105 103", kOk, "No such object\nUpdate was older than existing configuration\n"},
    {"crm_error -n -X 105", kOk, "CRM_EX_NOSUCH - No such object\n"},
    {"crm_error -n 205", kOk, "pcmk_err_old_data - Update was older than existing configuration\n"},
    {"crm_error 105 0", kOk, "No buffer space available\nOK\n"},
    {"crm_error -- -62", kOk, "Timer expired\n"},
    {"crm_error -X 999", kOk, "Unknown exit status\n"},
    {"crm_shadow --create x", kNotSupported, "", "xbeat configure"},
    {"crm_report", kNotSupported, "", "xbeat report"},
    {"crm_verify -L", kOk, ""},
    {"crm_verify", kFailed, "", "No configuration source specified"},
    {"crm_verify -x /nonexistent", kFailed, "", "Couldn't parse input file: /nonexistent"},
    {"crm_verify -X <cib><configuration><resources><primitive/></resources></configuration></cib>",
     kConfiguration, "", "Errors found during check: config not valid"},
};

TEST(Beside, CrmResourcePlacesAsPacemakersDoes) { check(kPlaceRows); }
TEST(Beside, CrmResourceShowsConstraintsAsPacemakersDoes) { check(kConstraintRows); }
TEST(Beside, CrmResourceSetsAndDeletesAsPacemakersDoes) { check(kParameterRows); }
TEST(Beside, CrmAttributeAnswersAsPacemakersDoes) { check(kAttributeRows); }
TEST(Beside, NodesAreToldAsByPacemakersTools) { check(kNodeRows); }
TEST(Beside, TicketsAreTreatedAsByPacemakersTool) { check(kTicketRows); }
TEST(Beside, StonithAdminAnswersOrSaysWhatToUse) { check(kStonithRows); }
TEST(Beside, TheOtherToolsAnswerOrSayWhatToUse) { check(kOtherRows); }

TEST(Beside, EveryToolTellsItsVersionAndItsFormsWithoutACluster) {
    for (const std::string_view name : names()) {
        Bench bench;
        bench.cluster.is_down = true;
        EXPECT_EQ(bench.run(std::string(name), {"--version"}), kOk) << name;
        EXPECT_TRUE(bench.out.starts_with("Pacemaker 2.")) << name;
        EXPECT_EQ(bench.run(std::string(name), {"--help"}), kOk) << name;
        EXPECT_TRUE(bench.out.starts_with(std::string(name) + " - ")) << name << bench.out;
        EXPECT_EQ(bench.err, "") << name;
    }
}

// A ban's effect, not only its words.
TEST(Beside, ABanAndAMoveAreTheConstraintsThatPacemakersMakes) {
    Bench bench;
    bench.cluster.document = running();
    EXPECT_EQ(bench.run("crm_resource -B -r m -N pm02 --promoted"), kOk);
    EXPECT_EQ(bench.run("crm_resource -M -r d -N pm02 --lifetime PT1H"), kOk);
    EXPECT_TRUE(bench.out.starts_with("Migration will take effect until: ")) << bench.out;
    const auto finds = [&bench](const char* xpath) {
        return !find_xpath(bench.cluster.document, xpath)->empty();
    };
    EXPECT_TRUE(
        finds("//rsc_location[@id='cli-ban-m-on-pm02' and @role='Promoted' and "
              "@node='pm02' and @score='-INFINITY']"));
    EXPECT_TRUE(
        finds("//rsc_location[@id='cli-prefer-d']/rule[@score='INFINITY']/date_expression"));
    EXPECT_EQ(bench.run("crm_resource -U -r d"), kOk);
    EXPECT_FALSE(finds("//rsc_location[@id='cli-prefer-d']"));
    EXPECT_TRUE(finds("//rsc_location[@id='cli-ban-m-on-pm02']"));
}

TEST(Beside, AnErrorOfTheClusterIsOneForEveryTool) {
    for (const char* line :
         {"crm_resource -a -r d", "crm_resource -r d -p x -v 1", "crm_resource -C -r d",
          "crm_resource -r d -U", "crm_resource -D -r d -t primitive", "crm_attribute -n x -v 1",
          "crm_attribute -n x -D", "crm_node -R pm02 -f", "crmadmin -S pm01", "crmadmin -P",
          "crm_ticket -l", "crm_ticket -c", "stonith_admin -L", "crm_verify -L",
          "cibadmin -E --force"}) {
        Bench bench;
        bench.cluster.is_down = true;
        EXPECT_EQ(bench.run(line), kDisconnected) << line << bench.err;
        EXPECT_NE(bench.err.find("not connected"), std::string::npos) << line << bench.err;
        EXPECT_EQ(bench.out, "") << line;
    }
}

}  // namespace
}  // namespace xbeat::shim
