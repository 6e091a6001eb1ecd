#include "shim/background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::shim {
namespace {

Result<void> write_pid(const std::string& file) {
    if (file.empty()) return {};
    const sys::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.is_open()) return sys::system_error(concat("cannot make ", file));
    const std::string text = concat(::getpid(), '\n');
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return sys::system_error(concat("cannot write ", file));
    }
    return {};
}

}  // namespace

std::optional<Background> as_background(const std::vector<std::string>& words) {
    Background out;
    bool is_wanted = false;
    bool is_html = false;
    std::string page;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        // "-p FILE", "--pid-file FILE" or "--pid-file=FILE".
        const auto value_of = [&](std::string_view letter, std::string_view name,
                                  std::string& value) {
            const std::string with_equals = concat(name, '=');
            if (word.starts_with(with_equals)) {
                value = word.substr(with_equals.size());
                return true;
            }
            const bool is_meant = word == name || (word == letter && !letter.empty());
            if (!is_meant || at + 1 == words.size()) return false;
            value = words[++at];
            return true;
        };
        std::string form;
        if (word == "-d" || word == "--daemonize") {
            is_wanted = true;
        } else if (value_of("-p", "--pid-file", out.pid_file) ||
                   value_of("-h", "--as-html", page) || value_of("", "--output-to", page)) {
            continue;
        } else if (value_of("", "--output-as", form)) {
            is_html = is_html || form == "html";
        } else {
            out.words.push_back(word);
        }
    }
    if (!is_wanted) return std::nullopt;
    if (is_html || !page.empty()) {
        out.words.emplace_back("--as-html");
        out.words.push_back(page);
    }
    return out;
}

Result<void> detach(const std::string& pid_file) {
    const pid_t child = ::fork();
    if (child < 0) return sys::system_error("cannot go to the background");
    if (child > 0) {
        int status = 0;
        if (::waitpid(child, &status, 0) != child) return sys::system_error("waitpid");
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

}  // namespace xbeat::shim
