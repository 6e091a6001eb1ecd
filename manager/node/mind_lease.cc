// By what right this node serves: the peer's grants, the arbiter's exclusivity, or being alone.
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

LeaseView Mind::lease_view() const {
    LeaseView view;
    view.arbiter = options_.arbiter;
    view.is_used = arbiter::hands_out_leases(options_.arbiter);
    return view;
}

void Mind::handle(const ArbiterAnswer& /*answer*/) {}

void Mind::handle(const LeaseSeen& /*seen*/) {}

}  // namespace xbeat::node
