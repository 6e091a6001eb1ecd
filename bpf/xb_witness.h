/*
 * What a datagram for the witness looks like on a NIC, and whether it is authentic: no helper, no
 * map, so that the host tests the same lines.
 *
 * The datagram itself is described in manager/wire/witness.h: 96 bytes, little endian, the last 16
 * the tag over everything before.
 */
#ifndef XB_WITNESS_H
#define XB_WITNESS_H

#include "xb_parse.h"
#include "xb_siphash128.h"

#define XB_WITNESS_MAGIC 0x51577278u /* "xrWQ" on the wire: a request */
#define XB_WITNESS_BYTES 96u
#define XB_WITNESS_BODY_WORDS 10u  /* 64-bit words before the tag */
#define XB_WITNESS_KEYS_MAX 20000u /* clusters of a witness, two keys each while one is changed */

/* What became of a frame; the values are the counters' places. */
enum xb_witness_outcome {
	XB_WITNESS_PASSED,    /* authentic: the socket's */
	XB_WITNESS_FOREIGN,   /* not for the witness; passed and not judged */
	XB_WITNESS_MALFORMED, /* to the witness's port, but no request by size or magic */
	XB_WITNESS_UNKNOWN,   /* of a cluster without a key here */
	XB_WITNESS_WRONG_TAG,
	XB_WITNESS_OUTCOMES
};

/* SipHash's key for requests of one cluster, host order. User space writes. */
struct xb_witness_key {
	__u64 words[2];
};

/* Where and as what the witness listens; written before the program is loaded. */
struct xb_witness_place {
	__u16 port;	  /* host order */
	__u8 family;	  /* 4 or 6: `address` alone; 0: every address */
	__u8 reserved[5]; /* zero */
	__u8 address[16]; /* an IPv4 address in the first four bytes */
};
XB_STATIC_ASSERT(sizeof(struct xb_witness_place) == 24, "shared with user space");

/* The request in front of `end`, or null: then `outcome` says why. Frames that the walk does not
 * understand (options, fragments, more tags) are the stack's: it knows them, and the socket checks
 * again. */
xb_inline const xb_u64_alias *xb_witness_udp(const struct xb_witness_place *place,
					     const struct xb_udp *udp, const void *end,
					     int *outcome)
{
	const xb_u64_alias *words = (const xb_u64_alias *)(udp + 1);

	if ((const void *)(udp + 1) > end)
		return 0;
	if (XB_BE16(udp->destination) != place->port)
		return 0;
	*outcome = XB_WITNESS_MALFORMED;
	if (XB_BE16(udp->length) != sizeof(*udp) + XB_WITNESS_BYTES)
		return 0;
	if ((const void *)(words + XB_WITNESS_BYTES / 8) > end)
		return 0;
	if ((__u32)XB_LE64(words[0]) != XB_WITNESS_MAGIC)
		return 0;
	*outcome = XB_WITNESS_PASSED;
	return words;
}

xb_inline const xb_u64_alias *xb_witness_find(const struct xb_witness_place *place,
					      const void *start, const void *end, int *outcome)
{
	const struct xb_eth *eth = (const struct xb_eth *)start;
	const struct xb_vlan *vlan = (const struct xb_vlan *)(eth + 1);
	const void *next = eth + 1;
	__u32 type;

	*outcome = XB_WITNESS_FOREIGN;
	if ((const void *)(eth + 1) > end)
		return 0;
	type = XB_BE16(eth->type);
	if (type == XB_ETHERTYPE_VLAN) {
		if ((const void *)(vlan + 1) > end)
			return 0;
		type = XB_BE16(vlan->type);
		next = vlan + 1;
	}
	if (type == XB_ETHERTYPE_IPV4) {
		const struct xb_ipv4 *ip = (const struct xb_ipv4 *)next;

		if ((const void *)(ip + 1) > end)
			return 0;
		if (ip->version_ihl != 0x45 || ip->protocol != XB_IP_UDP)
			return 0;
		if (XB_BE16(ip->fragment) & 0x3fff)
			return 0;
		if (place->family == 6 ||
		    (place->family == 4 && !xb_same_address(ip->destination, place->address, 4)))
			return 0;
		return xb_witness_udp(place, (const struct xb_udp *)(ip + 1), end, outcome);
	}
	if (type == XB_ETHERTYPE_IPV6) {
		const struct xb_ipv6 *ip = (const struct xb_ipv6 *)next;

		if ((const void *)(ip + 1) > end)
			return 0;
		if ((XB_BE32(ip->version_flow) >> 28) != 6 || ip->next != XB_IP_UDP)
			return 0;
		if (place->family == 4 ||
		    (place->family == 6 && !xb_same_address(ip->destination, place->address, 16)))
			return 0;
		return xb_witness_udp(place, (const struct xb_udp *)(ip + 1), end, outcome);
	}
	return 0;
}

/* Is the request sealed with this key? */
xb_inline int xb_witness_is_sealed(const xb_u64_alias *words, const struct xb_witness_key *key)
{
	const struct xb_tag128 tag = xb_siphash128_words(key->words, words, XB_WITNESS_BODY_WORDS);

	return !((tag.low ^ XB_LE64(words[XB_WITNESS_BODY_WORDS])) |
		 (tag.high ^ XB_LE64(words[XB_WITNESS_BODY_WORDS + 1])));
}

#endif /* XB_WITNESS_H */
