/*
 * SipHash-2-4 with a 64-bit tag (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012).
 *
 * For whole 64-bit words only, because that is all a beat needs; xb_siphash_bytes() takes any
 * length and exists so that the published vectors can test the very same rounds. No helper, no map:
 * the BPF programs and the host compile the same lines.
 */
#ifndef XB_SIPHASH_H
#define XB_SIPHASH_H

#include "abi/xb_abi.h"

/* A frame read as words: not an access through a foreign type to the compiler. */
typedef __u64 __attribute__((may_alias)) xb_u64_alias;

struct xb_sip {
	__u64 v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) __u64 xb_rotate(__u64 x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline __attribute__((always_inline)) void xb_sip_round(struct xb_sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = xb_rotate(s->v1, 13) ^ s->v0;
	s->v3 = xb_rotate(s->v3, 16) ^ s->v2;
	s->v0 = xb_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = xb_rotate(s->v1, 17) ^ s->v2;
	s->v3 = xb_rotate(s->v3, 21) ^ s->v0;
	s->v2 = xb_rotate(s->v2, 32);
}

static inline __attribute__((always_inline)) struct xb_sip xb_sip_start(const __u64 key[2])
{
	struct xb_sip s = {
		key[0] ^ 0x736f6d6570736575ULL,
		key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL,
		key[1] ^ 0x7465646279746573ULL,
	};
	return s;
}

static inline __attribute__((always_inline)) void xb_sip_word(struct xb_sip *s, __u64 word)
{
	s->v3 ^= word;
	xb_sip_round(s);
	xb_sip_round(s);
	s->v0 ^= word;
}

static inline __attribute__((always_inline)) __u64 xb_sip_end(struct xb_sip *s)
{
	s->v2 ^= 0xff;
	xb_sip_round(s);
	xb_sip_round(s);
	xb_sip_round(s);
	xb_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The tag over `count` little-endian words, that is, over count * 8 bytes. */
static inline __attribute__((always_inline)) __u64
xb_siphash_words(const __u64 key[2], const xb_u64_alias *words, __u32 count)
{
	struct xb_sip s = xb_sip_start(key);

#pragma GCC unroll 16
	for (__u32 i = 0; i < count; i++)
		xb_sip_word(&s, XB_LE64(words[i]));
	xb_sip_word(&s, ((__u64)(count * 8u) & 0xff) << 56);
	return xb_sip_end(&s);
}

/* The tag over any number of bytes; for the host. */
static inline __u64 xb_siphash_bytes(const __u64 key[2], const __u8 *bytes, __u64 length)
{
	struct xb_sip s = xb_sip_start(key);
	__u64 last = (length & 0xff) << 56;
	__u64 i = 0;

	for (; i + 8 <= length; i += 8) {
		__u64 word = 0;
		for (unsigned int b = 0; b < 8; b++)
			word |= (__u64)bytes[i + b] << (8 * b);
		xb_sip_word(&s, word);
	}
	for (unsigned int b = 0; i + b < length; b++)
		last |= (__u64)bytes[i + b] << (8 * b);
	xb_sip_word(&s, last);
	return xb_sip_end(&s);
}

/* What the `mac` field of a beat must be, in host order. `beat` may be unaligned in BPF only. */
static inline __attribute__((always_inline)) __u64 xb_beat_mac(const struct xb_beat *beat,
							       const __u64 key[2])
{
	return xb_siphash_words(key, (const xb_u64_alias *)(const void *)beat, XB_MAC_WORDS);
}

#endif /* XB_SIPHASH_H */
