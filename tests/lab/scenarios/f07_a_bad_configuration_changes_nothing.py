"""A configuration with an error is refused whole, with a line that says where, and the old one stays."""
import cluster
import scene

BAD = {
    "unknown reference": ("location l web-that-is-not 100: pm01\n", "web-that-is-not"),
    "duplicate id": ("primitive twice ocf:heartbeat:Dummy\nprimitive twice ocf:heartbeat:Dummy\n", "twice"),
    "score out of range": ("primitive d ocf:heartbeat:Dummy\nlocation l d 10x0: pm01\n", "10x0"),
    "no crm at all": ("primitiv d ocf:heartbeat:Dummy\n", "primitiv"),
}


def run():
    with scene.lab(scene.web()):
        before = cluster.shell("pm02", "configure", "show").stdout
        for case, (text, wanted) in BAD.items():
            done = cluster.shell("pm01", "configure", "load", "update", "-", text=text, check=False)
            scene.expect(done.returncode != 0, f"{case}: refused")
            scene.expect(wanted in done.stderr, f"{case}: the error names {wanted}: {done.stderr}")
        for node in scene.NODES:
            scene.expect_equal(cluster.shell(node, "configure", "show").stdout, before, f"configuration on {node}")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
