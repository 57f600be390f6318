#!/usr/bin/env python3
"""Times uidfit beside what a user would run instead, and beside the ceiling: bare decoding and hashing.

Every row is measured in this run, the fastest of a few tries after one to warm the page cache, and told as a ratio.
Memory is the peak resident set of the process, as wait4(2) reports it.
"""
import argparse
import glob
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "engines"))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "lib"))
sys.path.insert(0, HERE)


class Measured:
    def __init__(self, seconds, rss, status, out):
        self.seconds, self.rss, self.status, self.out = seconds, rss, status, out


def once(command, shell=False, env=None):
    """Runs a command; its wall seconds, its own peak resident set in bytes, its exit status, its output."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        p = subprocess.Popen(command, shell=shell, stdout=out, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, env=env, executable="/bin/bash" if shell else None)
        _, status, usage = os.wait4(p.pid, 0)
        seconds = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        # The end is enough, and a child's peak begins at the size of the process that forked it: this one stays small.
        out.seek(max(0, out.seek(0, os.SEEK_END) - 65536))
        return Measured(seconds, usage.ru_maxrss * 1024, p.returncode,
                        out.read().decode("utf-8", "replace"))


def best(command, tries=3, warm=1, shell=False, env=None):
    for _ in range(warm):
        once(command, shell, env)
    return min((once(command, shell, env) for _ in range(tries)), key=lambda m: m.seconds)


class Table:
    def __init__(self):
        self.rows, self.missed = [], 0

    def row(self, what, seconds, note="", rss=None):
        memory = f"{rss / 2**20:7.1f} MiB" if rss is not None else ""
        self.rows.append((what, seconds, note))
        print(f"  {what:<58} {seconds:9.3f} s  {memory:>12}  {note}", flush=True)

    def promise(self, text, value, wanted, holds):
        self.missed += not holds
        print(f"  {'ok  ' if holds else 'MISS'} {text}: {value} (promised: {wanted})", flush=True)


def head(text):
    print(f"\n{text}", flush=True)


class Bench:
    def __init__(self, args):
        self.uidfit = os.path.join(args.build, "uidfit")
        self.ceiling = os.path.join(args.build, "benchmarks", "ceiling")
        self.table = Table()
        self.cache = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")
        self.scratch = tempfile.mkdtemp(prefix="uidfit-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        os.chmod(self.scratch, 0o711)   # dockerd's remapped root passes through
        self._image = None

    def image(self):
        """Directory with oci/ (gzip layers, the last one unfit) and image.tar (docker save of the same)."""
        if not self._image:
            import image
            self._image = image.big_image(self.cache)
        return self._image

    def blobs(self):
        import fixing
        return fixing.layers(os.path.join(self.image(), "oci"))

    def check(self, *args, tries=3):
        m = best([self.uidfit, "check", "--for", "docker", "--format", "json", *args], tries=tries)
        if m.status not in (0, 1):
            sys.exit(f"uidfit check {' '.join(args)}: exit {m.status}\n{m.out[-2000:]}")
        return m

    # Rows ---------------------------------------------------------------------------------------

    def oci(self):
        """the gzip layers of an OCI layout"""
        head(f"check of an OCI layout, {len(self.blobs())} gzip layers, "
             f"{sum(os.path.getsize(b) for b in self.blobs()) / 1e6:.0f} MB compressed")
        t = self.table
        bare = best([self.ceiling, *self.blobs()])
        ceiling = {key: float(value) for key, value in (line.split() for line in bare.out.strip().split("\n"))}
        t.row("ceiling: bare decoding and SHA-256, spread over the cores", ceiling["ceiling"],
              f"decode {ceiling['decode']:.2f} s + hash {ceiling['hash']:.2f} s, largest layer {ceiling['largest-decode']:.2f} s")
        mine = self.check(f"oci:{self.image()}/oci")
        t.row("uidfit check", mine.seconds, f"{mine.seconds / ceiling['ceiling']:.2f} times the ceiling", mine.rss)
        pipe = best("for b in %s; do gzip -dc $b | tar -tv --numeric-owner -f - ; done | "
                    "awk '{split($2,o,\"/\"); if (o[1]>65535 || o[2]>65535) print}'" % " ".join(self.blobs()),
                    tries=1, shell=True)
        t.row("gzip -dc | tar -tv | awk, a layer after the other", pipe.seconds,
              f"{pipe.seconds / mine.seconds:.1f} times uidfit")
        out = os.path.join(self.scratch, "umoci")
        umoci = once(["umoci", "unpack", "--image", f"{self.image()}/oci:latest", "--uid-map", "0:100000:65536",
                      "--gid-map", "0:100000:65536", out])
        shutil.rmtree(out, ignore_errors=True)
        t.row("umoci unpack, to its first error", umoci.seconds, f"{umoci.seconds / mine.seconds:.1f} times uidfit")
        load = self.docker_load()
        t.row("docker load under userns-remap, to its first error", load.seconds,
              f"{load.seconds / mine.seconds:.1f} times uidfit")
        t.promise("wall time over the ceiling", f"{mine.seconds / ceiling['ceiling']:.2f}", "1.2",
                  mine.seconds <= 1.2 * ceiling["ceiling"])
        t.promise("faster than the tar pipe", f"{pipe.seconds / mine.seconds:.1f}", "4", pipe.seconds >= 4 * mine.seconds)
        t.promise("faster than umoci unpack", f"{umoci.seconds / mine.seconds:.1f}", "10",
                  umoci.seconds >= 10 * mine.seconds)
        t.promise("faster than docker load", f"{load.seconds / mine.seconds:.1f}", "10", load.seconds >= 10 * mine.seconds)
        t.promise("resident memory", f"{mine.rss / 2**20:.1f} MiB", "64 MiB", mine.rss < 64 * 2**20)

    def docker_load(self):
        import engines
        with engines.Dockerd(remap=True, parent=self.scratch) as d:
            m = once([d.client, "-H", "unix://" + d.socket, "load", "-q", "-i",
                      os.path.join(self.image(), "image.tar")])
            if m.status == 0 or "cannot be mapped" not in m.out:
                sys.exit(f"docker load was to fail at an owner, and said: {m.out[-500:]}")
            return m

    def archive(self):
        """the uncompressed docker-archive of the same image"""
        path = os.path.join(self.image(), "image.tar")
        head(f"check of docker save's archive, {os.path.getsize(path) / 1e6:.0f} MB uncompressed")
        mine = self.check(f"docker-archive:{path}", tries=5)
        self.table.row("uidfit check (bodies skipped, nothing verified)", mine.seconds, "", mine.rss)
        whole = self.check("--verify", f"docker-archive:{path}")
        self.table.row("uidfit check --verify", whole.seconds, "", whole.rss)
        tar = best(f"tar -tvf {path} >/dev/null", shell=True, tries=1)
        self.table.row("tar -tv of the outer archive alone", tar.seconds)
        piped = best(f"{self.uidfit} check --for docker --format json - < {path} > /dev/null", shell=True, tries=1)
        self.table.row("uidfit check - (one pass, verified)", piped.seconds)
        self.table.promise("wall time", f"{mine.seconds:.3f} s", "0.1 s", mine.seconds < 0.1)

    def again(self):
        """the second check of the OCI layout"""
        import cached
        head("second check of the OCI layout")
        cached.rows(self)

    def registry(self):
        """the same image in a registry on loopback"""
        import from_registry
        from_registry.rows(self, best, once, head)

    def stores(self):
        """the same image in dockerd's and podman's own stores"""
        import stores
        head("check of the image in engines' own stores")
        stores.rows(self)

    def entries(self):
        """a layer of a million entries, and a million findings"""
        import many
        for name, uid in (("fit", 0), ("findings", 1000000)):
            path = os.path.join(self.scratch, f"{name}.tar")
            many.write(path, 1000000, uid)
            head(f"a layer of 1,000,000 entries, {'all fit' if uid == 0 else 'none fits'}, "
                 f"{os.path.getsize(path) / 1e6:.0f} MB uncompressed")
            null = open(os.devnull, "w")
            for label, extra in (("--format json", ["--format", "json"]), ("text", [])):
                command = [self.uidfit, "check", *extra, f"tar:{path}"]
                m = best(command)
                rate = 1e6 / m.seconds
                self.table.row(f"uidfit check, {label}", m.seconds, f"{rate / 1e6:.2f} million entries a second", m.rss)
                self.table.promise("resident memory", f"{m.rss / 2**20:.1f} MiB", "64 MiB", m.rss < 64 * 2**20)
                if uid == 0 and extra:
                    self.table.promise("entries a second", f"{rate:,.0f}", "2,000,000", rate >= 2e6)
            null.close()
            tar = best(f"tar -tvf {path} --numeric-owner >/dev/null", shell=True, tries=1)
            self.table.row("tar -tv", tar.seconds)
            os.unlink(path)

    def fix(self):
        """an image whose 1.3 GB layer is written anew"""
        import fixing
        fixing.Fixing(self, once, head).large()

    def unpack(self):
        """the image on disk"""
        import unpacking
        unpacking.rows(self, once, head)

    def run(self):
        """a container of an image that is unpacked already"""
        import running
        head("run of a cached image, to the end of `true`")
        running.rows(self)

    def levels(self):
        """one layer as gzip, pigz, Go, skopeo and zstd wrote it, written anew (only where named)"""
        import fixing
        fixing.Fixing(self, once, head).levels()


ROWS = ["oci", "archive", "registry", "stores", "again", "entries", "fix", "unpack", "run"]
NAMED_ONLY = ["levels"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", required=True)
    p.add_argument("--list", action="store_true")
    p.add_argument("rows", nargs="*")
    args = p.parse_args()
    if args.list:
        for r in ROWS + NAMED_ONLY:
            print(f"{r:<10} {getattr(Bench, r).__doc__}")
        return 0
    unknown = [r for r in args.rows if r not in ROWS + NAMED_ONLY]
    if unknown:
        sys.exit(f"./bench: no row '{unknown[0]}' (./bench --list)")
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = next(line.split()[1] for line in open("/proc/meminfo"))
    print(f"{model}, {len(os.sched_getaffinity(0))} cores, {int(memory) // 2**20} GiB, Linux {platform.release()}")
    import engines
    engines.end_by_exception()
    b = Bench(args)
    try:
        for r in args.rows or ROWS:
            getattr(b, r)()
    finally:
        shutil.rmtree(b.scratch, ignore_errors=True)
    print(f"\n{b.table.missed} promises missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
