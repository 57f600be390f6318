#!/usr/bin/env python3
"""Makes images that may or may not fit, from a seed: the same seed, the same bytes.

Every kind of entry and every way to write an id is in them; other reasons to fail are kept out (docs/engines.md tells which there
are), so that an engine's answer is about ids and xattrs only. About half of the images fit.

    tests/engines/generate.py --seed 7 --engine dockerd FILE      # writes one, to look at it
"""
import argparse
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mkimage import (ACL_ACCESS, ACL_DEFAULT, CAPABILITY, Layer, Step, acl, base256, capability, make_config, octal,  # noqa: E402
                     pax_record, save_docker_archive, save_oci)

from cases import acl_rows, ids  # noqa: E402

OCTAL_8_DIGITS = 8**8 - 1
NOBODY = 2**32 - 1


class Traits:
    """What must be known of an engine to aim: not what it will say, but what would fail for another reason."""

    def __init__(self, name, base, count, root=None):
        """base, count: the map's host range; root: root's host id where that is not base (rootless)."""
        self.name, self.base = name, base
        self.size = count + (root not in (None, base) or not count)
        self.pax_global = name != "umoci"
        self.same_path_twice = name == "umoci"
        self.whiteout_in_own_layer = name == "umoci"
        self.user_xattr_on_links = name != "umoci"
        inside = [x for x in (0, 0, 1, 5, 1000, 65533, 65534, self.size - 2, self.size - 1) if 0 <= x < self.size]
        if name == "dockerd":
            inside += [base]
        elif name == "umoci":
            inside += [2**32, 2**32 + 1, -2**32 + 5, 2**33]
        else:
            inside += [x for x in (2**32, 2**32 + 1, -2**32 + 5) if x % 2**32 < self.size] + [-1, NOBODY]
        self.inside = inside
        self.any = ids(base) + [1000000, 70000]


class Generator:
    """One image. After make(): layers (mkimage's), user, and notes on what was put in."""

    def __init__(self, seed, traits):
        self.random = random.Random(f"uidfit {seed} {traits.name} {traits.base}")
        self.traits = traits
        self.layers, self.notes = [], []
        self.lower_files, self.lower_dirs = set(), set()
        self.user = ""

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, percent):
        return self.random.random() * 100 < percent

    # ids and the ways to write them

    def owner(self, bad=False):
        r = self.random
        if not bad:
            return r.choice(self.traits.inside), r.choice(self.traits.inside)
        uid, gid = r.choice(self.traits.inside), r.choice(self.traits.inside)
        which = r.randrange(4)
        if which != 1:
            uid = r.choice(self.traits.any)
        if which != 0:
            gid = r.choice(self.traits.any)
        return uid, gid

    def field(self, value):
        """An 8-byte header field that holds value, or None where none does."""
        ways = []
        if 0 <= value <= 0o7777777:
            ways += [octal(value, 8)] * 4 + [b"%7o\0" % value, b"%07o " % value]
        if 0o7777777 < value <= OCTAL_8_DIGITS or (0 <= value <= OCTAL_8_DIGITS and self.chance(10)):
            ways += [b"%08o" % value]
        if value == 0:
            ways += [bytes(8)]
        if -2**62 <= value < 2**62:
            ways += [base256(value, 8)]
        return self.random.choice(ways) if ways else None

    def written(self, uid, gid):
        """(entry()'s arguments that make a reader see uid and gid, a decoy to stand before it or None)."""
        overrides, pax = {}, {}
        for offset, key, value in ((108, "uid", uid), (116, "gid", gid)):
            field = self.field(value)
            if field is None or self.chance(30):
                pax[key] = self.pick("%d", "%d", "%d", "%d", "%+d", "%05d") % value
                # What the header says instead is nobody's business.
                field = self.field(self.random.choice(self.traits.any)) or octal(0, 8)
            elif self.chance(4):
                pax[key] = ""
            overrides[offset] = field
        decoy = None
        if pax and self.chance(6):
            decoy = {"uid": str(self.random.choice(self.traits.any)), "gid": "70000"}
        args = {"overrides": overrides, "pax": pax}
        if self.chance(10):
            args["uname"], args["gname"] = self.pick("root", "node", "x" * 31), "staff"
        return args, decoy

    # xattrs

    def acl_value(self, bad):
        r, inside = self.random, [x for x in (0, 5, 1000, 65533, self.traits.size - 1) if x < self.traits.size]
        if bad and self.chance(40):
            return self.pick(
                b"garbage", b"", b"\2\0\0\0", b"\2\0\0\0garbage", acl(version=1),
                acl_rows((1, 6, NOBODY), (2, 7, 5), (4, 4, NOBODY), (0x20, 4, NOBODY)),
                acl_rows((0x20, 4, NOBODY), (1, 6, NOBODY), (4, 4, NOBODY)),
                acl_rows((1, 6, NOBODY), (4, 4, NOBODY)),
                acl_rows((1, 6, NOBODY), (3, 7, 5), (4, 4, NOBODY), (0x20, 4, NOBODY)),
                acl_rows((1, 0xff, NOBODY), (4, 4, NOBODY), (0x20, 4, NOBODY)),
                acl_rows((1, 6, 70000), (4, 4, 70000), (0x20, 4, 70000)),
                acl_rows((1, 6, NOBODY), (2, 7, 9), (2, 7, 5), (4, 4, NOBODY), (16, 7, NOBODY), (0x20, 4, NOBODY)),
                acl_rows((1, 6, NOBODY), (2, 7, NOBODY), (4, 4, NOBODY), (16, 7, NOBODY), (0x20, 4, NOBODY)),
                acl(users={5: 7}) + b"x")
        pool = [i for i in self.traits.any if 0 <= i < NOBODY] if bad else inside
        return acl(users={r.choice(pool): 7 for _ in range(r.randrange(3))},
                   groups={r.choice(pool): 5 for _ in range(r.randrange(2))})

    def xattrs(self, kind, bad):
        found = {}
        if kind == "whiteout" or self.chance(80 if not bad else 40):
            return found
        what = self.random.randrange(5)
        if what <= 1:
            found[ACL_ACCESS] = self.acl_value(bad)
        elif what == 2 and (kind == "dir" or bad):
            # On anything but a directory the kernel refuses it, whatever it holds.
            found[ACL_DEFAULT] = self.acl_value(bad)
        elif what == 3 and kind in ("file", "hardlink"):
            rootid = self.random.choice([i for i in self.traits.any if 0 <= i < NOBODY] if bad else [x for x in (0, 1000, 65535) if x < self.traits.size])
            found[CAPABILITY] = capability(rootid) if self.chance(60) else capability()
            if bad and self.chance(30):
                found[CAPABILITY] = self.pick(b"", b"garbage", capability(0)[:20], capability() + bytes(4), capability(NOBODY),
                                              b"\1\0\0\1" + bytes(8), b"\1\0\0\4" + bytes(20))
        elif kind in ("file", "dir") or self.traits.user_xattr_on_links:
            found["user.note"] = b"x"
        return found

    # entries

    def put(self, layer, kind, path, typeflag, bad, **kw):
        uid, gid = self.owner(bad)
        args, decoy = self.written(uid, gid)
        xattrs = self.xattrs(kind, bad)
        pax = {**args.pop("pax"), **kw.pop("pax", {})}
        name = path
        if decoy:
            layer.entry("x", b"x", b"".join(pax_record(k, v) for k, v in decoy.items()), uid=self.pick(0, 70000))
        if len(path) > 100 and self.chance(50):
            layer.entry("././@LongLink", b"L", path.encode() + b"\0", uid=self.pick(0, 70000))
            name = path[:100]
        layer.entry(name, typeflag, xattrs=xattrs, pax=pax, **args, **kw)
        self.notes.append(f"layer {len(self.layers)}: {kind} {path[:60]} {uid}:{gid}{' ' + ','.join(xattrs) if xattrs else ''}")

    def name(self, prefix, number, inside):
        directory = f"{self.random.choice(sorted(inside))}/" if inside and self.chance(60) else ""
        long = "l" * 110 if self.chance(5) else ""
        return self.pick("", "", "", "./", "/") + f"{directory}{prefix}{number}{long}"

    def layer(self, number, bad_at):
        r, t = self.random, self.traits
        layer = Layer(f"RUN step {number}", compress=self.pick(None, None, None, "gzip"), end=not self.chance(5))
        files, dirs, links, gone, done = [], set(), set(), set(), set()

        def clean(path):
            return path.removeprefix("./").lstrip("/")

        for i in range(r.randrange(1, 9)):
            bad = i in bad_at
            what = r.randrange(100)
            if what < 35 or not files:
                path = self.name("f", f"{number}{i}", dirs)
                body = bytes(r.randrange(256) for _ in range(r.randrange(0, 700))) if self.chance(50) else b""
                self.put(layer, "file", path, self.pick(b"0", b"0", b"0", b"\0"), bad, body=body, mode=r.choice([0o644, 0o755, 0o4755, 0]))
                files.append(path)
            elif what < 50:
                path = f"d{number}{i}" if not dirs or self.chance(60) else f"{r.choice(sorted(dirs))}/d{number}{i}"
                self.put(layer, "dir", self.pick("", "./") + path + self.pick("/", "/", ""), b"5", bad, mode=0o755)
                dirs.add(path)
            elif what < 58:
                path = self.name("s", f"{number}{i}", dirs)
                self.put(layer, "symlink", path, b"2", bad, link=self.pick("f", "/etc/passwd", "../../x", "t" * 120), mode=0o777)
                links.add(clean(path))
            elif what < 66:
                path = self.name("h", f"{number}{i}", dirs)
                self.put(layer, "hardlink", path, b"1", bad, link=clean(r.choice(files)))
            elif what < 74:
                path = self.name("n", f"{number}{i}", dirs)
                kind, flag = self.pick(("device", b"3"), ("device", b"4"), ("fifo", b"6"))
                device = {"major": r.randrange(1, 8), "minor": r.randrange(0, 8)} if kind == "device" else {}
                self.put(layer, kind, path, flag, bad, **device)
            elif what < 82:
                below = sorted(self.lower_files - gone - {clean(f) for f in files})
                target = r.choice(below) if below and self.chance(70) else f"nothing{number}{i}"
                head, _, tail = target.rpartition("/")
                path = (head + "/" if head else "") + ".wh." + tail
                gone.add(target)
                self.put(layer, "whiteout", path, b"0", bad)
            elif what < 87:
                where = r.choice(sorted(dirs | self.lower_dirs) or ["o"])
                if where not in done:
                    done.add(where)
                    self.put(layer, "whiteout", where + "/.wh..wh..opq", b"0", bad)
            elif what < 90:
                if "plnk" not in done:
                    done.add("plnk")
                    self.put(layer, "file", ".wh..wh.plnk/1234.5", b"0", bad)
            elif what < 92:
                if "aufs" not in done:
                    done.add("aufs")
                    self.put(layer, "whiteout", ".wh..wh.aufs", b"0", bad)
            elif what < 96:
                if "root" not in done:
                    done.add("root")
                    self.put(layer, "dir", self.pick("./", "./", "./", "."), b"5", bad or self.chance(50), mode=0o755)
            elif t.pax_global and "global" not in done:
                done.add("global")
                layer.pax_global({"uid": str(r.choice(t.any)), "gid": "70000", "comment": "x"})
            if t.same_path_twice and files and self.chance(8):
                self.put(layer, "file", files[-1], b"0", bad)
        self.lower_files |= {clean(f) for f in files} | links
        self.lower_dirs |= dirs
        return layer

    def make(self):
        r = self.random
        count = r.randrange(1, 5)
        fits = self.chance(55)
        where = r.randrange(count)
        for number in range(count):
            # One or two candidates in a layer, so that the first is not always the first entry.
            bad_at = set() if fits or (number != where and self.chance(70)) else {r.randrange(6) for _ in range(r.randrange(1, 3))}
            self.layers.append(self.layer(number, bad_at))
            if self.chance(20):
                self.layers.append(Step(f"ENV A={number}"))
        self.user = self.pick("", "", "0", "1000", "65535", "65536", "1000000", "1000:70000")
        return self

    def save(self, path, oci=False):
        if oci:
            save_oci(path, self.layers, user=self.user)
        else:
            save_docker_archive(path, self.layers, config=make_config(self.layers, self.user), tags=["uidfit/generated:1"])
        return path


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seed", required=True)
    p.add_argument("--engine", choices=["dockerd", "umoci", "podman"], default="dockerd")
    p.add_argument("--base", type=int, default=100000, help="first host id of the map")
    p.add_argument("--root", type=int, help="rootless: root's own host id")
    p.add_argument("file")
    args = p.parse_args()
    image = Generator(args.seed, Traits(args.engine, args.base, 65536, args.root)).make()
    image.save(args.file, oci=args.engine == "umoci")
    print("\n".join(image.notes))


if __name__ == "__main__":
    main()
