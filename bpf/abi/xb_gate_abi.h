/*
 * What the gate's programs and user space share: which addresses need a lease, until when one runs,
 * and what was let through or dropped. Host order throughout; times are CLOCK_BOOTTIME.
 */
#ifndef XB_GATE_ABI_H
#define XB_GATE_ABI_H

#include "abi/xb_abi.h"

/* Rises with every change below; a gate of another number is replaced, not adopted. */
#define XB_GATE_ABI_VERSION 1

#define XB_MANAGED_MAX 256 /* addresses; a further one is refused by user space */

/* Each packet from or to a managed address counts once, under what it is and what became of it. */
#define XB_GATE_COUNTERS(X)                                                                        \
	X(PASSED_IN, "gate_passed_in")	 /* to a managed address, under a lease */                 \
	X(PASSED_OUT, "gate_passed_out") /* from one */                                            \
	X(DROP_IPV4_IN, "gate_drop_ipv4_in")                                                       \
	X(DROP_IPV4_OUT, "gate_drop_ipv4_out")                                                     \
	X(DROP_IPV6_IN, "gate_drop_ipv6_in")                                                       \
	X(DROP_IPV6_OUT, "gate_drop_ipv6_out")                                                     \
	X(DROP_ARP_IN, "gate_drop_arp_in")   /* somebody asks for the address */                   \
	X(DROP_ARP_OUT, "gate_drop_arp_out") /* we would say that it is here */                    \
	X(DROP_NDP_IN, "gate_drop_ndp_in")                                                         \
	X(DROP_NDP_OUT, "gate_drop_ndp_out")                                                       \
	X(NO_CONTROL, "gate_no_control") /* a map is missing: dropped, should never count */

enum xb_gate_counter {
#define XB_GATE_COUNTER_ENUM(name, text) XB_GATE_##name,
	XB_GATE_COUNTERS(XB_GATE_COUNTER_ENUM)
#undef XB_GATE_COUNTER_ENUM
		XB_GATE_COUNTERS_COUNT,
};

/* One of it. */
struct xb_gate_control {
	/* User space. */
	__u32 abi_version;
	__u32 peer;		  /* node id whose grants count; 0: nobody's */
	__u64 exclusive_until_ns; /* the arbiter's lease; ~0: without end */
	__u64 program_id;	  /* a hash of the object that was loaded */
	__u64 reserved[5];
	/* The programs: boot time of the newest packet that was let through. */
	__u64 passed_in_ns;
	__u64 passed_out_ns;
	__u64 count[XB_GATE_COUNTERS_COUNT];
};

/* An address: IPv6, or IPv4 as ::ffff:a.b.c.d. */
struct xb_managed {
	__u8 address[16];
};

#endif /* XB_GATE_ABI_H */
