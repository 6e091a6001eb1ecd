/*
 * Judgement: a frame and what we know of its sender -> take it, or the counter of the drop; and,
 * once a lap, what we know of a peer -> its state.
 *
 * No helper and no map, so that the BPF programs, the UDP fallback, the host's tests and the fuzzer
 * run the same lines. The order in which a frame is believed: shape, then the MAC, then the
 * incarnation, then the window. Nothing is written before all of them have passed.
 *
 * The verdict counts probes, not time. A probe is *due* once it is older than the grace (the RTT's
 * tail); a due probe newer than the newest answered one is a *miss*. A machine that stood still
 * sent no probes, so it has nothing to count; a lap that came late judges nobody, because answers
 * may be waiting for the same processor; after a long gap all counting starts anew.
 *
 * A probe that could not leave for lack of a device, a carrier or a next hop is a miss as well (and
 * is told apart in the evidence): a direct cable loses its carrier when the peer loses its power.
 * One that could not leave for lack of memory or queue space is nobody's miss.
 */
#ifndef XB_JUDGE_H
#define XB_JUDGE_H

#include "abi/xb_abi.h"
#include "xb_siphash.h"

#define xb_inline static inline __attribute__((always_inline))

/* --- frames --- */

/* The shape of a beat that arrived on `path_here`: XB_OK or the drop. Believes nothing yet. */
xb_inline int xb_judge_shape(const struct xb_beat *beat, const struct xb_control *control,
			     __u32 path_here)
{
	if (XB_LE32(beat->magic) != XB_BEAT_MAGIC)
		return XB_DROP_MAGIC;
	if (beat->version != XB_BEAT_VERSION)
		return XB_DROP_VERSION;
	if (beat->kind != XB_PROBE && beat->kind != XB_REFLECTION)
		return XB_DROP_KIND;
	if (XB_LE64(beat->cluster_tag) != control->cluster_tag)
		return XB_DROP_CLUSTER;
	if (XB_LE16(beat->receiver) != control->self)
		return XB_DROP_RECEIVER;
	if (beat->path != path_here)
		return XB_DROP_PATH;
	return XB_OK;
}

/* Takes `sequence` into the window: XB_OK, or why it cannot be taken. The window changes only on
 * XB_OK. */
xb_inline int xb_window_take(struct xb_window *window, __u64 sequence)
{
	__u64 distance;

	if (sequence == 0)
		return XB_DROP_OLD;
	if (sequence > window->highest) {
		distance = sequence - window->highest;
		window->bits = distance < XB_WINDOW_BITS ? (window->bits << distance) | 1 : 1;
		window->highest = sequence;
		return XB_OK;
	}
	distance = window->highest - sequence;
	if (distance >= XB_WINDOW_BITS)
		return XB_DROP_OLD;
	if ((window->bits >> distance) & 1)
		return XB_DROP_REPLAY;
	window->bits |= 1ULL << distance;
	return XB_OK;
}

/* True if `sequence` was taken; of those behind the window it is unknown, and the answer is yes. */
xb_inline int xb_window_has(const struct xb_window *window, __u64 sequence)
{
	if (sequence > window->highest)
		return 0;
	if (window->highest - sequence >= XB_WINDOW_BITS)
		return 1;
	return (int)((window->bits >> (window->highest - sequence)) & 1);
}

xb_inline __u32 xb_log2(__u64 value)
{
	__u32 result = 0;

	if (value >> 32) {
		value >>= 32;
		result += 32;
	}
	if (value >> 16) {
		value >>= 16;
		result += 16;
	}
	if (value >> 8) {
		value >>= 8;
		result += 8;
	}
	if (value >> 4) {
		value >>= 4;
		result += 4;
	}
	if (value >> 2) {
		value >>= 2;
		result += 2;
	}
	return result + (__u32)(value >> 1);
}

/* RFC 6298, section 2, with the gains as shifts: 1/8 for the mean, 1/4 for the deviation. */
xb_inline void xb_note_rtt(struct xb_path *path, __u64 rtt)
{
	__u64 error;

	path->rtt_ns = rtt;
	path->rtt_histogram[xb_log2(rtt) & (XB_RTT_BUCKETS - 1)]++;
	if (rtt > path->rtt_max_ns)
		path->rtt_max_ns = rtt;
	if (path->rtt_mean_ns == 0) {
		path->rtt_min_ns = rtt;
		path->rtt_mean_ns = rtt;
		path->rtt_dev_ns = rtt / 2;
		return;
	}
	if (rtt < path->rtt_min_ns)
		path->rtt_min_ns = rtt;
	error = rtt > path->rtt_mean_ns ? rtt - path->rtt_mean_ns : path->rtt_mean_ns - rtt;
	path->rtt_dev_ns = path->rtt_dev_ns - path->rtt_dev_ns / 4 + error / 4;
	path->rtt_mean_ns = path->rtt_mean_ns - path->rtt_mean_ns / 8 + rtt / 8;
}

/* The counters that the sender put into a frame that is fresh. An older frame, come by another
 * path, changes nothing. */
xb_inline void xb_take_state(struct xb_peer *peer, const struct xb_beat *beat)
{
	__u64 sent_ns = XB_LE64(beat->sent_ns);

	if (sent_ns < peer->state_sent_ns)
		return;
	peer->state_sent_ns = sent_ns;
	peer->daemon_progress = XB_LE32(beat->daemon_progress);
	peer->executor_progress = XB_LE32(beat->executor_progress);
	peer->flags = XB_LE32(beat->flags);
}

/* Was that moment of our own clock at most fresh_ns ago? One in the future is not ours. */
xb_inline int xb_is_fresh(const struct xb_control *control, __u64 echo_ns, __u64 now)
{
	return echo_ns != 0 && echo_ns <= now && now - echo_ns <= control->fresh_ns;
}

/* A probe that echoes something, but something old. */
xb_inline int xb_is_stale_probe(const struct xb_beat *beat, const struct xb_control *control,
				__u64 now)
{
	return beat->echo_sent_ns != 0 && !xb_is_fresh(control, XB_LE64(beat->echo_sent_ns), now);
}

/* When a probe on this path counts as unanswered: the tail of its RTT. */
xb_inline __u64 xb_grace(const struct xb_control *control, const struct xb_path *path)
{
	__u64 grace = path->rtt_mean_ns + 4 * path->rtt_dev_ns;

	if (grace < control->grace_min_ns)
		grace = control->grace_min_ns;
	return grace > control->grace_max_ns ? control->grace_max_ns : grace;
}

/* A probe of the peer shows that it lives if it echoes one of ours that is younger than twice the
 * time to a verdict. Held-back probes age out by that. */
xb_inline int xb_proves_life(const struct xb_control *control, const struct xb_path *path,
			     __u64 echo_ns, __u64 now)
{
	__u64 limit = 2ULL * control->k_dead * control->period_ns + xb_grace(control, path);

	return echo_ns != 0 && echo_ns <= now && now - echo_ns <= limit;
}

/* What the peer's newest probe says of us, by whatever path it came. */
xb_inline void xb_take_word(struct xb_peer *peer, const struct xb_beat *beat)
{
	__u64 sent_ns = XB_LE64(beat->sent_ns) & ~1ULL;

	if (sent_ns > peer->word_ns)
		peer->word_ns = sent_ns | !!(XB_LE32(beat->flags) & XB_CALLS_YOU_DEAD);
}

/* A probe is answered whatever it echoes: an answer says something about us, not about the peer.
 * Its state is believed only if it proves that the peer heard us lately, or held-back frames would.
 */
xb_inline int xb_take_probe(const struct xb_control *control, struct xb_peer *peer,
			    struct xb_path *path, const struct xb_beat *beat, __u64 now)
{
	__u64 sequence = XB_LE64(beat->sequence);
	int outcome;

	if (path->peer_incarnation != peer->incarnation) {
		path->heard.highest = 0;
		path->heard.bits = 0;
		path->heard_sent_ns = 0;
		path->peer_incarnation = peer->incarnation;
		peer->state_sent_ns = 0;
		peer->word_ns = 0;
	}
	outcome = xb_window_take(&path->heard, sequence);
	if (outcome != XB_OK)
		return outcome;
	if (sequence == path->heard.highest)
		path->heard_sent_ns = XB_LE64(beat->sent_ns);
	path->heard_ns = now;
	peer->heard_ns = now;
	xb_take_word(peer, beat);
	if (xb_is_fresh(control, XB_LE64(beat->echo_sent_ns), now))
		xb_take_state(peer, beat);
	if (xb_proves_life(control, path, XB_LE64(beat->echo_sent_ns), now))
		peer->fresh_probes++;
	return XB_PROBES_REFLECTED;
}

/* An answer to one of our probes: life, an RTT, and the renewal of our lease, which counts from
 * when the probe was sent, by our own clock. */
xb_inline int xb_take_reflection(const struct xb_control *control, struct xb_peer *peer,
				 struct xb_path *path, const struct xb_beat *beat, __u64 now)
{
	__u64 sequence = XB_LE64(beat->sequence);
	__u64 asked_ns = XB_LE64(beat->echo_sent_ns);
	__u64 grant_ns = XB_LE64(beat->grant_ns);
	int outcome;

	if (sequence > path->sequence)
		return XB_DROP_UNASKED;
	if (!xb_is_fresh(control, asked_ns, now))
		return XB_DROP_STALE_ECHO;
	outcome = xb_window_take(&path->answered, sequence);
	if (outcome != XB_OK)
		return outcome;
	path->heard_ns = now;
	path->answered_ns = now;
	path->answers++;
	peer->heard_ns = now;
	peer->answers++;
	xb_note_rtt(path, now - asked_ns);
	xb_take_state(peer, beat);
	if (grant_ns && asked_ns + grant_ns > asked_ns &&
	    asked_ns + grant_ns > peer->lease_until_ns)
		peer->lease_until_ns = asked_ns + grant_ns;
	return XB_REFLECTIONS_TAKEN;
}

/*
 * A beat of the right shape from a configured peer: XB_PROBES_REFLECTED or XB_REFLECTIONS_TAKEN, or
 * the drop. `beat`, `peer`, `path` and `keys` belong together.
 *
 * `busy` keeps two processors off one path: the second one drops its frame instead of waiting,
 * which cannot happen while a path is one flow, and so one receive queue.
 */
xb_inline int xb_judge_frame(const struct xb_beat *beat, const struct xb_control *control,
			     struct xb_peer *peer, struct xb_path *path, const struct xb_keys *keys,
			     __u64 now)
{
	__u32 slot = beat->key_id & 1u;
	int outcome;

	if (keys->id[slot] != (beat->key_id | XB_KEY_VALID))
		return XB_DROP_KEY_ID;
	if (xb_beat_mac(beat, keys->receive[slot]) != XB_LE64(beat->mac))
		return XB_DROP_MAC;
	if (peer->incarnation == 0)
		return XB_DROP_NOT_TOLD;
	if (XB_LE64(beat->incarnation) != peer->incarnation)
		return XB_DROP_INCARNATION;
	if (__sync_val_compare_and_swap(&path->busy, 0, 1) != 0)
		return XB_DROP_BUSY;
	if (beat->kind == XB_PROBE)
		outcome = xb_take_probe(control, peer, path, beat, now);
	else
		outcome = xb_take_reflection(control, peer, path, beat, now);
	__sync_val_compare_and_swap(&path->busy, 1, 0);
	return outcome;
}

/* --- making frames --- */

/* What every frame from us carries; the caller adds kind, sequence and echo and then signs. */
xb_inline void xb_fill_beat(struct xb_beat *beat, const struct xb_control *control,
			    const struct xb_peer *peer, __u16 receiver, __u8 path, __u64 now)
{
	beat->magic = XB_LE32(XB_BEAT_MAGIC);
	beat->version = XB_BEAT_VERSION;
	beat->key_id = (__u8)control->key_id;
	beat->path = path;
	beat->sender = XB_LE16(control->self);
	beat->receiver = XB_LE16(receiver);
	beat->flags = XB_LE32((control->flags & ~XB_CALLS_YOU_DEAD) |
			      (peer->state == XB_PEER_DEAD ? XB_CALLS_YOU_DEAD : 0));
	beat->cluster_tag = XB_LE64(control->cluster_tag);
	beat->incarnation = XB_LE64(control->incarnation);
	beat->sent_ns = XB_LE64(now);
	beat->grant_ns = peer->state == XB_PEER_DEAD ? 0 : XB_LE64(peer->grant_ns);
	beat->daemon_progress = XB_LE32(control->daemon_progress);
	beat->executor_progress = XB_LE32(control->executor_progress);
}

xb_inline void xb_sign(struct xb_beat *beat, const struct xb_keys *keys)
{
	beat->mac = XB_LE64(xb_beat_mac(beat, keys->send[beat->key_id & 1u]));
}

/* The next probe on a path. */
xb_inline void xb_make_probe(struct xb_beat *beat, const struct xb_control *control,
			     const struct xb_peer *peer, const struct xb_path *path,
			     const struct xb_keys *keys, __u16 receiver, __u8 path_number,
			     __u64 now)
{
	xb_fill_beat(beat, control, peer, receiver, path_number, now);
	beat->kind = XB_PROBE;
	beat->sequence = XB_LE64(path->sequence);
	beat->echo_sequence = XB_LE64(path->heard.highest);
	beat->echo_sent_ns = XB_LE64(path->heard_sent_ns);
	xb_sign(beat, keys);
}

/* Turns a probe that was taken into its reflection, in place. */
xb_inline void xb_make_reflection(struct xb_beat *beat, const struct xb_control *control,
				  const struct xb_peer *peer, const struct xb_path *path,
				  const struct xb_keys *keys, __u64 now)
{
	beat->echo_sent_ns = beat->sent_ns;
	beat->echo_sequence = XB_LE64(path->heard.highest);
	xb_fill_beat(beat, control, peer, XB_LE16(beat->sender), beat->path, now);
	beat->kind = XB_REFLECTION;
	xb_sign(beat, keys);
}

/* --- the lap --- */

enum xb_sending {
	XB_SENT,   /* it left */
	XB_UNSENT, /* no device, no carrier, no next hop: a miss */
	XB_FAILED, /* no memory, own queue full: nobody's miss */
};

/* What one lap knows before it looks at any peer. */
struct xb_lap {
	__u64 now;
	__u64 gap_ns;
	__u64 late;
	__u64 stalls;
	__u64 judges; /* 0: late, or answers may still be waiting; wide, so that nothing is padding:
		       * kernels before 6.3 refuse to pass bytes that were never written */
};

/* Notes that a lap began. */
xb_inline struct xb_lap xb_begin_lap(const struct xb_control *control, struct xb_laps *laps,
				     __u64 now)
{
	struct xb_lap lap = {};

	lap.now = now;
	lap.gap_ns = laps->last_ns ? now - laps->last_ns : 0;
	laps->count++;
	if (laps->first_ns == 0)
		laps->first_ns = now;
	laps->last_ns = now;
	laps->gap_ns = lap.gap_ns;
	if (lap.gap_ns > laps->gap_max_ns)
		laps->gap_max_ns = lap.gap_ns;
	if (lap.gap_ns >= control->late_ns) {
		laps->late++;
		laps->hold_until_ns = now + control->period_ns / 2;
	}
	if (lap.gap_ns >= control->stall_ns)
		laps->stalls++;
	lap.late = laps->late;
	lap.stalls = laps->stalls;
	lap.judges = now >= laps->hold_until_ns;
	return lap;
}

/* True if that processor owes receive work, and for so long that answers may be stuck behind it; a
 * processor that owes it for ever is lost and must not blind the node. */
xb_inline int xb_owes_answers(const struct xb_control *control, const struct xb_backlog *backlog,
			      __u64 now)
{
	__u64 since = backlog->entered_ns;

	if (backlog->raised_ns && (!since || backlog->raised_ns < since))
		since = backlog->raised_ns;
	/* Its own stamp may be newer than our clock reading. */
	if (!since || since >= now)
		return 0;
	return now - since > control->wait_ns && now - since < control->wait_max_ns;
}

/* If answers wait for a processor of ours, this lap judges nobody, nor does the next one, which may
 * come before they are all read. Ends after wait_max_ns in one go, whatever the processors say. */
xb_inline void xb_hold_lap(const struct xb_control *control, struct xb_laps *laps,
			   struct xb_lap *lap, int answers_wait)
{
	if (!answers_wait) {
		laps->held_since_ns = 0;
		return;
	}
	if (laps->held_since_ns == 0)
		laps->held_since_ns = lap->now;
	if (lap->now - laps->held_since_ns >= control->wait_max_ns)
		return;
	laps->held++;
	laps->hold_until_ns = lap->now + control->period_ns + control->period_ns / 2;
	lap->judges = 0;
}

/* Settles the next probe if it is due; 0 if it is not. */
xb_inline int xb_settle_probe(struct xb_path *path, __u64 answered, __u64 grace, __u64 now)
{
	__u64 next = path->due_sequence + 1;
	__u64 sent_at = path->sent_at[next & (XB_SENT_SLOTS - 1)];
	int left = (int)(sent_at & 1);

	if (next > path->sequence)
		return 0;
	if (path->sequence - next < XB_SENT_SLOTS && sent_at + grace > now)
		return 0;
	path->due_sequence = next;
	if (next <= answered && xb_window_has(&path->answered, next)) {
		path->good_run++;
		return 1;
	}
	path->good_run = 0;
	if (left)
		path->lost++;
	if (next < answered || sent_at == 0)
		return 1;
	path->misses++;
	if (!left)
		path->unsent_misses++;
	return 1;
}

/* Counting starts anew; what was sent before is neither answered nor missed. */
xb_inline void xb_forgive(struct xb_path *path)
{
	path->due_sequence = path->sequence;
	path->misses = 0;
	path->unsent_misses = 0;
	path->good_run = 0;
}

/* A path's part of the lap: true if its state changed. */
xb_inline int xb_judge_path(const struct xb_control *control, const struct xb_peer *peer,
			    struct xb_path *path, const struct xb_lap *lap)
{
	__u64 answered = path->answered.highest;
	__u64 grace = xb_grace(control, path);
	__u32 before = path->state;

	if (path->seen_epoch != peer->epoch) {
		path->seen_epoch = peer->epoch;
		path->stalls_seen = lap->stalls;
		path->seen_answers = path->answers;
		path->seen_answered = answered;
		path->state = XB_PATH_UNKNOWN;
		xb_forgive(path);
		return 0;
	}
	if (path->stalls_seen != lap->stalls) {
		path->stalls_seen = lap->stalls;
		xb_forgive(path);
	}
	path->grace_used_ns = grace > 0xffffffffULL ? 0xffffffffU : (__u32)grace;
	if (answered > path->seen_answered) {
		path->seen_answered = answered;
		path->misses = 0;
		path->unsent_misses = 0;
	}
	if (!lap->judges)
		return 0;
	for (int i = 0; i < XB_DUE_STEPS; i++) {
		if (!xb_settle_probe(path, answered, grace, lap->now))
			break;
	}
	if (path->misses >= control->k_dead)
		path->state = XB_PATH_DOWN;
	else if (before == XB_PATH_UNKNOWN && path->answers != path->seen_answers)
		path->state = XB_PATH_UP;
	else if (before == XB_PATH_DOWN && path->good_run >= control->k_up)
		path->state = XB_PATH_UP;
	return path->state != before;
}

/* Follows the peer's daemon: true while it is to be called stalled. Laps without an answer say
 * nothing. */
xb_inline int xb_is_stalled(const struct xb_control *control, struct xb_peer *peer,
			    int answered_anew)
{
	if (peer->daemon_progress != peer->progress_seen) {
		peer->progress_seen = peer->daemon_progress;
		peer->still_ticks = 0;
	} else if (answered_anew && peer->still_ticks < control->stall_ticks) {
		peer->still_ticks++;
	}
	return peer->still_ticks >= control->stall_ticks;
}

/* How many judged laps the peer's own probes have been missing. They are evidence of another kind:
 * a peer whose receiving processor stands still leaves our probes unanswered while another one goes
 * on asking. */
xb_inline __u32 xb_count_quiet(struct xb_peer *peer, const struct xb_lap *lap)
{
	if (peer->stalls_seen != lap->stalls) {
		peer->stalls_seen = lap->stalls;
		peer->quiet_laps = 0;
	}
	if (peer->fresh_probes != peer->fresh_seen) {
		peer->fresh_seen = peer->fresh_probes;
		peer->quiet_laps = 0;
	} else if (peer->quiet_laps < 0xffffffffU) {
		peer->quiet_laps++;
	}
	return peer->quiet_laps;
}

/* A new epoch: the peer is judged from its first answer on, as if never seen. */
xb_inline void xb_begin_epoch(struct xb_peer *peer, const struct xb_lap *lap)
{
	peer->seen_epoch = peer->epoch;
	peer->answers_seen = peer->answers;
	peer->still_ticks = 0;
	peer->progress_seen = peer->daemon_progress;
	peer->state = XB_PEER_UNKNOWN;
	peer->since_ns = lap->now;
	peer->word_ns &= ~1ULL;
}

/*
 * A peer's part of the lap, after all its paths: true if its state changed. `misses` is the
 * smallest count of all its paths, and counts only for as long as the peer's own probes are
 * missing, too; or call us dead: then it hears us no more than it answers us, and is about to act
 * on that. Who serves must not be the later one.
 */
xb_inline int xb_judge_peer(const struct xb_control *control, struct xb_peer *peer, __u32 misses,
			    const struct xb_lap *lap)
{
	int answered_anew = peer->answers != peer->answers_seen;
	__u32 before = peer->state;
	__u32 after, quiet;
	int stalled;

	if (!lap->judges || before == XB_PEER_DEAD)
		return 0;
	quiet = xb_count_quiet(peer, lap);
	if (misses > quiet && !(peer->word_ns & 1))
		misses = quiet;
	if (before == XB_PEER_UNKNOWN && !answered_anew)
		return 0;
	peer->answers_seen = peer->answers;
	stalled = xb_is_stalled(control, peer, answered_anew);
	if (before == XB_PEER_UNKNOWN)
		after = XB_PEER_ALIVE;
	else if (misses >= control->k_dead)
		after = XB_PEER_DEAD;
	else if (misses >= control->k_suspect)
		after = XB_PEER_SUSPECT;
	else
		after = stalled ? XB_PEER_STALLED : XB_PEER_ALIVE;
	if (after == before)
		return 0;
	peer->state = after;
	peer->since_ns = lap->now;
	return 1;
}

/* Notes what became of the probe `path->sequence`. */
xb_inline void xb_note_sending(struct xb_path *path, enum xb_sending sending, __u64 now)
{
	__u64 at = sending == XB_SENT ? now | 1 : sending == XB_UNSENT ? now & ~1ULL : 0;

	path->sent_at[path->sequence & (XB_SENT_SLOTS - 1)] = at;
	if (sending == XB_SENT) {
		path->sent++;
		path->sent_sequence = path->sequence;
		path->sent_ns = now;
	} else {
		path->unsent++;
	}
}

#endif /* XB_JUDGE_H */
