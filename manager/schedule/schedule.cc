#include "schedule/schedule.h"

#include "core/text.h"
#include "schedule/actions.h"
#include "schedule/assign.h"
#include "schedule/constraints.h"
#include "schedule/explanation.h"
#include "schedule/fencing.h"
#include "schedule/graph.h"
#include "schedule/internal.h"
#include "schedule/notify.h"
#include "schedule/options.h"
#include "schedule/propagate.h"
#include "schedule/resources.h"
#include "schedule/status.h"
#include "schedule/unpack.h"
#include "schedule/world.h"

namespace xbeat::schedule {

void unpack(World& world, const cib::Element& cib, const Options& options) {
    world.cib = &cib;
    world.now = options.now;
    world.record.scores = options.record_scores;
    world.record.explanation = options.explanation;
    if (options.explanation != nullptr) *options.explanation = {};
    world.ids = rules::IdIndex(cib);
    unpack_options(world);
    unpack_nodes(world);
    unpack_resources(world);
    unpack_status(world);
}

Plan schedule(const cib::Element& cib, const Options& options) {
    World world;
    unpack(world, cib, options);
    unpack_constraints(world);
    apply_node_criteria(world);
    add_internal_constraints(world);
    handle_changed_configuration(world);
    assign_resources(world);
    create_probes(world);
    create_actions(world);
    order_remote_steps(world);
    schedule_fencing_and_shutdowns(world);
    apply_orderings(world);
    make_notifications(world);
    return make_plan(world);
}

EpochSeconds effective_time(const cib::Element& cib, EpochSeconds clock) {
    const auto recorded = parse_integer(cib.get("execution-date"));
    return recorded && *recorded > 0 ? EpochSeconds{*recorded} : clock;
}

}  // namespace xbeat::schedule
