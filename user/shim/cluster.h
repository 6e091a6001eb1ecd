// What the shims ask of the cluster: the few questions and changes behind all of their commands.
//
// An interface, so that tests answer for the daemon. The real one speaks the control protocol, asks
// anew while there is no coordinator for a moment, and repeats a change of the configuration that
// somebody else's change has overtaken.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/part.h"
#include "cib/xml.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::shim {

struct Self {
    std::string node;
    std::string node_id;
};

/// A transient attribute, as the daemon knows it.
struct TransientAttribute {
    std::string node;
    std::string name;
    std::optional<std::string> value;  // in force; empty if there is none yet
    bool is_private = false;
    bool is_waiting = false;              // a change of it is being dampened
    std::optional<std::string> expected;  // what it becomes; empty if it goes
};

struct AttributeChange {
    std::string node;
    std::string name;
    std::optional<std::string> value;  // empty: remove
    bool is_private = false;
    Duration dampening{};
};

struct FenceEvent {
    std::string target;
    std::string action;
    std::string origin;
    std::string outcome;  // "pending", "success", "failed", ...
    std::int64_t time_s = 0;
};

class Cluster {
public:
    virtual ~Cluster() = default;
    Cluster() = default;
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// Errors of all of these: those of the control protocol; Unavailable if no daemon runs.
    virtual Result<Self> self() = 0;
    /// The document, or at least this part of it.
    virtual Result<cib::Element> cib(const cib::Part& part) = 0;
    virtual Result<std::vector<TransientAttribute>> attributes() = 0;
    virtual Result<void> set_attribute(const AttributeChange& change) = 0;
    /// An empty name with no value forgets the ticket.
    virtual Result<void> set_ticket(std::string_view ticket, std::string_view name,
                                    const std::optional<std::string>& value) = 0;
    /// Applies `edit` to the present <cib> and puts its configuration in force, with a higher
    /// admin_epoch and another schema if it names them; again, with the newer one, if somebody was
    /// faster. An edit that changes none of these asks for nothing. What it does to the status is
    /// lost.
    using Edit = std::function<Result<void>(cib::Element& element)>;
    virtual Result<void> change_document(const Edit& edit) = 0;
    /// The same with the <configuration> alone.
    Result<void> change_configuration(const Edit& edit);
    virtual Result<void> clean_up(std::string_view resource, std::string_view node,
                                  bool failed_only) = 0;
    virtual Result<void> fail_resource(std::string_view resource, std::string_view node) = 0;
    virtual Result<void> fence(std::string_view node, std::string_view action) = 0;
    virtual Result<void> confirm_fenced(std::string_view node) = 0;
    virtual Result<std::vector<FenceEvent>> fence_history() = 0;
    /// Of one node, or (empty) of all.
    virtual Result<void> forget_fences(std::string_view node) = 0;
    /// Asks the device all that switches nothing. Code::Invalid with the answers if one was bad.
    virtual Result<void> validate_device(std::string_view device) = 0;
    /// True when no transition is under way.
    virtual Result<bool> is_idle() = 0;
};

/// Through the daemon's sockets in `run_dir`.
[[nodiscard]] std::unique_ptr<Cluster> connect_to_daemon(std::string run_dir);

}  // namespace xbeat::shim
