#!/usr/bin/env python3
"""Images in the stores of real engines: what uidfit reads there equals what it reads of the saved archive.

    tests/stores/run.py [--uidfit PATH] [--only WORD]

dockerd (overlay2 and vfs, with and without userns-remap), podman (root and rootless, overlay and vfs) and containerd are
given the same images; the daemon's API and podman's own commands are used to load and to save, never to answer. Runs as root.
"""
import argparse
import contextlib
import glob
import gzip
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib")]
import cases  # noqa: E402
import engines  # noqa: E402
from debian import base_tar  # noqa: E402
from generate import Generator, Traits  # noqa: E402
from mkimage import ACL_ACCESS, CAPABILITY, Layer, Step, acl, capability, save_docker_archive, save_oci  # noqa: E402

EVERY = 5           # of the named cases, so many are left out between two
GENERATED = 12
PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"


def varied():
    """Layers that fit every map: each kind of entry, each way to write an id, each awkward name."""
    base = (Layer("ADD base in /").root().dir("etc").file("etc/passwd", PASSWD).file("etc/group", b"root:x:0:\n")
            .dir("bin").file("bin/sh", b"#!" * 3000, mode=0o4755).hardlink("bin/bash", "bin/sh")
            .symlink("sh", "bin/sh").symlink("lib", "usr/lib").dir("usr").dir("usr/lib").file("empty")
            .file("a/" * 60 + "deep", b"long name", uid=1000, how="pax").file("etc/shadow", b"x", mode=0, gid=42))
    names = (Layer("COPY names /").file("sp ace & <b>", b"1").file("ümlaut", b"2").file(b"raw\xff\xfe", b"3")
             .file("./dotted", b"4").file("quote\"d", b"5").file("back\\slash", b"6").file("line\nfeed", b"7")
             .dir("usr/lib").file("usr/lib/x.so", bytes(range(256)) * 5000, uid=65535, gid=65535, how="base256"))
    odd = (Layer("RUN odd").whiteout("bin/bash").dir("etc").opaque("etc").file("etc/passwd", PASSWD)
           .file("acl", b"a", xattrs={ACL_ACCESS: acl(users={5: 7})}).file("cap", b"c", xattrs={CAPABILITY: capability()})
           .fifo("pipe").pax_global({"comment": "x"}).file("exactly", b"b" * 512).file("more", b"m" * 513))
    zipped = Layer("ADD zipped", compress="gzip").file("zipped", b"z" * 70000, uid=33, gid=33)
    return [base, Step("USER app"), names, odd, Layer("RUN true"), zipped]


class Images:
    """Archives to load: [(name, path)]."""

    def __init__(self, work, unfit):
        self.all = []
        self.work = work
        self.add("varied", varied(), tags=["uidfit/varied:1", "uidfit/varied:2", "localhost/other:1"], user="app")
        if not unfit:
            return
        self.add("unfit", [*varied(), Layer("RUN npm ci").file("npm", uid=1516583083, how="pax")])
        for number, (_, layers) in enumerate(list(cases.all_cases())[::EVERY + 1]):
            self.add(f"case-{number}", layers)
        for seed in range(GENERATED):
            image = Generator(f"stores-{seed}", Traits("dockerd", 100000, 65536)).make()
            self.add(f"generated-{seed}", image.layers, user=image.user)

    def add(self, name, layers, tags=None, **more):
        path = f"{self.work}/{name}.tar"
        tags = tags or [f"uidfit/{name}:1"]
        save_docker_archive(path, layers, tags=tags, **more)
        self.all.append((tags[0], path))


class Tests:
    def __init__(self, uidfit, work):
        self.uidfit, self.work = uidfit, work
        self.passed = self.failed = self.skipped = 0

    def check(self, good, what, detail=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print("FAIL", what + (f": {detail}" if detail else ""), flush=True)
        return good

    def skip(self, what, why):
        self.skipped += 1
        print(f"skip {what}: {why}", flush=True)


class Store:
    """One engine's store: how it is asked, and what it made of the images."""

    def __init__(self, tests, label, uidfit=None, prefix=(), env=None, cwd=None, inside=()):
        """inside: what makes a command see every body, where the user alone does not."""
        self.tests, self.label = tests, label
        self.uidfit, self.prefix = uidfit or tests.uidfit, list(prefix)
        self.env, self.cwd, self.inside = env or dict(os.environ), cwd, list(inside)

    def run(self, *args, **kw):
        kw.setdefault("env", self.env)
        prefix = [*self.prefix, *(self.inside if "--verify" in args else ())]
        return engines.run([*prefix, self.uidfit, *args], cwd=self.cwd, stderr=-1, timeout=600, **kw)

    def results(self, *args, **kw):
        done = self.run("check", "--for", "docker,podman", "--format", "json", *args, **kw)
        try:
            return json.loads(done.stdout)["results"]
        except ValueError:
            raise RuntimeError(f"uidfit check {' '.join(args)}: exit {done.returncode}\n{done.stderr[-2000:]}") from None

    def same(self, named, archives):
        """Each reference into the store beside one of an archive, in one run each."""
        there, saved = self.results(*named), self.results(*archives)
        for name, a, b in zip(named, there, saved):
            a, b = comparable(a), comparable(b)
            self.tests.check(a == b and "error" not in a, f"{self.label}: {name} equals the saved archive", difference(a, b))
        for a in there:
            ways = {layer["verified"] for layer in a.get("layers", [])}
            # A tar without its end marker is read whole, so that its digest tells that it is all.
            unmarked = "no end marker" in " ".join(a.get("notes", []))
            self.tests.check(ways <= {"store", "full" if unmarked else "store"}, f"{self.label}: {a['image']} is read from the store", str(ways))
        whole = self.results("--verify", *named)
        for a, b in zip(whole, there):
            ways = {layer["verified"] for layer in a.get("layers", [])}
            self.tests.check(ways <= {"full"} and comparable(a) == comparable(b),
                             f"{self.label}: {a['image']} holds its digests", str(ways) + difference(comparable(a), comparable(b)))


def comparable(result):
    """Without what a place gives: names, digests, what was verified."""
    if isinstance(result, dict):
        return {k: comparable(v) for k, v in result.items() if k not in ("image", "name", "digest", "verified", "notes")}
    return [comparable(v) for v in result] if isinstance(result, list) else result


def difference(a, b):
    a, b = (json.dumps(x, indent=1, sort_keys=True).splitlines() for x in (a, b))
    return "".join(f"\n     {x.strip()} | {y.strip()}" for x, y in zip(a, b) if x != y)[:400]


def docker(tests, driver, remap):
    label = f"dockerd {driver}" + (" remapped" if remap else "")
    with engines.Dockerd(remap=remap, driver=driver) as d:
        store = Store(tests, label, env=dict(os.environ, UIDFIT_DOCKER_ROOT=d.dir + "/root"))
        full = driver == "overlay2" and not remap
        taken = []
        for name, path in Images(tests.work, unfit=full).all:
            if d.load(path, forget=False).accepted:
                taken.append(name)
        tests.check(len(taken) >= (25 if full else 1), f"{label}: images were taken", str(len(taken)))
        if full:
            with open(base_tar(os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")), "rb") as f:
                d.docker("import", "-", "uidfit-base:1", stdin=f)
            taken.append("uidfit-base:1")
        # A layer that was built here and not pulled.
        d.docker("tag", "uidfit/varied:1", "registry.invalid:5000/team/app")
        taken.append("registry.invalid:5000/team/app")
        saved = f"{tests.work}/saved.tar"
        d.docker("save", "-o", saved, *taken)
        store.same([f"docker-daemon:{x}" for x in taken], [f"docker-archive:{saved}:{x if ':' in x.rpartition('/')[2] else x + ':latest'}"
                                                           for x in taken])
        found = json.loads(d.request("GET", "/images/uidfit/varied:1/json")[1])["Id"]
        # Where it is and by which driver the daemon says, where nobody else does.
        asked = Store(tests, label, env=dict(os.environ, DOCKER_HOST="unix://" + d.socket))
        there, kept = asked.results("docker-daemon:uidfit/varied:1")[0], store.results(f"docker-archive:{saved}:uidfit/varied:1")[0]
        tests.check(comparable(there) == comparable(kept) and "read from the daemon's store" in " ".join(there["notes"]),
                    f"{label}: the daemon's word for its store", f"{there.get('notes')} {difference(comparable(there), comparable(kept))}")
        other_names(store, "docker-daemon:", found, ["uidfit/varied:2", "docker.io/uidfit/varied:1", "localhost/other:1"])
        fixed(store, "docker-daemon:uidfit/" + ("unfit:1" if full else "varied:1"))
        damaged(store, "docker-daemon:uidfit/varied:1", d.dir + "/root/**/usr/lib/x.so")


def other_names(store, transport, identity, names):
    """The same image by other names, by its id, and by the beginning of it."""
    short = identity.removeprefix("sha256:")
    names = [*names, short, short[:12], "sha256:" + short]
    results = store.results(*[transport + x for x in names])
    for name, result in zip(names, results):
        store.tests.check((result.get("digest") or "").endswith(short), f"{store.label}: {transport}{name} is found", str(result)[:300])
    for name in ("uidfit/none:1", "uidfit/varied:3", "0000000"):
        done = store.run("check", transport + name)
        store.tests.check(done.returncode == 3 and "has no image" in done.stderr, f"{store.label}: {name} is not there",
                          f"{done.returncode} {done.stderr[-300:]}")


def fixed(store, name):
    """A fix takes the bodies out of the store."""
    out = f"{store.tests.work}/fixed.tar"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out)
    done = store.run("fix", "--map", "0-65535", name, "docker-archive:" + out)
    fits = store.run("check", "--verify", "--for", "docker", "docker-archive:" + out) if os.path.exists(out) else done
    store.tests.check(done.returncode == 0 and fits.returncode == 0, f"{store.label}: fix of {name}",
                      f"{done.returncode} {done.stderr[-500:]} {fits.returncode} {fits.stderr[-300:]}")


def damaged(store, name, pattern):
    """A file that somebody has changed in the store is seen where it is read, and not before."""
    for path in glob.glob(pattern, recursive=True):
        with open(path, "r+b") as f:
            f.seek(1000)
            f.write(b"CHANGED")
    whole, quick = store.run("check", "--verify", "--for", "docker", name), store.run("check", "--for", "docker", name)
    store.tests.check(whole.returncode == 3 and "changed in the store" in whole.stderr and quick.returncode == 0,
                      f"{store.label}: a changed file", f"{whole.returncode} {whole.stderr[-300:]} {quick.returncode} {quick.stderr[-300:]}")
    for path in glob.glob(os.path.dirname(pattern.split("**")[0]) + "/**/*split*.gz", recursive=True):
        with open(path, "rb") as f:
            text = gzip.decompress(f.read())
        with gzip.open(path, "wb") as f:
            f.write(text.replace(b'"position":2}', b'"position":3}', 1))
    broken = store.run("check", "--for", "docker", name)
    store.tests.check(broken.returncode == 3 and "not in its place" in broken.stderr, f"{store.label}: damaged tar-split",
                      f"{broken.returncode} {broken.stderr[-300:]}")


def podman(tests, driver, rootless):
    label = f"podman {driver}" + (" rootless" if rootless else "")
    with engines.Podman(rootless=rootless, driver=driver) as p:
        uidfit = p.dir + "/uidfit"
        shutil.copy(tests.uidfit, uidfit)
        os.chmod(uidfit, 0o755)
        inside = [p.program, "--root", p.dir + "/store", "--runroot", p.dir + "/runroot", "--storage-driver", driver, "unshare"]
        store = Store(tests, label, uidfit, p.prefix, p.env, p.dir, inside if rootless else ())
        full = driver == "overlay" and not rootless
        images = Images(tests.work, unfit=full)
        taken = [name for name, path in images.all if p.load(path, forget=False).accepted]
        tests.check(len(taken) >= (20 if full else 1), f"{label}: images were taken", str(len(taken)))
        if full:
            base = p.dir + "/base.tar"
            shutil.copyfile(base_tar(os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")), base)
            p.podman("import", "-q", base, "uidfit-base:1", timeout=300)
            taken.append("localhost/uidfit-base:1")
        place = f"containers-storage:[{driver}@{p.dir}/store+{p.dir}/runroot]"
        saved = []
        for number, name in enumerate(taken):
            path = f"{p.dir}/saved-{number}.tar"
            p.podman("save", "-q", "--format", "docker-archive", "-o", path, name, timeout=300)
            saved.append(f"docker-archive:{path}")
        store.same([place + x for x in taken], saved)
        found = p.podman("image", "inspect", "--format", "{{.Id}}", "uidfit/varied:1").strip()
        p.podman("tag", found, "other:1", "docker.io/team/app:9", "registry.invalid:5000/deep/er/app")
        other_names(store, place, found, ["localhost/uidfit/varied:1", "other:1", "localhost/other:1", "team/app:9", "docker.io/team/app:9",
                                          "registry.invalid:5000/deep/er/app", "@" + found])
        by_settings(store, p, found)
        if rootless:
            unreadable(store, p, place)
        if not rootless:
            fixed(store, place + "uidfit/varied:1")
        damaged(store, place + "uidfit/varied:1", p.dir + "/store/**/usr/lib/x.so")


def by_settings(store, p, found):
    """storage.conf names the store, for the user and by CONTAINERS_STORAGE_CONF; a store may have others to read."""
    conf = p.dir + "/.config/containers/storage.conf" if p.rootless else p.dir + "/named.conf"
    with open(conf, "w", encoding="ascii") as f:
        f.write(f'[storage]\ndriver = "{p.driver}" # the first\nrunroot = "{p.dir}/runroot"\ngraphroot = "{p.dir}/store"\n')
    with open(p.dir + "/second.conf", "w", encoding="ascii") as f:
        f.write(f'[storage]\ndriver = "{p.driver}"\ngraphroot = "{p.dir}/empty"\n[storage.options]\n'
                f'additionalimagestores = [\n  "{p.dir}/none",\n  "{p.dir}/store",\n]\n')
    for path in (conf, p.dir + "/second.conf"):
        env = dict(p.env)
        if not p.rootless or path != conf:
            env["CONTAINERS_STORAGE_CONF"] = path
        done = store.run("check", "--format", "json", "containers-storage:uidfit/varied:1", env=env)
        store.tests.check(found in done.stdout, f"{store.label}: the store by {os.path.basename(path)}",
                          f"{done.returncode} {done.stderr[-300:]}")


def unreadable(store, p, place):
    """A passwd file that only another id of the user's range may read; and a script, which is passed over."""
    path = store.tests.work + "/closed.tar"
    save_docker_archive(path, [Layer().dir("etc").file("etc/passwd", PASSWD, uid=5, gid=5, mode=0o600)], tags=["uidfit/closed:1"])
    if not store.tests.check(p.load(path, forget=False).accepted, f"{store.label}: an image with a closed file"):
        return
    done = store.run("check", place + "uidfit/closed:1")
    store.tests.check(done.returncode == 3 and "podman unshare" in done.stderr, f"{store.label}: a closed file is said",
                      f"{done.returncode} {done.stderr[-300:]}")
    inside = store.run("check", "--verify", "--for", "docker", place + "uidfit/closed:1")
    store.tests.check(inside.returncode == 0, f"{store.label}: podman unshare reads it", inside.stderr[-300:])
    save_docker_archive(path, [Layer().dir("etc").file("etc/passwd", PASSWD).file("start.sh", b"chown 5000 /x\n", uid=5, gid=5, mode=0o700)
                               .file("x", b"", uid=5000)], tags=["uidfit/script:1"])
    if not store.tests.check(p.load(path, forget=False).accepted, f"{store.label}: an image with a closed script"):
        return
    done = store.run("fix", "--dry-run", "--map", "0-999", place + "uidfit/script:1")
    store.tests.check(done.returncode in (0, 1) and "permission denied: /start.sh" in done.stdout + done.stderr,
                      f"{store.label}: a closed script is passed over, and said", f"{done.returncode} {done.stdout[-300:]} {done.stderr[-300:]}")


def containerd(tests):
    """The containerd that dockerd brings along, with images of its own; enough names that its metadata is a tree of pages."""
    ctr, = engines.need("ctr")
    with engines.Dockerd(remap=False) as d:
        store = Store(tests, "containerd")
        root = d.dir + "/root/containerd/daemon"
        ask = [ctr, "-a", d.dir + "/exec/containerd/containerd.sock", "-n", "default", "images"]
        path = tests.work + "/layout.tar"
        save_oci(path, varied(), tag="docker.io/library/varied:1", user="app", archive=True)
        engines.must([*ask, "import", "--no-unpack", "--all-platforms", path])
        for number in range(120):
            engines.must([*ask, "tag", "docker.io/library/varied:1", f"docker.io/library/tag{number}:1"])
        listed = engines.must([*ask, "ls"])
        found = next(word for word in listed.split() if word.startswith("sha256:"))
        names = ["varied:1", "docker.io/library/varied:1", "tag0:1", "tag64:1", "tag119:1", found]
        saved = comparable(store.results("oci-archive:" + path)[0])
        for name, result in zip(names, store.results(*[f"containerd:[{root}]{x}" for x in names])):
            tests.check(comparable(result) == saved and result["digest"] == found, f"containerd: {name} equals the layout",
                        difference(comparable(result), saved))
        for name in ("varied:2", "tag120:1", "sha256:" + "0" * 64):
            done = store.run("check", f"containerd:[{root}]{name}")
            tests.check(done.returncode == 3 and "has no image" in done.stderr, f"containerd: {name} is not there",
                        f"{done.returncode} {done.stderr[-300:]}")
        other = dict(os.environ, CONTAINERD_NAMESPACE="moby")
        done = store.run("check", f"containerd:[{root}]varied:1", env=other)
        tests.check(done.returncode == 3, "containerd: another namespace has it not", done.stderr[-300:])
        for blob in glob.glob(root + "/io.containerd.content.v1.content/blobs/sha256/*"):
            if os.path.getsize(blob) > 1000000:
                with open(blob, "r+b") as f:
                    f.seek(600000)
                    f.write(b"CHANGED")
        done = store.run("check", "--verify", f"containerd:[{root}]varied:1")
        tests.check(done.returncode == 3 and "sha256" in done.stderr, "containerd: a changed blob", f"{done.returncode} {done.stderr[-300:]}")


STORES = [
    ("containerd", containerd, ()),
    ("dockerd-overlay2", docker, ("overlay2", False)),
    ("dockerd-overlay2-remapped", docker, ("overlay2", True)),
    ("dockerd-vfs", docker, ("vfs", False)),
    ("dockerd-vfs-remapped", docker, ("vfs", True)),
    ("podman-overlay", podman, ("overlay", False)),
    ("podman-vfs", podman, ("vfs", False)),
    ("podman-overlay-rootless", podman, ("overlay", True)),
    ("podman-vfs-rootless", podman, ("vfs", True)),
]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.path.join(HERE, "..", "..", "build", "uidfit"))
    p.add_argument("--only", default="")
    args = p.parse_args()
    engines.end_by_exception()
    # The settings of whoever runs this are not asked.
    for name in ("CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "DOCKER_HOST", "UIDFIT_DOCKER_ROOT"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="uidfit-stores-") as work:
        tests = Tests(os.path.abspath(args.uidfit), work)
        for name, run, how in STORES:
            if args.only not in name:
                continue
            try:
                run(tests, *how)
            except engines.Unavailable as e:
                tests.skip(name, e)
            except (RuntimeError, OSError, KeyError) as e:
                tests.check(False, name, str(e)[-2000:])
    print(f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
