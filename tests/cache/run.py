#!/usr/bin/env python3
"""What an earlier run has read is not read again, and never tells another thing than reading would.

A layout's blobs are changed behind the cache's back: so a case sees whether they were read.
usage: run.py --uidfit PROGRAM [CASE...]
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mkimage import Layer, save_docker_archive, save_oci  # noqa: E402

SECONDS = 120
CASES = []
OTHER_USER = 12345


def case(f):
    CASES.append(f)
    return f


def skip(why):
    raise SkipCase(why)


class SkipCase(Exception):
    pass


def layers():
    base = Layer().root().dir("etc").file("etc/passwd", b"root:x:0:0::/:/bin/sh\n")
    app = Layer("RUN a", compress="gzip").file("srv/late", b"x" * 5000, uid=2000000).file("srv/b", b"y", uid=1000)
    top = Layer("RUN b", compress="gzip")
    for i in range(3000):
        top.file(f"opt/module-{i:05}/file", b"", uid=1000 + i % 7)
    return [base, app, top]


class Box:
    """An image, a cache of its own, and the program."""

    def __init__(self, top, uidfit):
        self.top, self.uidfit = top, uidfit
        self.home = os.path.join(top, "home")
        os.mkdir(self.home)
        self.layout = os.path.join(top, "image")
        save_oci(self.layout, layers())
        self.ref = f"oci:{self.layout}"

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("UIDFIT_")}
        env.update(XDG_CACHE_HOME=self.home, LC_ALL="C.UTF-8", DOCKER_DEFAULT_PLATFORM="linux/amd64", **more)
        return {k: v for k, v in env.items() if v is not None}

    def run(self, *args, env=None):
        return subprocess.run([self.uidfit, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
                              env=env or self.environment(), text=True)

    def check(self, *args, ref=None, env=None, status=1):
        """The result of a check, and its layers' "cached"."""
        p = self.run("check", "--format", "json", *args, ref or self.ref, env=env)
        assert p.returncode == status, (p.returncode, p.stderr)
        result = json.loads(p.stdout)["results"][0]
        return result, [layer.pop("cached") for layer in result.get("layers", [])]

    def database(self):
        return os.path.join(self.home, "uidfit", "layers.db")

    def blobs(self):
        """Of the layers, by the manifest."""
        of = lambda d: os.path.join(self.layout, "blobs", *d["digest"].split(":"))
        index = json.load(open(os.path.join(self.layout, "index.json")))
        return [of(layer) for layer in json.load(open(of(index["manifests"][0])))["layers"]]

    def break_blobs(self):
        """Other bytes, as many: only who reads them can see it."""
        for blob in self.blobs():
            with open(blob, "r+b") as f:
                f.seek(os.path.getsize(blob) // 2)
                byte = f.read(1)[0]
                f.seek(-1, 1)
                f.write(bytes([byte ^ 0x55]))


@case
def second_reads_nothing(b):
    first, cached = b.check()
    # A plain blob's bodies are skipped: no digest has proved it.
    assert cached == [False] * 3, cached
    assert [layer["verified"] for layer in first["layers"]][1:] == ["full", "full"]
    again, cached = b.check()
    assert again == first
    assert cached[1:] == [True, True], cached
    b.check("--verify")
    b.break_blobs()
    again, cached = b.check()
    assert cached == [True] * 3
    assert [(layer["entries"], layer["findings"]) for layer in again["layers"]] == \
        [(layer["entries"], layer["findings"]) for layer in first["layers"]]
    assert again["findings"] == first["findings"]


@case
def any_map(b):
    read = {m: b.check("--no-cache", "--map", m, status=s)[0] for m, s in (("0-999", 1), ("0-4000000", 0))}
    b.check("--verify")
    b.break_blobs()
    for m, s in (("0-999", 1), ("0-4000000", 0)):
        result, cached = b.check("--map", m, status=s)
        assert all(cached) and result["findings"] == read[m]["findings"] and result["fits"] == read[m]["fits"]


@case
def other_verbs(b):
    plain = [b.run(verb, "--no-cache", b.ref).stdout for verb in ("owners", "suggest")]
    b.check("--verify")
    b.break_blobs()
    assert [b.run(verb, b.ref).stdout for verb in ("owners", "suggest")] == plain


@case
def asked_not_to(b):
    b.check("--verify")
    b.break_blobs()
    for args, env in ((["--no-cache"], None), (["--verify"], None), ([], b.environment(UIDFIT_NO_CACHE="1")),
                      (["--limit", "small-file=10"], None)):
        p = b.run("check", *args, b.ref, env=env)
        assert p.returncode == 3 and "layer 0 sha256:" in p.stderr, (args, p)


@case
def text_says_so(b):
    b.check()
    out = b.run("check", b.ref).stdout
    assert re.search("note: [23] layers are known from an earlier run; --no-cache reads them", out), out


@case
def what_is_not_there(b):
    """The layout is looked at all the same, as far as names and sizes tell."""
    b.check("--verify")
    blob = b.blobs()[1]
    with open(blob, "ab") as f:
        f.write(b"x")
    p = b.run("check", b.ref)
    assert p.returncode == 3 and "its descriptor says" in p.stderr, p
    os.unlink(blob)
    p = b.run("check", b.ref)
    assert p.returncode == 3 and "layer 1 sha256:" in p.stderr and "not in" in p.stderr, p


@case
def another_config(b):
    """A config that names another diff_id is told as without a cache."""
    b.check("--verify")
    save_oci(b.layout + "2", layers(), config=None)
    index = os.path.join(b.layout + "2", "index.json")
    of = lambda top, d: os.path.join(top, "blobs", *d["digest"].split(":"))
    manifest = json.load(open(of(b.layout + "2", json.load(open(index))["manifests"][0])))
    config = json.load(open(of(b.layout + "2", manifest["config"])))
    config["rootfs"]["diff_ids"][1] = config["rootfs"]["diff_ids"][2]
    shutil.rmtree(b.layout + "2")
    save_oci(b.layout + "2", layers(), config=config)
    said = [b.run("check", *args, f"oci:{b.layout}2") for args in ([], ["--no-cache"])]
    assert [p.returncode for p in said] == [3, 3] and said[0].stderr == said[1].stderr, said


@case
def docker_archive(b):
    """Names its layers by no digest of their own: always read."""
    path = os.path.join(b.top, "app.tar")
    save_docker_archive(path, layers())
    for _ in range(2):
        _, cached = b.check(ref=path)
        assert cached == [False] * 3
    assert not os.path.exists(b.database())


@case
def standard_input(b):
    """A stream is read to its end; what it proved is known afterwards."""
    archive = os.path.join(b.top, "image.tar")
    save_oci(archive, layers(), archive=True)
    for _ in range(2):
        with open(archive, "rb") as f:
            p = subprocess.run([b.uidfit, "check", "--format", "json", "-"], stdin=f, capture_output=True,
                               env=b.environment(), timeout=SECONDS)
        assert p.returncode == 1, p
        assert not any(layer["cached"] for layer in json.loads(p.stdout)["results"][0]["layers"])
    b.break_blobs()
    assert b.check()[1] == [True] * 3


@case
def fix_plans_from_it(b):
    """But what it writes is hashed: a blob that is not what was read is no image."""
    plain, known = (os.path.join(b.top, f"{n}.tar") for n in ("plain", "known"))
    assert b.run("fix", "--no-cache", b.ref, f"docker-archive:{plain}").returncode == 0
    b.check("--verify")
    assert b.run("fix", b.ref, f"docker-archive:{known}").returncode == 0
    assert open(plain, "rb").read() == open(known, "rb").read()
    b.break_blobs()
    p = b.run("fix", b.ref, f"docker-archive:{b.top}/broken.tar")
    assert p.returncode == 3 and "layer" in p.stderr, p
    assert not glob.glob(f"{b.top}/broken.tar*")


@case
def many_processes(b):
    want, _ = b.check("--no-cache")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for result, _ in pool.map(lambda _: b.check(), range(36)):
            assert result == want
    assert b.check()[1][1:] == [True, True]


@case
def killed_while_writing(b):
    want, _ = b.check("--no-cache")
    for i in range(30):
        p = subprocess.Popen([b.uidfit, "check", "--verify", b.ref], env=b.environment(), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            p.wait(timeout=0.004 * i)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
        assert b.check()[0]["findings"] == want["findings"]


@case
def damaged(b):
    want, _ = b.check()
    size = os.path.getsize(b.database())
    for at in range(0, size, size // 40):
        with open(b.database(), "r+b") as f:
            f.seek(at)
            f.write(b"damage")
        assert b.check()[0]["findings"] == want["findings"]
    for size in (0, 10, 5000, 20000):
        os.truncate(b.database(), size)
        assert b.check()[0]["findings"] == want["findings"]
        assert b.check()[1][1:] == [True, True]


@case
def full_disk(b):
    if os.geteuid():
        skip("needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", b.home], capture_output=True).returncode:
        skip("cannot mount a tmpfs")
    try:
        for _ in range(3):
            assert b.check()[0]["findings"]
    finally:
        subprocess.run(["umount", b.home], check=True)


@case
def read_only(b):
    if os.geteuid():
        skip("needs root")
    b.check("--verify")
    if subprocess.run(["mount", "-t", "tmpfs", "none", b.home + "/uidfit"], capture_output=True).returncode:
        skip("cannot mount a tmpfs")
    try:
        os.chmod(b.home + "/uidfit", 0o700)
        b.check("--verify")
        subprocess.run(["mount", "-o", "remount,ro", b.home + "/uidfit"], check=True)
        b.break_blobs()
        assert b.check()[1] == [True] * 3
        subprocess.run(["mount", "-o", "remount,rw", b.home + "/uidfit"], check=True)
        os.unlink(b.database())
        subprocess.run(["mount", "-o", "remount,ro", b.home + "/uidfit"], check=True)
        p = b.run("check", b.ref)
        assert p.returncode == 3 and "the cache" not in p.stderr, p
    finally:
        subprocess.run(["umount", b.home + "/uidfit"], check=True)


@case
def locked(b):
    b.check()
    import sqlite3
    db = sqlite3.connect(b.database(), isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    result, cached = b.check()
    assert cached == [False] * 3 and result["findings"]
    db.close()
    assert b.check()[1][1:] == [True, True]


@case
def anothers(b):
    """Root believes no file that another may have written, and leaves nothing in another's home."""
    if os.geteuid():
        skip("needs root")
    b.check("--verify")
    b.break_blobs()

    def not_used(env=None):
        p = b.run("check", b.ref, env=env)
        assert p.returncode == 3, p

    for path, owner, mode in ((b.database(), OTHER_USER, 0o644), (b.database(), 0, 0o666),
                              (os.path.dirname(b.database()), OTHER_USER, 0o700),
                              (os.path.dirname(b.database()), 0, 0o777)):
        before = os.stat(path)
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        not_used()
        os.chown(path, before.st_uid, before.st_gid)
        os.chmod(path, before.st_mode & 0o7777)
    assert b.check()[1] == [True] * 3
    real = b.home + "/real"
    os.rename(b.home + "/uidfit", real)
    os.symlink("real", b.home + "/uidfit")
    not_used()
    home = os.path.join(b.top, "theirs")
    os.mkdir(home)
    os.chown(home, OTHER_USER, OTHER_USER)
    not_used(b.environment() | {"XDG_CACHE_HOME": "", "HOME": home})
    assert not os.listdir(home)


@case
def no_home(b):
    for env in (dict(XDG_CACHE_HOME=None, HOME=None), dict(XDG_CACHE_HOME="/dev/null"), dict(XDG_CACHE_HOME="/proc"),
                dict(XDG_CACHE_HOME=None, HOME="/nonexistent/user")):
        for _ in range(2):
            merged = {k: v for k, v in (b.environment() | env).items() if v is not None}
            result, cached = b.check(env=merged)
            assert cached == [False] * 3 and result["findings"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("cases", nargs="*")
    args = p.parse_args()
    passed = failed = skipped = 0
    for f in CASES:
        if args.cases and f.__name__ not in args.cases:
            continue
        top = tempfile.mkdtemp(prefix="uidfit-cache-")
        try:
            f(Box(top, os.path.abspath(args.uidfit)))
            passed += 1
        except SkipCase as why:
            skipped += 1
            print(f"skip {f.__name__}: {why}")
        except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError) as e:
            failed += 1
            line = e.__traceback__
            while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                line = line.tb_next
            print(f"FAIL {f.__name__}, line {line.tb_lineno}: {type(e).__name__} {str(e)[:1500]}")
        finally:
            shutil.rmtree(top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
