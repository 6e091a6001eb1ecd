// SPDX-License-Identifier: GPL-2.0
/*
 * The backlog: which processor owes receive work, and since when.
 *
 * Frames are taken in by softirqs, each on the processor that asked for it. A processor that the
 * host took away, or that real-time threads keep from its softirqs, leaves them lying; the tick
 * beats on on another processor and would take its own backlog for the peer's silence. So each
 * processor notes when receive work was asked for, begun and ended, and the tick judges nobody
 * while one of them owes it for long (xb_owes_answers).
 *
 * Raw tracepoints: stable since 4.17, and three stores each.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "xb_maps.h"

#define XB_NET_RX 3 /* the softirq's number: part of the kernel's interface to user space */

static __always_inline struct xb_backlog *xb_backlog_here(const struct bpf_raw_tracepoint_args *ctx)
{
	__u32 cpu;

	if (ctx->args[0] != XB_NET_RX)
		return 0;
	cpu = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&xb_backlog, &cpu);
}

SEC("raw_tp/softirq_raise")
int xb_backlog_raise(struct bpf_raw_tracepoint_args *ctx)
{
	struct xb_backlog *here = xb_backlog_here(ctx);

	/* Asked for again before it began: the first time counts. */
	if (here && !here->raised_ns)
		here->raised_ns = bpf_ktime_get_boot_ns();
	return 0;
}

SEC("raw_tp/softirq_entry")
int xb_backlog_entry(struct bpf_raw_tracepoint_args *ctx)
{
	struct xb_backlog *here = xb_backlog_here(ctx);

	if (!here)
		return 0;
	here->entered_ns = bpf_ktime_get_boot_ns();
	here->raised_ns = 0;
	return 0;
}

SEC("raw_tp/softirq_exit")
int xb_backlog_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct xb_backlog *here = xb_backlog_here(ctx);

	/* What was asked for meanwhile stays noted: it begins anew. */
	if (here)
		here->entered_ns = 0;
	return 0;
}

char xb_license[] SEC("license") = "GPL";
