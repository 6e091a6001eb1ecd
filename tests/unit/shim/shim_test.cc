// The tools that agents call, word for word as they call them, against a cluster that a test plays.
#include "shim/shim.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/shim_links.h"
#include "unit/shim/fake_cluster.h"

namespace xbeat::shim {
namespace {

TEST(Shims, AreTheOnesThatTheFolderOfLinksHas) {
    const std::span<const std::string_view> ours = names();
    EXPECT_TRUE(
        std::equal(ours.begin(), ours.end(), agent::kShimNames.begin(), agent::kShimNames.end()));
    EXPECT_FALSE(is_shim("xbeat"));
    EXPECT_FALSE(is_shim(""));
}

TEST(Shims, TellTheVersionInTheFormThatAgentsCut) {
    Bench bench;
    EXPECT_EQ(bench.run("pacemakerd -$"), kOk);
    EXPECT_TRUE(bench.out.starts_with("Pacemaker 2."));
}

TEST(CrmAttribute, ShowsPermanentTransientAndClusterValuesAsPacemakerDoes) {
    Bench bench;
    bench.add("pm01", "t", "tv");
    EXPECT_EQ(bench.run("crm_attribute -t crm_config -n no-quorum-policy -G"), kOk);
    EXPECT_EQ(bench.out, "scope=crm_config  name=no-quorum-policy value=freeze\n");
    EXPECT_EQ(bench.run("crm_attribute --type=crm_config --name=no-quorum-policy --query --quiet"),
              kOk);
    EXPECT_EQ(bench.out, "freeze\n");
    EXPECT_EQ(bench.run("crm_attribute -N pm01 -l reboot --name t"), kOk);
    EXPECT_EQ(bench.out, "scope=status  name=t value=tv\n");
    EXPECT_EQ(bench.run("crm_attribute -N pm01 -l forever -n a -G -q"), kOk);
    EXPECT_EQ(bench.out, "perm\n");
}

TEST(CrmAttribute, EndsWith105WithoutAValueAndShowsTheDefaultIfThereIsOne) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_attribute -t crm_config -n none -G"), kNoSuch);
    EXPECT_EQ(bench.out, "");
    EXPECT_EQ(bench.run("crm_attribute --type=crm_config --name=stonith-enabled --query --quiet "
                        "--default=true"),
              kOk);
    EXPECT_EQ(bench.out, "true\n");
}

TEST(CrmAttribute, SetsThePromotionScoreOfTheResourceThatCalls) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_attribute --promotion -v 10"), kUsage);
    bench.environment["OCF_RESOURCE_INSTANCE"] = "s";
    bench.environment["OCF_RESKEY_CRM_meta_on_node"] = "pm02";

    EXPECT_EQ(bench.run("crm_attribute -p -v 10"), kOk);
    ASSERT_EQ(bench.cluster.changes.size(), 1U);
    EXPECT_EQ(bench.cluster.changes[0].node, "pm02");
    EXPECT_EQ(bench.cluster.changes[0].name, "master-s");
    EXPECT_EQ(bench.cluster.changes[0].value, "10");
    EXPECT_EQ(bench.run("crm_attribute --promotion -D"), kOk);
    EXPECT_FALSE(bench.cluster.changes[1].value.has_value());
    EXPECT_EQ(bench.run("crm_master -Q -l reboot -v 100"), kOk);
    EXPECT_EQ(bench.cluster.changes[2].name, "master-s");
    EXPECT_EQ(bench.cluster.changes[2].value, "100");
}

TEST(CrmAttribute, WritesClusterOptionsIntoASetOfItsOwn) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_attribute --type crm_config --name db_REPL_INFO -s repl -v pm01|x|1"),
              kOk);
    EXPECT_EQ(bench.run("crm_attribute --type crm_config --name db_REPL_INFO -s repl --query -q"),
              kOk);
    EXPECT_EQ(bench.out, "pm01|x|1\n");
    EXPECT_NE(bench.cluster.document.find_id("repl"), nullptr);
    EXPECT_EQ(bench.run("crm_attribute --type crm_config --name db_REPL_INFO -s repl -D"), kOk);
    EXPECT_EQ(bench.run("crm_attribute --type crm_config --name db_REPL_INFO -s repl --query"),
              kNoSuch);
}

TEST(CrmAttribute, SetsUtilizationAndPermanentValuesOfANode) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_attribute -t nodes --node pm02 -z -n cpu -v 8"), kOk);
    EXPECT_EQ(bench.run("crm_attribute --quiet -t nodes --node pm02 -z -n cpu"), kOk);
    EXPECT_EQ(bench.out, "8\n");
    EXPECT_EQ(bench.run("crm_attribute -l forever --node=pm02 -n first -v 1"), kOk);
    EXPECT_EQ(bench.run("crm_attribute -l forever --node=pm02 -n first -D"), kOk);
    EXPECT_EQ(bench.run("crm_attribute -l forever --node=pm02 -n first -D"), kOk);
    EXPECT_EQ(bench.run("crm_attribute -l forever -N pm09 -n first -v 1"), kNoSuch);
}

TEST(CrmAttribute, RefusesWhatItDoesNotKnow) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_attribute --bogus"), kUsage);
    EXPECT_EQ(bench.run("crm_attribute -n"), kUsage);
    EXPECT_EQ(bench.run("crm_attribute -n a b"), kUsage);
    EXPECT_EQ(bench.run("crm_attribute -n a -t nonsense -G"), kUsage);
    bench.cluster.is_down = true;
    EXPECT_EQ(bench.run("crm_attribute -n a -G"), kDisconnected);
    EXPECT_NE(bench.err, "");
}

TEST(AttrdUpdater, SetsWithDelayPrivatelyAndForOthers) {
    Bench bench;
    bench.environment["OCF_RESKEY_CRM_meta_on_node"] = "pm01";
    EXPECT_EQ(bench.run("attrd_updater -n pingd -B 100 -d 5s"), kOk);
    EXPECT_EQ(bench.cluster.changes[0].dampening, std::chrono::seconds(5));
    EXPECT_EQ(bench.cluster.changes[0].node, "pm01");
    EXPECT_EQ(bench.run("attrd_updater -p -n db-gtid -U 0-1-2"), kOk);
    EXPECT_TRUE(bench.cluster.changes[1].is_private);
    EXPECT_EQ(bench.run("attrd_updater -n db-gtid -N pm02 -D"), kOk);
    EXPECT_EQ(bench.cluster.changes[2].node, "pm02");
    EXPECT_FALSE(bench.cluster.changes[2].value.has_value());
    EXPECT_EQ(bench.run("attrd_updater -d 0 -S status -n os -v Linux"), kOk);
    EXPECT_EQ(bench.run("attrd_updater -n x -v 1 -d soon"), kUsage);
    EXPECT_EQ(bench.run("attrd_updater -n x"), kUsage);
    EXPECT_EQ(bench.run("attrd_updater -Q"), kUsage);
}

TEST(AttrdUpdater, ShowsWhatWasAskedForLastEvenIfItStillWaits) {
    Bench bench;
    bench.add("pm01", "pingd", "100");
    bench.cluster.transients[0].is_waiting = true;
    bench.cluster.transients[0].expected = "0";
    bench.add("pm02", "pingd", "200");

    EXPECT_EQ(bench.run("attrd_updater -Q -n pingd -N pm01"), kOk);
    EXPECT_EQ(bench.out, "name=\"pingd\" host=\"pm01\" value=\"0\"\n");
    EXPECT_EQ(bench.run("attrd_updater -Q -n pingd -A"), kOk);
    EXPECT_EQ(bench.out,
              "name=\"pingd\" host=\"pm01\" value=\"0\"\n"
              "name=\"pingd\" host=\"pm02\" value=\"200\"\n");
    EXPECT_EQ(bench.run("attrd_updater -Q -n other"), kNoSuch);
}

TEST(CrmFailcount, AddsUpAllOperationsAndDeletesThem) {
    Bench bench;
    bench.add("pm01", "fail-count-d#monitor_10000", "2");
    bench.add("pm01", "fail-count-d#start_0", "1");
    bench.add("pm01", "fail-count-dd#start_0", "7");
    EXPECT_EQ(bench.run("crm_failcount -G -r d -N pm01"), kOk);
    EXPECT_EQ(bench.out, "scope=status  name=fail-count-d value=3\n");
    EXPECT_EQ(bench.run("crm_failcount -D -r d -N pm01"), kOk);
    EXPECT_EQ(bench.cluster.changes.size(), 2U);
    bench.add("pm01", "fail-count-d#stop_0", "INFINITY");
    EXPECT_EQ(bench.run("crm_failcount -G -q -r d -N pm01"), kOk);
    EXPECT_EQ(bench.out, "INFINITY\n");
}

TEST(CrmNode, TellsNameIdMembersPartitionAndQuorum) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_node -n"), kOk);
    EXPECT_EQ(bench.out, "pm01\n");
    EXPECT_EQ(bench.run("crm_node -i"), kOk);
    EXPECT_EQ(bench.out, "1\n");
    EXPECT_EQ(bench.run("crm_node -l"), kOk);
    EXPECT_EQ(bench.out, "1 pm01 member\n2 pm02 lost\n");
    EXPECT_EQ(bench.run("crm_node -p"), kOk);
    EXPECT_EQ(bench.out, "pm01 \n");
    EXPECT_EQ(bench.run("crm_node -q"), kOk);
    EXPECT_EQ(bench.out, "1\n");
    EXPECT_EQ(bench.run("crm_node"), kUsage);
}

TEST(CrmNode, KnowsTheNodeOfAnAgentWithoutADaemon) {
    Bench bench;
    bench.cluster.is_down = true;
    bench.environment["OCF_RESKEY_CRM_meta_on_node"] = "pm02";
    EXPECT_EQ(bench.run("crm_node -n"), kOk);
    EXPECT_EQ(bench.out, "pm02\n");
}

TEST(CrmResource, LocatesAndReadsAndWritesParameters) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_resource -r d -W"), kOk);
    EXPECT_EQ(bench.out, "resource d is running on: pm01\n");
    EXPECT_EQ(bench.run("crm_resource -r nope -W"), kNoSuch);
    EXPECT_EQ(bench.run("crm_resource -r d -g state"), kOk);
    EXPECT_EQ(bench.out, "/tmp/x\n");
    EXPECT_EQ(bench.run("crm_resource -r d -z -p cpu -v 3"), kOk);
    EXPECT_EQ(bench.run("crm_resource -Q -r d -z -g cpu"), kOk);
    EXPECT_EQ(bench.out, "3\n");
    EXPECT_EQ(bench.run("crm_resource --resource=d --utilization --delete-parameter=cpu"), kOk);
    EXPECT_EQ(bench.run("crm_resource -Q -r d -z -g cpu"), kOk);
    EXPECT_EQ(bench.out, "");
}

TEST(CrmResource, BansMovesClearsAndCleansUp) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_resource -r d --ban -N pm01"), kOk);
    EXPECT_NE(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
    EXPECT_EQ(bench.run("crm_resource --clear -r d"), kOk);
    EXPECT_EQ(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
    EXPECT_EQ(bench.run("crm_resource -C -r d -N pm01"), kOk);
    EXPECT_EQ(bench.cluster.calls.back(), "cleanup d pm01 failed");
    EXPECT_EQ(bench.run("crm_resource --fail -r d -N pm01"), kOk);
    EXPECT_EQ(bench.cluster.calls.back(), "fail d pm01");
    EXPECT_EQ(bench.run("crm_resource --move -r d"), kOk);
    EXPECT_NE(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
}

// What sticks where it is would stay there, whatever it prefers.
TEST(CrmResource, BansThePlaceThatAMoveByForceLeaves) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_resource --move -r d -N pm02"), kOk);
    EXPECT_EQ(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
    EXPECT_EQ(bench.run("crm_resource --move -r d -N pm02 --force"), kOk);
    ASSERT_NE(bench.cluster.document.find_id("cli-prefer-d"), nullptr);
    EXPECT_EQ(bench.cluster.document.find_id("cli-prefer-d")->get("node"), "pm02");
    EXPECT_NE(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
    EXPECT_NE(bench.out.find("'cli-ban-d-on-pm01'"), std::string::npos);
    EXPECT_EQ(bench.run("crm_resource --clear -r d"), kOk);
    EXPECT_EQ(bench.run("crm_resource --move -r d -N pm01 --force"), kOk) << "it is there";
    EXPECT_EQ(bench.cluster.document.find_id("cli-ban-d-on-pm01"), nullptr);
}

TEST(CibAdmin, ShowsTheCibASectionOrWhatAPathFinds) {
    Bench bench;
    EXPECT_EQ(bench.run("cibadmin -Q"), kOk);
    EXPECT_TRUE(bench.out.starts_with("<cib "));
    EXPECT_EQ(bench.run("cibadmin -Q -o nodes"), kOk);
    EXPECT_TRUE(bench.out.starts_with("<nodes>"));
    EXPECT_EQ(bench.run("cibadmin -Q --xpath //nvpair[@name='state']"), kOk);
    EXPECT_EQ(bench.out, "<nvpair id=\"d-ia-s\" name=\"state\" value=\"/tmp/x\"/>\n");
    EXPECT_EQ(bench.run("cibadmin -Q --xpath //node"), kOk);
    EXPECT_TRUE(bench.out.starts_with("<xpath-query>\n  <node id=\"1\""));
    EXPECT_EQ(bench.run("cibadmin -Q --xpath //nothing"), kNoSuch);
    EXPECT_EQ(bench.run("cibadmin -Q --xpath //["), kNoSuch);
    EXPECT_EQ(bench.run("cibadmin --replace"), kSoftware);
}

TEST(CrmTicket, GrantsRevokesAndShows) {
    Bench bench;
    EXPECT_EQ(bench.run("crm_ticket -t T --grant --force"), kOk);
    EXPECT_EQ(bench.cluster.calls.back(), "T granted true");
    EXPECT_EQ(bench.run("crm_ticket -t T -s"), kOk);
    EXPECT_EQ(bench.cluster.calls.back(), "T standby true");
    EXPECT_EQ(bench.run("crm_ticket -t T -G granted"), kOk);
    EXPECT_EQ(bench.out, "true\n");
    EXPECT_EQ(bench.run("crm_ticket -t T -G other"), kNoSuch);
    EXPECT_EQ(bench.run("crm_ticket -l"), kOk);
    EXPECT_EQ(bench.out, "T\tgranted           \n");
    EXPECT_EQ(bench.run("crm_ticket --grant"), kUsage);
}

TEST(StonithAdmin, FencesAndShowsWhatIsPending) {
    Bench bench;
    EXPECT_EQ(bench.run("stonith_admin --reboot=pm02 --tag controld"), kOk);
    EXPECT_EQ(bench.cluster.calls.back(), "fence pm02 reboot");
    bench.cluster.fences.push_back({.target = "pm02",
                                    .action = "reboot",
                                    .origin = "pm01",
                                    .outcome = "pending",
                                    .time_s = 1});
    EXPECT_EQ(bench.run("stonith_admin -H * --output-as xml"), kOk);
    EXPECT_NE(bench.out.find("extended-status=\"pending\""), std::string::npos);
}

TEST(Shims, LeaveWhatOnlyShowsToTheCommandLine) {
    const std::vector<std::string> words = {"-1", "--output-as=xml"};
    EXPECT_EQ(as_command("crm_mon", words),
              (std::vector<std::string>{"mon", "--one-shot", "--output-as=xml"}));
    EXPECT_FALSE(as_command("crm_node", words).has_value());
    using Words = std::vector<std::string>;
    EXPECT_EQ(
        as_command("crm_mon", Words{"-1rnAfotcDRb", "-m3", "-N", "-V"}),
        (Words{"mon", "--one-shot", "--inactive", "--group-by-node", "--attributes", "--failcounts",
               "--operations", "--timing-details", "--tickets", "--hide-headers", "--show-detail",
               "--brief", "--fence-history=3", "--output-as=text"}));
    EXPECT_EQ(as_command("crm_mon", Words{"-1", "--exclude=all", "-I", "nodes,bans", "-w"}),
              (Words{"mon", "--sections=-all,+nodes,+bans", "--one-shot", "--output-as=html",
                     "--html-cgi"}));
    EXPECT_EQ(as_command("crm_mon", Words{"-i", "1min", "--node", "pm01"}),
              (Words{"mon", "--interval=60", "--node=pm01"}));
    EXPECT_EQ(as_command("crm_mon", Words{"--nonsense"}), (Words{"mon", "--nonsense"}));
    EXPECT_FALSE(as_command("crm_mon", Words{"--version"}).has_value());
    EXPECT_FALSE(as_command("crm_mon", Words{"--help"}).has_value());
    EXPECT_EQ(as_command("crm_mon", Words{"-h", "a.html"}), (Words{"mon", "--as-html=a.html"}));
    EXPECT_EQ(as_command("crm_resource", Words{"--list-agents", "ocf:pacemaker"}),
              (Words{"ra", "list", "ocf", "pacemaker", "--types"}));
    EXPECT_EQ(as_command("crm_resource", Words{"--show-metadata=ocf:pacemaker:Dummy"}),
              (Words{"ra", "info", "ocf:pacemaker:Dummy", "--xml"}));
    EXPECT_EQ(as_command("crm_resource", Words{"-r", "d", "--restart"}),
              (Words{"resource", "restart", "d", "--yes"}));
    EXPECT_EQ(as_command("crm_resource", Words{"--force-check", "--resource=d"}),
              (Words{"resource", "force-check", "d"}));
    EXPECT_EQ(as_command("stonith_admin", Words{"-I"}),
              (Words{"ra", "list", "stonith", "--types"}));
    EXPECT_EQ(as_command("stonith_admin", Words{"-M", "-a", "fence_xvm"}),
              (Words{"ra", "info", "stonith:fence_xvm", "--xml"}));
    EXPECT_EQ(as_command("crm_simulate", Words{"-sL"}), (Words{"simulate", "--scores"}));
    // As crmsh asks for scores and for what is used.
    EXPECT_EQ(as_command("crm_simulate", Words{"-sUL"}), (Words{"simulate", "--scores"}));
    EXPECT_EQ(as_command("crm_simulate", Words{"-L", "--show-scores", "-S"}),
              (Words{"simulate", "--scores", "-S"}));
    EXPECT_EQ(as_command("crm_simulate", Words{"-L", "-x", "a.xml"}),
              (Words{"simulate", "-x", "a.xml"}));
    EXPECT_EQ(as_command("crm_resource", Words{}), (Words{"resource", "list"}));
    EXPECT_EQ(as_command("crm_resource", Words{"-L"}), (Words{"resource", "list"}));
    EXPECT_FALSE(as_command("crm_resource", Words{"-L", "-r"}).has_value());
    EXPECT_FALSE(as_command("nothing", words).has_value());
}

// A cluster may have thousands of resources, and an agent asks some of these in each monitor.
TEST(Shims, AskForNoMoreThanTheyNeed) {
    Bench bench;
    for (const char* line :
         {"crm_node -l", "crm_node -p", "crm_node -q", "crm_node -N 2", "crmadmin -D",
          "crmadmin -N", "crm_attribute -t crm_config -n no-quorum-policy -G",
          "crm_attribute -N pm01 -l forever -n a -G", "crm_resource -W -r d",
          "crm_resource -r d -g state", "crm_resource -r d -q", "crm_resource -l",
          "crm_resource -O", "crm_ticket -G granted -t T", "cibadmin -Q -o nodes",
          "cibadmin -Q --xpath /cib/configuration/resources/primitive[@id='d']",
          "crm_standby -G -N pm01", "crm_failcount -G -r d -N pm01"}) {
        EXPECT_EQ(bench.run(line), kOk) << line << bench.err;
        EXPECT_FALSE(bench.cluster.asked_whole) << line;
        EXPECT_NE(bench.out, "") << line;
    }
    EXPECT_EQ(bench.run("cibadmin -Q --xpath //primitive"), kOk);
    EXPECT_TRUE(bench.cluster.asked_whole);
}

}  // namespace
}  // namespace xbeat::shim
