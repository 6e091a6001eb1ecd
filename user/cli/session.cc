#include "cli/session.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "core/limits.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

Error too_large(const std::string& name) {
    return {.code = Code::Limit,
            .context = concat(name, " is larger than ", kConfigBytesMax >> 20U,
                              " MiB, the most that a configuration may have")};
}

Result<std::string> read_stream(std::istream& in) {
    std::string text;
    std::array<char, 65536> block{};
    while (in) {
        in.read(block.data(), block.size());
        text.append(block.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > kConfigBytesMax) return too_large("standard input");
    }
    if (in.bad()) return sys::system_error("cannot read standard input");
    return text;
}

}  // namespace

void say(Session& session, std::string_view text) {
    if (session.form == Form::Text) {
        session.out << text << (text.ends_with('\n') ? "" : "\n");
    } else if (!trim(text).empty()) {
        session.said.messages.emplace_back(trim(text));
    }
}

ExitCode fail(Session& session, const Error& error) {
    session.err << "xbeat: " << error.context << '\n';
    session.said.errors.push_back(error.context);
    return exit_code_of(error);
}

ExitCode fail_usage(Session& session, std::string_view sentence, std::string_view command) {
    session.err << "xbeat: " << sentence << "\n'" << command << " --help' shows how to use it.\n";
    session.said.errors.emplace_back(sentence);
    return ExitCode::Usage;
}

bool is_confirmed(Session& session, std::string_view question) {
    if (!session.is_interactive) return true;
    // A document is not to be mixed with questions.
    std::ostream& asked = session.form == Form::Text ? session.out : session.err;
    asked << question << (question.empty() ? "" : " ") << "Type 'yes' to go on: " << std::flush;
    std::string answer;
    std::getline(session.in, answer);
    return answer == "yes";
}

Result<std::string> read_input(Session& session, const std::string& file) {
    if (file == "-") return read_stream(session.in);
    const sys::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) return sys::system_error(concat("cannot open ", file));
    std::string text;
    std::array<char, 65536> block{};
    for (;;) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(concat("cannot read ", file));
        if (got == 0) return text;
        text.append(block.data(), static_cast<std::size_t>(got));
        if (text.size() > kConfigBytesMax) return too_large(file);
    }
}

}  // namespace xbeat::cli
