// Every form in which Debian's agents call the cluster's tools (resource-agents 4.12, pacemaker
// 2.1.5), as they write it, and what they make of the answer.
//
// One row a form: the agents that use it, the words, and what has to come back. Collected from the
// agents' own text; a new release of them is a reason to look again.
#include <gtest/gtest.h>

#include <cstdlib>

#include <iterator>
#include <regex>

#include "shim/background.h"
#include "shim/shim.h"
#include "unit/shim/fake_cluster.h"

namespace xbeat::shim {
namespace {

struct Row {
    const char* agents;
    const char* line;
    int code;
    const char* output;  // a regular expression over the whole of standard output
};

// What is set when the calls come: `t` of both nodes transient, `a` of pm01 permanent.
void fill(Bench& bench) {
    bench.environment["OCF_RESOURCE_INSTANCE"] = "d";
    bench.environment["OCF_RESKEY_CRM_meta_on_node"] = "pm01";
    bench.add("pm01", "t", "tv");
    bench.add("pm02", "t", "other");
    bench.add("pm01", "master-d", "100");
    bench.cluster.transients.push_back({.node = "pm02",
                                        .name = "d-gtid",
                                        .value = "0-1-2",
                                        .is_private = true,
                                        .is_waiting = false,
                                        .expected = {}});
}

const Row kAttributeRows[] = {
    {"pgsql", "crm_attribute -l reboot -N pm01 -n t -G -q", kOk, "tv\n"},
    {"pgsql", "crm_attribute -l reboot -N pm01 -n absent -G -q", kNoSuch, ""},
    {"pgsql", "crm_attribute -l reboot -N pm02 -n db-status -v HS:sync", kOk, ""},
    {"pgsql", "crm_attribute -l reboot -N pm01 -n db-xlog-loc -D", kOk, ""},
    {"pgsql", "crm_attribute -l reboot -N pm01 -n master-d -v -INFINITY", kOk, ""},
    {"pgsql", "crm_attribute -l forever -N pm01 -n db-data-status -v STREAMING|SYNC", kOk, ""},
    {"pgsql, rabbitmq-cluster", "crm_attribute -N pm01 -l forever --query --name a -q", kOk,
     "perm\n"},
    {"SAPInstance", "crm_attribute -n runs_ers_HA1 -v 1 -l reboot", kOk, ""},
    {"galera", "crm_attribute -N pm02 -l reboot --name t --quiet", kOk, "other\n"},
    {"galera", "crm_attribute -N pm02 -l reboot --name d-bootstrap --quiet", kNoSuch, ""},
    {"galera", "crm_attribute -N pm02 -l reboot --name d-bootstrap -v true", kOk, ""},
    {"rabbitmq-server-ha", "crm_attribute -N pm01 -l reboot --name rabbit-master --update true",
     kOk, ""},
    {"rabbitmq-server-ha", "crm_attribute -N pm01 -l reboot --name rabbit-master --delete", kOk,
     ""},
    {"rabbitmq-server-ha", "crm_attribute -N pm01 -l reboot --name t --query", kOk,
     "scope=status  name=t value=tv\n"},
    {"sg_persist, mpathpersist",
     "crm_attribute --lifetime=reboot --name=t --node=pm01 --query "
     "--quiet",
     kOk, "tv\n"},
    {"ovsmonitor, db2", "crm_attribute -l forever -n a -G --quiet", kOk, "perm\n"},
    {"db2", "crm_attribute -l forever --node=pm02 -n first -v x", kOk, ""},
    {"NodeUtilization", "crm_attribute -t nodes --node pm01 -z -n cpu -v 4", kOk, ""},
    {"NodeUtilization", "crm_attribute --quiet -t nodes --node pm01 -z -n none", kNoSuch, ""},
    {"Xen", "crm_attribute --type nodes --node pm01 -n a -G -q", kOk, "perm\n"},
    {"redis, mysql",
     "crm_attribute --type crm_config --name d_REPL_INFO -s mysql_replication -v "
     "pm01",
     kOk, ""},
    {"redis, mysql",
     "crm_attribute --type crm_config --name d_REPL_INFO -s mysql_replication "
     "--query -q",
     kNoSuch, ""},
    {"controld", "crm_attribute --type=crm_config --name=no-quorum-policy --query", kOk,
     "scope=crm_config  name=no-quorum-policy value=freeze\n"},
    {"controld",
     "crm_attribute --type=crm_config --name=stonith-enabled --query --quiet "
     "--default=true",
     kOk, "true\n"},
    {"azure-events", "crm_attribute --name k --update v --type crm_config", kOk, ""},
    {"azure-events", "crm_attribute --name k --delete --node pm01", kOk, ""},
    {"azure-events", "crm_attribute --name k --query --quiet --default '' --node pm01", kOk, "\n"},
    {"azure-events", "crm_attribute -t nodes -N pm01 -n standby -v on --lifetime=forever", kOk, ""},
};

const Row kScoreRows[] = {
    {"ocf_promotion_score", "crm_attribute -p -v 100", kOk, ""},
    {"ocf_promotion_score", "crm_attribute -p -v -INFINITY", kOk, ""},
    {"ocf_promotion_score", "crm_attribute -p -D", kOk, ""},
    {"ocf_promotion_score", "crm_attribute -p -N pm02 -v 100", kOk, ""},
    {"ocf_promotion_score", "crm_attribute -p -D -N pm02", kOk, ""},
    {"ocf_promotion_score", "crm_attribute -p -G -N pm01", kOk,
     "scope=status  name=master-d value=100\n"},
    {"SAPInstance, conntrackd", "crm_master -v 100 -l reboot", kOk, ""},
    {"db2", "crm_master -Q -v 100 -l reboot", kOk, ""},
    {"db2", "crm_master -v INFINITY -l reboot", kOk, ""},
    {"rabbitmq-server-ha", "crm_master -N pm02 -l reboot -v 1", kOk, ""},
    {"redis", "crm_master -Q -l reboot -v 10", kOk, ""},
    {"Stateful", "crm_attribute --promotion -v 5", kOk, ""},
    {"Stateful", "crm_attribute --promotion -D", kOk, ""},
};

const Row kUpdaterRows[] = {
    {"ping", "attrd_updater -n pingd -B 100 -d 5s", kOk, ""},
    {"ping", "attrd_updater -D -n pingd -d 5s", kOk, ""},
    {"ethmonitor", "attrd_updater -n eth -v 1 -d 5s", kOk, ""},
    {"SysInfo", "attrd_updater -d 0 -S status -n os -v Linux", kOk, ""},
    {"HealthCPU", "attrd_updater -n #health-cpu -U green -d 30s", kOk, ""},
    {"HealthSMART", "attrd_updater -D -n #health-smart -d 5s", kOk, ""},
    {"attribute", "attrd_updater -n t -Q", kOk, "name=\"t\" host=\"pm01\" value=\"tv\"\n"},
    {"attribute", "attrd_updater -n absent -Q", kNoSuch, ""},
    {"pgsql", "attrd_updater -n db-receiver-status -v normal", kOk, ""},
    {"pgsql", "attrd_updater -n db-receiver-status -D", kOk, ""},
    {"mariadb", "attrd_updater -p -n d-gtid -U 0-1-2", kOk, ""},
    {"mariadb", "attrd_updater -p -N pm02 -n d-gtid -Q", kOk,
     "name=\"d-gtid\" host=\"pm02\" value=\"0-1-2\"\n"},
    {"mariadb", "attrd_updater -n d-gtid -N pm02 -D", kOk, ""},
    {"rabbitmq-server-ha", "attrd_updater -p --name x --node pm01 --update 1", kOk, ""},
    {"rabbitmq-server-ha", "attrd_updater -p --name x --node pm01 --query", kNoSuch, ""},
    {"openstack-info", "attrd_updater --query -n t -N pm02", kOk,
     "name=\"t\" host=\"pm02\" value=\"other\"\n"},
};

const Row kQueryRows[] = {
    {"ocf_local_nodename", "pacemakerd -$", kOk, "Pacemaker [0-9]+\\.[0-9]+\\.[0-9]+\n[^]*"},
    {"ocf_local_nodename", "crm_node -n", kOk, "pm01\n"},
    {"sg_persist", "crm_node -i", kOk, "1\n"},
    {"galera", "crm_node -p", kOk, "pm01 \n"},
    {"galera", "crm_node -q", kOk, "1\n"},
    {"rabbitmq-server-ha", "crm_node -l -p", kOk, "pm01 \n"},
    {"azure-events", "crm_node --list", kOk, "1 pm01 member\n2 pm02 lost\n"},
    {"VirtualDomain, Xen", "crm_resource -Q -r d -z -g cpu", kOk, ""},
    {"VirtualDomain, Xen", "crm_resource -r d -z -p cpu -v 3", kOk, "Set 'd' option: [^]*"},
    {"VirtualDomain", "crm_resource --resource=d --utilization --delete-parameter=cpu", kOk, ""},
    {"pgsql", "crm_resource -B -r d -N pm01 -Q", kOk, ""},
    {"azure-events", "crm_resource --list-operations -N pm01", kOk,
     "d\t\\(ocf:heartbeat:Dummy\\):\t Started: d_start_0 \\(node=pm01, call=3, rc=0, "
     "last-rc-change='Tue Nov 14 22:13:20 2023', exec=5ms\\): complete\n"},
    {"crm_mon_no_validation", "cibadmin -Q", kOk, "<cib [^]*</cib>\n"},
    {"rabbitmq-cluster", "cibadmin -Q --xpath //node_state[@crmd='online']//nvpair[@name='none']",
     kNoSuch, ""},
    {"SAPDatabase", "cibadmin -Q --xpath //nvpair[@name='state']", kOk,
     "<nvpair id=\"d-ia-s\" name=\"state\" value=\"/tmp/x\"/>\n"},
    {"controld", "stonith_admin -H * --output-as xml", kOk, "<pacemaker-result [^]*"},
    {"controld", "stonith_admin --reboot=pm02 --tag controld", kOk, ""},
};

void check(std::span<const Row> rows) {
    ::setenv("TZ", "UTC", 1);
    for (const Row& row : rows) {
        Bench bench;
        fill(bench);
        const int code = bench.run(row.line);
        EXPECT_EQ(code, row.code) << row.agents << ": " << row.line << '\n' << bench.err;
        EXPECT_TRUE(std::regex_match(bench.out, std::regex(row.output)))
            << row.agents << ": " << row.line << '\n'
            << bench.out;
        // Agents tell a failure by the exit code, people by the words.
        EXPECT_TRUE(row.code == kOk || !bench.err.empty()) << row.line;
    }
}

TEST(Contract, CrmAttributeAnswersEveryFormThatAgentsUse) { check(kAttributeRows); }
TEST(Contract, PromotionScoresAreTakenInEveryFormThatAgentsUse) { check(kScoreRows); }
TEST(Contract, AttrdUpdaterAnswersEveryFormThatAgentsUse) { check(kUpdaterRows); }
TEST(Contract, QuestionsAreAnsweredInEveryFormThatAgentsUse) { check(kQueryRows); }

// Xen and VirtualDomain look for these words before they call it a failure.
TEST(Contract, ACallWithoutADaemonSaysNotConnected) {
    Bench bench;
    bench.cluster.is_down = true;
    EXPECT_EQ(bench.run("crm_resource -Q -r d -z -g cpu"), kDisconnected);
    EXPECT_NE(bench.err.find("not connected"), std::string::npos) << bench.err;
}

// ocf:pacemaker:ClusterMon, of both ages.
TEST(Contract, AMonitorInTheBackgroundWritesItsPageAgainAndAgain) {
    const auto words_of = [](const char* line) {
        std::istringstream in(line);
        return std::vector<std::string>(std::istream_iterator<std::string>(in), {});
    };
    for (const char* const line :
         {"-p /run/c.pid -d -i 15 -r --output-as=html --output-to=/run/c.html",
          "-p /run/c.pid -d -i 15 -r -h /run/c.html",
          "--daemonize --pid-file=/run/c.pid -i 15 -r --as-html /run/c.html"}) {
        const std::optional<Background> background = as_background(words_of(line));
        ASSERT_TRUE(background.has_value()) << line;
        EXPECT_EQ(background->pid_file, "/run/c.pid");
        EXPECT_EQ(background->words, words_of("-i 15 -r --as-html /run/c.html"));
    }
    EXPECT_FALSE(as_background(words_of("-1 --output-as=xml")).has_value());
}

// azure-events takes the last word of each line.
TEST(Contract, AnOperationUnderWayEndsInPending) {
    Bench bench;
    cib::Element* op = bench.cluster.document.find_id("d_last_0");
    ASSERT_NE(op, nullptr);
    op->set("op-status", "-1");
    op->set("rc-code", "193");
    EXPECT_EQ(bench.run("crm_resource --list-operations -N pm01"), kOk);
    EXPECT_TRUE(bench.out.ends_with("): pending\n")) << bench.out;
    EXPECT_NE(bench.out.find("\t Starting: d_start_0"), std::string::npos) << bench.out;
}

}  // namespace
}  // namespace xbeat::shim
