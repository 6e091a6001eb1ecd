// The heart's words in the manager's: its events, and what is wrong with it.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/config.h"
#include "heart/heart.h"
#include "node/event.h"

namespace xbeat::daemon {

class HeartTranslator {
public:
    explicit HeartTranslator(const Config& config) : config_(config) {}

    /// What the manager is told; empty if it need not know.
    [[nodiscard]] std::vector<node::Event> translate(const heart::HeartEvent& event);
    /// The whole state as events, after some were lost: the manager takes what it knows as no news.
    [[nodiscard]] std::vector<node::Event> translate(const heart::Status& status,
                                                     Instant now) const;
    /// Troubles that have not gone: "ic1: has no carrier".
    [[nodiscard]] std::vector<std::string> troubles() const;

private:
    using Key = std::tuple<heart::Trouble, std::uint8_t, std::uint16_t>;  // trouble, path, peer
    [[nodiscard]] node::Event degraded() const;
    [[nodiscard]] std::string link_name(PathId path) const;

    const Config& config_;
    std::map<Key, std::string> troubles_;
    std::map<NodeId, std::uint64_t> ticks_late_;  // at the peer's event before
};

}  // namespace xbeat::daemon
