// SPDX-License-Identifier: GPL-2.0
/*
 * The reflex on an interconnect NIC: verify, then reflect a probe from the driver (XDP_TX) or take
 * in the reflection of one of ours. Everything that is not a beat for us passes untouched; every
 * beat that is not taken is dropped and counted under its reason.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "xb_maps.h"
#include "xb_parse.h"
#include "xb_judge.h"

/* Everything that belongs to one frame. */
struct xb_case {
	struct xb_peer *peer;
	struct xb_path *path;
	struct xb_keys *keys;
};

/* Who sent it: XB_OK and the map values, or the drop. */
static __always_inline int xb_find_sender(struct xb_case *found, const struct xb_beat *beat)
{
	__u32 node = XB_LE16(beat->sender);
	__u32 number = beat->path & (XB_PATHS_MAX - 1u);
	__u32 place = node * XB_PATHS_MAX + number;

	if (node == 0 || node > XB_NODE_MAX)
		return XB_DROP_SENDER;
	found->peer = bpf_map_lookup_elem(&xb_peers, &node);
	if (!found->peer || !found->peer->path_mask)
		return XB_DROP_SENDER;
	if (!(found->peer->path_mask & (1u << number)))
		return XB_DROP_PATH;
	found->path = bpf_map_lookup_elem(&xb_paths, &place);
	found->keys = bpf_map_lookup_elem(&xb_keys, &place);
	return found->path && found->keys ? XB_OK : XB_DROP_PATH;
}

SEC("xdp")
int xb_reflect(struct xdp_md *ctx)
{
	struct xb_control *control = bpf_map_lookup_elem(&xb_control, &xb_zero);
	struct xb_packet packet;
	struct xb_case found;
	__u64 now;
	int outcome;

	if (!control)
		return XDP_PASS;
	outcome = xb_parse(&packet, control, ctx->ingress_ifindex, (void *)(long)ctx->data,
			   (void *)(long)ctx->data_end);
	if (outcome == XB_FOREIGN)
		return XDP_PASS;
	if (outcome == XB_OK)
		outcome = xb_judge_shape(packet.beat, control, packet.path);
	if (outcome == XB_OK)
		outcome = xb_find_sender(&found, packet.beat);
	if (outcome != XB_OK) {
		xb_count((__u32)outcome);
		return XDP_DROP;
	}
	now = bpf_ktime_get_boot_ns();
	outcome = xb_judge_frame(packet.beat, control, found.peer, found.path, found.keys, now);
	xb_count((__u32)outcome);
	if (outcome != XB_PROBES_REFLECTED)
		return XDP_DROP;
	if (xb_is_stale_probe(packet.beat, control, now))
		xb_count(XB_STALE_PROBES);
	xb_make_reflection(packet.beat, control, found.peer, found.path, found.keys, now);
	xb_turn_round(&packet);
	return XDP_TX;
}

char xb_license[] SEC("license") = "GPL";
