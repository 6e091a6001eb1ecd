// Two operators at once: who saved or edits an older configuration undoes nothing unseen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/base_version.h"
#include "unit/cli/fake_daemon.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using testing::FakeDaemon;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ok;
using testing::Ran;
using testing::run_words;
using ::testing::SizeIs;

// The configuration `epoch` of this cluster: each one has one resource more, r0 to rN, and was made
// by a user of that number.
std::string cib_of(int epoch) {
    std::string text = R"(<cib admin_epoch="0" num_updates="4" epoch=")" + std::to_string(epoch) +
                       R"(" cib-last-written="Sun Nov 29 08:00:00 2026" update-origin="pm02")" +
                       R"( update-user="uid )" + std::to_string(4'000'000 + epoch) +
                       R"("><configuration><crm_config/><nodes><node id="1" uname="pm01"/></nodes>)"
                       R"(<resources>)";
    for (int i = 0; i <= epoch; ++i) {
        text += R"(<primitive id="r)" + std::to_string(i) +
                R"(" class="ocf" provider="heartbeat" type="Dummy"/>)";
    }
    return text + "</resources><constraints/></configuration><status/></cib>";
}

// A daemon whose configuration others change.
struct Cluster {
    int epoch = 0;
    int remembered_since = 0;
    bool has_history = true;

    std::vector<std::string> operator()(const json& request) const {
        const std::string op = request.value("op", "");
        if (op == "cib") return {ok({{"cib", cib_of(epoch)}})};
        if (op == "ping") return {ok({{"node", "pm01"}})};
        if (op != "history") return {ok({{"message", "done: " + op}})};
        if (!has_history) return {R"({"ok":false,"code":"system","message":"no past"})"};
        const int number = request.value("number", 0);
        if (number != 0) {
            json one = row(number);
            one["cib"] = cib_of(number - 100);
            return {ok({{"entries", json::array({one})}})};
        }
        json rows = json::array();
        for (int e = remembered_since; e <= epoch; ++e) rows.push_back(row(100 + e));
        return {ok({{"entries", rows}})};
    }
    static json row(int number) {
        return {{"number", number},
                {"time_ms", 1'700'000'000'000},
                {"kind", "configuration"},
                {"cause", "configuration changed"},
                {"version", "0." + std::to_string(number - 100) + ".0"}};
    }
};

class LostUpdate : public ::testing::Test {
protected:
    LostUpdate() : daemon_([this](const json& request) { return cluster_(request); }) {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-lost-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
    }
    ~LostUpdate() override { std::filesystem::remove_all(folder_); }

    Ran xbeat(const std::vector<std::string>& words) { return run_words(words, daemon_.run_dir()); }
    [[nodiscard]] std::string file() const { return folder_ + "/saved"; }
    void append(const std::string& text) const { std::ofstream(file(), std::ios::app) << text; }
    void saved_at(int epoch, const std::string& form = "crm") {
        cluster_.epoch = epoch;
        ASSERT_EQ(xbeat({"configure", "save", file(), "--as", form}).code, ExitCode::Ok);
    }
    std::vector<json> sent() { return daemon_.requests("replace_configuration"); }

    Cluster cluster_;

private:
    std::string folder_;
    FakeDaemon daemon_;
};

TEST_F(LostUpdate, AFileOfTheNewestConfigurationIsTaken) {
    saved_at(3);
    append("primitive mine ocf:heartbeat:Dummy\n");

    const Ran ran = xbeat({"configure", "load", "replace", file()});

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    ASSERT_THAT(sent(), SizeIs(1));
    // The line that tells the version is no comment of the configuration.
    EXPECT_THAT(sent().front()["configuration"].get<std::string>(), Not(HasSubstr("<!--")));
}

TEST_F(LostUpdate, AFileOfAnOlderOneIsRefusedWithWhoChangedWhatAndWhen) {
    saved_at(3);
    append("primitive mine ocf:heartbeat:Dummy\n");
    cluster_.epoch = 5;

    const Ran ran = xbeat({"configure", "load", "replace", file()});

    EXPECT_EQ(ran.code, ExitCode::Outdated);
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_THAT(ran.err, HasSubstr("from configuration 0.3"));
    EXPECT_THAT(ran.err, HasSubstr("0.4  2023-11-14"));
    EXPECT_THAT(ran.err, HasSubstr("uid 4000004 on pm02"));
    EXPECT_THAT(ran.err, HasSubstr("primitive r4 added"));
    EXPECT_THAT(ran.err, HasSubstr("uid 4000005 on pm02"));
    EXPECT_THAT(ran.err, HasSubstr("primitive r5 added"));
    EXPECT_THAT(ran.err, Not(HasSubstr("primitive r3")));
    EXPECT_THAT(ran.err, HasSubstr("--force"));
}

TEST_F(LostUpdate, ForcePutsItInPlaceOfTheNewerOne) {
    saved_at(3);
    append("primitive mine ocf:heartbeat:Dummy\n");
    cluster_.epoch = 5;

    const Ran ran = xbeat({"configure", "load", "replace", file(), "--force"});

    EXPECT_EQ(ran.code, ExitCode::Ok) << ran.err;
    ASSERT_THAT(sent(), SizeIs(1));
    EXPECT_EQ(sent().front()["base_version"], "0.5");
}

TEST_F(LostUpdate, AnXmlFileTellsItsVersionToo) {
    saved_at(3, "xml");
    cluster_.epoch = 4;

    EXPECT_EQ(xbeat({"configure", "load", "replace", file()}).code, ExitCode::Outdated);
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(LostUpdate, WhatShowPrintsIsAFileAsWell) {
    cluster_.epoch = 3;
    append(xbeat({"configure", "show"}).out);
    cluster_.epoch = 4;

    EXPECT_EQ(xbeat({"configure", "load", "replace", file()}).code, ExitCode::Outdated);
}

TEST_F(LostUpdate, LinesAboveTheVersionHideItNot) {
    append("# for the audit\n");
    cluster_.epoch = 3;
    append(xbeat({"configure", "show"}).out);
    cluster_.epoch = 4;

    EXPECT_EQ(xbeat({"configure", "load", "replace", file()}).code, ExitCode::Outdated);
}

TEST_F(LostUpdate, AFileWithoutAVersionIsTakenAsItIs) {
    cluster_.epoch = 4;
    append("node 1: pm01\nprimitive mine ocf:heartbeat:Dummy\n");

    EXPECT_EQ(xbeat({"configure", "load", "replace", file()}).code, ExitCode::Ok);
    EXPECT_THAT(sent(), SizeIs(1));
}

TEST_F(LostUpdate, ObjectsOfAnOlderFileAreStillAdded) {
    saved_at(3);
    append("primitive mine ocf:heartbeat:Dummy\n");
    cluster_.epoch = 5;

    EXPECT_EQ(xbeat({"configure", "load", "update", file()}).code, ExitCode::Ok);
    ASSERT_THAT(sent(), SizeIs(1));
    EXPECT_THAT(sent().front()["configuration"].get<std::string>(), HasSubstr("r5"));
    EXPECT_THAT(sent().front()["configuration"].get<std::string>(), Not(HasSubstr("<!--")));
}

TEST_F(LostUpdate, WithoutAHistoryTheLastOneIsStillNamed) {
    saved_at(3);
    cluster_.epoch = 5;
    cluster_.has_history = false;

    const Ran ran = xbeat({"configure", "load", "replace", file()});

    EXPECT_EQ(ran.code, ExitCode::Outdated);
    EXPECT_THAT(ran.err, HasSubstr("0.5  Sun Nov 29 08:00:00 2026  uid 4000005 on pm02"));
}

TEST_F(LostUpdate, OfManyChangesTheNewestAreTold) {
    saved_at(3);
    cluster_.epoch = 40;

    const Ran ran = xbeat({"configure", "load", "replace", file()});

    EXPECT_THAT(ran.err, HasSubstr("primitive r40 added"));
    EXPECT_THAT(ran.err, HasSubstr("31 earlier"));
    EXPECT_THAT(ran.err, Not(HasSubstr("primitive r35 ")));
}

TEST_F(LostUpdate, ForgottenOnesAreNotBlamedOnTheFirstThatIsRemembered) {
    saved_at(3);
    cluster_.epoch = 10;
    cluster_.remembered_since = 8;

    const Ran ran = xbeat({"configure", "load", "replace", file()});

    EXPECT_THAT(ran.err, HasSubstr("primitive r9 added"));
    EXPECT_THAT(ran.err, Not(HasSubstr("primitive r8 ")));
    EXPECT_THAT(ran.err, HasSubstr("4 earlier"));
}

// The editor that another operator is faster than: it changes the cluster itself.
TEST_F(LostUpdate, AnEditOfAnOlderConfigurationIsRefusedAndKept) {
    cluster_.epoch = 3;
    const std::string script = file() + "-editor";
    std::ofstream(script) << "#!/bin/sh\necho 'primitive mine ocf:heartbeat:Dummy' >> \"$1\"\n"
                          << "touch " << file() << "-was-here\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    ::setenv("VISUAL", script.c_str(), 1);
    FakeDaemon slow([&](const json& request) {
        Cluster now = cluster_;
        if (std::filesystem::exists(file() + "-was-here")) now.epoch = 4;
        return now(request);
    });

    const Ran ran = run_words({"configure", "edit"}, slow.run_dir());
    const std::size_t at = ran.err.find("kept in ");
    ASSERT_NE(at, std::string::npos) << ran.err;
    const std::string kept = ran.err.substr(at + 8, ran.err.find(';', at) - at - 8);
    const Ran loaded = run_words({"configure", "load", "replace", kept}, slow.run_dir());
    const Ran forced = run_words({"configure", "load", "replace", kept, "--force"}, slow.run_dir());
    ::unsetenv("VISUAL");
    std::filesystem::remove(kept);

    EXPECT_EQ(ran.code, ExitCode::Outdated);
    EXPECT_THAT(ran.err, HasSubstr("uid 4000004 on pm02"));
    EXPECT_THAT(ran.err, HasSubstr("primitive r4 added"));
    EXPECT_EQ(loaded.code, ExitCode::Outdated);
    EXPECT_EQ(forced.code, ExitCode::Ok) << forced.err;
    EXPECT_THAT(slow.requests("replace_configuration"), SizeIs(1));
}

TEST(SavedText, OnlyOurOwnLineIsTakenAway) {
    const std::string text = "# xbeat configuration tomorrow\n# mine\nnode pm01\n";

    EXPECT_FALSE(read_saved("# other\nnode pm01\n").base);
    EXPECT_EQ(read_saved("# other\nnode pm01\n").text, "# other\nnode pm01\n");
    EXPECT_FALSE(read_saved(text).base);
    EXPECT_FALSE(read_saved("<cib epoch=\"7\"").base);  // no XML: its loader says why
    EXPECT_FALSE(read_saved("<configuration/>").base);
    const SavedText own = read_saved("# xbeat configuration 2.17: words\nnode pm01\n");
    EXPECT_EQ(own.text, "\nnode pm01\n");
    ASSERT_TRUE(own.base);
    EXPECT_EQ(cib::to_string(*own.base), "2.17.0");
}

}  // namespace
}  // namespace xbeat::cli
