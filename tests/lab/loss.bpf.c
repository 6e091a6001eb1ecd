// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loses frames on their way to a node, at the switch's port: netem is not in every kernel.
 *
 * One section for each share, so that tc(8) alone can attach it: loss05, loss20, loss50, loss100.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

static __always_inline int lose(__u32 percent) {
    return bpf_get_prandom_u32() % 100 < percent ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc/loss05")
int loss05(struct __sk_buff* frame) {
    (void)frame;
    return lose(5);
}

SEC("tc/loss20")
int loss20(struct __sk_buff* frame) {
    (void)frame;
    return lose(20);
}

SEC("tc/loss50")
int loss50(struct __sk_buff* frame) {
    (void)frame;
    return lose(50);
}

SEC("tc/loss100")
int loss100(struct __sk_buff* frame) {
    (void)frame;
    return lose(100);
}

char LICENSE[] SEC("license") = "GPL";
