#include "heart/interconnect.h"

#include <cstring>

#include "core/text.h"
#include "heart/device_facts.h"
#include "sys/boot_clock.h"

namespace xbeat::heart {
namespace {

// Failed XDP_TX transmissions between two checks that make us give up native mode. One or two
// happen when the other end of a link is being set up.
constexpr std::uint64_t kTxErrorsMax = 8;

std::uint8_t family_number(const IpAddress& address) {
    return address.family == IpAddress::Family::V6 ? 6 : 4;
}

std::uint32_t bit_of(Trouble trouble) { return 1U << static_cast<unsigned int>(trouble); }

}  // namespace

Interconnect::Interconnect(const Options& options, Netlink& netlink, const Store& store,
                           Kernel* kernel, UdpBeat* udp)
    : netlink_(&netlink),
      store_(store),
      kernel_(kernel),
      udp_(udp),
      mode_(options.mode),
      port_(options.port) {
    for (const LinkOptions& link : options.links) {
        Link added;
        added.options = link;
        added.name = link.interface;
        links_.push_back(added);
    }
    for (const PeerOptions& peer : options.peers) {
        for (const PeerPath& path : peer.paths) {
            Hop hop;
            hop.peer = peer.node;
            hop.remote = path.remote;
            while (links_.at(hop.link).options.path != path.path) hop.link++;
            hops_.push_back(hop);
        }
    }
}

xb_path& Interconnect::path_of(const Hop& hop) const {
    return store_.paths[place_of(hop.peer.value, links_.at(hop.link).options.path.value)];
}

const std::string& Interconnect::interface_of(PathId path) const {
    for (const Link& link : links_) {
        if (link.options.path == path) return link.name;
    }
    XB_CHECK(false);
    return links_.front().name;
}

/// Several paths may share an interface (as VLANs of it): the first of them holds the program.
Interconnect::Link* Interconnect::owner_of(const Link& link) {
    for (Link& other : links_) {
        if (other.ifindex == link.ifindex) return &other;
    }
    return nullptr;
}

void Interconnect::write_link(const Link& link) {
    xb_link& target = store_.control->links[link.options.path.value];
    target.family = family_number(link.options.local);
    target.vlan = link.options.vlan;
    std::memcpy(target.local, link.options.local.bytes.data(), sizeof target.local);
    std::memcpy(target.mac, link.mac.data(), sizeof target.mac);
    publish(target.ifindex, link.ifindex);
}

Result<void> Interconnect::attach(Link& link) {
    if (udp_ != nullptr) {
        XB_TRY(udp_->open_link({.path = link.options.path,
                                .interface = link.name,
                                .local = link.options.local,
                                .port = port_}));
        link.mode = Mode::Udp;
        return {};
    }
    Link* owner = owner_of(link);
    if (owner != nullptr && owner != &link) {
        link.mode = owner->mode;
        return {};
    }
    link.mode = kernel_->attached(link.options.path, link.ifindex);
    const bool is_as_wanted =
        link.mode && (mode_ == Mode::Auto ? !link.must_be_generic || link.mode == Mode::Generic
                                          : *link.mode == mode_);
    if (is_as_wanted) return {};
    const Mode wanted = link.must_be_generic && mode_ == Mode::Auto ? Mode::Generic : mode_;
    link.mode = XB_TRY(kernel_->attach(link.options.path, link.ifindex, wanted));
    return {};
}

Result<void> Interconnect::adopt_interface(Link& link, const LinkInfo& info) {
    link.name = info.name;
    link.ifindex = info.ifindex;
    link.mac = info.mac;
    link.is_up = info.is_up && info.has_carrier;
    link.threaded = threaded_napi(info);
    link.tx_errors = xdp_tx_errors(info.name).value_or(0);
    write_link(link);
    return attach(link);
}

void Interconnect::lose_interface(Link& link) {
    link.ifindex = 0;
    link.is_up = false;
    link.mode.reset();
    link.threaded.reset();
    write_link(link);
    if (udp_ != nullptr) udp_->close_link(link.options.path);
    if (kernel_ != nullptr) kernel_->detach(link.options.path);
    for (Hop& hop : hops_) {
        if (&links_.at(hop.link) == &link) hop.next.reset();
    }
}

Result<void> Interconnect::find(Link& link) {
    const std::optional<LinkInfo> info = XB_TRY(netlink_->link(link.options.interface));
    if (!info) {
        lose_interface(link);
        return {};
    }
    return adopt_interface(link, *info);
}

Result<void> Interconnect::start() {
    for (std::uint8_t i = 0; i < XB_PATHS_MAX; i++) {
        // Left over from earlier options: not a link of ours any more.
        publish(store_.control->links[i].ifindex, 0);
        store_.control->links[i].family = 0;
        bool is_used = false;
        for (const Link& link : links_) is_used = is_used || link.options.path.value == i;
        if (!is_used && kernel_ != nullptr) kernel_->detach(PathId{i});
    }
    for (Link& link : links_) {
        const Result<void> found = find(link);
        if (found) continue;
        return Error{.code = Code::Unavailable,
                     .context = concat(link.name, ": ", found.error().context),
                     .system_errno = 0};
    }
    for (Hop& hop : hops_) {
        xb_path& path = path_of(hop);
        if (std::memcmp(path.remote, hop.remote.bytes.data(), sizeof path.remote) != 0) {
            publish(path.usable, 0);
            std::memcpy(path.remote, hop.remote.bytes.data(), sizeof path.remote);
        }
        XB_TRY(look_up(hop));
    }
    return {};
}

void Interconnect::set_mac(const Hop& hop, const MacAddress& mac) {
    xb_path& path = path_of(hop);
    std::memcpy(path.next_mac, mac.data(), sizeof path.next_mac);
    publish(path.usable, 1);
}

Result<void> Interconnect::look_up(Hop& hop) {
    const Link& link = links_.at(hop.link);
    if (link.ifindex == 0) return {};
    hop.next = XB_TRY(netlink_->next_hop(link.ifindex, hop.remote));
    if (!hop.next) return {};
    for (const NeighbourInfo& neighbour : XB_TRY(netlink_->neighbours(link.ifindex))) {
        if (neighbour.address == *hop.next && neighbour.mac) {
            set_mac(hop, *neighbour.mac);
            return {};
        }
    }
    // Refused while the link is down; asked again by check().
    (void)netlink_->resolve(link.ifindex, *hop.next);
    return {};
}

Result<void> Interconnect::handle_link(const LinkInfo& info) {
    for (Link& link : links_) {
        if (link.ifindex == info.ifindex) {
            const bool mac_changed = link.mac != info.mac;
            link.name = info.name;
            link.is_up = info.is_up && info.has_carrier;
            link.mac = info.mac;
            if (mac_changed) write_link(link);
        } else if (link.ifindex == 0 && link.options.interface == info.name) {
            XB_TRY(adopt_interface(link, info));
            for (Hop& hop : hops_) {
                if (&links_.at(hop.link) == &link) XB_TRY(look_up(hop));
            }
        }
    }
    return {};
}

void Interconnect::handle_neighbour(const NeighbourInfo& neighbour) {
    if (!neighbour.mac) return;  // a MAC that was right once is the best guess left
    for (const Hop& hop : hops_) {
        const Link& link = links_.at(hop.link);
        if (link.ifindex != neighbour.ifindex || hop.next != neighbour.address) continue;
        set_mac(hop, *neighbour.mac);
    }
}

Result<void> Interconnect::handle(const NetlinkEvent& change, Events& events) {
    if (const auto* info = std::get_if<LinkInfo>(&change)) XB_TRY(handle_link(*info));
    if (const auto* gone = std::get_if<LinkGone>(&change)) {
        for (Link& link : links_) {
            if (link.ifindex != 0 && link.ifindex == gone->ifindex) lose_interface(link);
        }
    }
    if (const auto* neighbour = std::get_if<NeighbourInfo>(&change)) handle_neighbour(*neighbour);
    if (std::holds_alternative<EventsLost>(change)) return check(events);
    for (Link& link : links_) {
        set_trouble(link, Trouble::LinkMissing, link.ifindex == 0, events);
        set_trouble(link, Trouble::LinkDown, link.ifindex != 0 && !link.is_up, events);
    }
    return {};
}

void Interconnect::set_trouble(Link& link, Trouble trouble, bool is_on, Events& events) {
    const std::uint32_t bit = bit_of(trouble);
    if (((link.troubles & bit) != 0) == is_on) return;
    link.troubles ^= bit;
    HeartEvent event;
    event.kind = is_on ? EventKind::Degraded : EventKind::Restored;
    event.trouble = trouble;
    event.path = link.options.path;
    event.at = sys::boot_now();
    events.push_back(event);
}

Result<void> Interconnect::check_attachment(Link& link, Events& events) {
    if (kernel_ == nullptr || owner_of(link) != &link) return {};
    const std::optional<Mode> mode = kernel_->attached(link.options.path, link.ifindex);
    if (!mode) {
        set_trouble(link, Trouble::ProgramDetached, true, events);
        // Another program may hold the place; then it stays a trouble and is tried again.
        (void)attach(link);
        return {};
    }
    link.mode = mode;
    set_trouble(link, Trouble::ProgramDetached, false, events);
    if (mode != Mode::Native || mode_ != Mode::Auto) return {};
    const std::uint64_t errors = xdp_tx_errors(link.name).value_or(0);
    const bool failed = errors > link.tx_errors + kTxErrorsMax;
    link.tx_errors = errors;
    if (!failed) return {};
    link.must_be_generic = true;
    set_trouble(link, Trouble::NativeFailed, true, events);
    return attach(link);
}

Result<void> Interconnect::check_link(Link& link, Events& events) {
    const std::optional<LinkInfo> info = link.ifindex != 0
                                             ? XB_TRY(netlink_->link(link.ifindex))
                                             : XB_TRY(netlink_->link(link.options.interface));
    if (!info && link.ifindex != 0) lose_interface(link);
    if (info && link.ifindex == 0) {
        // Failing to attach is a trouble of that link, raised below, not of the heart.
        (void)adopt_interface(link, *info);
    } else if (info) {
        link.is_up = info->is_up && info->has_carrier;
        link.threaded = threaded_napi(*info);
    }
    set_trouble(link, Trouble::LinkMissing, link.ifindex == 0, events);
    set_trouble(link, Trouble::LinkDown, link.ifindex != 0 && !link.is_up, events);
    set_trouble(link, Trouble::ThreadedNapi, link.threaded.value_or(false), events);
    if (link.ifindex == 0) return {};
    return check_attachment(link, events);
}

Result<void> Interconnect::check_hop(Hop& hop, Events& events) {
    Link& link = links_.at(hop.link);
    const xb_path& path = path_of(hop);
    const bool is_known = observe(path.usable) != 0;
    const bool is_silent = observe(path.state) != XB_PATH_UP;
    if (link.ifindex != 0 && link.is_up && (!is_known || is_silent)) XB_TRY(look_up(hop));
    const bool is_troubled = udp_ == nullptr && link.ifindex != 0 && observe(path.usable) == 0;
    if (is_troubled == hop.troubled) return {};
    hop.troubled = is_troubled;
    HeartEvent event;
    event.kind = is_troubled ? EventKind::Degraded : EventKind::Restored;
    event.trouble = Trouble::NextHopMissing;
    event.path = link.options.path;
    event.peer = hop.peer;
    event.at = sys::boot_now();
    events.push_back(event);
    return {};
}

Result<void> Interconnect::check(Events& events) {
    for (Link& link : links_) XB_TRY(check_link(link, events));
    for (Hop& hop : hops_) XB_TRY(check_hop(hop, events));
    return {};
}

std::vector<LinkStatus> Interconnect::links() const {
    std::vector<LinkStatus> result;
    for (const Link& link : links_) {
        LinkStatus status;
        status.path = link.options.path;
        status.interface = link.name;
        status.ifindex = link.ifindex;
        status.mode = link.mode;
        status.is_up = link.is_up;
        status.threaded_napi = link.threaded;
        result.push_back(status);
    }
    return result;
}

}  // namespace xbeat::heart
