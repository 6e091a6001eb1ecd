// What clients may ask to be changed. Reading needs no request.
//
// A node that is not the coordinator forwards these as they are.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace xbeat::wire {

struct ReplaceConfiguration {
    std::string configuration;  // XML of <configuration>, or of a whole <cib>
    std::string
        base_version;  // "admin_epoch.epoch" it was derived from; empty = whatever is there now
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.configuration, self.base_version);
    }
};
struct SetAttribute {
    std::string node;  // node name
    std::string name;
    std::string value;  // ignored if remove
    bool remove = false;
    bool is_permanent = false;   // in the configuration, else transient (lost when the node leaves)
    bool is_private = false;     // transient, known to all members, never in the CIB
    std::int64_t dampen_ms = 0;  // transient ones: written once it has not changed for so long
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.name, self.value, self.remove, self.is_permanent, self.is_private,
                self.dampen_ms);
    }
};
/// An attribute of a ticket: granted (true, false), standby, or any other.
struct SetTicket {
    std::string ticket;
    std::string name;  // empty, with remove: the ticket's whole state
    std::string value;
    bool remove = false;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.ticket, self.name, self.value, self.remove);
    }
};
struct Cleanup {
    std::string resource;     // empty = all
    std::string node;         // empty = all
    bool failed_only = true;  // true: cleanup; false: refresh (forget everything, probe again)
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.resource, self.node, self.failed_only);
    }
};
struct FenceNode {
    std::string node;
    std::string action;  // "reboot" or "off"; "on" to unfence
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.action);
    }
};
struct ConfirmFenced {
    std::string node;  // a person vouches that it is off
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node);
    }
};
struct ForgetFences {
    std::string node;  // whose history of fencing; empty = all
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node);
    }
};
/// Does this fence device work from the node that is asked? Nothing is switched.
struct ValidateDevice {
    std::string device;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.device);
    }
};
struct FailResource {
    std::string resource;
    std::string node;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.resource, self.node);
    }
};
struct Leave {  // leave the cluster cleanly and end
    template <class Self, class Archive>
    static void fields(Self& /*self*/, Archive& /*archive*/) {}
};

using RequestBody =
    std::variant<ReplaceConfiguration, SetAttribute, Cleanup, FenceNode, ConfirmFenced,
                 FailResource, Leave, SetTicket, ForgetFences, ValidateDevice>;

}  // namespace xbeat::wire
