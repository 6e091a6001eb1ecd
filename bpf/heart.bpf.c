// SPDX-License-Identifier: GPL-2.0
/*
 * The tick: what happens each time the circulating packet comes out of its queue.
 *
 * The packet comes in at one end of a private veth pair. The tick judges every peer, stamps the
 * packet as a probe for each path in turn and sends a clone of it there, then makes it the
 * circulating packet again and puts it back into the queue at the other end, whose rate is the
 * period. No process is involved.
 *
 * Judgement comes before sending, so that the lap that finds a peer dead already grants it nothing.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "xb_maps.h"
#include "xb_parse.h"
#include "xb_judge.h"

#define XB_XMIT_CONGESTED                                                                          \
	2	     /* NET_XMIT_CN: also what a device without carrier says (noop_enqueue) */
#define XB_EINVAL 22 /* the device is down or gone */
#define XB_ENETDOWN 100

/* What the walk over the peers carries along. */
struct xb_walk {
	struct __sk_buff *skb;
	struct xb_control *control;
	struct xb_lap lap;
};

/* What changed, for the record. */
struct xb_change {
	__u32 place; /* node id * XB_PATHS_MAX + path */
	__u32 misses;
	__u8 kind;
	__u8 before;
	__u8 after;
};

/* Puts a verdict with its evidence on the ring. A full ring loses the record, never the state.
 * Written in place: a record on the stack of each of two nested functions would exceed the 512
 * bytes of older kernels. */
static __always_inline int xb_emit(const struct xb_lap *lap, const struct xb_peer *peer,
				   const struct xb_path *path, const struct xb_change *change)
{
	struct xb_event *event = bpf_ringbuf_reserve(&xb_events, sizeof(*event), 0);

	if (!event) {
		xb_count(XB_EVENTS_LOST);
		return 0;
	}
	event->at_ns = lap->now;
	event->kind = change->kind;
	event->before = change->before;
	event->after = change->after;
	event->path = (__u8)(change->place % XB_PATHS_MAX);
	event->node = (__u16)(change->place / XB_PATHS_MAX);
	event->reserved = 0;
	event->sequence = path->sent_sequence;
	event->answered_sequence = path->answered.highest;
	event->sent_ns = path->sent_ns;
	event->answered_ns = path->answered_ns;
	event->heard_ns = peer->heard_ns;
	event->rtt_ns = path->rtt_ns;
	event->grace_ns = path->grace_used_ns;
	event->misses = change->misses;
	event->unsent_misses = path->unsent_misses;
	event->gap_ns = lap->gap_ns;
	event->late = lap->late;
	event->daemon_progress = peer->daemon_progress;
	event->flags = peer->flags;
	bpf_ringbuf_submit(event, 0);
	xb_count(XB_EVENTS);
	return 1;
}

static __always_inline struct xb_path *xb_path_of(__u32 node, __u32 number)
{
	__u32 index = node * XB_PATHS_MAX + number;

	return bpf_map_lookup_elem(&xb_paths, &index);
}

/* One path's part of the lap; its own program to the verifier, so that eight of them cost one. */
__noinline int xb_judge_one_path(struct xb_control *control, struct xb_peer *peer,
				 struct xb_path *path, struct xb_lap *lap, __u32 place)
{
	struct xb_change change = {.place = place, .kind = XB_EVENT_PATH};

	if (!control || !peer || !path || !lap)
		return 0;
	change.before = (__u8)path->state;
	if (!xb_judge_path(control, peer, path, lap))
		return 0;
	change.after = (__u8)path->state;
	change.misses = path->misses;
	return xb_emit(lap, peer, path, &change);
}

/* Judges the paths, then the peer; the paths' verdicts come first, as causes do. */
__noinline int xb_judge(struct xb_control *control, struct xb_peer *peer, struct xb_lap *lap,
			__u32 node)
{
	struct xb_change change = {.place = node * XB_PATHS_MAX, .kind = XB_EVENT_PEER};
	struct xb_path *path, *latest = 0;

	if (!control || !peer || !lap)
		return 0;
	if (peer->seen_epoch != peer->epoch)
		xb_begin_epoch(peer, lap);
	change.misses = 0xffffffff;
	change.before = (__u8)peer->state;
	for (__u32 number = 0; number < XB_PATHS_MAX; number++) {
		if (!(peer->path_mask & (1u << number)))
			continue;
		path = xb_path_of(node, number);
		if (!path)
			continue;
		xb_judge_one_path(control, peer, path, lap, node * XB_PATHS_MAX + number);
		if (path->misses < change.misses)
			change.misses = path->misses;
		if (!latest || path->answered_ns > latest->answered_ns)
			latest = path;
	}
	if (!latest || !xb_judge_peer(control, peer, change.misses, lap))
		return 0;
	change.after = (__u8)peer->state;
	return xb_emit(lap, peer, latest, &change);
}

/* Writes the headers in front of the beat; `l3` is where IP begins and lies within the checked
 * frame. */
static __always_inline void xb_write_ipv4(struct xb_ipv4 *ip, const struct xb_link *link,
					  const struct xb_path *path)
{
	ip->version_ihl = 0x45;
	ip->tos = 0xb8; /* expedited forwarding (RFC 3246) */
	ip->length = XB_BE16(sizeof(*ip) + XB_UDP_BYTES);
	ip->id = 0;
	ip->fragment = XB_BE16(0x4000); /* do not fragment */
	ip->ttl = XB_HOP_LIMIT;
	ip->protocol = XB_IP_UDP;
	__builtin_memcpy(ip->source, link->local, 4);
	__builtin_memcpy(ip->destination, path->remote, 4);
	xb_checksum_ipv4(ip);
}

static __always_inline void xb_write_ipv6(struct xb_ipv6 *ip, const struct xb_link *link,
					  const struct xb_path *path)
{
	ip->version_flow = XB_BE32(0x6b800000); /* traffic class 0xb8, flow 0 */
	ip->length = XB_BE16(XB_UDP_BYTES);
	ip->next = XB_IP_UDP;
	ip->hop_limit = XB_HOP_LIMIT;
	__builtin_memcpy(ip->source, link->local, 16);
	__builtin_memcpy(ip->destination, path->remote, 16);
}

static __always_inline void *xb_write_eth(struct xb_eth *eth, const struct xb_link *link,
					  const struct xb_path *path)
{
	__u16 type = link->family == 6 ? XB_BE16(XB_ETHERTYPE_IPV6) : XB_BE16(XB_ETHERTYPE_IPV4);
	struct xb_vlan *vlan = (struct xb_vlan *)(eth + 1);

	__builtin_memcpy(eth->destination, path->next_mac, 6);
	__builtin_memcpy(eth->source, link->mac, 6);
	if (!link->vlan) {
		eth->type = type;
		return vlan;
	}
	eth->type = XB_BE16(XB_ETHERTYPE_VLAN);
	vlan->tag = XB_BE16(link->vlan);
	vlan->type = type;
	return vlan + 1;
}

/* What the packet layer said about a clone. */
static __always_inline enum xb_sending xb_sending_of(long code)
{
	if (code == 0)
		return XB_SENT;
	if (code == XB_XMIT_CONGESTED || code == -XB_EINVAL || code == -XB_ENETDOWN)
		return XB_UNSENT;
	return XB_FAILED;
}

/* Makes the packet a probe for that path and sends a clone of it. */
__noinline int xb_stamp_and_clone(struct __sk_buff *skb, struct xb_control *control,
				  struct xb_peer *peer, struct xb_path *path, __u32 place)
{
	__u32 number = place & (XB_PATHS_MAX - 1);
	struct xb_ipv6 *ipv6 = 0;
	struct xb_link *link;
	struct xb_keys *keys;
	struct xb_beat *beat;
	struct xb_udp *udp;
	__u32 bytes;
	void *l3;

	keys = bpf_map_lookup_elem(&xb_keys, &place);
	if (!control || !peer || !path || !keys)
		return XB_FAILED;
	link = &control->links[number];
	if (!link->ifindex || !path->usable)
		return XB_UNSENT;
	bytes = xb_probe_bytes(link);
	if (skb->len != bytes && bpf_skb_change_tail(skb, bytes, 0))
		return XB_FAILED;
	if ((void *)(long)skb->data + XB_LAP_BYTES > (void *)(long)skb->data_end)
		return XB_FAILED;
	l3 = xb_write_eth((struct xb_eth *)(long)skb->data, link, path);
	if (link->family == 6) {
		ipv6 = l3;
		udp = (struct xb_udp *)(ipv6 + 1);
	} else {
		udp = (struct xb_udp *)((struct xb_ipv4 *)l3 + 1);
	}
	beat = (struct xb_beat *)(udp + 1);
	if ((void *)(beat + 1) > (void *)(long)skb->data_end)
		return XB_FAILED;
	udp->source = XB_BE16(control->port);
	udp->destination = XB_BE16(control->port);
	udp->length = XB_BE16(XB_UDP_BYTES);
	xb_make_probe(beat, control, peer, path, keys, (__u16)(place / XB_PATHS_MAX), (__u8)number,
		      bpf_ktime_get_boot_ns());
	if (ipv6)
		xb_write_ipv6(ipv6, link, path);
	else
		xb_write_ipv4(l3, link, path);
	xb_checksum_udp(ipv6, udp);
	return (int)xb_sending_of(bpf_clone_redirect(skb, link->ifindex, 0));
}

static __always_inline void xb_probe(struct xb_walk *walk, struct xb_peer *peer, __u32 node)
{
	for (__u32 number = 0; number < XB_PATHS_MAX; number++) {
		struct xb_path *path;
		__u64 now;
		int sending;

		if (!(peer->path_mask & (1u << number)))
			continue;
		path = xb_path_of(node, number);
		if (!path)
			continue;
		path->sequence++;
		now = bpf_ktime_get_boot_ns();
		sending = xb_stamp_and_clone(walk->skb, walk->control, peer, path,
					     node * XB_PATHS_MAX + number);
		xb_note_sending(path, (enum xb_sending)sending, now);
		xb_count(sending == XB_SENT	? XB_PROBES_SENT
			 : sending == XB_UNSENT ? XB_PROBES_UNSENT
						: XB_PROBES_FAILED);
	}
}

/* One peer of the roster. Returns 0 to go on (bpf_loop). */
static long xb_visit_peer(__u32 entry, void *context)
{
	struct xb_walk *walk = context;
	struct xb_peer *peer;
	__u64 *place;
	__u32 node;

	place = bpf_map_lookup_elem(&xb_roster, &entry);
	if (!place || *place > XB_NODE_MAX)
		return 0;
	node = (__u32)*place;
	peer = bpf_map_lookup_elem(&xb_peers, &node);
	if (!peer || !peer->incarnation || !peer->path_mask)
		return 0;
	xb_judge(walk->control, peer, &walk->lap, node);
	xb_probe(walk, peer, node);
	return 0;
}

struct xb_waiting {
	struct xb_control *control;
	__u64 now;
	__u64 found;
};

/* One processor. Returns 1 to stop (bpf_loop): one that owes answers is enough. */
static long xb_visit_cpu(__u32 cpu, void *context)
{
	struct xb_waiting *waiting = context;
	struct xb_backlog *backlog = bpf_map_lookup_elem(&xb_backlog, &cpu);

	if (!backlog)
		return 1;
	if (!xb_owes_answers(waiting->control, backlog, waiting->now))
		return 0;
	waiting->found = 1;
	return 1;
}

/* Does a processor of this machine owe receive work? On a virtual machine the host takes whole
 * processors away; the tick goes on on another one, and the answers it misses lie in a queue here.
 */
static __always_inline int xb_answers_wait(struct xb_control *control, __u64 now)
{
	struct xb_waiting waiting = {.control = control, .now = now};

	bpf_loop(control->cpus, xb_visit_cpu, &waiting, 0);
	return (int)waiting.found;
}

/* Is this our circulating packet, of the present generation? */
static __always_inline int xb_is_lap(struct __sk_buff *skb, const struct xb_control *control)
{
	struct xb_lap_frame *frame;

	if (bpf_skb_pull_data(skb, XB_LAP_BYTES))
		return 0;
	frame = (struct xb_lap_frame *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return 0;
	if (frame->ethertype != XB_BE16(XB_LAP_ETHERTYPE) || frame->magic != XB_LAP_MAGIC) {
		xb_count(XB_LAP_FOREIGN);
		return 0;
	}
	if (frame->generation != control->generation) {
		xb_count(XB_LAP_STALE);
		return 0;
	}
	return 1;
}

/* Makes the packet the circulating one again; 0 if it cannot be. */
static __always_inline int xb_restore_lap(struct __sk_buff *skb, const struct xb_control *control)
{
	struct xb_lap_frame *frame;

	if (skb->len != XB_LAP_BYTES && bpf_skb_change_tail(skb, XB_LAP_BYTES, 0))
		return 0;
	frame = (struct xb_lap_frame *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return 0;
	__builtin_memset(frame, 0, sizeof(*frame));
	frame->ethertype = XB_BE16(XB_LAP_ETHERTYPE);
	frame->generation = control->generation;
	frame->magic = XB_LAP_MAGIC;
	return 1;
}

SEC("tc")
int xb_tick(struct __sk_buff *skb)
{
	struct xb_control *control = bpf_map_lookup_elem(&xb_control, &xb_zero);
	struct xb_laps *laps = bpf_map_lookup_elem(&xb_laps, &xb_zero);
	struct xb_walk walk = {};
	__u64 work_ns;

	if (!control || !laps || !xb_is_lap(skb, control))
		return TC_ACT_SHOT;
	walk.skb = skb;
	walk.control = control;
	walk.lap = xb_begin_lap(control, laps, bpf_ktime_get_boot_ns());
	xb_hold_lap(control, laps, &walk.lap, xb_answers_wait(control, walk.lap.now));
	bpf_loop(control->roster_count, xb_visit_peer, &walk, 0);
	if (!xb_restore_lap(skb, control))
		return TC_ACT_SHOT;
	work_ns = bpf_ktime_get_boot_ns() - walk.lap.now;
	if (work_ns > laps->work_max_ns)
		laps->work_max_ns = work_ns;
	/* The first lap's packet still belongs to the socket that sent it, and that socket holds
	 * its network namespace: going round for ever, it would keep a namespace beating that
	 * nobody can enter any more. A clone belongs to no socket. */
	if (skb->sk) {
		bpf_clone_redirect(skb, control->lap_ifindex, 0);
		return TC_ACT_SHOT;
	}
	return (int)bpf_redirect(control->lap_ifindex, 0);
}

char xb_license[] SEC("license") = "GPL";
