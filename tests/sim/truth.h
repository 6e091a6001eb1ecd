// What is really so in a simulated world, and what must never be: the invariants of
// docs/failure-model.md, checked on every event that changes the truth.
//
// The nodes never see any of this. A resource is *active* on a node from the moment its start
// begins until a stop succeeded or the machine lost its power. A node that lost its power keeps its
// *claims* until somebody could know: a device's confirmation, its own new boot, or a person who
// looked. A start beside a claim is as wrong as one beside a running service, it was only lucky.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/agenda.h"
#include "tests/sim/states.h"

namespace xbeat::xsim {

constexpr std::size_t kNodes = 2;

/// One broken invariant, the first of a run.
struct Violation {
    std::string invariant;  // "I-1", ...
    std::string text;
    Nanos at = 0;
};

class Truth {
public:
    [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
    void violate(std::string_view invariant, std::string text, Nanos at);

    // --- Resources.
    /// `is_replaced`: whatever the other node runs cannot be heard any more, and that is enough.
    void start_begins(std::size_t node, const std::string& resource, Nanos at,
                      bool is_replaced = false);
    void stopped(std::size_t node, const std::string& resource);
    /// As a virtual machine does: at no moment on both.
    void moved(std::size_t from, const std::string& resource, Nanos at);
    [[nodiscard]] bool is_active(std::size_t node, const std::string& resource) const {
        return active_[node].contains(resource);
    }
    [[nodiscard]] const std::set<std::string>& active(std::size_t node) const {
        return active_[node];
    }
    [[nodiscard]] bool has_claims(std::size_t node) const { return !claims_[node].empty(); }

    // --- Machines.
    void power_lost(std::size_t node) { active_[node].clear(); }
    /// It can be known now that nothing of before runs there.
    void proven_off(std::size_t node) {
        booted(node);
        is_vouched_for_[node] = true;
    }
    /// A booted kernel runs nothing of before.
    void booted(std::size_t node) {
        active_[node].clear();
        claims_[node].clear();
    }
    /// It said goodbye: whoever hears that may rely on it.
    void left(std::size_t node) { is_vouched_for_[node] = true; }
    /// A device, a person or the node itself said that it runs nothing, and it has not joined
    /// since.
    [[nodiscard]] bool is_vouched_for(std::size_t node) const { return is_vouched_for_[node]; }
    /// From here on claims count for nothing: a device lies, and no takeover can be safe.
    void suspend_exclusivity() { is_exclusivity_promised_ = false; }
    [[nodiscard]] bool is_exclusivity_promised() const { return is_exclusivity_promised_; }

    // --- Order of a group's members, as the agents reported it.
    void reported(std::size_t node, const std::string& resource, bool is_running);
    [[nodiscard]] bool was_reported_running(std::size_t node, const std::string& resource) const {
        return running_[node].contains(resource);
    }

    // --- The log and its terms.
    void record_durable(std::size_t node, std::uint64_t term, std::uint64_t index,
                        std::uint64_t checksum, Nanos at);
    void coordinates(std::size_t node, std::uint64_t term, Nanos at);
    void knows_term(std::size_t node, std::uint64_t term, Nanos at);
    void life_began(std::size_t node) { newest_term_[node] = 0; }

    // --- Fencing.
    /// Something happened for which that node may be fenced.
    void may_be_fenced(std::size_t node) { has_cause_[node] = true; }
    /// Claim I-7: it is about to be shot.
    void shot_at(std::size_t node, Nanos at);
    /// A node was switched off on the cluster's own decision.
    void fenced(std::size_t node, Nanos at);
    /// Its shooter counts only that many of them: it begins a life, and no shot waits for a disk to
    /// hold the count; or a person cleaned up.
    void fences_remembered(std::size_t node, std::size_t count) {
        while (fences_[node].size() > count) fences_[node].pop_front();
    }
    void joined(std::size_t node) {
        fences_[node].clear();
        has_cause_[node] = false;
        is_vouched_for_ = {};
    }

private:
    std::optional<Violation> violation_;
    bool is_exclusivity_promised_ = true;
    std::array<std::set<std::string>, kNodes> active_;
    std::array<std::set<std::string>, kNodes> claims_;
    std::array<std::set<std::string>, kNodes> running_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> records_;  // index, term
    std::map<std::uint64_t, std::size_t> coordinators_;                         // of each term
    std::array<std::uint64_t, kNodes> newest_term_{};
    std::array<std::deque<Nanos>, kNodes> fences_;
    std::array<bool, kNodes> has_cause_{};
    std::array<bool, kNodes> is_vouched_for_{};
};

}  // namespace xbeat::xsim
