// The command line's grammar: every wrong use is refused with a sentence that helps.
#include "cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/exit_code.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using testing::run_words;

struct WrongUse {
    std::vector<std::string> words;
    std::string says;  // a part of the error
};

class CommandLine : public ::testing::TestWithParam<WrongUse> {};

TEST_P(CommandLine, RefusesAWrongUseAndSaysWhatIsWrong) {
    const Ran ran = run_words(GetParam().words);

    EXPECT_EQ(ran.code, ExitCode::Usage);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr(GetParam().says));
    EXPECT_THAT(ran.err, HasSubstr("--help' shows how to use it."));
}

INSTANTIATE_TEST_SUITE_P(
    Unknown, CommandLine,
    ::testing::Values(WrongUse{{"statsu"}, "did you mean 'status'?"},
                      WrongUse{{"zzz"}, "has no command 'zzz'\n"},
                      WrongUse{{"resource", "mvoe", "web"}, "did you mean 'move'?"},
                      WrongUse{{"node", "standbye", "pm01"}, "did you mean 'standby'?"},
                      WrongUse{{"configure", "primitve", "x"}, "did you mean 'primitive'?"},
                      WrongUse{{"configure", "load", "updat", "f"}, "did you mean 'update'?"},
                      WrongUse{{"status", "--inactiv"}, "did you mean '--inactive'?"},
                      WrongUse{{"status", "-Z"}, "has no option -Z"},
                      WrongUse{{"status", "--file=x", "--wat"}, "has no option --wat"}));

INSTANTIATE_TEST_SUITE_P(
    Missing, CommandLine,
    ::testing::Values(WrongUse{{"keygen"}, "FILE is required"},
                      WrongUse{{"resource"}, "needs a command: "},
                      WrongUse{{"resource", "move"}, "RSC is required"},
                      WrongUse{{"resource", "start"}, "RSC is required"},
                      WrongUse{{"resource", "fail"}, "RSC is required"},
                      WrongUse{{"resource", "locate"}, "RSC is required"},
                      WrongUse{{"resource", "meta", "web"}, "WHAT is required"},
                      WrongUse{{"resource", "meta", "web", "set", "priority"}, "needs a VALUE"},
                      WrongUse{{"node", "fence"}, "NODE is required"},
                      WrongUse{{"node", "confirm"}, "NODE is required"},
                      WrongUse{{"node", "attribute", "pm01", "set", "x"}, "a VALUE"},
                      WrongUse{{"configure"}, "needs a command: "},
                      WrongUse{{"configure", "load"}, "needs a command: "},
                      WrongUse{{"configure", "load", "update"}, "FILE is required"},
                      WrongUse{{"configure", "delete"}, "IDS is required"},
                      WrongUse{{"configure", "property"}, "needs words behind it"},
                      WrongUse{{"status", "--file"}, "--file"}));

INSTANTIATE_TEST_SUITE_P(
    Further, CommandLine,
    ::testing::Values(WrongUse{{"keygen", "a", "b"}, "does not take the further word 'b'"},
                      WrongUse{{"version", "x"}, "does not take the further word 'x'"},
                      WrongUse{{"resource", "move", "a", "b", "c"}, "further word 'c'"},
                      WrongUse{{"node", "standby", "a", "b"}, "further word 'b'"},
                      WrongUse{{"timeline", "x"}, "further word 'x'"}));

INSTANTIATE_TEST_SUITE_P(
    Contradictory, CommandLine,
    ::testing::Values(WrongUse{{"node", "fence", "pm02", "--off", "--on"}, "exclude each other"},
                      WrongUse{{"status", "--watch", "--file", "x"}, "--watch"},
                      WrongUse{{"status", "-m", "9"}, "not in range"},
                      WrongUse{{"events", "--rows", "0"}, "not in range"},
                      WrongUse{{"events", "--since", "yesterday"}, "neither the number"},
                      WrongUse{{"resource", "meta", "web", "shwo", "x"}, "shwo"}));

// All others are walked in every_command_test.cc; these have more than one way to ask.
TEST(Run, NamesTheCommandThatDoesNotKnowTheWordWhateverStandsBehindIt) {
    const Ran verb = run_words({"resource", "failcount", "d", "show"});
    EXPECT_EQ(verb.code, ExitCode::Usage);
    EXPECT_THAT(verb.err, HasSubstr("'xbeat resource' has no command 'failcount'"));
    const Ran noun = run_words({"corosync", "status"});
    EXPECT_THAT(noun.err, HasSubstr("'xbeat' has no command 'corosync'"));
    const Ran further = run_words({"status", "one-too-many"});
    EXPECT_THAT(further.err, HasSubstr("'xbeat status' does not take the further word"));
}

class WithoutADaemon : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(WithoutADaemon, SaysHowToStartOneAndGivesItsOwnExitCode) {
    const Ran ran = run_words(GetParam());

    EXPECT_EQ(ran.code, ExitCode::Unavailable);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("xbeatd does not run"));
    EXPECT_THAT(ran.err, HasSubstr("systemctl start xbeatd"));
}

INSTANTIATE_TEST_SUITE_P(AllThatAsk, WithoutADaemon,
                         ::testing::Values(std::vector<std::string>{},
                                           std::vector<std::string>{"status", "--watch"},
                                           std::vector<std::string>{"mon", "-1"},
                                           std::vector<std::string>{"events", "--follow"},
                                           std::vector<std::string>{"node", "standby"}));

TEST(Version, IsPrinted) { EXPECT_EQ(run_words({"version"}).out, "xbeat 0.1.0\n"); }

TEST(Arguments, OfTenMegabytesAreRefusedWithoutRepeatingThem) {
    const Ran ran = run_words({std::string(10'000'000, 'a')});

    EXPECT_EQ(ran.code, ExitCode::Usage);
    EXPECT_LT(ran.err.size(), 1000U);
}

TEST(ExitCode, TellsTheKindsOfErrorApart) {
    const std::vector<std::pair<Code, ExitCode>> rows{
        {Code::Invalid, ExitCode::BadConfig},       {Code::NotFound, ExitCode::NoSuchObject},
        {Code::Exists, ExitCode::Exists},           {Code::Conflict, ExitCode::Outdated},
        {Code::Denied, ExitCode::NoPermission},     {Code::Limit, ExitCode::BadConfig},
        {Code::Unavailable, ExitCode::Unavailable}, {Code::Unsafe, ExitCode::Unsafe},
        {Code::Timeout, ExitCode::TimedOut},        {Code::Corrupt, ExitCode::BadData}};
    for (const auto& [code, wanted] : rows) {
        EXPECT_EQ(exit_code_of({.code = code, .context = {}}), wanted) << to_string(code);
    }
    EXPECT_EQ(exit_code_of({.code = Code::System, .context = {}, .system_errno = ENOENT}),
              ExitCode::NoInput);
    EXPECT_EQ(exit_code_of({.code = Code::System, .context = {}, .system_errno = EACCES}),
              ExitCode::NoPermission);
    EXPECT_EQ(exit_code_of({.code = Code::System, .context = {}, .system_errno = ENOSPC}),
              ExitCode::OutputFailed);
    EXPECT_EQ(exit_code_of({.code = Code::System, .context = {}, .system_errno = EMFILE}),
              ExitCode::Error);
}

}  // namespace
}  // namespace xbeat::cli
