// The links and next hops of the heart: keeps the maps right while interfaces come, go and change
// name.
//
// Holds no verdicts: a missing link or next hop makes a path silent, and the lap notices that. What
// is reported here are troubles, so that a person learns why.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/result.h"
#include "heart/heart.h"
#include "heart/kernel.h"
#include "heart/netlink.h"
#include "heart/store.h"
#include "heart/udp_beat.h"

namespace xbeat::heart {

class Interconnect {
public:
    using Events = std::vector<HeartEvent>;

    /// `kernel` or `udp`, exactly one, carries the frames; both, and `netlink`, outlive this
    /// object.
    Interconnect(const Options& options, Netlink& netlink, const Store& store, Kernel* kernel,
                 UdpBeat* udp);

    /// Writes links and paths into the maps and attaches what is there. With mode Auto it reports
    /// Unavailable if an existing interface takes no XDP program at all, so that the caller can
    /// turn to UDP; with Native and Generic, that the asked mode fails.
    Result<void> start();

    /// Takes in one change. Troubles that begin or end are appended to `events`.
    Result<void> handle(const NetlinkEvent& change, Events& events);
    /// Looks at everything that no event tells of. To be called at least once a second.
    Result<void> check(Events& events);

    [[nodiscard]] std::vector<LinkStatus> links() const;
    [[nodiscard]] const std::string& interface_of(PathId path) const;

private:
    struct Link {
        LinkOptions options;
        std::string name;  // present, or last known
        int ifindex = 0;
        MacAddress mac{};
        bool is_up = false;
        std::optional<Mode> mode;
        bool must_be_generic = false;  // native was tried and cannot transmit
        std::optional<bool> threaded;
        std::uint64_t tx_errors = 0;
        std::uint32_t troubles = 0;  // a bit for each Trouble that was raised
    };
    struct Hop {
        NodeId peer{};
        std::size_t link = 0;  // in links_
        IpAddress remote;
        std::optional<IpAddress> next;
        bool troubled = false;
    };

    Result<void> find(Link& link);
    Result<void> adopt_interface(Link& link, const LinkInfo& info);
    void lose_interface(Link& link);
    void write_link(const Link& link);
    Result<void> attach(Link& link);
    Link* owner_of(const Link& link);
    Result<void> look_up(Hop& hop);
    void set_mac(const Hop& hop, const MacAddress& mac);
    Result<void> handle_link(const LinkInfo& info);
    void handle_neighbour(const NeighbourInfo& neighbour);
    Result<void> check_link(Link& link, Events& events);
    Result<void> check_attachment(Link& link, Events& events);
    Result<void> check_hop(Hop& hop, Events& events);
    void set_trouble(Link& link, Trouble trouble, bool is_on, Events& events);
    [[nodiscard]] xb_path& path_of(const Hop& hop) const;

    Netlink* netlink_;
    Store store_;
    Kernel* kernel_;
    UdpBeat* udp_;
    Mode mode_;
    std::uint16_t port_;
    std::vector<Link> links_;
    std::vector<Hop> hops_;
};

}  // namespace xbeat::heart
