/*
 * What the watch's programs and user space share: the maps' values and the events.
 *
 * Apart from xb_abi.h because the two live in different objects and change at different times.
 * Nothing here leaves the machine: host byte order. Times are CLOCK_BOOTTIME in nanoseconds.
 */
#ifndef XB_WATCH_H
#define XB_WATCH_H

#include <linux/types.h>

#include "xb_abi.h"

/* Rises with every change of a map's value or of a program's meaning: part of the pin folder's
 * name. */
#define XB_WATCH_VERSION 1

#define XB_WATCH_COOKIES_MAX 16384	 /* watched services at one time; a further add() fails */
#define XB_WATCH_RING_BYTES (256 * 1024) /* about 5000 events; when it is full, lost counts */
#define XB_WATCH_PID_LEVELS 32 /* nesting of pid namespaces, MAX_PID_NS_LEVEL of the kernel */

/* Value of xb_watch_cookies, by cookie. Written by user space only. */
struct xb_watch_cookie {
	__u32 pid_namespace; /* inode number of the one in whose numbers events speak */
	__u32 armed;	     /* 0: ends of its processes are not reported */
};
XB_STATIC_ASSERT(sizeof(struct xb_watch_cookie) == 8, "map value");

/* Value of xb_watch_tasks, by task: written by user space for the first process, by the fork
 * program for its descendants and threads. */
struct xb_watch_task {
	__u64 cookie;
	__u32 root;	 /* 1: user space named it */
	__u32 ended;	 /* 1: its end was reported */
	__u32 signalled; /* the fatal signal that was reported, or 0 */
	__u32 reserved;
};
XB_STATIC_ASSERT(sizeof(struct xb_watch_task) == 24, "map value");

enum xb_watch_kind {
	XB_WATCH_EXIT = 1,   /* a whole process has ended */
	XB_WATCH_SIGNAL = 2, /* a signal that will end it has been sent or delivered */
};

#define XB_WATCH_ROOT 1 /* the process is one that user space named */
#define XB_WATCH_TOP 2	/* its parent is not watched: the service's main process, usually */
#define XB_WATCH_OOM 4	/* the kernel killed it because memory ran out */

struct xb_watch_event {
	__u64 cookie;
	__u64 at_ns;
	__u32 pid;    /* in the watcher's pid namespace; 0 if it has no number there */
	__u32 status; /* as of wait(2) for an exit; the signal's number otherwise */
	__u32 kind;
	__u32 flags;
};
XB_STATIC_ASSERT(sizeof(struct xb_watch_event) == 32, "ring record");

enum xb_watch_counter {
	XB_WATCH_LOST,	     /* events that did not fit into the ring */
	XB_WATCH_UNFOLLOWED, /* forks of a watched process that could not be remembered */
	XB_WATCH_COUNTERS,
};

#endif
