#!/usr/bin/env python3
"""Asks the kernel what an idmapped mount shows of each owner, and compares with `uidfit check --for kubernetes`.

    tests/engines/idmapped.py [--uidfit PATH]

Kubernetes with user namespaces, containerd 2 and CRI-O never change owners: they mount the layers through the pod's map.
"""
import argparse
import contextlib
import ctypes
import errno
import json
import os
import subprocess
import sys
import tempfile

import engines
from mkimage import Layer, save_docker_archive

BASE, SIZE = 100000, 65536
OVERFLOW = 65534
# The same on every architecture.
OPEN_TREE, MOUNT_SETATTR = 428, 442
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, AT_EMPTY_PATH, AT_FDCWD = 1, 0o2000000, 0x1000, -100
MOUNT_ATTR_IDMAP, CLONE_NEWUSER = 0x100000, 0x10000000
IDS = [0, 1, 5, 1000, 65533, 65534, 65535, 65536, 65537, BASE - 1, BASE, BASE + 5, BASE + SIZE - 1, BASE + SIZE, 1000000, 2097152,
       2**31 - 1, 2**31, 2**32 - 2]

libc = ctypes.CDLL(None, use_errno=True)


class MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def checked(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


@contextlib.contextmanager
def user_namespace():
    """A descriptor of a namespace with the map 0:BASE:SIZE."""
    ready_r, ready_w = os.pipe()
    done_r, done_w = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready_r)
        os.close(done_w)
        failed = libc.unshare(CLONE_NEWUSER)
        os.write(ready_w, b"x" if failed else b"o")
        os.read(done_r, 1)
        os._exit(0)
    os.close(ready_w)
    os.close(done_r)
    try:
        if os.read(ready_r, 1) != b"o":
            raise engines.Unavailable("the kernel makes no user namespaces here")
        for kind in "ug":
            with open(f"/proc/{child}/{kind}id_map", "w", encoding="ascii") as f:
                f.write(f"0 {BASE} {SIZE}\n")
        fd = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
    finally:
        os.close(done_w)
        os.close(ready_r)
        os.waitpid(child, 0)


def idmapped(directory, namespace):
    """A descriptor of a detached mount of the directory through the namespace's map."""
    tree = checked(libc.syscall(OPEN_TREE, AT_FDCWD, directory.encode(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), "open_tree")
    attr = MountAttr(attr_set=MOUNT_ATTR_IDMAP, userns_fd=namespace)
    try:
        checked(libc.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(attr), ctypes.sizeof(attr)), "mount_setattr")
    except OSError as e:
        os.close(tree)
        raise engines.Unavailable(f"no idmapped mounts on {directory}: {e.strerror}") from e
    return tree


def inside(namespace, work):
    """work()'s result (JSON), as root inside the namespace."""
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            checked(libc.setns(namespace, CLONE_NEWUSER), "setns")
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            os.write(w, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(child, 0)
    return json.loads(text)


def see(tree):
    found = {}
    for value in IDS:
        for name in (f"u{value}", f"g{value}"):
            s = os.stat(name, dir_fd=tree)
            found[name] = s.st_uid if name[0] == "u" else s.st_gid
    return found


def writable(tree):
    found = {}
    for value in IDS:
        try:
            os.close(os.open(f"u{value}", os.O_WRONLY, dir_fd=tree))
            found[value] = "written"
        except OSError as e:
            found[value] = errno.errorcode[e.errno]
    return found


class Tests:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, what):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print("FAIL", what)


def nobody_says(uidfit, directory):
    """The names of the files that uidfit says become nobody on Kubernetes."""
    layer = Layer()
    for value in IDS:
        layer.file(f"u{value}", uid=value).file(f"g{value}", gid=value)
    path = os.path.join(directory, "image.tar")
    save_docker_archive(path, [layer])
    done = subprocess.run([uidfit, "check", "--format", "json", "--for", "kubernetes", "--map", f"0:{BASE}:{SIZE}", path],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    result = json.loads(done.stdout)["results"][0]
    names = {f["path"].lstrip("/") for f in result["findings"] if f["rule"] in ("owner-becomes-nobody", "owner-outside-map")}
    return names, result["targets"][0], done.returncode


def run(uidfit):
    tests = Tests()
    engines.need_root()
    with tempfile.TemporaryDirectory(prefix="uidfit-idmapped-") as work, user_namespace() as namespace:
        files = os.path.join(work, "files")
        os.mkdir(files, 0o755)
        os.chmod(work, 0o755)
        for value in IDS:
            for name, owner in ((f"u{value}", (value, 0)), (f"g{value}", (0, value))):
                with open(os.path.join(files, name), "w", encoding="ascii"):
                    pass
                os.chmod(os.path.join(files, name), 0o644)
                os.chown(os.path.join(files, name), *owner)
        tree = idmapped(files, namespace)
        outside, within, writes = see(tree), inside(namespace, lambda: see(tree)), inside(namespace, lambda: writable(tree))
        os.close(tree)
        for value in IDS:
            fits = value < SIZE
            for kind in "ug":
                name = f"{kind}{value}"
                tests.check(outside[name] == (BASE + value if fits else OVERFLOW), f"{name} seen from the host: {outside[name]}")
                tests.check(within[name] == (value if fits else OVERFLOW), f"{name} seen from the container: {within[name]}")
            got = writes[str(value)]
            tests.check((got == "written") == fits, f"u{value} written by the container's root: {got}")
        print("the kernel: owner 5 reads as", outside["u5"], "and 1000000 as", outside["u1000000"],
              "through the mount; written by the container's root:", writes["5"], "and", writes["1000000"])
        if not uidfit:
            return tests
        names, target, status = nobody_says(uidfit, work)
        for name, seen in sorted(within.items()):
            becomes = seen == OVERFLOW and name[1:] != str(OVERFLOW)
            tests.check((name in names) == becomes, f"{name}: the kernel shows {seen}, uidfit {'tells' if name in names else 'does not tell'} of it")
        tests.check(status == 1 and not target["fits"], f"exit {status}, fits {target['fits']}")
        tests.check(any(e["outcome"] == "nobody" for e in target["effects"]) and not any(e["outcome"] == "error" for e in target["effects"]),
                    f"effects {target['effects']}")
    return tests


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"), help='the program; "" asks only the kernel')
    args = p.parse_args()
    engines.end_by_exception()
    try:
        tests = run(args.uidfit)
    except engines.Unavailable as e:
        print(f"skip idmapped mounts: {e}\n0 passed, 0 failed, 1 skipped")
        return 0
    print(f"{tests.passed} passed, {tests.failed} failed")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
