"""Images of one question each, with names: what an engine does with this very entry.

observe.py prints every engine's answer to each (docs/engines.md keeps the table); differential.py asks uidfit about them before
it turns to generated ones. BASE is the first host id of the map where a case needs one.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mkimage import ACL_ACCESS, ACL_DEFAULT, CAPABILITY, Layer, Step, acl, capability, octal, pax_record  # noqa: E402

HIGH = 1000000
INT64_MAX, INT64_MIN = 2**63 - 1, -2**63


def one():
    return Layer().file("first", b"1")


def acl_rows(*rows, version=2):
    return struct.pack("<I", version) + b"".join(struct.pack("<HHI", *r) for r in rows)


def base256_max(value, how):
    return {"how": how} if how == "pax" or -2**62 <= value < 2**62 else {"how": "pax"}


def ids(base):
    """Ids at every edge of a map 0:base:65536 and of the fields that hold them."""
    return [0, 1, 65533, 65534, 65535, 65536, 65537, base - 1, base, base + 1, base + 65535, base + 65536, 262143, 2097151,
            2097152, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**33 + 70000, INT64_MAX,
            -1, -2, -5, -2**31, -2**31 - 1, -2**32, -2**32 + 5, INT64_MIN]


def id_cases(base):
    for value in ids(base):
        yield f"file uid {value} (pax)", [one().file("f", uid=value, how="pax")]
    for value in (65536, base, 2**32 - 1, 2**32, -1, -5):
        yield f"file gid {value} (pax)", [one().file("f", gid=value, how="pax")]
    for value in (65535, 65536, 2097152, 2**32 - 1, 2**32, 2**62 - 1, -1, -5):
        yield f"file uid {value} (base-256)", [one().file("f", uid=value, how="base256")]
    yield "file uid 70000, gid 80000", [one().file("f", uid=70000, gid=80000)]
    yield "file uid base, gid 80000", [one().file("f", uid=base, gid=80000)]
    yield "file uid base, gid base", [one().file("f", uid=base, gid=base)]
    yield "file octal of 8 digits without end, 65536", [one().file("f", overrides={108: b"00200000"})]
    yield "file octal of 8 digits without end, 5", [one().file("f", overrides={108: b"00000005"})]
    yield "file octal with spaces, 5", [one().file("f", overrides={108: b"     5 \0"})]
    yield "file octal field empty", [one().file("f", overrides={108: bytes(8)})]
    yield "file octal field 9", [one().file("f", overrides={108: b"0000009\0"})]
    yield "file octal field -5", [one().file("f", overrides={108: b"-000005\0"})]
    yield "pax uid empty, header 65536", [one().file("f", uid=65536, pax={"uid": ""})]
    for text in ("+5", "0005", "5 ", " 5", "0x10", "5x", "5.0", "1_0", "9223372036854775808", "-0"):
        yield f"pax uid '{text}'", [one().file("f", pax={"uid": text})]
    twice = pax_record("uid", "65536") + pax_record("uid", "5")
    yield "pax uid twice in one header, 65536 then 5", [one().entry("p", b"x", twice).file("f")]
    yield "two pax headers, uid 65536 then uid 5", [
        one().entry("p", b"x", pax_record("uid", "65536")).entry("p", b"x", pax_record("uid", "5")).file("f")]
    yield "two pax headers, uid 65536 then gid 5", [
        one().entry("p", b"x", pax_record("uid", "65536")).entry("p", b"x", pax_record("gid", "5")).file("f")]
    yield "pax header's own uid 65536", [one().entry("p", b"x", pax_record("mtime", "1"), uid=65536).file("f")]
    yield "GNU long name's own uid 65536", [one().entry("././@LongLink", b"L", b"a" * 120 + b"\0", uid=65536).file("f")]
    yield "GNU long name, file's uid 65536", [one().entry("././@LongLink", b"L", b"a" * 120 + b"\0").file("f", uid=65536)]
    yield "pax uid 65536, GNU long name between", [
        one().entry("p", b"x", pax_record("uid", "65536")).entry("././@LongLink", b"L", b"a" * 120 + b"\0").file("f")]
    yield "pax global uid 65536, then a file", [one().pax_global({"uid": "65536", "gid": "65536"}).file("f")]
    yield "pax global's own header uid 65536", [
        one().entry("pax_global_header", b"g", pax_record("comment", "x"), uid=65536).file("f")]
    yield "uname root, uid 65536", [one().file("f", uid=65536, uname="root", gname="root")]


def kind_cases(base):
    for label, uid in (("high", HIGH), ("base", base)):
        kw = {"uid": uid}
        yield f"{label}: file", [one().file("f", **kw)]
        yield f"{label}: old file, typeflag NUL", [one().entry("f", b"\0", **kw)]
        yield f"{label}: contiguous file, typeflag 7", [one().entry("f", b"7", **kw)]
        yield f"{label}: GNU sparse file", [one().sparse("f", 4096, **kw)]
        yield f"{label}: directory", [one().dir("d", **kw)]
        yield f"{label}: symlink", [one().symlink("l", "first", **kw)]
        yield f"{label}: hardlink", [one().hardlink("h", "first", **kw)]
        yield f"{label}: hardlink to itself's target of the layer below", [one(), Layer().hardlink("h", "first", **kw)]
        yield f"{label}: character device", [one().chardev("c", **kw)]
        yield f"{label}: character device 0:0", [one().chardev("c", 0, 0, **kw)]
        yield f"{label}: block device", [one().blockdev("b", **kw)]
        yield f"{label}: fifo", [one().fifo("p", **kw)]
        yield f"{label}: whiteout of a file below", [one(), Layer().whiteout("first", **kw)]
        yield f"{label}: whiteout of nothing", [one().whiteout("nothing", **kw)]
        yield f"{label}: whiteout of its own layer's file", [one().whiteout("first", **kw)]
        yield f"{label}: whiteout as a directory entry", [one().dir(".wh.x", **kw)]
        yield f"{label}: opaque", [one().dir("d"), Layer().dir("d").opaque("d", **kw)]
        yield f"{label}: opaque without its directory", [one().dir("d"), Layer().opaque("d", **kw)]
        yield f"{label}: AUFS .wh..wh.plnk directory", [one().dir(".wh..wh.plnk", **kw)]
        yield f"{label}: AUFS .wh..wh.plnk/1.2", [one().file(".wh..wh.plnk/1.2", **kw)]
        yield f"{label}: AUFS .wh..wh.aufs", [one().file(".wh..wh.aufs", **kw)]
        yield f"{label}: AUFS .wh..wh.orph", [one().dir(".wh..wh.orph", **kw)]
        yield f"{label}: .wh..wh.opq-like name in a directory, .wh..wh.other", [one().dir("d").file("d/.wh..wh.other", **kw)]
        yield f"{label}: root ./", [one().root(**kw)]
        yield f"{label}: root .", [one().entry(".", b"5", mode=0o755, **kw)]
        yield f"{label}: root /", [one().entry("/", b"5", mode=0o755, **kw)]
        yield f"{label}: root d/..", [one().dir("d").entry("d/..", b"5", mode=0o755, **kw)]
        yield f"{label}: root ./ of the second layer", [one(), Layer().root(**kw).file("g")]
        yield f"{label}: pax global", [one().entry("g", b"g", pax_record("comment", "x"), **kw).file("f")]
        yield f"{label}: typeflag V (GNU volume label)", [one().entry("v", b"V", **kw)]
        yield f"{label}: typeflag D (GNU dump directory)", [one().entry("d", b"D", **kw)]
        yield f"{label}: typeflag Z", [one().entry("z", b"Z", **kw)]
        yield f"{label}: name with leading /", [one().file("/abs", **kw)]
        yield f"{label}: name with a/../", [one().dir("a").file("a/../f", **kw)]
        yield f"{label}: name with ../", [one().file("../f", **kw)]
        yield f"{label}: path twice, bad one first", [one().file("f", **kw).file("f")]
        yield f"{label}: path twice, bad one last", [one().file("f").file("f", **kw)]
        yield f"{label}: directory replaced by a file", [one().dir("d", **kw).file("d")]
        yield f"{label}: file with parents missing", [one().file("x/y/z", **kw)]
        yield f"{label}: file removed by the next layer", [one().file("f", **kw), Layer().whiteout("f")]
        yield f"{label}: file replaced in the next layer", [one().file("f", **kw), Layer().file("f")]
    yield "low: typeflag Z", [one().entry("z", b"Z")]
    yield "low: typeflag V", [one().entry("v", b"V")]
    yield "low: pax global", [one().pax_global({"comment": "x"}).file("f")]
    yield "low: whiteout of a file below, owner 5:6", [one(), Layer().whiteout("first", uid=5, gid=6)]
    yield "low: opaque, owner 5:6", [one().dir("d"), Layer().dir("d").opaque("d", uid=5, gid=6)]
    yield "low: root ./ 5:6", [one().root(uid=5, gid=6)]
    yield "low: character device", [one().chardev("c", uid=5)]
    yield "low: block device", [one().blockdev("b", uid=5)]
    yield "low: fifo", [one().fifo("p", uid=5)]
    yield "low: hardlink 7:8 to a file 5:6", [Layer().file("t", uid=5, gid=6).hardlink("h", "t", uid=7, gid=8)]
    yield "low: whiteout device as an entry (c 0 0)", [one(), Layer().chardev("first", 0, 0)]
    yield "two bad layers, gid first", [one().file("f", gid=70001), Layer().file("g", uid=70000)]
    yield "two bad entries", [one().file("f", uid=70001).file("g", uid=70000)]


def acl_cases(base):
    high = acl(users={HIGH: 7})
    rows = {
        "in the map": acl(users={1000: 7}, groups={65535: 5}),
        "user outside": high,
        "group outside": acl(groups={HIGH: 7}),
        "user = base": acl(users={base: 7}),
        "user 65536": acl(users={65536: 7}),
        "user -1": acl_rows((1, 6, 2**32 - 1), (2, 7, 2**32 - 1), (4, 4, 2**32 - 1), (0x10, 7, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "user_obj with id 70000": acl_rows((1, 6, 70000), (4, 4, 70000), (0x20, 4, 70000)),
        "minimal": acl(),
        "garbage": b"garbage", "empty": b"", "header only": struct.pack("<I", 2), "version 1": acl(users={5: 7}, version=1),
        "version 1 minimal": acl(version=1),
        "without mask": acl_rows((1, 6, 2**32 - 1), (2, 7, 5), (4, 4, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "unsorted": acl_rows((0x20, 4, 2**32 - 1), (1, 6, 2**32 - 1), (4, 4, 2**32 - 1)),
        "users unsorted": acl_rows((1, 6, 2**32 - 1), (2, 7, 9), (2, 7, 5), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "user twice": acl_rows((1, 6, 2**32 - 1), (2, 7, 5), (2, 7, 5), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "without other": acl_rows((1, 6, 2**32 - 1), (4, 4, 2**32 - 1)),
        "unknown tag": acl_rows((1, 6, 2**32 - 1), (3, 7, 5), (4, 4, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "permission bits 0xff": acl_rows((1, 0xff, 2**32 - 1), (4, 4, 2**32 - 1), (0x20, 4, 2**32 - 1)),
        "one byte too long": acl(users={5: 7}) + b"x",
    }
    for label, value in rows.items():
        yield f"access ACL {label}", [one().file("f", xattrs={ACL_ACCESS: value})]
        # Where it cannot be, the kernel still reads the value first; which complaint comes first depends on what is wrong.
        yield f"default ACL on a file, {label}", [one().file("f", xattrs={ACL_DEFAULT: value})]
        yield f"access ACL on a symlink, {label}", [one().symlink("l", "first", xattrs={ACL_ACCESS: value})]
        yield f"default ACL on a directory, {label}", [one().dir("d", xattrs={ACL_DEFAULT: value})]
    yield "access ACL user outside, directory", [one().dir("d", xattrs={ACL_ACCESS: high})]
    yield "access ACL user outside, symlink", [one().symlink("l", "first", xattrs={ACL_ACCESS: high})]
    yield "access ACL in the map, symlink", [one().symlink("l", "first", xattrs={ACL_ACCESS: acl(users={5: 7})})]
    yield "access ACL user outside, fifo", [one().fifo("p", xattrs={ACL_ACCESS: high})]
    yield "access ACL user outside, hardlink", [one().hardlink("h", "first", xattrs={ACL_ACCESS: high})]
    yield "access ACL user outside, character device", [one().chardev("c", xattrs={ACL_ACCESS: high})]
    yield "access ACL user outside, whiteout", [one().whiteout("first", xattrs={ACL_ACCESS: high})]
    yield "access ACL garbage, whiteout", [one().whiteout("first", xattrs={ACL_ACCESS: b"garbage"})]
    yield "access ACL garbage, root ./", [one().root(xattrs={ACL_ACCESS: b"garbage"})]
    yield "access ACL user outside, root ./", [one().root(xattrs={ACL_ACCESS: high})]
    yield "access ACL garbage, hardlink", [one().hardlink("h", "first", xattrs={ACL_ACCESS: b"garbage"})]
    yield "access ACL garbage and uid high", [one().file("f", uid=HIGH, xattrs={ACL_ACCESS: b"garbage"})]
    yield "default ACL user outside, directory", [one().dir("d", xattrs={ACL_DEFAULT: high})]
    yield "default ACL in the map, directory", [one().dir("d", xattrs={ACL_DEFAULT: acl(users={5: 7})})]
    yield "default ACL in the map, file", [one().file("f", xattrs={ACL_DEFAULT: acl(users={5: 7})})]
    yield "default ACL user outside, file", [one().file("f", xattrs={ACL_DEFAULT: high})]
    yield "default ACL garbage, directory", [one().dir("d", xattrs={ACL_DEFAULT: b"garbage"})]
    yield "default ACL garbage, file", [one().file("f", xattrs={ACL_DEFAULT: b"garbage"})]
    yield "ACL in LIBARCHIVE.xattr", [one().file("f", pax={"LIBARCHIVE.xattr." + ACL_ACCESS: b"Z2FyYmFnZQ"})]
    yield "ACL as SCHILY.acl.access text, user high", [one().file("f", pax={"SCHILY.acl.access": f"user::rw-,user:x:rwx:{HIGH},group::r--,mask::rwx,other::r--"})]


def xattr_cases(base):
    values = {"version 2": capability(), "version 3, rootid 0": capability(0), "version 3, rootid 1000": capability(1000),
              "version 3, rootid 65535": capability(65535), "version 3, rootid 65536": capability(65536),
              "version 3, rootid 1000000": capability(HIGH), "version 3, rootid base": capability(base),
              "version 3, rootid 4294967295": capability(2**32 - 1),
              "version 1": struct.pack("<III", 0x01000001, 1 << 10, 0), "version 3, 20 bytes": capability(0)[:20],
              "version 2, 24 bytes": capability() + bytes(4), "version 4": b"\x01\0\0\x04" + bytes(20), "garbage": b"garbage", "empty": b""}
    for label, value in values.items():
        yield f"capability {label}", [one().file("f", mode=0o755, xattrs={CAPABILITY: value})]
    yield "capability version 2, directory", [one().dir("d", xattrs={CAPABILITY: capability()})]
    yield "capability version 2, symlink", [one().symlink("l", "first", xattrs={CAPABILITY: capability()})]
    yield "capability version 3 rootid 1000000, hardlink", [one().hardlink("h", "first", xattrs={CAPABILITY: capability(HIGH)})]
    for key in ("user.a", "trusted.a", "trusted.overlay.opaque", "security.selinux", "security.ima", "system.nfs4_acl", "system.a",
                "nonsense.a", "user.overlay.opaque", "user.containers.override_stat"):
        yield f"xattr {key}", [one().file("f", xattrs={key: b"y"})]
    yield "xattr user.a, symlink", [one().symlink("l", "first", xattrs={"user.a": b"y"})]
    yield "xattr user.a, fifo", [one().fifo("p", xattrs={"user.a": b"y"})]


PASSWD = b"root:x:0:0::/:/bin/sh\nlow:x:1000:1000::/:/bin/sh\nhigh:x:1000000:1000::/:/bin/sh\nhighgid:x:1000:1000000::/:/bin/sh\n" \
         b"inhigh:x:1001:1001::/:/bin/sh\n"
GROUP = b"root:x:0:\nlow:x:1000:\nhigh:x:1000000:\nmembers:x:70000:inhigh\n"

# exit (0) for the machine, as a program of its own: nothing else is needed to see a container start.
EXIT = {"x86_64": b"\xb8\x3c\0\0\0\x31\xff\x0f\x05", "aarch64": b"\xa8\x0b\x80\xd2\0\0\x80\xd2\x01\0\0\xd4"}


def tiny_program(machine=os.uname().machine):
    """A static ELF program that ends with 0; None on a machine that we have no code for."""
    code = EXIT.get(machine)
    if code is None:
        return None
    start = 0x400000
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, {"x86_64": 62, "aarch64": 183}[machine], 1,
                                                      start + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, 120 + len(code), 120 + len(code), 4096) + code


USERS = ["", "0", "low", "1000", "65535", "65536", "1000000", "2147483647", "2147483648", "4294967294", "4294967295", "4294967296", "-1",
         "high", "highgid", "inhigh", "1001", "nosuch", "1000:65535", "1000:65536", "1000:1000000", "low:high", "low:members", "0:70000", ":70000",
         "70000:80000", "100000", "65536:65536"]


def user_cases(base):
    """(name, layers, user): the files fit, the process may not."""
    for user in USERS:
        layer = Layer().dir("etc").file("etc/passwd", PASSWD).file("etc/group", GROUP).file("exit", tiny_program() or b"", mode=0o755)
        yield f"USER {user or '(none)'}", [layer, Step(f"USER {user}")], user


def all_cases(base=100000):
    """(name, layers) of every case about entries."""
    for part in (id_cases, kind_cases, acl_cases, xattr_cases):
        yield from part(base)
