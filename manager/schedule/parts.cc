// Parts of the scheduler that cover notifications, unfencing, bundles and remote nodes.
#include "schedule/actions.h"
#include "schedule/bundle.h"
#include "schedule/digest_check.h"
#include "schedule/fencing.h"
#include "schedule/notify.h"
#include "schedule/schedule.h"
#include "schedule/situation.h"
#include "schedule/unfence.h"
namespace xbeat::schedule {
Change parameters_changed(World&, Resource&, Node&, const Recorded&) { return Change::None; }
bool failure_parameters_changed(World&, Resource&, Node&, const Recorded&) { return false; }
void make_notify_brackets(World&, Resource&, Task, Step&, Step&) {}
void make_notifications(World&) {}
void notify_of_fencing(World&, Step&, Resource&, Step&) {}
void order_unfencing(World&, Resource&) {}
void order_after_unfencing(World&, Resource&, Node*, Step&, Effects) {}
void trigger_unfencing(World&, Resource*, Node&, Step*) {}
void add_unfencing_digests(World&, Node&, Step&, std::string_view) {}
bool unpack_bundle(World&, Resource&) { return false; }
Replica* replica_on(const Resource& b, const Node& n) {
    for (auto& r : b.bundle->parts)
        if (r.node == &n) return &r;
    return nullptr;
}
void order_remote_steps(World&) {}
}  // namespace xbeat::schedule
