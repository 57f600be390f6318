#!/usr/bin/env python3
"""Compares our entry lists with those of Python's tarfile and of GNU tar.

Usage: second-opinion.py LIST, where LIST is the program made from list.c.
Archives are made by GNU tar in every format it writes. Known differences, on purpose (Go's reading
is ours): a typeflag '0' with a name that ends in '/' stays a file; global headers give no ids (their
ids stand in two columns of their own, which are compared with GNU tar's); a size on what has no body is 0.
"""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

GNU_TYPES = {"-": "0", "d": "5", "l": "2", "h": "1", "p": "6", "c": "3", "b": "4", "C": "0"}
FORMATS = [
    ["--format=v7"],
    ["--format=oldgnu"],
    ["--format=gnu"],
    ["--format=ustar"],
    ["--format=posix"],
    ["--format=gnu", "--sparse"],
    ["--format=posix", "--sparse", "--sparse-version=0.0"],
    ["--format=posix", "--sparse", "--sparse-version=0.1"],
    ["--format=posix", "--sparse", "--sparse-version=1.0"],
    ["--format=posix", "--pax-option=globexthdr.name=glob,SCHILY.test=x"],
    ["--format=posix", "--xattrs"],
]
OWNERS = [(0, 0), (1000, 1001), (65535, 65536), (70000, 80000), (2097151, 2097150), (2097152, 2097153),
          (16777216, 5), (718322462, 454177323), (4294967294, 2044610506)]


def make_tree(root):
    def put(name, data=b"x", holes=()):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
            for at in holes:
                f.seek(at)
                f.write(b"data" * 300)
            if holes:
                f.truncate(max(holes) + 100000)

    put("empty", b"")
    put("file", b"y" * 5000)
    put("block", b"z" * 512)
    put("dir/with space", b"1")
    put("dir/umlaut-\u00fc", b"22")
    put("d" * 90 + "/" + "f" * 90, b"ustar prefix")
    put("hole-few", holes=[40960, 1 << 20])
    put("hole-many", holes=[i * 65536 for i in range(1, 60)])
    put("hole-only", b"")
    os.truncate(os.path.join(root, "hole-only"), 1 << 20)
    os.symlink("file", os.path.join(root, "symlink"))
    os.symlink("t" * 99, os.path.join(root, "symlink-99"))
    os.link(os.path.join(root, "file"), os.path.join(root, "hardlink"))
    os.mkfifo(os.path.join(root, "fifo"))
    os.makedirs(os.path.join(root, "emptydir"))


def add_long(root):
    """Names that v7 and ustar cannot hold."""
    path = os.path.join(root, "long", *(["l" * 100] * 3))
    os.makedirs(path)
    open(os.path.join(path, "n" * 200), "w").close()
    os.symlink("t" * 300, os.path.join(root, "long", "symlink"))


def ours(program, archive, *args):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    out = subprocess.run([program, archive, *args], stdout=subprocess.PIPE, env=env).stdout
    lines = out.decode("utf-8", "surrogateescape").splitlines()
    if not lines or not lines[-1].startswith("end "):
        raise SystemExit(f"{archive}: {lines[-1:]}")
    rows = []
    for line in lines[:-1]:
        kind, uid, gid, size, uid_gnu, gid_gnu, name = line.split(" ", 6)
        rows.append((kind, int(uid), int(gid), int(size), int(uid_gnu), int(gid_gnu), name.rstrip("/")))
    return rows, lines[-1]


def python_rows(archive):
    rows = []
    with tarfile.open(archive, errors="surrogateescape") as t:
        for m in t:
            kind = m.type.decode("latin-1")
            kind = "0" if kind in "\0S7" else kind
            rows.append((kind, m.uid, m.gid, m.size if kind == "0" else 0, m.name.rstrip("/")))
    return rows


def gnu_rows(archive):
    env = dict(os.environ, LC_ALL="C", TZ="UTC")
    out = subprocess.run(["tar", "-tvf", archive, "--numeric-owner", "--quoting-style=literal", "--full-time"],
                         stdout=subprocess.PIPE, check=True, env=env).stdout.decode("utf-8", "surrogateescape")
    rows = []
    for line in out.splitlines():
        m = re.match(r"(.)\S+ +(\d+)/(\d+) +(\d+(?:,\d+)?) \S+ \S+ +(.*)$", line, re.S)
        if not m:
            raise SystemExit(f"GNU tar says: {line!r}")
        kind, name = m[1], m[5]
        name = re.sub(r" (->|link to) .*$", "", name) if kind in "lh" else name
        size = int(m[4]) if kind == "-" else 0
        rows.append((GNU_TYPES[kind], int(m[2]), int(m[3]), size, name.rstrip("/")))
    return rows


def same(what, a, b):
    if a == b:
        return 0
    for x, y in zip(a, b):
        if x != y:
            print(f"{what}: ours {x}, theirs {y}")
            break
    else:
        print(f"{what}: ours {len(a)} entries, theirs {len(b)}")
    return 1


def compare(program, archive, python=True):
    rows, end = ours(program, archive)
    failures = 0
    for chunk in ("1", "511", "512", "513"):
        failures += same(f"{archive} in pieces of {chunk}", rows, ours(program, archive, chunk)[0])
    entries = [r for r in rows if r[0] != "g"]
    if python:
        failures += same(f"{archive}: tarfile", [(r[0], r[1], r[2], r[3], r[6]) for r in entries],
                         python_rows(archive))
    failures += same(f"{archive}: GNU tar", [(r[0], r[4], r[5], r[3], r[6]) for r in entries], gnu_rows(archive))
    return failures, end, rows


def main():
    program = os.path.abspath(sys.argv[1])
    version = subprocess.run(["tar", "--version"], stdout=subprocess.PIPE).stdout if shutil.which("tar") else b""
    if b"GNU tar" not in version:
        print("skipped: tar is not GNU tar")
        return 77
    failures = archives = 0
    with tempfile.TemporaryDirectory() as tmp:
        root = os.path.join(tmp, "tree")
        os.makedirs(root)
        make_tree(root)
        for i, options in enumerate(FORMATS):
            archive = os.path.join(tmp, f"{i}.tar")
            long = options[0] in ("--format=gnu", "--format=oldgnu", "--format=posix")
            if long and not os.path.exists(os.path.join(root, "long")):
                add_long(root)
            exclude = [] if long else ["--exclude=./long"]
            v7 = ["--exclude=./fifo", "--exclude=./" + "d" * 90 + "/*"] if options[0] == "--format=v7" else []
            subprocess.run(["tar", "-cf", archive, "--mtime=@1000000000", *options, *exclude, *v7, "-C", root, "."], check=True)
            n, end, rows = compare(program, archive)
            failures += n
            archives += 1
            if len(rows) < 15 or end.split()[1] != "0":
                print(f"{options}: {len(rows)} entries, {end}")
                failures += 1
        # Every owner in every format that holds it.
        for fmt, most in (("v7", 2097151), ("ustar", 2097151), ("gnu", 1 << 32), ("oldgnu", 1 << 32), ("posix", 1 << 32)):
            archive = os.path.join(tmp, f"owners-{fmt}.tar")
            for uid, gid in OWNERS:
                if max(uid, gid) <= most:
                    mode = "-rf" if os.path.exists(archive) else "-cf"
                    subprocess.run(["tar", mode, archive, f"--format={fmt}", f"--owner=u:{uid}", f"--group=g:{gid}",
                                    "-C", root, "file", "emptydir", "symlink"], check=True)
            n, _, rows = compare(program, archive)
            failures += n
            archives += 1
            expected = [o for o in OWNERS if max(o) <= most for _ in range(3)]
            failures += same(f"owners in {fmt}", [(r[1], r[2]) for r in rows], expected)
        # Global ids: Go takes none, GNU tar all; the second of two headers replaces the first.
        archive = os.path.join(tmp, "global.tar")
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as t:
            def entry(name, uid=7, gid=8):
                m = tarfile.TarInfo(name)
                m.uid, m.gid = uid, gid
                t.addfile(m)

            def glob(**ids):
                t.fileobj.write(tarfile.TarInfo.create_pax_global_header(ids))
                t.offset = t.fileobj.tell()

            entry("before")
            glob(uid="70000", gid="80000")
            entry("both")
            entry("own", 3000000)
            glob(gid="9")
            entry("second")
            glob(comment="none")
            entry("third", 5, 3000000)
        n, _, rows = compare(program, archive, python=False)
        failures += n
        archives += 1
        failures += same("global ids", [r[1:3] + r[4:6] for r in rows if r[0] != "g"],
                         [(7, 8, 7, 8), (7, 8, 70000, 80000), (3000000, 8, 3000000, 80000), (7, 8, 7, 9),
                          (5, 3000000, 5, 3000000)])
    print(f"{archives} archives, {failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
