/*
 * The one header that kernel and user space share: the beat on the wire, the maps' values, the
 * counters, the events and the limits.
 *
 * The wire is little endian in every field, whatever the host: the MAC (SipHash) reads
 * little-endian words anyway, and so a frame costs no byte swap on the machines we meet. Map values
 * and events are in host order: they never leave the machine. Times are CLOCK_BOOTTIME in
 * nanoseconds (`_ns`); times of different nodes are never compared, only returned to their owner.
 *
 * Who writes: each value says it field by field. Fields of one writer share cache lines.
 */
#ifndef XB_ABI_H
#define XB_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define XB_STATIC_ASSERT(condition, why) static_assert(condition, why)
#else
#define XB_STATIC_ASSERT(condition, why) _Static_assert(condition, why)
#endif
#define XB_OFFSET(type, field) __builtin_offsetof(type, field)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XB_LE16(x) ((__u16)(x))
#define XB_LE32(x) ((__u32)(x))
#define XB_LE64(x) ((__u64)(x))
#define XB_BE16(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define XB_BE32(x) ((__u32)__builtin_bswap32((__u32)(x)))
#else
#define XB_LE16(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define XB_LE32(x) ((__u32)__builtin_bswap32((__u32)(x)))
#define XB_LE64(x) ((__u64)__builtin_bswap64((__u64)(x)))
#define XB_BE16(x) ((__u16)(x))
#define XB_BE32(x) ((__u32)(x))
#endif

/* Rises with every change of a map's value or of a program's meaning; other numbers are not
 * adopted. */
#define XB_ABI_VERSION 4

/* Limits. */
#define XB_PATHS_MAX 8	  /* per peer; a higher number in a frame: drop_path */
#define XB_NODE_MAX 1000  /* highest node id; a higher one in a frame: drop_sender */
#define XB_SENT_SLOTS 64  /* send times remembered per path; older probes count as due */
#define XB_DUE_STEPS 8	  /* probes that become due per path and lap; the rest waits a lap */
#define XB_WINDOW_BITS 64 /* sequences behind the highest that can still be told apart */
#define XB_RTT_BUCKETS 64 /* bucket i counts 2^i <= ns < 2^(i+1); bucket 0 also counts 0 */
#define XB_CPUS_MAX 1024  /* processors whose backlog is looked at; more are not watched */
#define XB_EVENT_RING_BYTES (256 * 1024) /* when it is full, events_lost counts */

/* --- the wire --- */

#define XB_BEAT_MAGIC 0x54414258u /* "XBAT" as bytes */
#define XB_BEAT_VERSION 1
#define XB_UDP_PORT 7455 /* default; source and destination */

enum xb_kind {
	XB_PROBE = 1,	   /* asks; may be answered once */
	XB_REFLECTION = 2, /* answers the probe whose sequence it carries */
};

/* A flag of a beat: the sender's heart calls the receiver dead. */
#define XB_CALLS_YOU_DEAD 0x80000000u

/* One beat: the whole UDP payload. All fields little endian. */
struct xb_beat {
	__u32 magic;	     /* XB_BEAT_MAGIC */
	__u8 version;	     /* XB_BEAT_VERSION */
	__u8 kind;	     /* enum xb_kind */
	__u8 key_id;	     /* generation of the secret that made the key */
	__u8 path;	     /* 0..XB_PATHS_MAX-1, the same number at both ends */
	__u16 sender;	     /* node id, 1..XB_NODE_MAX */
	__u16 receiver;	     /* node id, 1..XB_NODE_MAX */
	__u32 flags;	     /* state of the sender; the daemons give the bits their meaning, but
				XB_CALLS_YOU_DEAD */
	__u64 cluster_tag;   /* tells clusters on one wire apart */
	__u64 incarnation;   /* of the sender's heart; random, not 0 */
	__u64 sequence;	     /* probe: +1 each lap, from 1; reflection: of the probe it answers */
	__u64 sent_ns;	     /* the sender's clock when it made this frame */
	__u64 echo_sequence; /* highest probe sequence heard from the receiver on this path; 0 none
			      */
	__u64 echo_sent_ns;  /* probe: sent_ns of that probe; reflection: of the probe it answers */
	__u64 grant_ns; /* lease granted to the receiver; counts in reflections, from echo_sent_ns
			 */
	__u32 daemon_progress;	 /* of the sender's daemon: stands still when it hangs */
	__u32 executor_progress; /* of the sender's agent executor */
	__u64 mac; /* SipHash-2-4 of all bytes before it; key of sender, receiver, path, key id */
};
XB_STATIC_ASSERT(sizeof(struct xb_beat) == 88, "the wire size is frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, sender) == 8, "frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, cluster_tag) == 16, "frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, sequence) == 32, "frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, echo_sequence) == 48, "frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, daemon_progress) == 72, "frozen");
XB_STATIC_ASSERT(XB_OFFSET(struct xb_beat, mac) == 80, "frozen");
#define XB_MAC_WORDS (XB_OFFSET(struct xb_beat, mac) / 8)

/* --- counters --- */

/*
 * Every frame that is not passed on ends in exactly one of the first two or of the drops. The names
 * are what status and metrics show.
 */
#define XB_COUNTERS(X)                                                                             \
	X(PROBES_REFLECTED, "probes_reflected")                                                    \
	X(REFLECTIONS_TAKEN, "reflections_taken")                                                  \
	X(DROP_SHORT, "drop_short")	      /* payload shorter than a beat */                    \
	X(DROP_LONG, "drop_long")	      /* payload longer than a beat */                     \
	X(DROP_FRAGMENT, "drop_fragment")     /* a first IP fragment for our port */               \
	X(DROP_IP_OPTIONS, "drop_ip_options") /* IPv4 options in front of our port */              \
	X(DROP_VLAN, "drop_vlan")	      /* a tag that the link does not carry */             \
	X(DROP_MAGIC, "drop_magic")	      /* not a beat */                                     \
	X(DROP_VERSION, "drop_version")	      /* a beat of another version */                      \
	X(DROP_KIND, "drop_kind")	      /* neither probe nor reflection */                   \
	X(DROP_CLUSTER, "drop_cluster")	      /* another cluster's */                              \
	X(DROP_RECEIVER, "drop_receiver")     /* meant for another node */                         \
	X(DROP_SENDER, "drop_sender")	      /* not a configured peer */                          \
	X(DROP_PATH, "drop_path")     /* not the path that this link is, or not its peer's */      \
	X(DROP_KEY_ID, "drop_key_id") /* no key of that generation */                              \
	X(DROP_MAC, "drop_mac")	      /* forged, damaged, or under another key */                  \
	X(DROP_NOT_TOLD,                                                                           \
	  "drop_not_told") /* authentic, but the peer's incarnation is not known yet */            \
	X(DROP_INCARNATION, "drop_incarnation") /* authentic, of another life of the peer */       \
	X(DROP_REPLAY, "drop_replay")		/* heard before */                                 \
	X(DROP_OLD, "drop_old")		/* behind the window: replay or not cannot be told */      \
	X(DROP_UNASKED, "drop_unasked") /* answers a probe that never was */                       \
	X(DROP_STALE_ECHO, "drop_stale_echo") /* answers a probe so old that it proves nothing */  \
	X(DROP_BUSY, "drop_busy")	      /* another processor had the path in hand */         \
	X(STALE_PROBES, "stale_probes") /* reflected, but its state not believed: old echo */      \
	X(LAP_FOREIGN, "lap_foreign")	/* a stray packet on the private veth pair */              \
	X(LAP_STALE, "lap_stale")	/* a beat packet of an earlier generation */               \
	X(PROBES_SENT, "probes_sent")                                                              \
	X(PROBES_UNSENT, "probes_unsent") /* no device, no carrier, no next hop */                 \
	X(PROBES_FAILED, "probes_failed") /* no memory, own queue full: counts against nobody */   \
	X(EVENTS, "events")                                                                        \
	X(EVENTS_LOST, "events_lost") /* the ring buffer was full */

enum xb_counter {
#define XB_COUNTER_ENUM(name, text) XB_##name,
	XB_COUNTERS(XB_COUNTER_ENUM)
#undef XB_COUNTER_ENUM
		XB_COUNTERS_COUNT,
};

/* Not counters but outcomes of parsing: whatever is not ours is passed on, uncounted and untouched.
 */
#define XB_OK (-1)
#define XB_FOREIGN (-2)

struct xb_counters {
	__u64 value[XB_COUNTERS_COUNT]; /* both programs, atomically */
};

/* --- map values --- */

/* What an interface is to us. ifindex 0: missing. */
struct xb_link {
	__u32 ifindex;
	__u8 family; /* 4, 6, or 0 for no such link */
	__u8 reserved;
	__u16 vlan; /* host order; 0 untagged */
	__u8 local[16];
	__u8 mac[6];
	__u16 reserved2;
};
XB_STATIC_ASSERT(sizeof(struct xb_link) == 32, "host layout");

/* One of it: who we are and what the rules are. User space writes, both programs read. */
struct xb_control {
	__u32 abi_version;
	__u16 self; /* node id */
	__u16 port; /* host order */
	__u64 cluster_tag;
	__u64 incarnation;
	__u64 generation; /* of the circulating packet; others are dropped */
	__u64 period_ns;
	__u64 late_ns;	    /* a lap at least this long is late and judges nobody */
	__u64 stall_ns;	    /* after a lap at least this long all counting starts anew */
	__u64 grace_min_ns; /* a probe younger than this is not unanswered yet */
	__u64 grace_max_ns; /* ... and one older is, whatever the RTT was */
	__u64 fresh_ns;	    /* an answer to a probe older than this proves nothing */
	__u64 wait_ns;	    /* no judgement while a processor has owed receive work for longer */
	__u64 wait_max_ns;  /* ... nor for longer than this, in one go */
	__u32 k_suspect;
	__u32 k_dead;
	__u32 k_up;	       /* answered in a row until a path that was down is up */
	__u32 stall_ticks;     /* laps with answers but no progress until `stalled` */
	__u32 roster_count;    /* entries of the roster that count */
	__u32 lap_ifindex;     /* where the circulating packet goes in again */
	__u32 key_id;	       /* signs with this one */
	__u32 cpus;	       /* entries of the backlog that count; 0: nobody fills it in */
	__u64 program_id;      /* of the programs that were loaded: a hash of their objects */
	__u32 daemon_progress; /* the reflex thread writes these three, all the time */
	__u32 executor_progress;
	__u32 flags;
	__u32 reserved2;
	struct xb_link links[XB_PATHS_MAX]; /* by path */
};

/* One of it: the lap's own book-keeping. The tick writes, user space reads. */
struct xb_laps {
	__u64 count;
	__u64 late;
	__u64 first_ns;
	__u64 last_ns;
	__u64 gap_ns; /* between the last two */
	__u64 gap_max_ns;
	__u64 work_max_ns;   /* longest time a lap took */
	__u64 hold_until_ns; /* no judgement before: answers may still be waiting for a processor */
	__u64 stalls;	     /* gaps of at least stall_ns */
	__u64 held;	     /* laps that judged nobody because receive work was waiting */
	__u64 held_since_ns; /* the first of those without one between that found none; 0: none */
};

/* By processor: the receive work that it owes. Written by that processor alone; times are 0 for
 * none. A cache line each, or the processors would fight over it. */
struct xb_backlog {
	__u64 raised_ns;  /* receive work was asked for and has not begun */
	__u64 entered_ns; /* receive work began and has not ended */
	__u64 reserved[6];
};
XB_STATIC_ASSERT(sizeof(struct xb_backlog) == 64, "one cache line");

enum xb_peer_state {
	XB_PEER_UNKNOWN = 0,
	XB_PEER_ALIVE = 1,
	XB_PEER_SUSPECT = 2,
	XB_PEER_DEAD = 3,
	XB_PEER_STALLED = 4,
};

enum xb_path_state {
	XB_PATH_UNKNOWN = 0,
	XB_PATH_UP = 1,
	XB_PATH_DOWN = 2,
};

/* A peer, at index node id. */
struct xb_peer {
	/* User space. */
	__u64 incarnation; /* 0: not told; then neither probed, judged nor answered */
	__u64 grant_ns;	   /* lease that each reflection to it grants; ignored once it is dead */
	__u32 epoch;	   /* rises when judgement shall start anew */
	__u32 path_mask;   /* bit p: path p is configured; 0: no such peer */
	/* The tick. */
	__u32 seen_epoch;
	__u32 state; /* enum xb_peer_state */
	__u64 since_ns;
	__u64 answers_seen;
	__u32 progress_seen;
	__u32 still_ticks; /* laps with answers, without progress */
	__u64 stalls_seen;
	/* The XDP program. */
	__u64 lease_until_ns; /* what it granted us: latest echo_sent_ns + grant_ns; the gate reads
				 it */
	__u64 heard_ns;	      /* newest authentic frame, on any path */
	__u64 answers;	      /* answered probes, on all paths */
	__u64 state_sent_ns;  /* sent_ns (its clock) of the frame that the next three came from */
	__u32 daemon_progress;
	__u32 executor_progress;
	__u32 flags;
	__u32 fresh_probes; /* its probes that prove that it heard us lately; counted, wraps */
	/* The tick. */
	__u32 fresh_seen;
	__u32 quiet_laps; /* without such a probe */
	/* The XDP program. */
	__u64 word_ns; /* sent_ns (its clock) of its newest probe; bit 0 set: that one calls us dead
			*/
};
XB_STATIC_ASSERT(sizeof(struct xb_peer) == 128, "two cache lines");

/* The last 64 sequences: bit d of `bits` is sequence `highest - d`. */
struct xb_window {
	__u64 highest; /* 0: none yet */
	__u64 bits;
};

/* A path to a peer, at index node id * XB_PATHS_MAX + path. */
struct xb_path {
	/* User space. */
	__u8 remote[16];
	__u8 next_mac[6]; /* of the peer, or of the gateway to it */
	__u8 usable;	  /* 1: next_mac is known */
	__u8 reserved;
	/* The tick. */
	__u32 seen_epoch;
	__u32 state;	     /* enum xb_path_state */
	__u64 sequence;	     /* of the newest probe, left or not */
	__u64 sent_sequence; /* of the newest that left */
	__u64 sent_ns;
	__u64 due_sequence; /* up to here it is settled whether they were answered */
	__u64 seen_answered;
	__u64 seen_answers;
	__u64 stalls_seen;
	__u32 misses;	     /* due and unanswered since the newest answered one */
	__u32 unsent_misses; /* how many of these could not leave */
	__u32 good_run;	     /* due and answered in a row */
	__u32 grace_used_ns; /* the last lap's; at most 4.2 s */
	__u64 sent;
	__u64 unsent;
	__u64 lost;		      /* left, due, unanswered */
	__u64 sent_at[XB_SENT_SLOTS]; /* by sequence; bit 0 set: it left; 0: counts against nobody
				       */
	/* The XDP program, while it holds `busy`. */
	__u64 busy;
	__u64 peer_incarnation;	   /* that `heard` belongs to */
	struct xb_window heard;	   /* the peer's probes */
	__u64 heard_sent_ns;	   /* sent_ns of probe heard.highest: our echo */
	__u64 heard_ns;		   /* newest authentic frame */
	struct xb_window answered; /* our probes that came back */
	__u64 answered_ns;
	__u64 answers;
	__u64 rtt_ns; /* the last */
	__u64 rtt_min_ns;
	__u64 rtt_max_ns;
	__u64 rtt_mean_ns; /* smoothed as in RFC 6298, section 2 */
	__u64 rtt_dev_ns;
	__u64 rtt_histogram[XB_RTT_BUCKETS];
};

/* Keys of a path, same index as the path. User space writes and cannot read them back. */
struct xb_keys {
	__u64 send[2][2]; /* by key id & 1 */
	__u64 receive[2][2];
	__u32 id[2]; /* the key id that slot holds, plus XB_KEY_VALID; 0: none */
};
#define XB_KEY_VALID 0x100u

/* --- events --- */

enum xb_event_kind {
	XB_EVENT_PEER = 1,
	XB_EVENT_PATH = 2,
};

/* One verdict with its evidence; the tick writes it to the ring buffer. */
struct xb_event {
	__u64 at_ns;
	__u8 kind; /* enum xb_event_kind */
	__u8 before;
	__u8 after; /* enum xb_peer_state or xb_path_state */
	__u8 path;
	__u16 node;
	__u16 reserved;
	__u64 sequence;
	__u64 answered_sequence;
	__u64 sent_ns;
	__u64 answered_ns;
	__u64 heard_ns;
	__u64 rtt_ns;
	__u64 grace_ns;
	__u32 misses;
	__u32 unsent_misses;
	__u64 gap_ns;
	__u64 late;
	__u32 daemon_progress;
	__u32 flags;
};
XB_STATIC_ASSERT(sizeof(struct xb_event) == 104, "host layout");

/* --- the circulating packet --- */

#define XB_LAP_ETHERTYPE 0x88B5u /* IEEE 802, local experimental */
#define XB_LAP_MAGIC 0x50414C58u
/* What the private link carries; as long as an untagged IPv4 probe, so that it seldom changes size.
 */
#define XB_LAP_BYTES (14 + 20 + 8 + 88)
struct xb_lap_frame {
	__u8 destination[6];
	__u8 source[6];
	__u16 ethertype; /* big endian, as on every Ethernet */
	__u8 reserved[2];
	__u64 generation; /* host order: it never leaves the machine */
	__u32 magic;	  /* host order */
	__u32 reserved2;
};
XB_STATIC_ASSERT(sizeof(struct xb_lap_frame) == 32, "host layout");

#endif /* XB_ABI_H */
