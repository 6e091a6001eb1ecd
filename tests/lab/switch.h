// The lab's power switch: the one process that owns the machines, as the mains own real ones.
//
// It listens on one socket for the operator (scripts/lab) and on one for each machine, so that it
// knows who asks. A request is one line, `VERB [WORD...]`; so is the answer, `ok ...` or
// `error REASON`. Requests are handled one after another in one thread: of two nodes that shoot
// each other one is dead before the other's request is read, and the request of a machine that does
// not run is refused. Verbs for everyone: off on reboot status list monitor; for the operator also
// boot crash freeze thaw cut mend kill fault daemon states stop.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/machine.h"
#include "sys/fd.h"

namespace xbeat::lab {

/// How the switch treats fence requests for a machine, for tests of a device that does not do its
/// duty.
struct Fault {
    enum class Kind : std::uint8_t { None, Hang, Refuse, Lie, Delay } kind = Kind::None;
    std::int64_t delay_ms = 0;
};

class Switch {
public:
    Switch(const Site& site, PassAll pass, std::vector<MachineSpec> specs);

    /// Opens the sockets and serves until the operator says `stop`.
    Result<void> serve();

private:
    struct Client {
        sys::Fd connection;
        int caller = -1;  // index of the machine whose socket it is; -1: the operator
        std::string received;
    };
    struct Later {
        std::int64_t at_ns = 0;
        enum class What : std::uint8_t { Answer, Scrap, Boot } what = What::Answer;
        std::size_t machine = 0;
        int client = -1;      // descriptor of who waits for the answer
        std::string request;  // what to do then
    };
    using Words = std::vector<std::string_view>;

    Result<void> open_door(int caller, const std::string& path);
    void accept_from(std::size_t door);
    void read_from(int descriptor);
    void handle(Client& client, const std::string& line);
    [[nodiscard]] bool delayed(Client& client, const std::string& line, std::size_t machine);
    Result<std::string> perform(int caller, const Words& words);
    Result<std::string> fence(std::string_view verb, Machine& machine, std::size_t index);
    Result<std::string> operate(std::string_view verb, Machine& machine, const Words& words);
    Result<std::string> cable(std::string_view verb, Machine& machine, const Words& words);
    Result<std::string> set_fault(std::size_t machine, const Words& words);
    Result<std::string> tell_daemon(Machine& machine, const Words& words);
    [[nodiscard]] std::string states() const;
    [[nodiscard]] Result<std::size_t> find(std::string_view name) const;
    void schedule(Later::What what, std::size_t machine, std::int64_t after_ms);
    void run_due();
    [[nodiscard]] int milliseconds_to_next() const;
    void bury(std::size_t machine);
    void answer(Client& client, std::string_view text);

    struct Door {
        sys::Fd socket;
        int caller = -1;
    };

    Site site_;
    PassAll pass_;
    std::vector<Machine> machines_;
    std::vector<Fault> faults_;
    std::vector<Door> doors_;
    std::map<int, Client> clients_;
    std::vector<Later> later_;
    bool stopping_ = false;
};

/// CLOCK_BOOTTIME in ns, the clock of every time that the lab's programs print.
[[nodiscard]] std::int64_t now_ns();

}  // namespace xbeat::lab
