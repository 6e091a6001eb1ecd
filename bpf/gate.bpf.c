// SPDX-License-Identifier: GPL-2.0
/*
 * The gate on a NIC: packets from and to managed addresses pass only while this node holds a lease,
 * by the kernel's own clock, packet by packet. So a node whose processes stand still falls silent
 * by itself, and one that is woken again finds itself silent.
 *
 * A lease is what the peer's reflections granted last (the heart's xb_peers) or what the arbiter
 * granted (written by the daemon); the later one counts. Each has one writer. Everything else
 * passes untouched and uncounted.
 *
 * Outbound it is a tc program, inbound an XDP program, or a tc program where XDP is taken or
 * missing.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "xb_gate.h"

/* Resized by the loader, and the heart's own map. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_peer);
} xb_peers SEC(".maps");

/* One. User space writes its part, the programs theirs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_gate_control);
} gate_control SEC(".maps");

/* The managed addresses. User space writes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XB_MANAGED_MAX);
	__type(key, struct xb_managed);
	__type(value, __u32);
} gate_managed SEC(".maps");

static const __u32 xb_zero = 0;

static __always_inline void xb_gate_count(struct xb_gate_control *control, __u32 counter)
{
	if (counter < XB_GATE_COUNTERS_COUNT)
		__sync_fetch_and_add(&control->count[counter], 1);
}

/* The kind under which the packet is judged; XB_GATE_FOREIGN if no address of it is managed. */
static __always_inline __u64 xb_gate_kind_of(struct xb_gate_packet *packet)
{
	if (packet->kind == XB_GATE_FOREIGN)
		return XB_GATE_FOREIGN;
	if (bpf_map_lookup_elem(&gate_managed, &packet->first))
		return packet->kind;
	if (packet->has_second && bpf_map_lookup_elem(&gate_managed, &packet->second))
		return XB_GATE_NDP;
	return XB_GATE_FOREIGN;
}

/* 1 if the packet may pass. */
static __always_inline int xb_gate_judge(enum xb_gate_way way, const void *data, const void *end)
{
	struct xb_gate_control *control = bpf_map_lookup_elem(&gate_control, &xb_zero);
	struct xb_gate_packet packet;
	struct xb_peer *peer;
	__u64 kind, now, granted = 0;
	__u32 node;

	xb_gate_read(&packet, way, data, end);
	kind = xb_gate_kind_of(&packet);
	if (kind == XB_GATE_FOREIGN)
		return 1;
	if (!control)
		return 0;
	node = control->peer;
	peer = node ? bpf_map_lookup_elem(&xb_peers, &node) : 0;
	if (peer)
		granted = *(volatile __u64 *)&peer->lease_until_ns;
	now = bpf_ktime_get_boot_ns();
	if (!xb_gate_is_open(granted, *(volatile __u64 *)&control->exclusive_until_ns, now)) {
		xb_gate_count(control, xb_gate_drop(kind, way));
		return 0;
	}
	xb_gate_count(control, way == XB_GATE_IN ? XB_GATE_PASSED_IN : XB_GATE_PASSED_OUT);
	if (way == XB_GATE_IN)
		control->passed_in_ns = now;
	else
		control->passed_out_ns = now;
	return 1;
}

SEC("xdp.frags")
int xb_gate_xdp(struct xdp_md *ctx)
{
	return xb_gate_judge(XB_GATE_IN, (void *)(long)ctx->data, (void *)(long)ctx->data_end)
		       ? XDP_PASS
		       : XDP_DROP;
}

/* What is looked at has to lie in one piece. Pulled only if it does not: pulling a clone copies it,
 * and TCP sends clones. */
static __always_inline void xb_gate_pull(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u32 bytes = skb->len < XB_GATE_BYTES ? skb->len : XB_GATE_BYTES;

	if (data + XB_GATE_BYTES > end && (__u64)(end - data) < bytes)
		bpf_skb_pull_data(skb, bytes);
}

/* Without a lease; TC_ACT_UNSPEC lets other filters go on. */
static __always_inline int xb_gate_filter(struct __sk_buff *skb, enum xb_gate_way way)
{
	xb_gate_pull(skb);
	return xb_gate_judge(way, (void *)(long)skb->data, (void *)(long)skb->data_end)
		       ? TC_ACT_UNSPEC
		       : TC_ACT_SHOT;
}

SEC("tc")
int xb_gate_ingress(struct __sk_buff *skb)
{
	return xb_gate_filter(skb, XB_GATE_IN);
}

SEC("tc")
int xb_gate_egress(struct __sk_buff *skb)
{
	return xb_gate_filter(skb, XB_GATE_OUT);
}

char xb_license[] SEC("license") = "GPL";
