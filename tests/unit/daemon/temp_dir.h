// A folder of its own for one test, removed with all that is in it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace xbeat::testing {

class TempDir {
public:
    TempDir() {
        std::string form = ::testing::TempDir() + "xbeat-XXXXXX";
        if (::mkdtemp(form.data()) != nullptr) path_ = form;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(std::string_view name) const {
        return path_ + "/" + std::string(name);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

    std::string write(std::string_view name, std::string_view bytes, mode_t mode = 0600) const {
        const std::string path = file(name);
        std::ofstream(path, std::ios::binary) << bytes;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        return path;
    }

private:
    std::string path_;
};

}  // namespace xbeat::testing
