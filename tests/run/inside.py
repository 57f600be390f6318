"""What a container's processes are and see, and what stands on disk for them."""
import os
import stat
import struct
import tarfile

from people import CAPABILITY

PROBE = r"""
id; cat /proc/self/uid_map; echo --; cat /proc/self/gid_map; echo --
ls -ln /srv /usr/bin/passwd; echo --
"""


def lines(p, what="map"):
    rows = p.map if what == "map" else [(i, p.host(i, gid=True), n) for i, h, n in p.map]
    return [[str(x) for x in row] for row in rows]


def seen(s, p):
    done = p.run(s.image, "sh", "-c", PROBE)
    if not s.that(done.returncode == 0, f"{p.label}: runs", f"exit {done.returncode}\n{done.stdout}{done.stderr}"):
        return
    parts = [x.strip().splitlines() for x in done.stdout.split("--\n")]
    groups = "0(root)" if p.single else "0(root),7000(more)"
    s.same(parts[0][0], f"uid=0(root) gid=0(root) groups={groups}", f"{p.label}: id")
    s.same([x.split() for x in parts[0][1:]], lines(p), f"{p.label}: uid_map is the plan")
    s.same([x.split() for x in parts[1]], lines(p, "gid"), f"{p.label}: gid_map is the plan")
    owners = {x.split()[8]: x.split()[:1] + x.split()[2:4] for x in parts[2] if len(x.split()) == 9}
    s.same(owners["app"][1:], ["0", "0"] if p.single else ["1000", "60000"], f"{p.label}: ls -ln shows the image's owners")
    s.same(owners["/usr/bin/passwd"][1:], ["0", "0"], f"{p.label}: root's file")
    s.same(p.left(), [], f"{p.label}: nothing is left")


def privileges(s, p):
    """Set-user-ID, capabilities and ACLs as an ordinary user of the container has them."""
    def of(user, *command):
        done = p.run("-u", user, s.image, *command)
        return done.returncode, done.stdout.strip(), done.stderr
    s.same(of("1000:1000", "/probes/probe")[:2], (0, "uid 1000 euid 1000 gid 1000 egid 1000"), f"{p.label}: -u by number")
    s.same(of("1000:1000", "/probes/suid")[:2], (0, "uid 1000 euid 0 gid 1000 egid 1000"), f"{p.label}: a set-user-ID program")
    s.same(of("1001:1001", "/probes/sgid")[:2], (0, "uid 1001 euid 1001 gid 1001 egid 60000"), f"{p.label}: a set-group-ID program")
    s.same(of("1000:1000", "/probes/raw", "raw")[:2], (0, "raw done"), f"{p.label}: cap_net_raw holds")
    s.same(of("1000:1000", "/probes/probe", "raw")[:2], (1, "raw Operation not permitted"), f"{p.label}: without it none")
    s.same(of("1000:1000", "/probes/chown", "chown", "/srv/own/f", "7")[:2], (0, "chown done"), f"{p.label}: cap_chown holds")
    s.same(of("1000:1000", "/probes/probe", "chown", "/srv/own/f", "7")[:2], (1, "chown Operation not permitted"), f"{p.label}: without it none")
    s.same(of("1000:1000", "/probes/chown", "chown", "/srv/own/f", "70000")[:2], (1, "chown Invalid argument"), f"{p.label}: an id outside is none")
    s.same(of("0:0", "/probes/probe", "acl", "/srv/acl")[:2], (0, "acl 1000"), f"{p.label}: the ACL names the user inside")
    s.same(of("1000:1000", "cat", "/srv/acl")[:2], (0, "for app"), f"{p.label}: the ACL lets it read")
    s.same(of("1001:1001", "cat", "/srv/acl")[0], 1, f"{p.label}: and nobody else")
    code, out, _ = of("app", "id")
    s.same((code, out), (0, "uid=1000(app) gid=1000(app) groups=1000(app),7000(more),60000(extra)"), f"{p.label}: -u by name, with its groups")
    s.same(of("app:extra", "id")[1], "uid=1000(app) gid=60000(extra) groups=60000(extra)", f"{p.label}: a group by name")
    s.same(p.left(), [], f"{p.label}: nothing is left")


def alone(s, p):
    """One id: every other user is outside."""
    done = p.run("-u", "1000", s.image, "id")
    s.same(done.returncode, 125, f"{p.label}: -u 1000 is outside")
    s.that("cannot set uid to unmapped user" in done.stderr and "1000" in done.stderr, f"{p.label}: and says so", done.stderr)
    s.that("no subordinate ids" in done.stderr + p.run(s.image, "true").stderr, f"{p.label}: owners are dropped, with a note")


def members(layer):
    """name -> TarInfo, as they stand in the layer."""
    import io
    with tarfile.open(fileobj=io.BytesIO(layer.tar())) as t:
        return {m.name.removeprefix("./").rstrip("/") or ".": m for m in t}


def on_disk(s, p):
    """Every file of the cache has the owner that the plan gives it."""
    by_count = {}
    for layer in s.layers:
        by_count[len(members(layer))] = members(layer)
    folders = [os.path.join(p.cache, "layers", n, "fs") for n in os.listdir(p.cache + "/layers") if "." not in n]
    s.same(len(folders), len(s.layers), f"{p.label}: the cache holds the image's layers once")
    checked, wrong = 0, []
    for top in folders:
        want = max(by_count.values(), key=lambda w: sum(os.path.lexists(os.path.join(top, n)) for n in w) / len(w))
        for directory, inner, files in os.walk(top):
            for name in ["."] + files + inner if directory == top else files + inner:
                path = os.path.normpath(os.path.join(directory, name))
                m, st = want.get(os.path.relpath(path, top)), os.lstat(path)
                ids = (m.uid, m.gid) if m else (0, 0)
                checked += 1
                if (st.st_uid, st.st_gid) != (p.host(ids[0]), p.host(ids[1], gid=True)):
                    wrong.append(f"{path}: {st.st_uid}:{st.st_gid} for {ids}")
                if m and m.isreg() and not p.single and stat.S_IMODE(st.st_mode) != m.mode & 0o7777:
                    wrong.append(f"{path}: mode {st.st_mode:o} for {m.mode:o}")
                if p.single and st.st_mode & 0o6000:
                    wrong.append(f"{path}: set-id bits for this user's own id")
                if m and m.islnk() is False and "SCHILY.xattr." + CAPABILITY in m.pax_headers and not p.single:
                    rootid = struct.unpack("<I", os.getxattr(path, CAPABILITY)[20:24])[0]
                    if rootid != p.host(0):
                        wrong.append(f"{path}: the capability's root is {rootid}")
    s.that(checked > 5000 and not wrong, f"{p.label}: every one of {checked} files has the planned owner", "\n".join(wrong[:10]))


def everything(s, people):
    for p in people.values():
        seen(s, p)
        if p.single:
            alone(s, p)
        else:
            privileges(s, p)
        on_disk(s, p)
    p = people["root"]
    chosen = p.run("--map", "0-65535", s.small, "/probes/probe")
    s.that(chosen.returncode == 0 and "of the host, behind all" in chosen.stderr, "root: a range alone gets a stretch that is nobody's", chosen.stderr)
