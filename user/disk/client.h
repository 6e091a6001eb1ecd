// The daemon's side of the shared-disk lease: the requests of arbiter/disk_lease.h as reads and
// writes with O_DIRECT through the loop's ring.
//
// A disk that is not there, not ours or that hangs never keeps the daemon from starting: it is told
// and tried again. The device is locked against a second daemon of this host (flock(2)): the lock
// goes with the last request of a daemon that died, so that none of them can land behind the
// writes of the next one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arbiter/disk_lease.h"
#include "core/note.h"
#include "disk/block.h"
#include "ring/ring.h"
#include "sys/fd.h"

namespace xbeat::disk {

constexpr Duration kReopenPause = 1s;  // until a disk that could not be used is tried again

class Client {
public:
    struct Options {
        std::string path;  // a block device; in tests a regular file
        NodeId self;
        NodeId other;
        std::uint64_t life = 0;
    };

    /// The ring outlives it. Nothing is opened yet.
    Client(Options options, DiskKey key, ring::Ring& ring);
    Client(Client&&) = delete;
    ~Client();

    /// Answered by exactly one ArbiterAnswer, at the latest after its patience.
    void ask(const arbiter::AskArbiter& question, Instant now);
    void complete(const ring::Completion& completion, Instant now);
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::vector<arbiter::ArbiterAnswer> take_answers();
    [[nodiscard]] std::vector<Note> take_notes() { return std::exchange(notes_, {}); }
    /// Why it could not answer now; empty if it could, or if it is too early to say.
    [[nodiscard]] std::string trouble() const;

private:
    enum class State : std::uint8_t { Closed, Opening, Ready };

    void open(Instant now);
    void give_up(std::string why, Instant now);
    void pump(Instant now);
    void read(std::uint64_t offset);
    void opened(Instant now);

    Options options_;
    DiskKey key_;
    ring::Ring* ring_;
    arbiter::DiskLease lease_;
    State state_ = State::Closed;
    sys::Fd file_;
    struct Aligned {
        alignas(kSlotBytes) Slot slot{};
    };
    std::unique_ptr<Aligned> buffer_;  // of the request under way
    bool is_busy_ = false;
    std::uint32_t generation_ = 0;
    std::optional<arbiter::DiskAccess> access_;
    Instant now_seen_{};  // of the last call, for trouble()
    Instant open_at_{};
    std::string why_closed_;
    std::vector<Note> notes_;
};

}  // namespace xbeat::disk
