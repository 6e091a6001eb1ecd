/*
 * The heart's maps. All are arrays, most are memory-mapped: the reflex thread reads verdicts and
 * writes its progress with plain loads and stores. Sizes that depend on the highest node id are set
 * by the loader. Every map is pinned and outlives the daemon.
 */
#ifndef XB_MAPS_H
#define XB_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi/xb_abi.h"

/* Who we are and the rules. User space writes, the programs read. One. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_control);
} xb_control SEC(".maps");

/* The lap's book-keeping. The tick writes, user space reads. One. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_laps);
} xb_laps SEC(".maps");

/* Named counters. Both programs add, user space reads. One. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_counters);
} xb_counters SEC(".maps");

/* Node ids of the configured peers, densely: the tick walks these and not a thousand empty places.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XB_NODE_MAX);
	__type(key, __u32);
	__type(value, __u64);
} xb_roster SEC(".maps");

/* Peers by node id; resized to the highest id plus one. Writers: see struct xb_peer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_peer);
} xb_peers SEC(".maps");

/* Paths by node id * XB_PATHS_MAX + path; resized likewise. Writers: see struct xb_path. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_path);
} xb_paths SEC(".maps");

/* Keys, same index as the paths. The daemon's descriptor can write and not read. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_WRONLY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_keys);
} xb_keys SEC(".maps");

/* Receive work that waits, by processor; resized to the machine. backlog.bpf.c writes, the tick
 * reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xb_backlog);
} xb_backlog SEC(".maps");

/* Verdicts with their evidence, from the tick to the reflex thread. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, XB_EVENT_RING_BYTES);
} xb_events SEC(".maps");

static const __u32 xb_zero = 0;

/* Adds one to a counter. A name outside the list is our bug and counts nothing. */
static __always_inline void xb_count(__u32 counter)
{
	struct xb_counters *counters = bpf_map_lookup_elem(&xb_counters, &xb_zero);

	if (counters && counter < XB_COUNTERS_COUNT)
		__sync_fetch_and_add(&counters->value[counter], 1);
}

#endif /* XB_MAPS_H */
