"""Generated clusters of a size, as CIB text, for the benchmark of the scheduler."""


def cluster(nodes, primitives=0, clones=0, colocated=False, probed=False, brief=False):
    """`nodes` online; every primitive active on one of them, every clone on all. `probed`: the last node has just joined, so that
    everything is to be probed there. `brief`: without the records of probes, and without probes."""
    names = [f"node{at:02d}" for at in range(1, nodes + 1)]
    resources, constraints = [], []
    history = {name: [] for name in names}

    def record(rsc, task, interval, rc, call):
        key = f"{call}:1:{rc}:00000000-0000-0000-0000-000000000000"
        suffix = "last_0" if interval == 0 else f"{task}_{interval}"
        return (f'<lrm_rsc_op id="{rsc}_{suffix}" operation_key="{rsc}_{task}_{interval}" operation="{task}" call-id="{call}" rc-code="{rc}" '
                f'op-status="0" interval="{interval}" crm_feature_set="3.16.1" transition-key="{key}" transition-magic="0:{rc};{key}" '
                f'op-digest="{DIGESTS[interval > 0]}"/>')

    def add_history(rsc, active):
        for at, name in enumerate(names):
            if name in active:
                records = record(rsc, "start", 0, 0, at + 1) + record(rsc, "monitor", 10000, 0, at + 100)
            elif brief:
                continue
            else:
                records = record(rsc, "monitor", 0, 7, at + 1)
            history[name].append(f'<lrm_resource id="{rsc}" class="ocf" provider="pacemaker" type="Dummy">{records}</lrm_resource>')

    def primitive(name):
        return (f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy"><operations>'
                f'<op id="{name}-m" name="monitor" interval="10s"/></operations></primitive>')

    for at in range(primitives):
        name = f"rsc{at:05d}"
        resources.append(primitive(name))
        add_history(name, {names[at % nodes]})
    for at in range(clones):
        name = f"cl{at:03d}"
        resources.append(f'<clone id="{name}"><meta_attributes id="{name}-m"><nvpair id="{name}-i" name="interleave" value="true"/>'
                         f'</meta_attributes>{primitive(name + "-in")}</clone>')
        add_history(f"{name}-in", set(names))
        if colocated and at > 0:
            before = f"cl{at - 1:03d}"
            constraints.append(f'<rsc_colocation id="col{at}" rsc="{name}" with-rsc="{before}" score="INFINITY"/>')
            constraints.append(f'<rsc_order id="ord{at}" first="{before}" then="{name}"/>')
    if probed:
        history[names[-1]] = []
    status = "".join(
        f'<node_state id="{at}" uname="{name}" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="{at}"><lrm_resources>'
        f'{"".join(history[name])}</lrm_resources></lrm></node_state>' for at, name in enumerate(names, 1))
    return ('<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1" '
            'execution-date="1700000000"><configuration><crm_config><cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" '
            f'value="false"/><nvpair id="o-p" name="enable-startup-probes" value="{"false" if brief else "true"}"/></cluster_property_set></crm_config><nodes>' +
            "".join(f'<node id="{at}" uname="{name}"/>' for at, name in enumerate(names, 1)) + "</nodes><resources>" +
            "".join(resources) + "</resources><constraints>" + "".join(constraints) + "</constraints></configuration><status>" + status +
            "</status></cib>")


DIGESTS = ("f2317cad3d54cec5d7d7aa7d0bf35cf8", "4811cef7f7f94e3a35a70be7916cb2fd")
CLUSTERS = {
    "32 nodes, 100 primitives": dict(nodes=32, primitives=100),
    "32 nodes, 1000 primitives": dict(nodes=32, primitives=1000),
    "32 nodes, 10000 primitives": dict(nodes=32, primitives=10000, brief=True),
    "32 nodes, 100 clones": dict(nodes=32, clones=100),
    "32 nodes, 100 clones, colocated": dict(nodes=32, clones=100, colocated=True),
    "32 nodes, 100 clones, colocated, probes": dict(nodes=32, clones=100, colocated=True, probed=True),
}
