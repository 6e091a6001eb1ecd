#include "agent/environment.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace xbeat::agent {
namespace {

Spawn spawn_of_dummy() {
    Spawn spawn;
    spawn.id = {1};
    spawn.provider = "heartbeat";
    spawn.type = "Dummy";
    spawn.action = "start";
    spawn.resource = "d";
    return spawn;
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

bool names(const std::vector<std::string>& lines, const std::string& name) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(name + "="); });
}

TEST(AgentEnvironment, HasWhatTheShellLibraryOfResourceAgentsReads) {
    Spawn spawn = spawn_of_dummy();
    spawn.parameters = {
        {"state", "/run/d"}, {"CRM_meta_timeout", "20000"}, {"crm_feature_set", "3.16.1"}};

    const auto lines = agent_environment(spawn, {.shim_directory = "/run/xbeat/shims"});

    ASSERT_TRUE(lines) << lines.error().context;
    for (const char* line :
         {"OCF_ROOT=/usr/lib/ocf", "OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=1",
          "OCF_EXIT_REASON_PREFIX=ocf-exit-reason:", "OCF_OUTPUT_FORMAT=text",
          "OCF_RESOURCE_INSTANCE=d", "OCF_RESOURCE_PROVIDER=heartbeat", "OCF_RESOURCE_TYPE=Dummy",
          "OCF_RESKEY_state=/run/d", "OCF_RESKEY_CRM_meta_timeout=20000",
          "OCF_RESKEY_crm_feature_set=3.16.1", "HA_SBIN_DIR=/run/xbeat/shims",
          "HA_RSCTMP=/run/resource-agents", "HA_LOGFACILITY=none", "HA_debug=0",
          "HA_cluster_type=corosync", "LC_ALL=C",
          "PATH=/run/xbeat/shims:/usr/sbin:/usr/bin:/sbin:/bin"}) {
        EXPECT_TRUE(has(*lines, line)) << line;
    }
    EXPECT_FALSE(names(*lines, "HA_LOGFILE"));
    EXPECT_FALSE(names(*lines, "HOME"));
}

TEST(AgentEnvironment, IsSortedAndNamesEachVariableOnce) {
    Spawn spawn = spawn_of_dummy();
    spawn.environment = {{"HA_debug", "1"}, {"OCF_CHECK_LEVEL", "20"}};

    const auto lines = agent_environment(spawn, {.log_file = "/var/log/agents"});

    ASSERT_TRUE(lines);
    EXPECT_TRUE(std::is_sorted(lines->begin(), lines->end()));
    EXPECT_TRUE(has(*lines, "HA_debug=1")) << "an extra variable replaces the standard one";
    EXPECT_FALSE(has(*lines, "HA_debug=0"));
    EXPECT_TRUE(has(*lines, "OCF_CHECK_LEVEL=20"));
    EXPECT_TRUE(has(*lines, "HA_LOGFILE=/var/log/agents"));
}

TEST(AgentEnvironment, GivesFenceAgentsNothingOfOcf) {
    Spawn spawn = spawn_of_dummy();
    spawn.agent_class = AgentClass::Stonith;

    const auto lines = agent_environment(spawn, {});

    ASSERT_TRUE(lines);
    EXPECT_EQ(*lines, (std::vector<std::string>{"LANG=C.UTF-8", "LC_ALL=C",
                                                "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}));
}

TEST(AgentEnvironment, RefusesBadNamesAndValues) {
    const auto refuses = [](Parameter parameter) {
        Spawn spawn = spawn_of_dummy();
        spawn.parameters = {std::move(parameter)};
        const auto lines = agent_environment(spawn, {});
        return !lines && lines.error().code == Code::Invalid;
    };
    EXPECT_TRUE(refuses({"", "v"}));
    EXPECT_TRUE(refuses({"1st", "v"}));
    EXPECT_TRUE(refuses({"a b", "v"}));
    EXPECT_TRUE(refuses({"a=b", "v"}));
    EXPECT_TRUE(refuses({"a-b", "v"}));
    EXPECT_TRUE(refuses({"a\n", "v"}));
    EXPECT_TRUE(refuses({"BASH_FUNC_x%%", "() { evil; }"}));
    EXPECT_TRUE(refuses({std::string("a\0b", 3), "v"}));
    EXPECT_TRUE(refuses({"a", std::string("v\0w", 3)}));
    EXPECT_TRUE(refuses({std::string(129, 'a'), "v"}));
    EXPECT_FALSE(refuses({std::string(128, 'a'), "v"}));
    EXPECT_FALSE(refuses({"_a1", "any\ntext = fine"}));
}

TEST(AgentEnvironment, RefusesAParameterThatIsGivenTwice) {
    Spawn spawn = spawn_of_dummy();
    spawn.parameters = {{"ip", "10.0.0.1"}, {"ip", "10.0.0.2"}};
    EXPECT_FALSE(agent_environment(spawn, {}));
}

TEST(AgentEnvironment, RefusesParametersWhereNobodyReadsThem) {
    Spawn spawn = spawn_of_dummy();
    spawn.parameters = {{"ip", "10.0.0.1"}};
    spawn.agent_class = AgentClass::Lsb;
    EXPECT_FALSE(agent_environment(spawn, {}));
    spawn.agent_class = AgentClass::Stonith;
    EXPECT_FALSE(agent_environment(spawn, {}));
}

TEST(AgentEnvironment, RefusesVariablesThatProgramsObey) {
    for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "IFS", "PATH",
                             "PYTHONPATH", "PERL5OPT", "HOME", "SHELLOPTS", "LC_ALL", "ha_debug"}) {
        Spawn spawn = spawn_of_dummy();
        spawn.environment = {{name, "x"}};
        EXPECT_FALSE(agent_environment(spawn, {})) << name;
    }
}

TEST(LaunchEnvironment, TakesAnyNameButTheLinkers) {
    Launch launch;
    launch.environment = {{"PORT", "80"}, {"PATH", "/opt/bin"}};
    const auto lines = launch_environment(launch);
    ASSERT_TRUE(lines);
    EXPECT_EQ(*lines, (std::vector<std::string>{"LANG=C.UTF-8", "PATH=/opt/bin", "PORT=80"}));
    launch.environment = {{"LD_PRELOAD", "x"}};
    EXPECT_FALSE(launch_environment(launch));
    launch.environment = {{"a-b", "x"}};
    EXPECT_FALSE(launch_environment(launch));
}

}  // namespace
}  // namespace xbeat::agent
