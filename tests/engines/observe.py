#!/usr/bin/env python3
"""Asks every engine that runs here about every case of cases.py and prints the answers as a table.

    tests/engines/observe.py [--engine dockerd|podman|umoci|...] [--match TEXT] [--json FILE]

An accepted image's answer is what then stands on disk: type, owner as the host sees it, xattrs that carry ids.
"""
import argparse
import contextlib
import glob
import json
import os
import stat
import sys
import tempfile

import cases
import engines
from mkimage import save_docker_archive, save_oci

TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink", stat.S_IFCHR: "chr", stat.S_IFBLK: "blk", stat.S_IFIFO: "fifo"}


def look(root):
    """What stands below root, in short."""
    out = []
    for where, dirs, files in os.walk(root):
        for name in sorted(dirs + files) + ([""] if where == root else []):
            path = os.path.join(where, name) if name else root
            s = os.lstat(path)
            text = f"{os.path.relpath(path, root)} {TYPES.get(stat.S_IFMT(s.st_mode), '?')} {s.st_uid}:{s.st_gid}"
            if stat.S_ISCHR(s.st_mode) or stat.S_ISBLK(s.st_mode):
                text += f" dev {os.major(s.st_rdev)},{os.minor(s.st_rdev)}"
            with contextlib.suppress(OSError):
                for key in os.listxattr(path, follow_symlinks=False):
                    text += f" {key}={os.getxattr(path, key, follow_symlinks=False).hex()}"
            out.append(text)
    return sorted(out)


class Observer:
    def __init__(self, engine, pattern, oci=False):
        self.engine, self.pattern, self.oci = engine, pattern, oci
        self.dir = tempfile.mkdtemp(prefix="uidfit-observe-")
        self.n = 0

    def ask(self, layers, **kw):
        """(answer, [what stands in each layer])"""
        self.n += 1
        path = f"{self.dir}/{self.n}"
        if self.oci:
            save_oci(path, layers, **kw)
            out = f"{path}.out"
            answer = self.engine.load(path, keep=out)
            found = [look(out + "/rootfs")] if answer.accepted else []
            engines.remove_tree(out)
            engines.remove_tree(path)
            return answer, found
        save_docker_archive(path, layers, **kw)
        before = set(glob.glob(self.pattern))
        answer = self.engine.load(path, forget=False)
        found = [look(p) for p in sorted(set(glob.glob(self.pattern)) - before, key=os.path.getmtime)] if answer.accepted else []
        if answer.accepted:
            self.engine.forget(answer.line)
        os.unlink(path)
        return answer, found


def open_engine(name, stack):
    if name == "dockerd":
        e = stack.enter_context(engines.Dockerd())
        return Observer(e, e.dir + "/root/*/overlay2/*/diff"), e.base[0]
    if name == "dockerd-vfs":
        e = stack.enter_context(engines.Dockerd(driver="vfs"))
        return Observer(e, e.dir + "/root/*/vfs/dir/*"), e.base[0]
    if name == "dockerd-plain":
        e = stack.enter_context(engines.Dockerd(remap=False))
        return Observer(e, e.dir + "/root/overlay2/*/diff"), 100000
    if name == "umoci":
        return Observer(stack.enter_context(engines.Umoci()), None, oci=True), 100000
    driver = name.partition("-")[2] or None
    e = stack.enter_context(engines.Podman(driver=driver))
    return Observer(e, e.dir + ("/store/vfs/dir/*" if e.driver == "vfs" else "/store/overlay/*/diff")), e.map[-1][1]


def shorten(answer, found):
    if not answer.accepted:
        return "FAILS " + answer.line
    return "loads " + " | ".join("; ".join(x for x in layer if x not in ("first file 100000:100000",)) for layer in found)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engine", default="dockerd,umoci,podman")
    p.add_argument("--match", default="")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    engines.end_by_exception()
    answers = {}
    for name in args.engine.split(","):
        with contextlib.ExitStack() as stack:
            try:
                observer, base = open_engine(name, stack)
            except engines.Unavailable as e:
                print(f"skip  {name}: {e}", file=sys.stderr)
                continue
            print(f"## {name} {observer.engine.version}, base {base}")
            for label, layers in cases.all_cases(base):
                if args.match not in label:
                    continue
                answer, found = observer.ask(layers)
                print(f"{label:55} {shorten(answer, found)}", flush=True)
                answers.setdefault(label, {})[name] = {"accepted": answer.accepted, "line": answer.line, "found": found}
            engines.remove_tree(observer.dir)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(answers, f, indent=1)


if __name__ == "__main__":
    main()
