#include "sys/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "sys/system_error.h"

namespace xbeat::sys {

Result<Fd> catch_signals(std::initializer_list<int> wanted) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : wanted) ::sigaddset(&set, signal);
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0)
        return system_error("cannot block signals");
    Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals.is_open()) return system_error("cannot make a signalfd");
    return signals;
}

}  // namespace xbeat::sys
