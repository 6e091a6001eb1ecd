// SPDX-License-Identifier: GPL-2.0
/*
 * Before the witness's socket: what is not an authentic request ends here, in the driver, and is
 * counted under its reason. So a flood of rubbish or of forged datagrams costs no wake-up of the
 * witness and takes no place in its queue.
 *
 * What passes is checked again where it is answered. This program can make the witness deaf, never
 * wrong: leases, versions and replays are known to the ledger alone.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "xb_witness.h"

const volatile struct xb_witness_place witness_place;

/* By the number in the datagram. User space writes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, XB_WITNESS_KEYS_MAX);
	__type(key, __u64);
	__type(value, struct xb_witness_key);
} witness_keys SEC(".maps");

/* By outcome, of each processor. The program writes, user space adds them up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XB_WITNESS_OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} witness_counts SEC(".maps");

static __always_inline int end_as(__u32 outcome)
{
	__u64 *count = bpf_map_lookup_elem(&witness_counts, &outcome);

	if (count)
		*count += 1;
	return outcome == XB_WITNESS_PASSED ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int witness_filter(struct xdp_md *context)
{
	struct xb_witness_place place = {};
	const struct xb_witness_key *key;
	const xb_u64_alias *words;
	__u64 cluster;
	int outcome;

	/* Field by field: a copy of the whole would be folded to what stands in this file. */
	place.port = witness_place.port;
	place.family = witness_place.family;
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		place.address[i] = witness_place.address[i];
	words = xb_witness_find(&place, (void *)(long)context->data,
				(void *)(long)context->data_end, &outcome);
	if (outcome == XB_WITNESS_FOREIGN)
		return XDP_PASS;
	if (!words)
		return end_as(outcome);
	cluster = XB_LE64(words[1]);
	key = bpf_map_lookup_elem(&witness_keys, &cluster);
	if (!key)
		return end_as(XB_WITNESS_UNKNOWN);
	return end_as(xb_witness_is_sealed(words, key) ? XB_WITNESS_PASSED : XB_WITNESS_WRONG_TAG);
}

char LICENSE[] SEC("license") = "GPL";
