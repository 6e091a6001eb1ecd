/*
 * SipHash-2-4 with a 128-bit tag (Aumasson, Bernstein; reference implementation, 2014), over whole
 * 64-bit words: for what authorises, where 64 bits would do for what only suspects.
 *
 * The rounds are those of xb_siphash.h. No helper, no map: BPF programs and the host compile the
 * same lines.
 */
#ifndef XB_SIPHASH128_H
#define XB_SIPHASH128_H

#include "xb_siphash.h"

struct xb_tag128 {
	__u64 low, high; /* both little-endian on the wire, low first */
};

static inline __attribute__((always_inline)) struct xb_tag128 xb_sip_end128(struct xb_sip *s)
{
	struct xb_tag128 tag;

	s->v2 ^= 0xee;
	for (int i = 0; i < 4; i++)
		xb_sip_round(s);
	tag.low = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	for (int i = 0; i < 4; i++)
		xb_sip_round(s);
	tag.high = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	return tag;
}

/* The tag over `count` little-endian words, that is, over count * 8 bytes. */
static inline __attribute__((always_inline)) struct xb_tag128
xb_siphash128_words(const __u64 key[2], const xb_u64_alias *words, __u32 count)
{
	struct xb_sip s = xb_sip_start(key);

	s.v1 ^= 0xee;
#pragma GCC unroll 16
	for (__u32 i = 0; i < count; i++)
		xb_sip_word(&s, XB_LE64(words[i]));
	xb_sip_word(&s, ((__u64)(count * 8u) & 0xff) << 56);
	return xb_sip_end128(&s);
}

#endif /* XB_SIPHASH128_H */
