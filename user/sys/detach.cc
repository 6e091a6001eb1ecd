#include "sys/detach.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::sys {
namespace {

Result<void> write_pid(const std::string& file) {
    if (file.empty()) return {};
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.is_open()) return system_error(concat("cannot make ", file));
    const std::string text = concat(::getpid(), '\n');
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return system_error(concat("cannot write ", file));
    }
    return {};
}

}  // namespace

Result<void> detach(const std::string& pid_file) {
    const pid_t child = ::fork();
    if (child < 0) return system_error("cannot go to the background");
    if (child > 0) {
        int status = 0;
        if (::waitpid(child, &status, 0) != child) return system_error("waitpid");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) ::_exit(0);
        return Error{.code = Code::System,
                     .context = "the process in the background did not start"};
    }
    // Two steps: who stays is nobody's child, and the first one's end says that it is there.
    ::setsid();
    int ready[2] = {-1, -1};
    if (::pipe2(ready, O_CLOEXEC) != 0) ::_exit(1);
    const pid_t grandchild = ::fork();
    if (grandchild < 0) ::_exit(1);
    if (grandchild > 0) {
        ::close(ready[1]);
        char byte = 0;
        ::_exit(::read(ready[0], &byte, 1) == 1 ? 0 : 1);
    }
    const Result<void> written = write_pid(pid_file);
    if (!written) ::_exit(1);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(nowhere, stream);
    }
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::close(ready[0]);
    ::close(ready[1]);
    return {};
}

}  // namespace xbeat::sys
