#include "sys/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "sys/boot_clock.h"

namespace xbeat::sys {
namespace {

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != '"' && byte != '\\' && byte != '=' && byte < 0x7f;
}

void append_value(std::string& line, std::string_view value) {
    if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (c == '\n') {
            line += "\\n";
        } else if (c == '\t') {
            line += "\\t";
        } else if (byte < ' ' || byte == 0x7f) {
            line += fmt::format("\\x{:02x}", byte);
        } else {
            line += c;  // UTF-8 stays readable
        }
    }
    line += '"';
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
    line += ' ';
    for (const char c : name) line += is_plain(c) ? c : '_';
    line += '=';
    append_value(line, value);
}

/// As JOURNAL_STREAM says (systemd.exec(5)): device and inode of the stream.
bool stderr_is_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat about {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &about) != 0) return false;
    return fmt::format("{}:{}", about.st_dev, about.st_ino) == stream;
}

}  // namespace

std::string print_note(const Note& note) {
    std::string line = fmt::format("level={} kind=", to_string(note.level));
    append_value(line, note.kind);
    if (!note.node.empty()) append_field(line, "node", note.node);
    if (!note.resource.empty()) append_field(line, "resource", note.resource);
    append_field(line, "text", note.text);
    for (const auto& [name, value] : note.fields) append_field(line, name, value);
    return line;
}

Log::Log() {
    if (stderr_is_journal()) journal_.emplace();
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
    auto logger = std::make_shared<spdlog::logger>("xbeat", std::move(sink));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void Log::set_verbose(bool verbose) { is_verbose_ = verbose; }

void Log::write(const Note& note) {
    if (note.level == Level::Debug && !is_verbose_) return;
    if (journal_ && journal_->send(note)) return;
    const std::string line = print_note(note);
    if (journal_) {
        spdlog::info("<{}>{}", journal_priority(note.level), line);
        return;
    }
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto part = now.time_since_epoch().count() % 1000;
    spdlog::info("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {}", fmt::gmtime(seconds), part, line);
}

Note Log::note(Level level, std::string kind, std::string text) {
    return {.level = level,
            .kind = std::move(kind),
            .node = {},
            .resource = {},
            .text = std::move(text),
            .fields = {},
            .at = boot_now()};
}

}  // namespace xbeat::sys
