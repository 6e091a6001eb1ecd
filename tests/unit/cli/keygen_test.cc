#include "cli/keygen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using testing::run_words;

class Folder {
public:
    Folder() {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-key-XXXXXX").string();
        path_ = ::mkdtemp(form.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

std::string bytes_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Keygen, WritesThirtyTwoBytesThatOnlyTheOwnerCanRead) {
    const Folder folder;

    const auto ran = run_words({"keygen", folder.file("key")});

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(bytes_of(folder.file("key")).size(), kKeyBytes);
    struct stat seen {};
    ASSERT_EQ(::stat(folder.file("key").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777U, 0400U);
}

TEST(Keygen, MakesAnotherKeyEachTime) {
    const Folder folder;

    ASSERT_TRUE(write_new_key(folder.file("a")));
    ASSERT_TRUE(write_new_key(folder.file("b")));

    EXPECT_NE(bytes_of(folder.file("a")), bytes_of(folder.file("b")));
}

TEST(Keygen, NeverOverwritesAKey) {
    const Folder folder;
    ASSERT_TRUE(write_new_key(folder.file("key")));
    const std::string before = bytes_of(folder.file("key"));

    const auto ran = run_words({"keygen", folder.file("key")});

    EXPECT_EQ(ran.code, ExitCode::Exists);
    EXPECT_THAT(ran.err, HasSubstr("exists already"));
    EXPECT_EQ(bytes_of(folder.file("key")), before);
}

TEST(Keygen, DoesNotFollowALinkThatLeadsElsewhere) {
    const Folder folder;
    std::filesystem::create_symlink(folder.file("elsewhere"), folder.file("key"));

    const auto ran = run_words({"keygen", folder.file("key")});

    EXPECT_EQ(ran.code, ExitCode::Exists);
    EXPECT_FALSE(std::filesystem::exists(folder.file("elsewhere")));
}

TEST(Keygen, SaysWhichFolderIsMissing) {
    const Folder folder;

    const auto ran = run_words({"keygen", folder.file("keys/key")});

    EXPECT_EQ(ran.code, ExitCode::NoInput);
    EXPECT_THAT(ran.err, HasSubstr("mkdir -p -m 0700 " + folder.file("keys")));
}

}  // namespace
}  // namespace xbeat::cli
