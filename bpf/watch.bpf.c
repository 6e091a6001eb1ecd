// SPDX-License-Identifier: GPL-2.0
/*
 * The watch: tells user space that a process of a service has ended, in the moment it happens.
 *
 * Who is watched is remembered in the tasks themselves (task storage), not in a table of numbers:
 * a task cannot be mistaken for another one after its number was reused, in whatever pid namespace
 * it lives, and the kernel forgets it together with the task. User space names the first process by
 * a pidfd; a fork copies the memory to the child, so daemons, setsid and double forks are followed.
 * Threads carry it too, so that a thread that executes a program (and so becomes the process) stays
 * watched.
 *
 * Only fields that 6.1 and today's kernels have in common are read: that the last thread is gone
 * is taken from signal->live, since the tracepoint's own argument for it is recent; that the OOM
 * killer did it from signal->oom_mm, since the tracepoint mark_victim has changed its arguments.
 * No fentry and no kprobe: BTF tracepoints alone load under lockdown.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "abi/xb_watch.h"

/* BPF_PROG spells out all arguments of a tracepoint, of which each program reads a few. */
#pragma clang diagnostic ignored "-Wunused-parameter"

#define XB_SIGKILL 9
#define XB_TRACE_SIGNAL_DELIVERED 0 /* the result of signal_generate when it was queued */

/* The kernel's structures, as far as they are read; the loader moves the fields to where they are.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct mm_struct;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	struct mm_struct *oom_mm;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
};

struct sigaction {
	void *sa_handler;
};

struct k_sigaction {
	struct sigaction sa;
};

struct kernel_siginfo;

#pragma clang attribute pop

/* Who is watched. Written by user space (first process) and xb_watch_fork. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct xb_watch_task);
} xb_watch_tasks SEC(".maps");

/* What is watched, by cookie. Written by user space: a task whose cookie is not here is ignored. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, XB_WATCH_COOKIES_MAX);
	__type(key, __u64);
	__type(value, struct xb_watch_cookie);
} xb_watch_cookies SEC(".maps");

/* struct xb_watch_event, for user space. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, XB_WATCH_RING_BYTES);
} xb_watch_ring SEC(".maps");

/* enum xb_watch_counter, read by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XB_WATCH_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} xb_watch_counts SEC(".maps");

static __always_inline void xb_count(__u32 counter)
{
	__u64 *count = bpf_map_lookup_elem(&xb_watch_counts, &counter);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline struct xb_watch_task *xb_find(struct task_struct *task)
{
	return bpf_task_storage_get(&xb_watch_tasks, task, 0, 0);
}

/* The number of the task in that pid namespace, or 0. A task has one for each level it is nested.
 */
static __always_inline __u32 xb_pid_in(struct task_struct *task, __u32 pid_namespace)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	/* The array's length is not in its type, so its elements are reached by hand. */
	void *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);

	for (__u32 i = 0; i < XB_WATCH_PID_LEVELS; i++) {
		struct upid *number = numbers + i * bpf_core_type_size(struct upid);

		if (i > level)
			break;
		if (BPF_CORE_READ(number, ns, ns.inum) == pid_namespace)
			return (__u32)BPF_CORE_READ(number, nr);
	}
	return 0;
}

/* What of a task goes into an event. */
struct xb_report {
	__u64 cookie;
	__u32 pid_namespace;
	__u32 kind;
	__u32 status;
	__u32 flags;
};

static __always_inline void xb_emit(struct task_struct *leader, const struct xb_report *report)
{
	struct xb_watch_event *event = bpf_ringbuf_reserve(&xb_watch_ring, sizeof(*event), 0);

	if (!event) {
		xb_count(XB_WATCH_LOST);
		return;
	}
	event->cookie = report->cookie;
	event->at_ns = bpf_ktime_get_boot_ns();
	event->pid = xb_pid_in(leader, report->pid_namespace);
	event->status = report->status;
	event->kind = report->kind;
	event->flags = report->flags;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(xb_watch_fork, struct task_struct *parent, struct task_struct *child)
{
	struct xb_watch_task *watched = xb_find(parent);
	struct xb_watch_task copy = {};

	if (!watched)
		return 0;
	copy.cookie = watched->cookie;
	if (!bpf_map_lookup_elem(&xb_watch_cookies, &copy.cookie))
		return 0; /* no longer of interest: do not spread it */
	if (!bpf_task_storage_get(&xb_watch_tasks, child, &copy, BPF_LOCAL_STORAGE_GET_F_CREATE))
		xb_count(XB_WATCH_UNFOLLOWED);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(xb_watch_exit, struct task_struct *task)
{
	struct xb_watch_task *watched;
	struct xb_watch_task *parent;
	struct xb_watch_cookie *cookie;
	struct xb_report report = {.kind = XB_WATCH_EXIT};

	/* Most exits end here: not watched. */
	if (!xb_find(task))
		return 0;
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0; /* other threads go on */
	watched = xb_find(task->group_leader);
	if (!watched)
		return 0;
	cookie = bpf_map_lookup_elem(&xb_watch_cookies, &watched->cookie);
	if (!cookie || !cookie->armed)
		return 0;
	/* Two last threads may both see that nobody is left. */
	if (__sync_lock_test_and_set(&watched->ended, 1) != 0)
		return 0;
	report.cookie = watched->cookie;
	report.pid_namespace = cookie->pid_namespace;
	/* Set by exit_group(2) and by fatal signals; a lone pthread_exit(3) leaves it 0. */
	report.status = (__u32)BPF_CORE_READ(task, signal, group_exit_code);
	if (report.status == 0)
		report.status = (__u32)BPF_CORE_READ(task, exit_code);
	if (watched->root)
		report.flags |= XB_WATCH_ROOT;
	parent = xb_find(task->real_parent);
	if (!parent || parent->cookie != watched->cookie)
		report.flags |= XB_WATCH_TOP;
	if (BPF_CORE_READ(task, signal, oom_mm))
		report.flags |= XB_WATCH_OOM;
	xb_emit(task->group_leader, &report);
	return 0;
}

static __always_inline void xb_fatal(struct task_struct *leader, int signal)
{
	struct xb_watch_task *watched = xb_find(leader);
	struct xb_watch_cookie *cookie;
	struct xb_report report = {.kind = XB_WATCH_SIGNAL};

	if (!watched)
		return;
	cookie = bpf_map_lookup_elem(&xb_watch_cookies, &watched->cookie);
	if (!cookie || !cookie->armed)
		return;
	if (__sync_lock_test_and_set(&watched->signalled, (__u32)signal) != 0)
		return; /* one report a process, however many signals and threads */
	report.cookie = watched->cookie;
	report.pid_namespace = cookie->pid_namespace;
	report.status = (__u32)signal;
	if (watched->root)
		report.flags |= XB_WATCH_ROOT;
	xb_emit(leader, &report);
}

/* SIGKILL cannot be caught: known when it is sent, before the victim gets a processor to die on. */
SEC("tp_btf/signal_generate")
int BPF_PROG(xb_watch_generate, int signal, struct kernel_siginfo *info, struct task_struct *task,
	     int group, int result)
{
	if (signal == XB_SIGKILL && result == XB_TRACE_SIGNAL_DELIVERED)
		xb_fatal(task->group_leader, signal);
	return 0;
}

/* Any other signal ends the process if it is delivered without a handler: known before a core is
 * written, which may take seconds. */
SEC("tp_btf/signal_deliver")
int BPF_PROG(xb_watch_deliver, int signal, struct kernel_siginfo *info, struct k_sigaction *action)
{
	/* CHLD CONT STOP TSTP TTIN TTOU URG WINCH, see signal(7). */
	const __u64 harmless = 1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 20 | 1ULL << 21 |
			       1ULL << 22 | 1ULL << 23 | 1ULL << 28;
	struct task_struct *task = bpf_get_current_task_btf();

	if (signal < 1 || signal > 64 || (signal < 64 && (harmless & 1ULL << signal)))
		return 0;
	if (BPF_CORE_READ(action, sa.sa_handler) != 0)
		return 0;
	xb_fatal(task->group_leader, signal);
	return 0;
}

char xb_license[] SEC("license") = "GPL";
