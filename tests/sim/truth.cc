#include "tests/sim/truth.h"

#include "core/text.h"

namespace xbeat::xsim {
namespace {

constexpr std::size_t kRecordsRemembered = 4096;
constexpr std::size_t kFencesMax = 3;          // of one node, without a join in between...
constexpr Nanos kFenceWindow = 600 * kSecond;  // ...in this time (claim I-6)

std::string name_of(std::size_t node) { return concat("pm0", node + 1); }

}  // namespace

void Truth::violate(std::string_view invariant, std::string text, Nanos at) {
    if (violation_) return;
    violation_ = {.invariant = std::string(invariant), .text = std::move(text), .at = at};
}

void Truth::start_begins(std::size_t node, const std::string& resource, Nanos at,
                         bool is_replaced) {
    active_[node].insert(resource);
    claims_[node].insert(resource);
    if (!is_exclusivity_promised_ || is_replaced) return;
    const std::size_t other = 1 - node;
    if (active_[other].contains(resource)) {
        violate("I-1",
                concat(resource, " starts on ", name_of(node), " while it is active on ",
                       name_of(other)),
                at);
    } else if (claims_[other].contains(resource)) {
        violate("I-3",
                concat(resource, " starts on ", name_of(node), ", and nothing proves that ",
                       name_of(other), " does not run it"),
                at);
    }
}

void Truth::stopped(std::size_t node, const std::string& resource) {
    active_[node].erase(resource);
    claims_[node].erase(resource);
}

void Truth::moved(std::size_t from, const std::string& resource, Nanos at) {
    if (!active_[from].contains(resource)) return;
    stopped(from, resource);
    start_begins(1 - from, resource, at, false);
}

void Truth::reported(std::size_t node, const std::string& resource, bool is_running) {
    if (is_running) {
        running_[node].insert(resource);
    } else {
        running_[node].erase(resource);
    }
}

void Truth::record_durable(std::size_t node, std::uint64_t term, std::uint64_t index,
                           std::uint64_t checksum, Nanos at) {
    const auto [known, is_new] = records_.emplace(std::pair(index, term), checksum);
    if (!is_new && known->second != checksum) {
        violate("I-11",
                concat(name_of(node), " stored another record ", index, " of term ", term,
                       " than was stored before"),
                at);
    }
    if (records_.size() > kRecordsRemembered) records_.erase(records_.begin());
}

void Truth::coordinates(std::size_t node, std::uint64_t term, Nanos at) {
    const auto [known, is_new] = coordinators_.emplace(term, node);
    if (!is_new && known->second != node) {
        violate("I-14", concat("both nodes coordinate in term ", term), at);
    }
}

void Truth::knows_term(std::size_t node, std::uint64_t term, Nanos at) {
    if (term < newest_term_[node]) {
        violate("I-11",
                concat("the term of ", name_of(node), " went back from ", newest_term_[node],
                       " to ", term),
                at);
    }
    newest_term_[node] = term;
}

void Truth::shot_at(std::size_t node, Nanos at) {
    if (has_cause_[node]) return;
    violate("I-7", concat(name_of(node), " is fenced without a cause since it joined"), at);
}

void Truth::fenced(std::size_t node, Nanos at) {
    std::deque<Nanos>& times = fences_[node];
    times.push_back(at);
    while (at - times.front() > kFenceWindow) times.pop_front();
    if (times.size() > kFencesMax) {
        violate("I-6",
                concat(name_of(node), " was fenced ", times.size(),
                       " times within 10 minutes without a join in between"),
                at);
    }
}

}  // namespace xbeat::xsim
