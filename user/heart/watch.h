// The watch: hears that a process of a service has ended, in the moment it happens.
//
// A watched service is a cookie (chosen by the caller) and some processes that were add()ed; with
// tracing, all that they fork later belongs to it, wherever it goes (setsid, double fork, other pid
// namespaces below ours). Nothing is reported before arm(): while an agent runs its start action,
// its helpers end all the time.
//
// How to use it around an agent:
//   start    Spawn{hold} -> Spawned{pid} -> add(pid, cookie) -> Release; after success arm(cookie),
//   then the
//            first monitor, which sees what died between the action's end and arm(). After
//            failure remove(cookie).
//   monitor  its processes are not added, so they are never reported
//   stop     disarm(cookie) before, remove(cookie) after success, arm(cookie) again after failure
//   event    Exit with is_top: run the agent's monitor now; only its result is a failure. Exits of
//   other
//            processes (workers, connections) are worth a monitor only if abnormal, and
//            not more than a few a second. Signal comes earlier (before the victim got a processor
//            to die on, before a core dump) and says "prepare": the process may still answer.
//
// With a pin folder the watch survives its daemon: the next create() adopts it, with cookies, armed
// states and the events that happened meanwhile. Where the kernel refuses tracing programs, the
// watch falls back to pidfds: the same calls, but only the processes named by add() are seen, with
// neither code nor descendants, and nothing survives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace xbeat::heart {

struct WatchEvent {
    enum class Kind : std::uint8_t {
        Exit,    // a whole process (not a thread) has ended
        Signal,  // SIGKILL was sent, or another fatal signal is being delivered; Exit follows
    };
    Kind kind = Kind::Exit;
    std::uint64_t cookie = 0;
    pid_t pid = 0;            // in the caller's pid namespace; 0 if it has no number there
    bool has_status = false;  // false from a pidfd: then the next two are unknown
    int exit_code = 0;        // of an Exit without signal
    int signal = 0;           // that ended it; 0: it exited by itself
    bool dumped_core = false;
    bool out_of_memory = false;  // the kernel's OOM killer did it
    bool is_root = false;        // named by add()
    bool is_top =
        false;     // Exit: its parent does not belong to the service: most likely its main process
    Instant at{};  // when, on CLOCK_BOOTTIME
};

class Watch {
public:
    enum class Mode : std::uint8_t { Auto, Tracing, Pidfd };
    struct Options {
        std::string pin_dir =
            {};  // a folder of its own for the pins; empty: nothing outlives this object
        Mode mode = Mode::Auto;  // Auto: tracing if the kernel lets us, else pidfds
    };

    /// Adopts what is pinned, or loads it. Code::System or Denied (with the reason) if the mode
    /// that was asked for cannot be had; Auto fails only if not even an epoll set can be made.
    static Result<Watch> create(const Options& options);

    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    /// Unpins everything in that folder: nothing is watched any more. For a clean leave.
    static void remove_pins(const std::string& pin_dir);

    /// Watches a process (a number of the caller's pid namespace) and its future descendants. A new
    /// cookie starts disarmed. Code::NotFound if there is no such process, Code::Limit past
    /// XB_WATCH_COOKIES_MAX cookies, Code::System.
    Result<void> add(pid_t pid, std::uint64_t cookie);
    /// Forgets the cookie: no event of its processes any more. No error if it is unknown.
    Result<void> remove(std::uint64_t cookie);
    /// From now on ends are reported. Code::NotFound if nothing was added under it.
    Result<void> arm(std::uint64_t cookie);
    /// Ends are not reported until arm(). Code::NotFound if nothing was added under it.
    Result<void> disarm(std::uint64_t cookie);
    /// All cookies, in ascending order: after an adoption, what the previous daemon watched.
    [[nodiscard]] std::vector<std::uint64_t> cookies() const;

    /// Readable when drain() has something. The same for the life of this object.
    [[nodiscard]] int event_fd() const;
    /// Calls back for every event that has happened, in order; never blocks. How many there were.
    /// Code::System if the kernel fails.
    Result<std::size_t> drain(const std::function<void(const WatchEvent&)>& callback);

    /// Tracing or Pidfd.
    [[nodiscard]] Mode mode() const;
    /// Why it is not tracing; empty if it is.
    [[nodiscard]] std::string_view why_not_tracing() const;
    /// Programs and maps of an earlier daemon were taken over.
    [[nodiscard]] bool was_adopted() const;
    /// Events that did not fit into the ring, and forks that could not be followed, since it was
    /// loaded. If it rises: run all monitors.
    [[nodiscard]] std::uint64_t lost() const;

private:
    class Backend;
    class Tracing;
    class Pidfds;
    Watch(std::unique_ptr<Backend> backend, std::string why_not_tracing);

    std::unique_ptr<Backend> backend_;
    std::string why_not_tracing_;
};

}  // namespace xbeat::heart
