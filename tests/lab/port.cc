#include "lab/port.h"

#include <bpf/libbpf.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "core/text.h"
#include "lab/pass.skel.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::lab {
namespace {

// RTM_SETLINK of the bridge family with IFLA_PROTINFO { IFLA_BRPORT_STATE }, as one aligned value.
struct PortRequest {
    nlmsghdr header{};
    ifinfomsg link{};
    rtattr nest{};
    rtattr attribute{};
    std::uint8_t state = 0;
    std::uint8_t padding[3]{};
};
static_assert(sizeof(PortRequest) == NLMSG_ALIGN(sizeof(nlmsghdr)) + 16 + 4 + 4 + 4);

struct Acknowledgement {
    nlmsghdr header{};
    nlmsgerr error{};
    char rest[512]{};  // the kernel quotes the request behind the error
};

Result<unsigned> index_of(const std::string& port) {
    const unsigned index = ::if_nametoindex(port.c_str());
    if (index == 0) return sys::system_error(concat("switch port ", port));
    return index;
}

}  // namespace

Result<void> set_flow(const std::string& port, Flow flow) {
    PortRequest request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_SETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.link.ifi_family = AF_BRIDGE;
    request.link.ifi_index = static_cast<int>(XB_TRY(index_of(port)));
    request.nest.rta_type = IFLA_PROTINFO | NLA_F_NESTED;
    request.nest.rta_len = RTA_LENGTH(RTA_LENGTH(sizeof request.state) + sizeof request.padding);
    request.attribute.rta_type = IFLA_BRPORT_STATE;
    request.attribute.rta_len = RTA_LENGTH(sizeof request.state);
    request.state = flow == Flow::Forwarding ? BR_STATE_FORWARDING : BR_STATE_DISABLED;

    const sys::Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!netlink.is_open()) return sys::system_error("netlink");
    if (::send(netlink.get(), &request, sizeof request, 0) < 0) {
        return sys::system_error(concat("state of switch port ", port));
    }
    Acknowledgement reply;
    if (::recv(netlink.get(), &reply, sizeof reply, 0) < 0) {
        return sys::system_error(concat("state of switch port ", port));
    }
    if (reply.header.nlmsg_type == NLMSG_ERROR && reply.error.error != 0) {
        return sys::system_error(concat("state of switch port ", port), -reply.error.error);
    }
    return {};
}

Result<void> set_carrier(const std::string& port, Carrier carrier) {
    const sys::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!any.is_open()) return sys::system_error("socket");
    ifreq request{};
    port.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) {
        return sys::system_error(concat("flags of switch port ", port));
    }
    const int flags = request.ifr_flags;
    request.ifr_flags =
        static_cast<short>(carrier == Carrier::Up ? flags | IFF_UP : flags & ~IFF_UP);
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) {
        return sys::system_error(concat("flags of switch port ", port));
    }
    return {};
}

void PassAll::Destroy::operator()(pass_bpf* skeleton) const { pass_bpf__destroy(skeleton); }

Result<PassAll> PassAll::create() {
    pass_bpf* skeleton = pass_bpf__open_and_load();
    if (skeleton == nullptr) return sys::system_error("the switch's pass-all XDP program");
    return PassAll(skeleton);
}

Result<void> PassAll::attach(const std::string& port) const {
    const unsigned index = XB_TRY(index_of(port));
    const int program = bpf_program__fd(skeleton_->progs.pass);
    const int error = bpf_xdp_attach(static_cast<int>(index), program, XDP_FLAGS_DRV_MODE, nullptr);
    if (error != 0) return sys::system_error(concat("XDP on switch port ", port), -error);
    return {};
}

}  // namespace xbeat::lab
