#include "sys/thread.h"

#include <csignal>
#include <utility>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::sys {
namespace {

struct Start {
    std::string name;
    std::function<void()> body;
};

void* run(void* argument) {
    const std::unique_ptr<Start> start(static_cast<Start*>(argument));
    ::pthread_setname_np(::pthread_self(), start->name.substr(0, 15).c_str());
    start->body();
    return nullptr;
}

}  // namespace

Result<Thread> Thread::start(const Options& options, std::function<void()> body) {
    XB_CHECK(options.stack_bytes >= (std::size_t{64} << 10U));
    auto start = std::make_unique<Start>(Start{options.name, std::move(body)});
    pthread_attr_t attributes;
    XB_CHECK(::pthread_attr_init(&attributes) == 0);
    XB_CHECK(::pthread_attr_setstacksize(&attributes, options.stack_bytes) == 0);
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    Thread made;
    const int refused = ::pthread_create(&made.handle_, &attributes, run, start.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (refused != 0) return system_error("cannot start thread " + options.name, refused);
    start.release();  // the thread's now
    made.is_running_ = true;
    return made;
}

Thread::Thread(Thread&& other) noexcept
    : handle_(other.handle_), is_running_(std::exchange(other.is_running_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
    if (this == &other) return *this;
    join();
    handle_ = other.handle_;
    is_running_ = std::exchange(other.is_running_, false);
    return *this;
}

void Thread::join() {
    if (!std::exchange(is_running_, false)) return;
    XB_CHECK(::pthread_join(handle_, nullptr) == 0);
}

}  // namespace xbeat::sys
