#!/usr/bin/env python3
"""uidfit unpack: the tree beside the one that umoci makes with the same map, entry for entry; what stops it; names, links and
devices that lead out of the tree. Root only: an ordinary user needs a namespace first.

    tests/unpack/run.py --uidfit PROGRAM [--count N] [--only PART]
"""
import argparse
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../engines", "../lib"):
    sys.path.insert(0, os.path.join(HERE, folder))
import engines  # noqa: E402
from generate import Generator, Traits  # noqa: E402
from mkimage import ACL_ACCESS, CAPABILITY, Layer, acl, capability, save_docker_archive, save_oci  # noqa: E402

BASE, COUNT = 100000, 65536
MAP = f"0:{BASE}:{COUNT}"


class Suite:
    def __init__(self, uidfit, where):
        self.uidfit, self.where = uidfit, where
        self.passed = self.failed = self.skipped = 0

    def that(self, ok, what, more=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {what}\n{more}".rstrip(), flush=True)
        return ok

    def path(self, name):
        return os.path.join(self.where, name)

    def run(self, *args, timeout=300):
        return subprocess.run([self.uidfit, "unpack", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout)

    def clear(self, *names):
        for name in names:
            path = self.path(name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            elif os.path.lexists(path):
                os.unlink(path)


def xattrs(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        found[name] = os.getxattr(path, name, follow_symlinks=False)
    return found


def tree(root):
    """path -> all that can be seen of it; hardlinks by the first name of their inode."""
    found, inodes = {}, {}
    for directory, folders, files in os.walk(root):
        folders.sort()
        for name in [""] * (directory == root) + sorted(folders + files):
            path = os.path.join(directory, name) if name else root
            st = os.lstat(path)
            key = os.path.relpath(path, root)
            kind = stat.S_IFMT(st.st_mode)
            content = None
            if kind == stat.S_IFREG:
                with open(path, "rb") as f:
                    content = hashlib.sha256(f.read()).hexdigest() if st.st_size < 1 << 24 else st.st_size
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
            elif kind in (stat.S_IFCHR, stat.S_IFBLK):
                content = st.st_rdev
            first = inodes.setdefault((st.st_dev, st.st_ino), key) if kind != stat.S_IFDIR else key
            found[key] = {"type": kind, "mode": stat.S_IMODE(st.st_mode), "uid": st.st_uid, "gid": st.st_gid,
                          "size": st.st_size if kind == stat.S_IFREG else 0, "content": content, "first": first,
                          "mtime": st.st_mtime_ns, "xattrs": xattrs(path)}
    return found


def differences(ours, theirs, passed_over):
    for key in sorted(set(ours) | set(theirs)):
        if key not in ours or key not in theirs:
            if not key.startswith(".wh..wh."):  # AUFS metadata: umoci has files of that name, layers mean none
                yield f"{key}: {'missing' if key not in ours else 'only here'}"
            continue
        for member in ours[key]:
            a, b = ours[key][member], theirs[key][member]
            if a != b and not passed_over(key, member, ours[key], theirs[key]):
                yield f"{key}: {member} {a!r}, umoci {b!r}"


def umoci_differs(key, member, ours, theirs):
    """What umoci 0.4.7 does otherwise, each for a reason that docs/unpack.md tells."""
    if member == "mtime":
        # A directory that a later layer writes into keeps that layer's moment in umoci; links keep none.
        return ours["type"] in (stat.S_IFDIR, stat.S_IFLNK)
    if member == "xattrs":
        return True
    return key == "." and member in ("mode", "uid", "gid")


def beside_umoci(s, count):
    with engines.Umoci(BASE, COUNT) as umoci:
        traits = Traits("umoci", BASE, COUNT)
        compared = refused = 0
        for seed in range(count):
            generator = Generator(f"unpack {seed}", traits)
            generator.make()
            layout, out, theirs = s.path("layout"), s.path("ours"), s.path("theirs")
            s.clear("layout", "ours", "theirs")
            generator.save(layout, oci=True)
            answer = umoci.load(layout, keep=theirs)
            done = s.run("--for", "umoci", "--map", MAP, "--devices", f"oci:{layout}", out)
            what = f"image {seed}"
            if not answer.accepted:
                refused += 1
                s.that(done.returncode in (1, 3) and not os.path.lexists(out), f"{what}: umoci stops: {answer.line}",
                       done.stdout + done.stderr)
                continue
            if not s.that(done.returncode == 0, f"{what}: unpacks as in umoci", done.stdout + done.stderr):
                continue
            compared += 1
            found = list(differences(tree(out), tree(os.path.join(theirs, "rootfs")), umoci_differs))
            s.that(not found, f"{what}: the tree is umoci's", "\n".join(found[:12]))
        print(f"{compared} trees compared, {refused} refused by both")


def one(s, name, layers, *options, status=0):
    """Unpacks an image of these layers; the tree, or None."""
    image, out = s.path("image.tar"), s.path("out")
    s.clear("image.tar", "out")
    save_docker_archive(image, layers)
    done = s.run(*(options or ("--map", MAP)), image, out)
    if not s.that(done.returncode == status, f"{name}: exit {done.returncode}, not {status}", done.stdout + done.stderr):
        return None
    if status:
        s.that(not os.path.lexists(out), f"{name}: nothing is left")
        s.that(not [x for x in os.listdir(s.where) if ".partial-" in x], f"{name}: no partial tree is left")
        return done
    return tree(out)


def layer(*calls, **kw):
    made = Layer(**kw)
    for method, args, more in calls:
        getattr(made, method)(*args, **more)
    return made


def call(method, *args, **kw):
    return method, args, kw


def rules(s):
    """What a tree must look like, one rule a case."""
    lower = layer(call("dir", "d"), call("file", "d/old", b"old"), call("file", "d/kept", b"k"), call("dir", "e"),
                  call("file", "e/x", b"x"), call("file", "f", b"f", uid=5, gid=6, mode=0o4755))
    t = one(s, "setuid survives the chown", [lower])
    if t:
        s.that((t["f"]["uid"], t["f"]["gid"], t["f"]["mode"]) == (BASE + 5, BASE + 6, 0o4755), "owner and mode", str(t["f"]))
    t = one(s, "whiteouts", [lower, layer(call("whiteout", "d/old"), call("whiteout", "e"))])
    if t:
        s.that("d/old" not in t and "d/kept" in t and "e" not in t, "a whiteout takes files and trees", str(sorted(t)))
    t = one(s, "whiteout behind its own layer's file", [lower, layer(call("file", "d/old", b"new"), call("whiteout", "d/old"))])
    if t:
        s.that("d/old" in t and t["d/old"]["size"] == 3, "it stays", str(sorted(t)))
    for first in (True, False):
        calls = [call("opaque", "d"), call("file", "d/new", b"n")]
        t = one(s, "opaque", [lower, layer(call("dir", "d"), *(calls if first else calls[::-1]))])
        if t:
            s.that("d/new" in t and "d/old" not in t and "d/kept" not in t, "an opaque directory is emptied", str(sorted(t)))
    t = one(s, "a file in place of a directory", [lower, layer(call("file", "d", b"now"))])
    if t:
        s.that(t["d"]["size"] == 3 and "d/old" not in t, "the tree goes", str(sorted(t)))
    t = one(s, "hardlinks", [layer(call("file", "a", b"a", uid=7), call("hardlink", "b", "a", uid=7))])
    if t:
        s.that(t["b"]["first"] == "a" and t["b"]["uid"] == BASE + 7, "one inode", str(t["b"]))
    t = one(s, "xattrs", [layer(call("file", "a", b"a", xattrs={CAPABILITY: capability(), ACL_ACCESS: acl(users={9: 7})}),
                                call("file", "u", b"u", xattrs={"user.overlay.opaque": b"y", "user.fine": b"1",
                                                                "user.containers.override_stat": b"0:0:0755"}))])
    if t:
        rootid = int.from_bytes(t["a"]["xattrs"][CAPABILITY][20:24], "little")
        s.that(rootid == BASE, f"the capability holds inside the namespace alone: rootid {rootid}")
        s.that((BASE + 9).to_bytes(4, "little") in t["a"]["xattrs"][ACL_ACCESS], "ACL ids are mapped",
               t["a"]["xattrs"][ACL_ACCESS].hex())
        s.that(set(t["u"]["xattrs"]) == {"user.fine"}, "forged xattrs stay out", str(t["u"]["xattrs"]))
    t = one(s, "devices are not made unasked", [layer(call("chardev", "null"), call("fifo", "p"))])
    if t:
        s.that("null" not in t and "p" in t, "a FIFO, and no device", str(sorted(t)))
    done = one(s, "an owner outside", [layer(call("file", "srv/bad", b"", uid=1000000))], "--for", "docker", "--map", MAP, status=1)
    if done:
        s.that("srv/bad" in done.stderr and "1000000 cannot be mapped to a host ID" in done.stderr, "the engine's own line", done.stderr)
    t = one(s, "--fix", [layer(call("file", "srv/bad", b"", uid=1000000))], "--fix", "--map", MAP)
    if t:
        s.that(t["srv/bad"]["uid"] == BASE, "nobody's id becomes root's", str(t["srv/bad"]))
    t = one(s, "--keep-owners", [layer(call("file", "a", b"", uid=1000000))], "--keep-owners", "--for", "lxc", "--map", MAP)
    if t:
        s.that(t["a"]["uid"] == 1000000, "the image's own number", str(t["a"]))
    t = one(s, "--layers", [lower, layer(call("dir", "d"), call("opaque", "d"), call("whiteout", "f"))], "--layers", "--map", MAP)
    if t:
        s.that(stat.S_ISCHR(t["1/f"]["type"]) and t["1/f"]["content"] == 0, "a whiteout is a device 0:0", str(sorted(t)))
        s.that(t["1/d"]["xattrs"].get("trusted.overlay.opaque") == b"y", "an opaque directory says so", str(t["1/d"]))
        s.that("0/d/old" in t, "the lower layer is whole", str(sorted(t)))


def escapes(s):
    """Each is refused or stays in the tree; what stands beside it is as it was."""
    canary = s.path("canary")
    os.makedirs(canary)
    with open(os.path.join(canary, "file"), "w", encoding="utf-8") as f:
        f.write("untouched")
    before = tree(canary)
    up = "../" * 12 + canary.lstrip("/")
    cases = {
        "dotdot name": [call("file", "../canary/file", b"bad")],
        "deep dotdot": [call("file", f"a/b/{up}/file", b"bad")],
        "absolute name": [call("file", f"{canary}/file", b"bad")],
        "link then file": [call("symlink", "l", canary), call("file", "l/file", b"bad")],
        "relative link then file": [call("symlink", "l", up), call("file", "l/file", b"bad")],
        "link of links": [call("symlink", "a", "b"), call("symlink", "b", canary), call("file", "a/file", b"bad")],
        "file over a link": [call("symlink", "l", f"{canary}/file"), call("file", "l", b"bad")],
        "directory over a link": [call("symlink", "l", canary), call("dir", "l", mode=0o777, uid=5)],
        "hardlink out": [call("hardlink", "h", f"{up}/file"), call("file", "h", b"bad")],
        "hardlink to absolute": [call("hardlink", "h", f"{canary}/file")],
        "hardlink through a link": [call("symlink", "l", canary), call("hardlink", "h", "l/file")],
        "hardlink to a link": [call("symlink", "l", f"{canary}/file"), call("hardlink", "h", "l", mode=0o777, uid=5)],
        "whiteout out": [call("file", "../canary/.wh.file", b"")],
        "whiteout through a link": [call("symlink", "l", canary), call("whiteout", "l/file")],
        "whiteout of all": [call("file", ".wh..", b"")],
        "whiteout of the parent": [call("file", "a/.wh...", b"")],
        "opaque through a link": [call("symlink", "l", canary), call("opaque", "l")],
        "device": [call("blockdev", "disk", 8, 0)],
        "loop of links": [call("symlink", "a", "b"), call("symlink", "b", "a"), call("file", "a/file", b"bad")],
        "FIFO then file": [call("fifo", "p"), call("file", "p", b"x")],
        "file as a parent": [call("file", "p", b"x"), call("file", "p/q", b"x")],
        "long name": [call("file", "n" * 300, b"x")],
        "proc": [call("symlink", "p", "/proc/self/root"), call("file", f"p{canary}/file", b"bad")],
        "cwd": [call("symlink", "p", "/proc/self/cwd"), call("file", "p/stray", b"bad")],
    }
    for name, calls in cases.items():
        for two in (False, True):
            image, out = s.path("image.tar"), s.path("out")
            s.clear("image.tar", "out")
            layers = [layer(*calls)] if not two else [layer(x) for x in calls]
            save_docker_archive(image, layers)
            done = s.run("--map", MAP, image, out)
            label = f"{name}{', a layer each' if two else ''}"
            s.that(done.returncode in (0, 3), f"{label}: exit {done.returncode}", done.stdout + done.stderr)
            s.that(done.returncode == 0 or len(done.stderr.strip().splitlines()) <= 2, f"{label}: one line", done.stderr)
            s.that(tree(canary) == before, f"{label}: nothing outside is touched")
            left = [x for x in os.listdir(s.where) if x not in ("canary", "image.tar", "out")]
            s.that(not left, f"{label}: nothing is left beside the tree", str(left))
            s.that(not os.path.lexists("stray"), f"{label}: nothing in the working directory")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("--count", type=int, default=40)
    p.add_argument("--only")
    a = p.parse_args()
    engines.end_by_exception()
    with tempfile.TemporaryDirectory(prefix="uidfit-unpack-") as where:
        s = Suite(os.path.abspath(a.uidfit), where)
        parts = {"rules": lambda: rules(s), "escapes": lambda: escapes(s), "umoci": lambda: beside_umoci(s, a.count)}
        for name, part in parts.items():
            if a.only not in (None, name):
                continue
            try:
                engines.need_root()
                part()
            except engines.Unavailable as e:
                s.skipped += 1
                print(f"skip {name}: {e}")
            s.clear(*os.listdir(where))
        print(f"{s.passed} passed, {s.failed} failed" + (f", {s.skipped} skipped" if s.skipped else ""))
        return 1 if s.failed else 0


if __name__ == "__main__":
    sys.exit(main())
