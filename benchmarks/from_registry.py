"""The large image in a registry on loopback: its check beside that of the layout that it came from, and beside who fetches it whole."""
import os
import shutil

import engines


def rows(bench, best, once, head):
    layout, t = f"oci:{bench.image()}/oci", bench.table
    with engines.Registry() as registry:
        name = f"docker://{registry.push(layout, 'bench')}"
        head(f"check of a registry on loopback, {sum(os.path.getsize(b) for b in bench.blobs()) / 1e6:.0f} MB compressed")
        # One after the other, so that what else the machine does meets both.
        pairs = [(bench.check("--no-cache", layout, tries=1), bench.check("--no-cache", name, tries=1)) for _ in range(3)]
        base, mine = (min(column, key=lambda m: m.seconds) for column in zip(*pairs))
        t.row("uidfit check oci:", base.seconds, "", base.rss)
        t.row("uidfit check docker://", mine.seconds, f"{mine.seconds / base.seconds:.2f} times the layout's", mine.rss)
        to = os.path.join(bench.scratch, "dir")
        copy = best(["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", name, f"dir:{to}"], tries=2, warm=0)
        shutil.rmtree(to, ignore_errors=True)
        t.row("skopeo copy docker:// dir:, nothing decoded", copy.seconds, f"{copy.seconds / mine.seconds:.1f} times uidfit")
        with engines.Podman(rootless=False) as p:
            pull = once([p.program, "--root", p.dir + "/store", "--runroot", p.dir + "/runroot", "--storage-driver", p.driver, "pull", "-q",
                         "--tls-verify=false", name], env=p.env)
        t.row("podman pull (as root: no map, so that it goes through)", pull.seconds, f"{pull.seconds / mine.seconds:.1f} times uidfit")
        t.promise("wall time over the layout's", f"{mine.seconds / base.seconds:.2f}", "1.3", mine.seconds <= 1.3 * base.seconds)
