/*
 * The gate's judgement: does a packet speak for, or to, an address that needs a lease, and does a
 * lease run?
 *
 * No helper and no map, so that the programs, the host's tests and the simulator run the same
 * lines. What counts inbound is whom a packet is for: the destination, the address that ARP or a
 * neighbour solicitation asks for. What counts outbound is in whose name it speaks: the source, the
 * sender of ARP, the address that a neighbour advertisement tells. The other way round a packet is
 * no business of ours: this node may be a client of an address that its peer serves.
 *
 * Everything that is neither of these, and whatever is too short to tell, is foreign and passes: a
 * host that cannot find an address in a packet does not answer from it either.
 */
#ifndef XB_GATE_H
#define XB_GATE_H

#include "abi/xb_gate_abi.h"
#include "xb_parse.h"

#define XB_ETHERTYPE_ARP 0x0806u
#define XB_ETHERTYPE_QINQ 0x88A8u
#define XB_GATE_TAGS_MAX 2    /* VLAN tags looked behind */
#define XB_GATE_HEADERS_MAX 4 /* IPv6 extension headers looked behind, for neighbour discovery */
#define XB_IPV6_HOP_BY_HOP 0u
#define XB_IPV6_ROUTING 43u
#define XB_IPV6_DESTINATION 60u
#define XB_ICMPV6 58u
#define XB_NEIGHBOUR_SOLICITATION 135u
#define XB_NEIGHBOUR_ADVERTISEMENT 136u

/* As much of a packet as is ever looked at. */
#define XB_GATE_BYTES (14 + 4 * XB_GATE_TAGS_MAX + 40 + 8 * XB_GATE_HEADERS_MAX + 24)

struct xb_arp { /* RFC 826, for IPv4 on Ethernet */
	__u16 hardware;
	__u16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__u16 operation;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
};
struct xb_neighbour { /* RFC 4861, sections 4.3 and 4.4 */
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 flags;
	__u8 target[16];
};
struct xb_extension { /* RFC 8200, section 4: the part that all but fragments share */
	__u8 next;
	__u8 length; /* in 8 bytes, less one */
	__u8 data[6];
};
XB_STATIC_ASSERT(sizeof(struct xb_arp) == 28, "wire");
XB_STATIC_ASSERT(sizeof(struct xb_neighbour) == 24, "wire");
XB_STATIC_ASSERT(sizeof(struct xb_extension) == 8, "wire");

enum xb_gate_way {
	XB_GATE_IN,
	XB_GATE_OUT,
};

enum xb_gate_kind {
	XB_GATE_FOREIGN,
	XB_GATE_IPV4,
	XB_GATE_IPV6,
	XB_GATE_ARP,
	XB_GATE_NDP,
};

/* What a packet is about: up to two addresses, any of which may be managed. */
struct xb_gate_packet {
	__u64 kind; /* enum xb_gate_kind, of `first`; wide, so that nothing is padding */
	__u64 has_second;
	struct xb_managed first;
	struct xb_managed second; /* the target of neighbour discovery */
};

/* May this node serve at that moment? */
xb_inline int xb_gate_is_open(__u64 granted_until_ns, __u64 exclusive_until_ns, __u64 now)
{
	return now < granted_until_ns || now < exclusive_until_ns;
}

xb_inline void xb_gate_set_ipv4(struct xb_managed *key, const __u8 *address)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->address[10] = 0xff;
	key->address[11] = 0xff;
	__builtin_memcpy(&key->address[12], address, 4);
}

xb_inline void xb_gate_read_arp(struct xb_gate_packet *found, enum xb_gate_way way, const void *at,
				const void *end)
{
	const struct xb_arp *arp = (const struct xb_arp *)at;

	if ((const void *)(arp + 1) > end)
		return;
	if (arp->protocol != XB_BE16(XB_ETHERTYPE_IPV4) || arp->protocol_bytes != 4 ||
	    arp->hardware_bytes != 6)
		return;
	found->kind = XB_GATE_ARP;
	xb_gate_set_ipv4(&found->first, way == XB_GATE_IN ? arp->target : arp->sender);
}

xb_inline void xb_gate_read_ipv4(struct xb_gate_packet *found, enum xb_gate_way way, const void *at,
				 const void *end)
{
	const struct xb_ipv4 *ip = (const struct xb_ipv4 *)at;

	/* Options and fragments change nothing: both addresses are in every header. */
	if ((const void *)(ip + 1) > end || ip->version_ihl >> 4 != 4)
		return;
	found->kind = XB_GATE_IPV4;
	xb_gate_set_ipv4(&found->first, way == XB_GATE_IN ? ip->destination : ip->source);
}

/* Neighbour discovery tells the address in its body; what is asked for comes by multicast. */
xb_inline void xb_gate_read_ndp(struct xb_gate_packet *found, enum xb_gate_way way, const void *at,
				const void *end, __u8 next)
{
	const struct xb_neighbour *message;

#pragma GCC unroll 4
	for (int i = 0; i < XB_GATE_HEADERS_MAX; i++) {
		const struct xb_extension *extension = (const struct xb_extension *)at;

		if (next != XB_IPV6_HOP_BY_HOP && next != XB_IPV6_DESTINATION &&
		    next != XB_IPV6_ROUTING)
			break;
		if ((const void *)(extension + 1) > end)
			return;
		next = extension->next;
		/* A longer one is not looked behind: nobody sends neighbour discovery like that,
		 * and should our kernel answer it, the answer is judged on its way out. */
		if (extension->length)
			return;
		at = extension + 1;
	}
	message = (const struct xb_neighbour *)at;
	if (next != XB_ICMPV6 || (const void *)(message + 1) > end)
		return;
	if (message->type !=
	    (way == XB_GATE_IN ? XB_NEIGHBOUR_SOLICITATION : XB_NEIGHBOUR_ADVERTISEMENT))
		return;
	found->has_second = 1;
	__builtin_memcpy(found->second.address, message->target, 16);
}

xb_inline void xb_gate_read_ipv6(struct xb_gate_packet *found, enum xb_gate_way way, const void *at,
				 const void *end)
{
	const struct xb_ipv6 *ip = (const struct xb_ipv6 *)at;

	if ((const void *)(ip + 1) > end || (*(const __u8 *)at) >> 4 != 6)
		return;
	found->kind = XB_GATE_IPV6;
	__builtin_memcpy(found->first.address, way == XB_GATE_IN ? ip->destination : ip->source,
			 16);
	xb_gate_read_ndp(found, way, ip + 1, end, ip->next);
}

/* What the packet between `at` and `end`, an Ethernet frame, is about. */
xb_inline void xb_gate_read(struct xb_gate_packet *found, enum xb_gate_way way, const void *at,
			    const void *end)
{
	const struct xb_eth *eth = (const struct xb_eth *)at;
	__u16 type;

	__builtin_memset(found, 0, sizeof(*found));
	if ((const void *)(eth + 1) > end)
		return;
	type = eth->type;
	at = eth + 1;
#pragma GCC unroll 2
	for (int i = 0; i < XB_GATE_TAGS_MAX; i++) {
		const struct xb_vlan *vlan = (const struct xb_vlan *)at;

		if (type != XB_BE16(XB_ETHERTYPE_VLAN) && type != XB_BE16(XB_ETHERTYPE_QINQ))
			break;
		if ((const void *)(vlan + 1) > end)
			return;
		type = vlan->type;
		at = vlan + 1;
	}
	if (type == XB_BE16(XB_ETHERTYPE_IPV4))
		xb_gate_read_ipv4(found, way, at, end);
	else if (type == XB_BE16(XB_ETHERTYPE_IPV6))
		xb_gate_read_ipv6(found, way, at, end);
	else if (type == XB_BE16(XB_ETHERTYPE_ARP))
		xb_gate_read_arp(found, way, at, end);
}

/* The counter of a packet that is dropped; `kind` is of the address that was managed. */
xb_inline __u32 xb_gate_drop(__u64 kind, enum xb_gate_way way)
{
	__u32 base = kind == XB_GATE_IPV4   ? XB_GATE_DROP_IPV4_IN
		     : kind == XB_GATE_IPV6 ? XB_GATE_DROP_IPV6_IN
		     : kind == XB_GATE_ARP  ? XB_GATE_DROP_ARP_IN
					    : XB_GATE_DROP_NDP_IN;

	return way == XB_GATE_IN ? base : base + 1;
}

#endif /* XB_GATE_H */
