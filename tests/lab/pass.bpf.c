// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Passes every frame: the program on the switch's end of a node's cable.
 *
 * A veth sends what its peer reflects with XDP_TX only while both ends carry a native XDP program;
 * without this one the reflections of the heart would be dropped on the way to the switch.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md* context) {
    (void)context;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
