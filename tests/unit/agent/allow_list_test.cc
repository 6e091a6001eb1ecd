#include "agent/allow_list.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "unit/agent/agent_lab.h"

namespace xbeat::agent {
namespace {

class AllowList : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: agents must belong to root";
        good = folder.agent("Good", "exit 0");
        roots.ocf_root = folder.path();
        roots.fence_directory = folder.path() + "/sbin";
        roots.lsb_directory = folder.path() + "/init.d";
    }

    // The reason of the refusal, or "opened".
    static std::string outcome(const std::variant<AgentFile, Refusal>& opened) {
        const Refusal* refusal = std::get_if<Refusal>(&opened);
        return refusal != nullptr ? std::string(to_string(refusal->reason)) : "opened";
    }
    std::string ocf(const std::string& type, const std::string& provider = "test") {
        return outcome(open_agent(roots, AgentClass::Ocf, provider, type));
    }

    AgentFolder folder;
    AllowedRoots roots;
    std::string good;
};

TEST_F(AllowList, OpensAnAgentThatOnlyRootMayWrite) {
    const auto opened = open_agent(roots, AgentClass::Ocf, "test", "Good");

    ASSERT_EQ(outcome(opened), "opened");
    EXPECT_EQ(std::get<AgentFile>(opened).path, good);
    EXPECT_TRUE(std::get<AgentFile>(opened).is_script);
}

TEST_F(AllowList, TellsProgramsFromScripts) {
    const auto opened = open_allowed("/usr/bin/true");

    ASSERT_EQ(outcome(opened), "opened");
    EXPECT_FALSE(std::get<AgentFile>(opened).is_script);
}

TEST_F(AllowList, RefusesNamesThatAreNotPlain) {
    for (const char* name : {"", ".", "..", "../Good", "a/b", "/bin/sh", ".ocf-shellfuncs", "-rf",
                             "a b", "a\nb", "a;b", "$(id)", "a*"}) {
        EXPECT_EQ(ocf(name), "bad-request") << name;
        EXPECT_EQ(ocf("Good", name), "bad-request") << name;
    }
    EXPECT_EQ(ocf(std::string("Good\0x", 6)), "bad-request");
    EXPECT_EQ(ocf(std::string(256, 'a')), "bad-request");
    EXPECT_EQ(ocf(std::string(255, 'a')), "missing");
}

TEST_F(AllowList, RefusesPathsThatAreNotPlain) {
    EXPECT_EQ(outcome(open_allowed("relative/path")), "bad-request");
    EXPECT_EQ(outcome(open_allowed("")), "bad-request");
    EXPECT_EQ(outcome(open_allowed("/")), "bad-request");
    EXPECT_EQ(outcome(open_allowed("/usr/../bin/true")), "bad-request");
    EXPECT_EQ(outcome(open_allowed("/usr/./bin/true")), "bad-request");
    EXPECT_EQ(outcome(open_allowed(std::string("/usr/bin/true\0x", 15))), "bad-request");
}

TEST_F(AllowList, RefusesAMissingAgentAndAMissingProvider) {
    EXPECT_EQ(ocf("Missing"), "missing");
    EXPECT_EQ(ocf("Good", "nobody"), "missing");
}

TEST_F(AllowList, RefusesASymbolicLinkToAnAgent) {
    std::filesystem::create_symlink(good, folder.path() + "/resource.d/test/Link");
    EXPECT_EQ(ocf("Link"), "not-allowed");
}

TEST_F(AllowList, RefusesASymbolicLinkInTheMiddle) {
    std::filesystem::create_symlink(folder.path() + "/resource.d/test",
                                    folder.path() + "/resource.d/linked");
    EXPECT_EQ(ocf("Good", "linked"), "not-allowed");
}

TEST_F(AllowList, RefusesAFileThatTheGroupMayWrite) {
    folder.agent("Group", "exit 0", 0775);
    EXPECT_EQ(ocf("Group"), "not-allowed");
}

TEST_F(AllowList, RefusesAFileThatEverybodyMayWrite) {
    folder.agent("World", "exit 0", 0757);
    EXPECT_EQ(ocf("World"), "not-allowed");
}

TEST_F(AllowList, RefusesAFileOfAnotherUser) {
    const std::string file = folder.agent("Foreign", "exit 0");
    ASSERT_EQ(::chown(file.c_str(), 65534, 0), 0);
    EXPECT_EQ(ocf("Foreign"), "not-allowed");
}

TEST_F(AllowList, RefusesAFolderOfAnotherUser) {
    ASSERT_EQ(::chown((folder.path() + "/resource.d").c_str(), 65534, 0), 0);
    EXPECT_EQ(ocf("Good"), "not-allowed");
}

TEST_F(AllowList, RefusesAFolderThatOthersMayWriteEvenIfSticky) {
    ASSERT_EQ(::chmod((folder.path() + "/resource.d").c_str(), 01777), 0);
    EXPECT_EQ(ocf("Good"), "not-allowed");
    ASSERT_EQ(::chmod((folder.path() + "/resource.d").c_str(), 0775), 0);
    EXPECT_EQ(ocf("Good"), "not-allowed");
    ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
    ASSERT_EQ(::chmod((folder.path() + "/resource.d").c_str(), 0755), 0);
    EXPECT_EQ(ocf("Good"), "not-allowed") << "the root itself";
}

TEST_F(AllowList, RefusesAnythingBelowTmp) {
    std::string name = "/tmp/xbeat-allow.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    std::ofstream(name + "/agent") << "#!/bin/sh\n";
    ::chmod((name + "/agent").c_str(), 0755);
    EXPECT_EQ(outcome(open_allowed(name + "/agent")), "not-allowed");
    std::filesystem::remove_all(name);
}

TEST_F(AllowList, RefusesFoldersPipesAndDevicesWithoutTouchingThem) {
    const std::string base = folder.path() + "/resource.d/test/";
    std::filesystem::create_directory(base + "Folder");
    ASSERT_EQ(::mkfifo((base + "Pipe").c_str(), 0755), 0);
    ASSERT_EQ(::mknod((base + "Device").c_str(), S_IFCHR | 0755, ::makedev(1, 3)), 0);
    EXPECT_EQ(ocf("Folder"), "not-allowed");
    EXPECT_EQ(ocf("Pipe"), "not-allowed") << "and opening it for reading would have blocked";
    EXPECT_EQ(ocf("Device"), "not-allowed");
}

TEST_F(AllowList, RefusesSetUidAndSetGidFiles) {
    folder.agent("Suid", "exit 0", 04755);
    folder.agent("Sgid", "exit 0", 02755);
    EXPECT_EQ(ocf("Suid"), "not-allowed");
    EXPECT_EQ(ocf("Sgid"), "not-allowed");
}

TEST_F(AllowList, RefusesAFileThatIsNotExecutable) {
    folder.agent("Plain", "exit 0", 0644);
    folder.agent("ForOthers", "exit 0", 0655);
    EXPECT_EQ(ocf("Plain"), "not-executable");
    EXPECT_EQ(ocf("ForOthers"), "not-executable");
}

TEST_F(AllowList, RefusesAFileWhereAFolderShouldBe) {
    folder.write("resource.d/file", "x");
    EXPECT_EQ(ocf("Good", "file"), "missing");
}

TEST_F(AllowList, FindsEachClassOnlyInItsOwnFolder) {
    folder.write("sbin/fence_good", "#!/bin/sh\n");
    folder.write("sbin/reboot", "#!/bin/sh\n");
    folder.write("init.d/thing", "#!/bin/sh\n");
    const auto open = [this](AgentClass agent_class, const char* type) {
        return outcome(open_agent(roots, agent_class, "test", type));
    };
    EXPECT_EQ(open(AgentClass::Stonith, "fence_good"), "opened");
    EXPECT_EQ(open(AgentClass::Stonith, "reboot"), "bad-request") << "does not begin with fence_";
    EXPECT_EQ(open(AgentClass::Stonith, "Good"), "bad-request");
    EXPECT_EQ(open(AgentClass::Lsb, "thing"), "opened");
    EXPECT_EQ(open(AgentClass::Lsb, "fence_good"), "missing");
    EXPECT_EQ(open(AgentClass::Ocf, "thing"), "missing");
}

TEST_F(AllowList, OpensEveryInstalledAgent) {
    const std::filesystem::path installed = "/usr/lib/ocf/resource.d/heartbeat";
    if (!std::filesystem::exists(installed)) GTEST_SKIP() << "resource-agents is not installed";
    int opened = 0;
    for (const auto& entry : std::filesystem::directory_iterator(installed)) {
        if (!entry.is_regular_file() || entry.path().filename().string().starts_with('.')) continue;
        if ((entry.status().permissions() & std::filesystem::perms::owner_exec) ==
            std::filesystem::perms::none) {
            continue;
        }
        EXPECT_EQ(
            outcome(open_agent({}, AgentClass::Ocf, "heartbeat", entry.path().filename().string())),
            "opened")
            << entry.path();
        ++opened;
    }
    EXPECT_GT(opened, 100);
}

}  // namespace
}  // namespace xbeat::agent
