"""The row `unpack` of ./bench: the large image on disk, beside umoci, podman, skopeo with tar, and cp -a of the finished tree.

Each tool takes its turn in each round, into a directory that no other has, so that what else the machine does meets all of them. Nothing
is removed before the end, and every directory is the top of a hierarchy (chattr +T), so that ext4 gives it groups of its own: without a
journal it looks at each inode that was removed in the last minutes anew, and whoever came next would pay for it.
"""
import os
import shutil
import subprocess

import engines

WIDE = "0:100000:4000000"       # everything in the image fits
NARROW = "0:100000:65536"       # the last layer's file does not
ROUNDS = 2


class Unpacking:
    def __init__(self, bench, once):
        self.bench, self.once = bench, once
        self.where = os.path.join(bench.scratch, "unpack")
        self.layout = os.path.join(bench.image(), "oci")
        self.best, self.made = {}, 0
        os.mkdir(self.where)
        # What does not know it has no need of it.
        subprocess.run(["chattr", "+T", self.where], stderr=subprocess.DEVNULL, check=False)

    def new(self):
        self.made += 1
        path = os.path.join(self.where, f"{os.getpid()}-{self.made}")
        os.mkdir(path)
        return path

    def turn(self, what, command, env=None, shell=False):
        os.sync()
        m = self.once(command, shell=shell, env=env)
        if m.status:
            raise RuntimeError(f"{what}: exit {m.status}\n{m.out[-1000:]}")
        if what not in self.best or m.seconds < self.best[what].seconds:
            self.best[what] = m

    def round(self, podman):
        plain = os.path.join(self.new(), "tree")
        self.turn("uidfit", [self.bench.uidfit, "unpack", "--map", WIDE, f"oci:{self.layout}", plain])
        self.turn("fix", [self.bench.uidfit, "unpack", "--fix", "--map", NARROW, f"oci:{self.layout}", os.path.join(self.new(), "tree")])
        self.turn("umoci", ["umoci", "unpack", "--image", f"{self.layout}:latest", "--uid-map", WIDE, "--gid-map", WIDE,
                            os.path.join(self.new(), "bundle")])
        store = self.new()
        self.turn("podman", [podman.program, "--root", store + "/store", "--runroot", store + "/run", "--storage-driver", podman.driver,
                             "pull", "-q", f"oci:{self.layout}:latest"], env=podman.env)
        copy, tree = self.new(), self.new()
        blobs = " ".join(os.path.join(copy, os.path.basename(b)) for b in self.bench.blobs())
        self.turn("skopeo", f"set -e; skopeo --insecure-policy copy -q oci:{self.layout}:latest dir:{copy}; "
                            f"for b in {blobs}; do tar -xzpf $b --numeric-owner -C {tree}; done", shell=True)
        self.turn("tar", f"set -o pipefail; tar -cf - -C {plain} . | tar -xpf - --numeric-owner -C {self.new()}", shell=True)
        self.turn("cp", ["cp", "-a", plain, os.path.join(self.new(), "tree")])


def rows(bench, once, head):
    work, t = Unpacking(bench, once), bench.table
    head(f"unpack of an OCI layout, {len(bench.blobs())} gzip layers, "
         f"{sum(os.path.getsize(b) for b in bench.blobs()) / 1e6:.0f} MB compressed")
    try:
        with engines.Podman(rootless=False) as podman:
            for _ in range(ROUNDS):
                work.round(podman)
            driver = podman.driver
    finally:
        shutil.rmtree(work.where, ignore_errors=True)
    mine, fix = work.best["uidfit"], work.best["fix"]
    t.row("uidfit unpack, every owner in the map", mine.seconds, "", mine.rss)
    t.row("uidfit unpack --fix, one owner is not", fix.seconds, f"{fix.seconds / mine.seconds:.1f} times that: the image is read twice", fix.rss)
    for what, name in (("umoci", "umoci unpack, the same map"), ("podman", f"podman pull, root, {driver}, no map"),
                       ("skopeo", "skopeo copy to dir:, tar -x of each layer, no map"), ("cp", "cp -a of the finished tree"),
                       ("tar", "tar -c of the finished tree | tar -x")):
        m = work.best[what]
        t.row(name, m.seconds, f"{m.seconds / mine.seconds:.1f} times uidfit, {m.seconds / fix.seconds:.1f} times --fix")
    umoci, others = work.best["umoci"].seconds / mine.seconds, min(work.best[w].seconds for w in ("podman", "skopeo")) / mine.seconds
    t.promise("faster than umoci unpack", f"{umoci:.1f}", "5", umoci >= 5)
    t.promise("faster than podman pull, and than skopeo with tar", f"{others:.1f}", "2", others >= 2)
    t.promise("resident memory", f"{max(mine.rss, fix.rss) / 2**20:.1f} MiB", "64 MiB", max(mine.rss, fix.rss) < 64 * 2**20)
