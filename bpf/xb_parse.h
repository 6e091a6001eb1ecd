/*
 * From bytes on a NIC to a beat: a bounds-checked walk over Ethernet, at most one VLAN tag, IPv4 or
 * IPv6, and UDP. Also the way back: headers of a probe, and a probe's headers turned round for its
 * reflection.
 *
 * Whatever is not UDP to one of our addresses and our port is XB_FOREIGN and is never touched.
 * Compiles for the host, too.
 */
#ifndef XB_PARSE_H
#define XB_PARSE_H

#include "abi/xb_abi.h"

#ifndef xb_inline
#define xb_inline static inline __attribute__((always_inline))
#endif

/* Bytes of a packet read as words: not an access through a foreign type to the compiler. */
typedef __u16 __attribute__((may_alias)) xb_u16_alias;

#define XB_ETHERTYPE_IPV4 0x0800u
#define XB_ETHERTYPE_IPV6 0x86DDu
#define XB_ETHERTYPE_VLAN 0x8100u
#define XB_IP_UDP 17u
#define XB_IPV6_FRAGMENT 44u
#define XB_HOP_LIMIT 64u /* the default of RFC 1700; a routed interconnect needs more than 1 */

/* The wire's headers, only the fields that we look at by name. Multi-byte fields are big endian. */
struct xb_eth {
	__u8 destination[6];
	__u8 source[6];
	__u16 type;
};
struct xb_vlan {
	__u16 tag; /* priority in the upper 4 bits, VLAN id in the lower 12 */
	__u16 type;
};
struct xb_ipv4 { /* RFC 791 */
	__u8 version_ihl;
	__u8 tos;
	__u16 length;
	__u16 id;
	__u16 fragment; /* 0x2000 more fragments, 0x1fff offset */
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u8 source[4];
	__u8 destination[4];
};
struct xb_ipv6 { /* RFC 8200 */
	__u32 version_flow;
	__u16 length; /* of what follows */
	__u8 next;
	__u8 hop_limit;
	__u8 source[16];
	__u8 destination[16];
};
struct xb_ipv6_fragment { /* RFC 8200, section 4.5 */
	__u8 next;
	__u8 reserved;
	__u16 offset; /* 0xfff8 offset, 1 more fragments */
	__u32 id;
};
struct xb_udp { /* RFC 768 */
	__u16 source;
	__u16 destination;
	__u16 length; /* with this header */
	__u16 checksum;
};
XB_STATIC_ASSERT(sizeof(struct xb_eth) == 14, "wire");
XB_STATIC_ASSERT(sizeof(struct xb_ipv4) == 20, "wire");
XB_STATIC_ASSERT(sizeof(struct xb_ipv6) == 40, "wire");
XB_STATIC_ASSERT(sizeof(struct xb_udp) == 8, "wire");

#define XB_UDP_BYTES (sizeof(struct xb_udp) + sizeof(struct xb_beat))
#define XB_FRAME_BYTES_MAX                                                                         \
	(sizeof(struct xb_eth) + sizeof(struct xb_vlan) + sizeof(struct xb_ipv6) + XB_UDP_BYTES)

/* Where things are in a frame that is ours. */
struct xb_packet {
	struct xb_eth *eth;
	struct xb_ipv4 *ipv4; /* one of these two is null */
	struct xb_ipv6 *ipv6;
	struct xb_udp *udp;
	struct xb_beat *beat;
	__u32 path; /* whose link it came in by */
};

/* The lengths of UDP's own header: a beat is never shorter and never longer. */
xb_inline int xb_judge_length(__u16 udp_length)
{
	__u32 length = XB_BE16(udp_length);

	if (length < XB_UDP_BYTES)
		return XB_DROP_SHORT;
	return length > XB_UDP_BYTES ? XB_DROP_LONG : XB_OK;
}

xb_inline int xb_same_address(const __u8 *a, const __u8 *b, int bytes)
{
	__u32 difference = 0;

#pragma GCC unroll 16
	for (int i = 0; i < bytes; i++)
		difference |= (__u32)(a[i] ^ b[i]);
	return difference == 0;
}

/* Which of our links has that interface, family and address; XB_PATHS_MAX if none has. */
xb_inline __u32 xb_find_link(const struct xb_control *control, __u32 ifindex,
			     const __u8 *destination, __u8 family)
{
#pragma GCC unroll 1
	for (__u32 i = 0; i < XB_PATHS_MAX; i++) {
		const struct xb_link *link = &control->links[i];

		if (link->ifindex != ifindex || link->family != family)
			continue;
		if (xb_same_address(link->local, destination, 4) &&
		    (family == 4 || xb_same_address(link->local + 4, destination + 4, 12)))
			return i;
	}
	return XB_PATHS_MAX;
}

xb_inline int xb_judge_tag(const struct xb_control *control, __u32 path, __u32 vlan)
{
	/* A NIC may strip the tag before we see the frame; a tag that is there must be the link's.
	 */
	if (vlan != 0 && vlan != control->links[path & (XB_PATHS_MAX - 1)].vlan)
		return XB_DROP_VLAN;
	return XB_OK;
}

/* UDP and the beat at `udp`: XB_OK, XB_FOREIGN or a drop. `ip_end`: where the IP packet ends. */
xb_inline int xb_parse_udp(struct xb_packet *packet, const struct xb_control *control,
			   struct xb_udp *udp, void *end)
{
	int outcome;

	if ((void *)(udp + 1) > end)
		return XB_FOREIGN;
	if (XB_BE16(udp->destination) != control->port)
		return XB_FOREIGN;
	outcome = xb_judge_length(udp->length);
	if (outcome != XB_OK)
		return outcome;
	packet->udp = udp;
	packet->beat = (struct xb_beat *)(udp + 1);
	if ((void *)(packet->beat + 1) > end)
		return XB_DROP_SHORT;
	return XB_OK;
}

/* Is it UDP to our port behind `bytes` of header? For what we drop without reading on. */
xb_inline int xb_is_our_port(const struct xb_control *control, void *start, __u32 bytes, void *end)
{
	struct xb_udp *udp = (struct xb_udp *)((__u8 *)start + bytes);

	return (void *)(udp + 1) <= end && XB_BE16(udp->destination) == control->port;
}

xb_inline int xb_parse_ipv4(struct xb_packet *packet, const struct xb_control *control,
			    __u32 ifindex, __u32 vlan, struct xb_ipv4 *ip, void *end)
{
	__u32 header, fragment;
	int outcome;

	if ((void *)(ip + 1) > end)
		return XB_FOREIGN;
	if ((ip->version_ihl >> 4) != 4 || ip->protocol != XB_IP_UDP)
		return XB_FOREIGN;
	header = (ip->version_ihl & 15u) * 4u;
	fragment = XB_BE16(ip->fragment);
	if (header < sizeof(*ip) || (fragment & 0x1fff))
		return XB_FOREIGN;
	packet->path = xb_find_link(control, ifindex, ip->destination, 4);
	if (packet->path >= XB_PATHS_MAX)
		return XB_FOREIGN;
	if (header > sizeof(*ip))
		return xb_is_our_port(control, ip, header, end) ? XB_DROP_IP_OPTIONS : XB_FOREIGN;
	if (fragment & 0x2000)
		return xb_is_our_port(control, ip, sizeof(*ip), end) ? XB_DROP_FRAGMENT
								     : XB_FOREIGN;
	packet->ipv4 = ip;
	outcome = xb_parse_udp(packet, control, (struct xb_udp *)(ip + 1), end);
	if (outcome != XB_OK)
		return outcome;
	if (XB_BE16(ip->length) < sizeof(*ip) + XB_UDP_BYTES)
		return XB_DROP_SHORT;
	if (XB_BE16(ip->length) > sizeof(*ip) + XB_UDP_BYTES)
		return XB_DROP_LONG;
	return xb_judge_tag(control, packet->path, vlan);
}

xb_inline int xb_parse_ipv6(struct xb_packet *packet, const struct xb_control *control,
			    __u32 ifindex, __u32 vlan, struct xb_ipv6 *ip, void *end)
{
	struct xb_ipv6_fragment *fragment;
	int outcome;

	if ((void *)(ip + 1) > end)
		return XB_FOREIGN;
	if ((XB_BE32(ip->version_flow) >> 28) != 6)
		return XB_FOREIGN;
	if (ip->next != XB_IP_UDP && ip->next != XB_IPV6_FRAGMENT)
		return XB_FOREIGN;
	packet->path = xb_find_link(control, ifindex, ip->destination, 6);
	if (packet->path >= XB_PATHS_MAX)
		return XB_FOREIGN;
	if (ip->next == XB_IPV6_FRAGMENT) {
		fragment = (struct xb_ipv6_fragment *)(ip + 1);
		if ((void *)(fragment + 1) > end)
			return XB_FOREIGN;
		if (fragment->next != XB_IP_UDP || (XB_BE16(fragment->offset) & 0xfff8))
			return XB_FOREIGN;
		return xb_is_our_port(control, ip, sizeof(*ip) + sizeof(*fragment), end)
			       ? XB_DROP_FRAGMENT
			       : XB_FOREIGN;
	}
	packet->ipv6 = ip;
	outcome = xb_parse_udp(packet, control, (struct xb_udp *)(ip + 1), end);
	if (outcome != XB_OK)
		return outcome;
	if (XB_BE16(ip->length) < XB_UDP_BYTES)
		return XB_DROP_SHORT;
	if (XB_BE16(ip->length) > XB_UDP_BYTES)
		return XB_DROP_LONG;
	return xb_judge_tag(control, packet->path, vlan);
}

/* A frame that came in by `ifindex`: XB_OK and `packet` filled, XB_FOREIGN, or the drop. */
xb_inline int xb_parse(struct xb_packet *packet, const struct xb_control *control, __u32 ifindex,
		       void *start, void *end)
{
	struct xb_eth *eth = (struct xb_eth *)start;
	struct xb_vlan *vlan;
	__u32 tag = 0;
	__u32 type;
	void *next;

	if ((void *)(eth + 1) > end)
		return XB_FOREIGN;
	packet->eth = eth;
	packet->ipv4 = 0;
	packet->ipv6 = 0;
	type = XB_BE16(eth->type);
	next = eth + 1;
	if (type == XB_ETHERTYPE_VLAN) {
		vlan = (struct xb_vlan *)next;
		if ((void *)(vlan + 1) > end)
			return XB_FOREIGN;
		tag = XB_BE16(vlan->tag) & 0xfffu;
		type = XB_BE16(vlan->type);
		next = vlan + 1;
	}
	if (type == XB_ETHERTYPE_IPV4)
		return xb_parse_ipv4(packet, control, ifindex, tag, (struct xb_ipv4 *)next, end);
	if (type == XB_ETHERTYPE_IPV6)
		return xb_parse_ipv6(packet, control, ifindex, tag, (struct xb_ipv6 *)next, end);
	return XB_FOREIGN;
}

/* --- the way out --- */

xb_inline __u16 xb_fold(__u64 sum)
{
	sum = (sum & 0xffffffffULL) + (sum >> 32);
	sum = (sum & 0xffffffffULL) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* Sum of 16-bit words in host order, as RFC 1071 allows; `bytes` is even. */
xb_inline __u64 xb_sum(const void *start, __u32 bytes)
{
	const xb_u16_alias *words = (const xb_u16_alias *)start;
	__u64 sum = 0;

#pragma GCC unroll 48
	for (__u32 i = 0; i < bytes / 2; i++)
		sum += words[i];
	return sum;
}

xb_inline void xb_checksum_ipv4(struct xb_ipv4 *ip)
{
	ip->checksum = 0;
	ip->checksum = (__u16)~xb_fold(xb_sum(ip, sizeof(*ip)));
}

/* UDP over IPv4 may go without a checksum (RFC 768), and ours does: the MAC is stronger. Over IPv6
 * it may not (RFC 8200, section 8.1). */
xb_inline void xb_checksum_udp(struct xb_ipv6 *ip, struct xb_udp *udp)
{
	__u64 sum;
	__u16 folded;

	udp->checksum = 0;
	if (!ip)
		return;
	sum = xb_sum(ip->source, 32) + XB_BE16(XB_UDP_BYTES) + XB_BE16(XB_IP_UDP);
	sum += xb_sum(udp, XB_UDP_BYTES);
	folded = (__u16)~xb_fold(sum);
	udp->checksum = folded ? folded : 0xffff;
}

/* Swaps two fields of `bytes` (even) bytes. */
xb_inline void xb_swap(void *a, void *b, __u32 bytes)
{
	xb_u16_alias *x = (xb_u16_alias *)a;
	xb_u16_alias *y = (xb_u16_alias *)b;

#pragma GCC unroll 8
	for (__u32 i = 0; i < bytes / 2; i++) {
		__u16 kept = x[i];

		x[i] = y[i];
		y[i] = kept;
	}
}

/* Sends a frame back where it came from: addresses and ports change places, hops start anew. */
xb_inline void xb_turn_round(struct xb_packet *packet)
{
	xb_swap(packet->eth->destination, packet->eth->source, 6);
	xb_swap(&packet->udp->source, &packet->udp->destination, 2);
	if (packet->ipv4) {
		xb_swap(packet->ipv4->source, packet->ipv4->destination, 4);
		packet->ipv4->ttl = XB_HOP_LIMIT;
		xb_checksum_ipv4(packet->ipv4);
		packet->udp->checksum = 0;
	} else if (packet->ipv6) {
		xb_swap(packet->ipv6->source, packet->ipv6->destination, 16);
		packet->ipv6->hop_limit = XB_HOP_LIMIT;
		xb_checksum_udp(packet->ipv6, packet->udp);
	}
}

/* How long a probe on this link is, from its Ethernet header on. */
xb_inline __u32 xb_probe_bytes(const struct xb_link *link)
{
	return (__u32)(sizeof(struct xb_eth) + (link->vlan ? sizeof(struct xb_vlan) : 0) +
		       (link->family == 6 ? sizeof(struct xb_ipv6) : sizeof(struct xb_ipv4)) +
		       XB_UDP_BYTES);
}

#endif /* XB_PARSE_H */
