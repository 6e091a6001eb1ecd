// cibadmin as Pacemaker's own (2.1.5) answers it on a file: the exit code, the words, and what has
// become of the document.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "shim/cib_edit.h"
#include "unit/shim/fake_cluster.h"

namespace xbeat::shim {
namespace {

using Words = std::vector<std::string>;

struct Row {
    const char* what;
    Words words;
    int code;
    const char* there;  // an XPath that finds something afterwards; null: nothing is looked for
    const char* gone;   // one that finds nothing
};

constexpr const char* kNew = R"(<primitive id="e" class="ocf" provider="heartbeat" type="Dummy"/>)";
constexpr const char* kStateful =
    R"(<primitive id="d" class="ocf" provider="heartbeat" type="Stateful"/>)";
constexpr const char* kMeta =
    R"(<meta_attributes id="d-m"><nvpair id="d-m-t" name="target-role" value="Stopped"/></meta_attributes>)";

bool finds(const cib::Element& document, const char* xpath) {
    const auto found = find_xpath(document, xpath);
    EXPECT_TRUE(found) << xpath;
    return found && !found->empty();
}

void check(std::span<const Row> rows) {
    for (const Row& row : rows) {
        Bench bench;
        const cib::Element before = bench.cluster.document;
        const int code = bench.run("cibadmin", row.words);
        EXPECT_EQ(code, row.code) << row.what << '\n' << bench.err;
        const cib::Element& document = bench.cluster.document;
        if (row.there != nullptr) {
            EXPECT_TRUE(finds(document, row.there)) << row.what;
        }
        if (row.gone != nullptr) {
            EXPECT_FALSE(finds(document, row.gone)) << row.what;
        }
        const bool is_untouched = row.there == nullptr && row.gone == nullptr;
        if (is_untouched) {
            EXPECT_EQ(document, before) << row.what;
        }
        EXPECT_EQ(code == kOk, bench.err.empty()) << row.what << '\n' << bench.err;
    }
}

const Row kCreateRows[] = {
    {"into a section", {"-C", "-o", "resources", "-X", kNew}, kOk, "//primitive[@id='e']", nullptr},
    {"the long form",
     {"--create", "--scope=resources", std::string("--xml-text=") + kNew},
     kOk,
     "//primitive[@id='e']",
     nullptr},
    {"a section's elements",
     {"-C", "-o", "resources", "-X", std::string("<resources>") + kNew + "</resources>"},
     kOk,
     "/cib/configuration/resources/primitive[@id='e']",
     "//resources/resources"},
    {"what is there", {"-C", "-o", "resources", "-X", kStateful}, kExists, nullptr, nullptr},
    {"without a section", {"-C", "-X", kNew}, kNoSuch, nullptr, nullptr},
    {"a constraint",
     {"-C", "-o", "constraints", "-X", R"(<rsc_location id="l" rsc="d" node="pm01" score="5"/>)"},
     kOk,
     "/cib/configuration/constraints/rsc_location[@id='l']",
     nullptr},
    {"a constraint on nothing",
     {"-C", "-o", "constraints", "-X", R"(<rsc_location id="l" rsc="nix" node="pm01" score="5"/>)"},
     kConfiguration,
     nullptr,
     nullptr},
    {"in a section that was not there",
     {"-C", "-o", "tags", "-X", R"(<tag id="x"><obj_ref id="d"/></tag>)"},
     kOk,
     "/cib/configuration/tags/tag/obj_ref[@id='d']",
     nullptr},
    {"below an XPath",
     {"-C", "-A", "//primitive[@id='d']", "-X", kMeta},
     kOk,
     "//primitive/meta_attributes/nvpair[@value='Stopped']",
     nullptr},
    {"below nothing", {"-C", "-A", "//group", "-X", kMeta}, kNoSuch, nullptr, nullptr},
    {"unusable",
     {"-C", "-o", "resources", "-X", R"(<primitive id="bad"/>)"},
     kConfiguration,
     nullptr,
     nullptr},
    {"half an element", {"-C", "-o", "resources", "-X", "<bad"}, kConfiguration, nullptr, nullptr},
    {"nothing", {"-C", "-o", "resources"}, kSoftware, nullptr, nullptr},
    {"a file that is not there",
     {"-C", "-o", "resources", "-x", "/nonexistent"},
     kConfiguration,
     nullptr,
     nullptr},
};

const Row kModifyRows[] = {
    {"by id",
     {"-M", "-X", R"(<nvpair id="d-ia-s" value="/tmp/y"/>)"},
     kOk,
     "//nvpair[@id='d-ia-s' and @name='state' and @value='/tmp/y']",
     "//nvpair[@value='/tmp/x']"},
    {"what is not there",
     {"-M", "-X", R"(<nvpair id="none" value="y"/>)"},
     kNoSuch,
     nullptr,
     nullptr},
    {"what is not there, allowed",
     {"-M", "-c", "-o", "resources", "-X", kNew},
     kOk,
     "//primitive[@id='e']",
     nullptr},
    {"what is not there, not allowed",
     {"-M", "-o", "resources", "-X", kNew},
     kNoSuch,
     nullptr,
     nullptr},
    {"with children that are new",
     {"-M", "-X", std::string(R"(<primitive id="d">)") + kMeta + "</primitive>"},
     kOk,
     "//primitive[@type='Dummy']/meta_attributes/nvpair[@name='target-role']",
     nullptr},
    {"a whole section",
     {"-M", "-o", "crm_config", "-X",
      R"(<crm_config><cluster_property_set id="cib-bootstrap-options">)"
      R"(<nvpair id="q" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>)"},
     kOk,
     "//cluster_property_set[nvpair/@id='q' and nvpair/@id='p']",
     "//crm_config/crm_config"},
    {"an XPath's element with its id",
     {"-M", "-A", "//primitive[@id='d']", "-X", R"(<primitive id="d" type="Stateful"/>)"},
     kOk,
     "//primitive[@type='Stateful']/instance_attributes",
     nullptr},
    {"an XPath's element without its id",
     {"-M", "-A", "//nvpair[@name='state']", "-X", R"(<nvpair value="7"/>)"},
     kNoSuch,
     nullptr,
     nullptr},
    {"nothing by XPath",
     {"-M", "-A", "//nvpair[@name='no']", "-X", R"(<nvpair value="7"/>)"},
     kNoSuch,
     nullptr,
     nullptr},
    {"a number that counts on",
     {"-M", "-X", R"(<cib admin_epoch="admin_epoch++"/>)"},
     kOk,
     "/cib[@admin_epoch='1']",
     nullptr},
    {"a number that is added to",
     {"-M", "-X", R"(<cib admin_epoch="admin_epoch+=5"/>)"},
     kOk,
     "/cib[@admin_epoch='5']",
     nullptr},
    {"the status",
     {"-M", "-X", R"(<ticket_state id="T" granted="false"/>)"},
     kNotAllowed,
     nullptr,
     nullptr},
};

const Row kReplaceRows[] = {
    {"by id",
     {"-R", "-X", kStateful},
     kOk,
     "//primitive[@type='Stateful']",
     "//primitive/instance_attributes"},
    {"in a section",
     {"-R", "-o", "resources", "-X", kStateful},
     kOk,
     "//primitive[@type='Stateful']",
     "//primitive/instance_attributes"},
    {"a section",
     {"-R", "-o", "resources", "-X", "<resources/>"},
     kOk,
     "/cib/configuration/resources",
     "//primitive"},
    {"what is not there", {"-R", "-o", "resources", "-X", kNew}, kNoSuch, nullptr, nullptr},
    {"by XPath",
     {"-R", "-A", "//primitive[@id='d']", "-X", kStateful},
     kOk,
     "//primitive[@type='Stateful']",
     "//primitive/instance_attributes"},
    {"nothing by XPath", {"-R", "-A", "//group", "-X", kStateful}, kNoSuch, nullptr, nullptr},
    {"the document, from the present version",
     {"-R", "-X",
      R"(<cib epoch="5"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>)"},
     kOk,
     "/cib/status/node_state",
     "//primitive"},
    {"the document, from an older version",
     {"-R", "-X",
      R"(<cib epoch="4"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>)"},
     kOld,
     nullptr,
     nullptr},
    {"the document, with a higher admin_epoch",
     {"-R", "-X",
      R"(<cib admin_epoch="2" epoch="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>)"},
     kOk,
     "/cib[@admin_epoch='2']",
     "//primitive"},
};

const Row kDeleteRows[] = {
    {"by id", {"-D", "-X", R"(<primitive id="d"/>)"}, kOk, "//resources", "//primitive"},
    {"in a section",
     {"-D", "-o", "resources", "-X", R"(<primitive id="d"/>)"},
     kOk,
     "//resources",
     "//primitive"},
    {"with another attribute",
     {"-D", "-X", R"(<primitive id="d" type="none"/>)"},
     kOk,
     nullptr,
     nullptr},
    {"what is not there", {"-D", "-X", R"(<primitive id="none"/>)"}, kOk, nullptr, nullptr},
    {"a section's elements, none",
     {"-D", "-o", "resources", "-X", "<resources/>"},
     kOk,
     nullptr,
     nullptr},
    {"by XPath",
     {"-D", "-A", "//nvpair[@name='state']"},
     kOk,
     "//nvpair[@id='p']",
     "//nvpair[@name='state']"},
    {"nothing by XPath", {"-D", "-A", "//nvpair[@name='no']"}, kOk, nullptr, nullptr},
    {"the first of several",
     {"-D", "-A", "//nvpair"},
     kOk,
     "//nvpair[@id='d-ia-s']",
     "//nvpair[@id='p']"},
    {"all of several", {"-D", "-d", "-f", "-A", "//nvpair"}, kOk, "//primitive", "//nvpair"},
    {"all of several without force", {"-d", "-A", "//nvpair"}, kUnsafe, nullptr, nullptr},
    {"what the rest needs", {"-D", "-A", "//configuration"}, kConfiguration, nullptr, nullptr},
    {"nothing said", {"-D"}, kSoftware, nullptr, nullptr},
    {"the status", {"-D", "-A", "//node_state"}, kNotAllowed, nullptr, nullptr},
    {"no XPath", {"-D", "-A", "//["}, kNoSuch, nullptr, nullptr},
    {"everything without force", {"-E"}, kUnsafe, nullptr, nullptr},
    {"everything",
     {"-E", "--force"},
     kOk,
     "/cib[@admin_epoch='1']//node[@uname='pm02']",
     "//primitive"},
    {"nothing, upgraded", {"--upgrade", "--force"}, kOk, nullptr, nullptr},
    {"nothing, without force", {"-u"}, kUnsafe, nullptr, nullptr},
    {"left out: bump", {"-B"}, kNotSupported, nullptr, nullptr},
    {"left out: rights", {"-Q", "-U", "tony"}, kNotSupported, nullptr, nullptr},
    {"nothing asked for", {}, kUsage, nullptr, nullptr},
    {"an unknown option", {"--nonsense"}, kUsage, nullptr, nullptr},
    {"a word too much", {"-Q", "foo"}, kUsage, nullptr, nullptr},
};

TEST(Cibadmin, CreatesAsPacemakersDoes) { check(kCreateRows); }
TEST(Cibadmin, ModifiesAsPacemakersDoes) { check(kModifyRows); }
TEST(Cibadmin, ReplacesAsPacemakersDoes) { check(kReplaceRows); }
TEST(Cibadmin, DeletesAsPacemakersDoes) { check(kDeleteRows); }

TEST(Cibadmin, TellsWhyNothingWasCreatedAsXml) {
    Bench bench;
    EXPECT_EQ(bench.run("cibadmin", {"-C", "-o", "resources", "-X", kStateful}), kExists);
    EXPECT_EQ(bench.err, "Call failed: File exists\n");
    EXPECT_TRUE(
        bench.out.starts_with("<failed>\n  <failed_update id=\"d\" object_type=\"primitive\" "
                              "operation=\"cib_create\" reason=\"File exists\">\n"))
        << bench.out;
}

TEST(Cibadmin, TakesXmlFromAFileAndFromItsInput) {
    Bench bench;
    bench.input = kNew;
    EXPECT_EQ(bench.run("cibadmin -C -o resources -p"), kOk);
    EXPECT_TRUE(finds(bench.cluster.document, "//primitive[@id='e']"));

    const std::string file = std::filesystem::temp_directory_path() / "xbeat-cibadmin-test.xml";
    std::ofstream(file) << kStateful;
    EXPECT_EQ(bench.run("cibadmin -R -o resources -x " + file), kOk);
    std::filesystem::remove(file);
    EXPECT_TRUE(finds(bench.cluster.document, "//primitive[@type='Stateful']"));
}

TEST(Cibadmin, ShowsPathsElementsWithoutChildrenAndOnlyWhatIsAskedFor) {
    Bench bench;
    EXPECT_EQ(bench.run("cibadmin -Q -A //nvpair -e"), kOk);
    EXPECT_EQ(bench.out,
              "/cib/configuration/crm_config/cluster_property_set[@id='cib-bootstrap-options']"
              "/nvpair[@id='p']\n"
              "/cib/configuration/nodes/node[@id='1']/instance_attributes[@id='nodes-1']"
              "/nvpair[@id='nodes-1-a']\n"
              "/cib/configuration/resources/primitive[@id='d']/instance_attributes[@id='d-ia']"
              "/nvpair[@id='d-ia-s']\n");
    EXPECT_EQ(bench.run("cibadmin -Q -A //nvpair[@id='p']/@id"), kOk);
    EXPECT_EQ(bench.out, "<nvpair id=\"p\" name=\"no-quorum-policy\" value=\"freeze\"/>\n");
    EXPECT_EQ(bench.run("cibadmin -Q -l -n -A //primitive"), kOk);
    EXPECT_EQ(bench.out,
              "<primitive id=\"d\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/>\n");
    EXPECT_EQ(bench.run("cibadmin -Q -o tags"), kNoSuch);
    EXPECT_EQ(bench.run("cibadmin -Q -A count(//primitive)"), kNoSuch);
    EXPECT_NE(bench.err.find("no XPath"), std::string::npos) << bench.err;
}

// The digests are those that Pacemaker 2.1.5 prints for this text.
TEST(Cibadmin, MakesDigestsAndAnEmptyDocumentWithoutACluster) {
    Bench bench;
    bench.cluster.is_down = true;
    bench.input =
        R"(<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="5" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="p" name="no-quorum-policy" value="freeze"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="pm01"><instance_attributes id="nodes-1"><nvpair id="nodes-1-a" name="a" value="perm"/></instance_attributes></node>
      <node id="2" uname="pm02"/>
    </nodes>
    <resources>
      <primitive id="d" class="ocf" provider="heartbeat" type="Dummy">
        <instance_attributes id="d-ia"><nvpair id="d-ia-s" name="state" value="/tmp/x"/></instance_attributes>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>)";
    EXPECT_EQ(bench.run("cibadmin -5 -p"), kOk);
    EXPECT_EQ(bench.out, "Digest: 28d6dc7f5943cfe12a70eece823556bd\n");
    EXPECT_EQ(bench.run("cibadmin --md5-sum-versioned --xml-pipe"), kOk);
    EXPECT_EQ(bench.out, "Versioned (3.16.1) digest: d2343793ca53ccfa1a27e5ad5acd4160\n");
    EXPECT_EQ(bench.run("cibadmin -5"), kUsage);
    EXPECT_EQ(bench.run("cibadmin -a"), kOk);
    EXPECT_TRUE(cib::parse_xml(bench.out));
    EXPECT_EQ(bench.run("cibadmin -C -o resources -p"), kDisconnected);
}

constexpr const char* kPatch = R"(<diff format="2">
 <version><source admin_epoch="0" epoch="5" num_updates="9"/><target admin_epoch="0" epoch="6" num_updates="0"/></version>
 <change operation="delete" path="/cib/configuration/crm_config/cluster_property_set[@id='cib-bootstrap-options']/nvpair[@id='p']"/>
 <change operation="create" path="/cib/configuration/resources" position="0"><primitive id="e" class="ocf" provider="heartbeat" type="Dummy"/></change>
 <change operation="modify" path="/cib/configuration/resources/primitive[@id='d']"><change-list/>
  <change-result><primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/></change-result></change>
 <change operation="move" path="/cib/configuration/nodes/node[@id='2']" position="0"/>
</diff>)";

TEST(Cibadmin, AppliesAPatchToTheVersionThatItBeginsFrom) {
    Bench bench;
    bench.input = kPatch;
    EXPECT_EQ(bench.run("cibadmin -P -p"), kOk) << bench.err;
    const cib::Element& document = bench.cluster.document;
    EXPECT_FALSE(finds(document, "//nvpair[@id='p']"));
    EXPECT_TRUE(finds(document,
                      "//primitive[@id='e']/following-sibling::primitive[@id='d' and "
                      "@provider='pacemaker']/instance_attributes"));
    EXPECT_TRUE(finds(document, "//node[@id='2']/following-sibling::node[@id='1']"));
}

TEST(Cibadmin, RefusesAPatchFromAnotherVersionAndOneThatDoesNotFit) {
    Bench bench;
    bench.cluster.document.set("epoch", "6");
    const cib::Element before = bench.cluster.document;
    bench.input = kPatch;
    EXPECT_EQ(bench.run("cibadmin -P -p"), kOld);
    bench.input = R"(<diff format="2"><change operation="modify" path="/cib/nowhere"/></diff>)";
    EXPECT_EQ(bench.run("cibadmin -P -p"), kConfiguration);
    bench.input = R"(<diff format="1"/>)";
    EXPECT_EQ(bench.run("cibadmin -P -p"), kConfiguration);
    EXPECT_EQ(bench.cluster.document, before);
}

}  // namespace
}  // namespace xbeat::shim
