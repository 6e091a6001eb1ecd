#include "store/recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <mutex>
#include <utility>

#include "core/text.h"
#include "store/work_queue.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::store {
namespace {

std::string file_name(const std::string& directory, int age) {
    return concat(directory, "/recording.", age);
}

// The oldest falls off the end. What is not there needs no room.
void make_room(const std::string& directory) {
    for (int age = kRecordingsKept - 1; age > 0; --age) {
        static_cast<void>(
            std::rename(file_name(directory, age - 1).c_str(), file_name(directory, age).c_str()));
    }
}

Result<void> write_all(const sys::Fd& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return sys::system_error("the recording cannot be written");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

struct Recorder::Shared {
    Shared(sys::Fd opened, std::size_t most) : file(std::move(opened)), bytes_max(most) {}

    struct Work {
        std::string bytes;
        [[nodiscard]] bool is_empty() const { return bytes.empty(); }
    };

    void run();
    void end(std::string why);  // under the queue's mutex

    sys::Fd file;  // the thread's alone
    const std::size_t bytes_max;
    WorkQueue<Work> queue;
    // Below: under the queue's mutex.
    std::size_t kept = 0;  // bytes taken in, written or not
    bool has_ended = false;
    std::optional<std::string> trouble;
};

void Recorder::Shared::end(std::string why) {
    if (has_ended) return;
    has_ended = true;
    trouble = std::move(why);
}

void Recorder::Shared::run() {
    while (const std::optional<Work> work = queue.next()) {
        const Result<void> written = write_all(file, work->bytes);
        if (written) continue;
        const std::lock_guard lock(queue.mutex);
        end(written.error().context);
        queue.batch = {};
    }
}

Result<Recorder> Recorder::start(const Options& options, std::string head) {
    make_room(options.directory);
    const std::string name = file_name(options.directory, 0);
    sys::Fd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return sys::system_error(concat("cannot make ", name));
    auto shared = std::make_unique<Shared>(std::move(file), options.bytes_max);
    sys::Thread thread =
        XB_TRY(sys::Thread::start({.name = "recorder"}, [at = shared.get()] { at->run(); }));
    Recorder recorder(std::move(shared), std::move(thread));
    recorder.keep(std::move(head));
    return recorder;
}

Recorder::Recorder(std::unique_ptr<Shared> shared, sys::Thread thread)
    : shared_(std::move(shared)), thread_(std::move(thread)) {}
Recorder::Recorder(Recorder&&) noexcept = default;

Recorder::~Recorder() {
    if (!shared_) return;
    shared_->queue.end();
    thread_.join();
}

bool Recorder::keep(std::string bytes) {
    const std::lock_guard lock(shared_->queue.mutex);
    Shared& at = *shared_;
    if (at.has_ended) return false;
    if (at.kept + bytes.size() > at.bytes_max) {
        at.end(concat("the recording has reached its ", at.bytes_max, " bytes and ends here"));
    } else if (at.queue.batch.bytes.size() + bytes.size() > kRecorderQueueBytesMax) {
        at.end("the disk is too slow for the recording, which ends here");
    } else {
        at.kept += bytes.size();
        at.queue.batch.bytes += bytes;
        at.queue.added();
    }
    return !at.has_ended;
}

std::optional<std::string> Recorder::take_trouble() {
    const std::lock_guard lock(shared_->queue.mutex);
    return std::exchange(shared_->trouble, std::nullopt);
}

}  // namespace xbeat::store
