// What xbeat-witness says to who asks on its own host.
#include "witness/status_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>

namespace xbeat::witness {
namespace {

class Folder {
public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "xbeat-witness-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string socket() const { return path_ + "/status.sock"; }

private:
    std::string path_;
};

TEST(StatusSocket, TellsItsLineToEachThatConnectsAndIsForItsUserAlone) {
    const Folder folder;
    // An earlier life that was killed leaves its name behind.
    ASSERT_TRUE(StatusSocket::listen(folder.socket()));
    Result<StatusSocket> door = StatusSocket::listen(folder.socket());
    ASSERT_TRUE(door) << door.error().context;
    struct stat status {};
    ASSERT_EQ(::stat(folder.socket().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);

    for (const char* line : {"{\"granted\":1}\n", "{\"granted\":2}\n"}) {
        auto answer =
            std::async(std::launch::async, [&folder] { return read_status(folder.socket()); });
        pollfd one{.fd = door->fd(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&one, 1, 10'000), 1);
        door->tell(line);
        const Result<std::string> got = answer.get();
        ASSERT_TRUE(got) << got.error().context;
        EXPECT_EQ(*got, line);
    }
    door->tell("nobody waits\n");
}

TEST(StatusSocket, ThatIsNotThereIsToldApartFromOneThatHangs) {
    const Folder folder;
    EXPECT_EQ(read_status(folder.socket()).error().code, Code::NotFound);
    EXPECT_EQ(read_status(std::string(200, 'x')).error().code, Code::Invalid);
    EXPECT_FALSE(StatusSocket::listen("/nonexistent/folder/status.sock"));

    const Result<StatusSocket> hangs = StatusSocket::listen(folder.socket());
    ASSERT_TRUE(hangs);
    EXPECT_EQ(read_status(folder.socket()).error().code, Code::Timeout);
}

}  // namespace
}  // namespace xbeat::witness
