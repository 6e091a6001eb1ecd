#include "sys/realtime.h"

#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::sys {

Result<void> become_realtime(int priority) {
    XB_CHECK(priority >= 1);
    XB_CHECK(priority <= 99);
    const sched_param parameters{.sched_priority = priority};
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) != 0)
        return system_error("cannot take a real-time priority");
    return {};
}

Result<void> lock_memory() {
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        return system_error("cannot lock memory");
    return {};
}

void keep_heap_small() {
    // A fixed threshold: large blocks are mapped and unmapped, and never stay in the heap.
    constexpr int kMappedBytes = 128 << 10;
    XB_CHECK(::mallopt(M_MMAP_THRESHOLD, kMappedBytes) == 1);
    XB_CHECK(::mallopt(M_TRIM_THRESHOLD, kMappedBytes) == 1);
    XB_CHECK(::mallopt(M_ARENA_MAX, 2) == 1);
}

std::size_t resident_bytes() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                               std::fclose);
    if (file == nullptr) return 0;
    unsigned long total = 0;
    unsigned long resident = 0;
    if (std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace xbeat::sys
