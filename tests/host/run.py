#!/usr/bin/env python3
"""Holds `uidfit suggest` and `uidfit host` against the kernel, newuidmap and the engines themselves.

    tests/host/run.py [--uidfit PATH] [--only WORD]

A proposal is good where the kernel takes the map, the engine takes the image under it, and, where the proposal is a
count, one id fewer makes the engine refuse. Runs as root, in a mount namespace with an /etc of its own: whom it makes
and what it writes there is gone with it.
"""
import argparse
import ctypes
import json
import os
import pwd
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib")]
import engines  # noqa: E402
from mkimage import ACL_ACCESS, CAPABILITY, Layer, Step, acl, capability, save_docker_archive, save_oci  # noqa: E402

CLONE_NEWUSER = 0x10000000
EXTENTS_MAX, TEXT_MAX = 340, 4095
USER = "uidfit-host"
libc = ctypes.CDLL(None, use_errno=True)


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

    def run(self, *args, **kw):
        return engines.run([self.uidfit, *args], stderr=subprocess.STDOUT, **kw)

    def json(self, *args, **kw):
        done = engines.run([self.uidfit, *args, "--format", "json"], stderr=subprocess.DEVNULL, **kw)
        try:
            return json.loads(done.stdout)
        except ValueError as e:
            raise RuntimeError(f"uidfit {' '.join(args)}: exit {done.returncode}, no JSON") from e

    def proposals(self, *args):
        return {p["name"]: p for p in self.json("suggest", *args)["proposals"]}


def lines_of(extents):
    return "".join(f"{e['containerID']} {e['hostID']} {e['size']}\n" for e in extents)


def holds(extents, value):
    return any(e["containerID"] <= value < e["containerID"] + e["size"] for e in extents)


class Namespace:
    """A process in a user namespace whose maps nobody has written yet. uid: who makes it."""

    def __init__(self, uid=0, gid=0):
        self.uid, self.gid = uid, gid

    def __enter__(self):
        ready_r, ready_w = os.pipe()
        done_r, self.done = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ready_r)
            os.close(self.done)
            if self.uid:
                os.setgroups([])
                os.setresgid(self.gid, self.gid, self.gid)
                os.setresuid(self.uid, self.uid, self.uid)
                # Else its /proc belongs to root, and newuidmap refuses.
                libc.prctl(4, 1, 0, 0, 0)
            failed = libc.unshare(CLONE_NEWUSER)
            os.write(ready_w, b"x" if failed else b"o")
            os.read(done_r, 1)
            os._exit(0)
        os.close(ready_w)
        os.close(done_r)
        ok = os.read(ready_r, 1) == b"o"
        os.close(ready_r)
        if not ok:
            self.__exit__()
            raise engines.Unavailable("the kernel makes no user namespaces here")
        return self

    def __exit__(self, *exc):
        os.close(self.done)
        os.waitpid(self.pid, 0)
        return False

    def write(self, kind, text):
        """None, or the kernel's refusal."""
        fd = os.open(f"/proc/{self.pid}/{kind}id_map", os.O_WRONLY)
        try:
            os.write(fd, text.encode())
            return None
        except OSError as e:
            return e.strerror
        finally:
            os.close(fd)

    def helper(self, kind, extents):
        """newuidmap or newgidmap, as the namespace's own user: None, or what it says."""
        numbers = [str(e[k]) for e in extents for k in ("containerID", "hostID", "size")]
        done = engines.run(["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups",
                            f"new{kind}idmap", str(self.pid), *numbers])
        return None if done.returncode == 0 else done.stdout.strip()

    def read(self, kind):
        with open(f"/proc/{self.pid}/{kind}id_map", encoding="ascii") as f:
            return [tuple(map(int, line.split())) for line in f]


def refused(kind_maps):
    """What the kernel says to root who writes these maps; None where it takes them."""
    with Namespace() as n:
        for kind, extents in kind_maps.items():
            said = n.write(kind, lines_of(extents))
            if said:
                return f"{kind}id_map: {said}"
            if n.read(kind) != [(e["containerID"], e["hostID"], e["size"]) for e in extents]:
                return f"{kind}id_map reads otherwise than it was written"
    return None


# --- /etc, private to this process --------------------------------------------------------------

def write(path, text, mode="w"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode, encoding="utf-8") as f:
        f.write(text)


def give(owner, uids, gids, start=100000):
    """These lines and no others."""
    write("/etc/subuid", f"{owner}:{start}:{uids}\n" if uids else "")
    write("/etc/subgid", f"{owner}:{start}:{gids}\n" if gids else "")


def give_lines(proposal, owner=None):
    """The proposal's own lines, USER filled in. The other owners' lines go."""
    for path in ("/etc/subuid", "/etc/subgid"):
        write(path, "".join(x["line"].replace("USER", owner or "USER") + "\n"
                            for x in proposal["lines"] if x["where"] == path))


def one_fewer(path):
    with open(path, encoding="utf-8") as f:
        name, start, count = f.read().strip().split(":")
    write(path, f"{name}:{start}:{int(count) - 1}\n")


def ordinary_user():
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        engines.must(["/usr/sbin/useradd", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/sh", USER])
        return pwd.getpwnam(USER)


# --- images ---------------------------------------------------------------------------------------

def image(path, owners, show=None, user="", **more):
    """Files f0, f1... with these (uid, gid); show: the bytes of the program."""
    layer = Layer().dir("proc").dir("dev").dir("sys").dir("etc").file("etc/passwd", b"root:x:0:0::/:/show\n")
    if show:
        layer.file("show", show, mode=0o755)
    for i, (uid, gid) in enumerate(owners):
        layer.file(f"f{i}", uid=uid, gid=gid, how="pax")
    save_docker_archive(path, [layer, Step(f"USER {user}")], tags=["uidfit/host:1"], user=user, **more)
    return path


def shown(text):
    """({path: (uid, gid)}, {"uid_map": [(...)]}) as the program printed them."""
    owners = {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^owner (\S+) (\d+) (\d+)$", text, re.M)}
    maps = {}
    for m in re.finditer(r"^([ug]id_map) +(\d+) +(\d+) +(\d+)$", text, re.M):
        maps.setdefault(m[1], []).append(tuple(map(int, m.groups()[1:])))
    return owners, maps


def build(work, source, *options):
    out = os.path.join(work, os.path.splitext(source)[0])
    done = engines.run(["gcc", "-O1", "-o", out, os.path.join(HERE, source), *options])
    if done.returncode:
        raise engines.Unavailable(f"gcc {source}: {engines.last_line(done.stdout)}")
    return out


# --- what is tested -------------------------------------------------------------------------------

def random_owners(rng):
    spread = rng.choice([10, 1000, 65536, 200000, 2**22, 2**31, 2**32 - 2])
    pool = [rng.randrange(spread + 1) for _ in range(rng.choice([1, 3, 8, 40, 700]))]
    return [(rng.choice(pool), rng.choice(pool)) for _ in range(rng.choice([1, 5, 60, 700]))]


def kernel(t):
    """Every map that is proposed for any set of owners: the kernel takes it, and each id is in it."""
    rng = random.Random(3)
    cases = [("root alone", [(0, 0)]), ("the last id", [(2**32 - 2, 2**32 - 2)]),
             ("every other id", [(i * 2, i * 3) for i in range(1000)]),
             ("long numbers", [(2**31 + i * 1000003, 2**31 + i * 1000033) for i in range(400)])]
    cases += [(f"random {i}", random_owners(rng)) for i in range(40)]
    user = ordinary_user()
    for name, owners in cases:
        path = image(t.work + "/kernel.tar", owners)
        for p in t.json("suggest", path, "--own", f"{user.pw_uid}:{user.pw_gid}")["proposals"]:
            what = f"kernel: {name}: {p['name']}"
            if not p["possible"]:
                t.check(p["name"] in ("docker", "docker-rootless", "podman", "podman-auto", "kubernetes", "runc-rootless",
                                      "crun-rootless") and p["reason"], what, "not possible")
                continue
            maps = {"u": p["uid_map"], "g": p["gid_map"]}
            said = refused(maps)
            t.check(said is None, what, said)
            for i, kind in enumerate("ug"):
                missing = [o[i] for o in owners if not holds(maps[kind], o[i])]
                t.check(not missing and holds(maps[kind], 0), what, f"{kind}ids {missing[:5]} are not in the map")
                bound = {"runc-rootless": 5, "crun-rootless": 6}.get(p["name"], EXTENTS_MAX)
                t.check(len(maps[kind]) <= bound and len(lines_of(maps[kind])) <= TEXT_MAX, what, "too long a map")
    # The bounds themselves: one more of either and the kernel refuses.
    many = [{"containerID": 2 * i, "hostID": i + 1, "size": 1} for i in range(EXTENTS_MAX + 1)]
    t.check(refused({"u": many[:-1]}) is None, "kernel: 340 extents")
    t.check(refused({"u": many}), "kernel: 341 extents are taken")
    wide = [{"containerID": 1000000000 + 2 * i, "hostID": 1000000000 + i, "size": 1} for i in range(200)]
    t.check(refused({"u": wide}), "kernel: more than a page is taken")


def helpers(t):
    """Rootless proposals through newuidmap, as an ordinary user with just those subordinate ids."""
    user = ordinary_user()
    owners = [(0, 0), (7, 7), (1000, 100), (70000, 80000), (70001, 0), (1516583083, 20)]
    path = image(t.work + "/helpers.tar", owners)
    rows = t.proposals(path, "--own", f"{user.pw_uid}:{user.pw_gid}")
    for name in ("docker-rootless", "podman", "runc-rootless", "crun-rootless"):
        p = rows[name]
        give_lines(p, USER)
        with Namespace(user.pw_uid, user.pw_gid) as n:
            said = n.helper("u", p["uid_map"]) or n.helper("g", p["gid_map"])
            t.check(said is None, f"newuidmap: {name}", said)
        one_fewer("/etc/subuid")
        with Namespace(user.pw_uid, user.pw_gid) as n:
            said = n.helper("u", p["uid_map"]) or ""
            t.check("not allowed" in said, f"newuidmap: {name} with one id fewer", said or "taken")


def podman_run(podman, options, *paths):
    """({path: owner}, maps, the last line) of a run as root. runc: crun refuses mixed cgroups; a namespace may not raise
    the limits that podman asks for by itself."""
    done = podman.podman("--runtime", "runc", "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024",
                         "--ulimit", "nproc=1024:1024", *options, "uidfit/host:1", "/show", *paths, check=False)
    return (*shown(done.stdout), engines.error_line(done.stdout))


def podman_root(t):
    show = open(build(t.work, "show.c", "-static"), "rb").read()
    owners = [(0, 0), (5, 5), (1000, 20), (70000, 80000), (1516583083, 2000000000)]
    path = image(t.work + "/podman.tar", owners, show)
    proposal = t.proposals(path)["podman-uidmap"]
    options = proposal["lines"][0]["line"].split()
    want = {f"/f{i}": owner for i, owner in enumerate(owners)}
    for driver in ("vfs", "overlay"):
        with engines.Podman(rootless=False, driver=driver) as podman:
            answer = podman.load(path, forget=False)
            if not t.check(answer.accepted, f"podman as root, {driver}: pull", answer.line):
                continue
            got, maps, line = podman_run(podman, options, *want)
            if driver == "overlay" and line.endswith("permission denied"):
                # It copies the layers for the map and then mounts the copy through the map once more: suggest warns of it.
                t.check("overlay" in proposal["limit"], "podman run --uidmap, overlay", line)
                continue
            t.check(got == want, f"podman run --uidmap as proposed, {driver}", got or line)
            # Without the last extent its owner is nobody: so the proposal needed it.
            last = max(i for i, word in enumerate(options) if word == "--uidmap")
            got, maps, line = podman_run(podman, options[:last] + options[last + 2:], *want)
            t.check(got.get("/f4", (0, 0))[0] == 65534, "podman run --uidmap with one extent fewer", got or line)


def podman_auto(t):
    show = open(build(t.work, "show.c", "-static"), "rb").read()
    path = image(t.work + "/auto.tar", [(0, 0), (70000, 5)], show)
    proposal = t.proposals(path)["podman-auto"]
    give_lines(proposal)
    size = [x["line"] for x in proposal["lines"] if x["where"] == "podman run"]
    with engines.Podman(rootless=False) as podman:
        answer = podman.load(path, forget=False)
        t.check(answer.accepted, "podman as root: pull", answer.line)
        got, maps, line = podman_run(podman, ["--userns=auto"], "/f1")
        t.check("bigger than the maximum value allowed" in line, "podman run --userns=auto", line)
        got, maps, line = podman_run(podman, size, "/f1")
        t.check(got == {"/f1": (70000, 5)}, "podman run --userns=auto:size as proposed", line)
        one_fewer("/etc/subuid")
        got, maps, line = podman_run(podman, size, "/f1")
        t.check(not got and "not enough" in line or "available IDs" in line, "podman --userns=auto with one id fewer", line)


class Rootless(engines.Podman):
    """podman of an ordinary user with the lines of a proposal, or with one id fewer in a file."""

    def __init__(self, proposal, fewer=None):
        super().__init__(rootless=True)
        self.proposal, self.fewer = proposal, fewer

    def become_user(self):
        super().become_user()
        give_lines(self.proposal, self.env["USER"])
        if self.fewer:
            one_fewer(self.fewer)


def podman_rootless(t):
    path = image(t.work + "/rootless.tar", [(0, 0), (70000, 5), (5, 80000)])
    proposal = t.proposals(path)["podman"]
    for fewer in (None, "/etc/subuid", "/etc/subgid"):
        with Rootless(proposal, fewer) as podman:
            answer = podman.load(path)
            what = f"podman pull, rootless, {'with one id fewer in ' + fewer if fewer else 'with the ranges as proposed'}"
            t.check(answer.accepted != bool(fewer), what, answer.line)
            # What host says of this user is what podman has.
            seen = t.json("host", "--user", podman.env["USER"])["maps"]["rootless"]
            mine = [(e["containerID"], e["hostID"], e["size"]) for e in seen["uid_map"]]
            t.check(mine == podman.map and mine[0][1] == podman.uid, "host: podman's rootless map", f"{mine}, podman {podman.map}")


def dockerd(t):
    show = open(build(t.work, "show.c", "-static"), "rb").read()
    path = image(t.work + "/docker.tar", [(0, 0), (70000, 5), (5, 80000)], show)
    p = t.proposals(path)["docker"]
    give("dockremap", 65536, 65536)
    with engines.Dockerd(remap=True) as d:
        t.check(not d.load(path).accepted, "dockerd: the usual range", "loads")
    give_lines(p)
    with engines.Dockerd(remap=True) as d:
        answer = d.load(path, forget=False)
        t.check(answer.accepted, "dockerd with the range as proposed", answer.line)
        done = d.start("uidfit/host:1", "/show", "/f1", "/f2")
        owners, maps = shown(done.output)
        t.check(owners == {"/f1": (70000, 5), "/f2": (5, 80000)}, "dockerd: owners inside", done.line)
        # What host says of userns-remap, and --map host takes, is what the container has.
        write("/etc/docker/daemon.json", '{"userns-remap": "default"}')
        seen = t.json("host")["maps"]
        mine = {k: [(e["containerID"], e["hostID"], e["size"]) for e in seen["docker"][k]] for k in ("uid_map", "gid_map")}
        t.check(mine == maps, "host: dockerd's map", f"{mine}, dockerd {maps}")
        t.check(seen["host_is"] == "docker", "host: root, and dockerd remaps", seen["host_is"])
        done = t.run("check", "--map", "host", path)
        t.check(done.returncode == 0 and "note: host is dockerd's userns-remap" in done.stdout, "check --map host", done.stdout)
        os.unlink("/etc/docker/daemon.json")
    one_fewer("/etc/subgid")
    with engines.Dockerd(remap=True) as d:
        answer = d.load(path)
        t.check(not answer.accepted and "80000" in answer.line, "dockerd with one gid fewer", answer.line)


def bundle(t, where, program, maps, show, names, group=False):
    """A bundle whose files stand as the map has them, with the proposal's config.json in it. group: devpts keeps its gid=5."""
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where + "/rootfs/proc")
    for name in ("dev", "sys", "etc"):
        os.mkdir(f"{where}/rootfs/{name}")
    shutil.copy(show, where + "/rootfs/show")

    def host(extents, value):
        return next(e["hostID"] + value - e["containerID"] for e in extents if holds([e], value))
    uids, gids = maps["uidMappings"], maps["gidMappings"]
    for name, (uid, gid) in names.items():
        write(f"{where}/rootfs{name}", "")
        os.chown(f"{where}/rootfs{name}", host(uids, uid), host(gids, gid))
    engines.must([program, "spec"], cwd=where)
    with open(where + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    config["linux"].update(maps)
    config["linux"]["namespaces"] = [{"type": x} for x in ("pid", "ipc", "uts", "mount", "network", "user")]
    config["linux"].pop("resources", None)
    config["process"].update(terminal=False, args=["/show", *names])
    for mount in config["mounts"]:
        # What suggest warns of.
        if mount["destination"] == "/dev/pts" and not group and not holds(gids, 5):
            mount["options"] = [o for o in mount["options"] if o != "gid=5"]
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    write(where + "/config.json", json.dumps(config))
    for path in (where, where + "/rootfs"):
        os.chown(path, host(uids, 0), host(gids, 0))
        os.chmod(path, 0o755)


def runtimes(t):
    show = build(t.work, "show.c", "-static")
    # More separate ids than the rootless runtimes take extents: five and six, all of them used.
    owners = [(0, 0), (7, 7), (1000, 20), (8000, 9000), (30000, 40000), (70000, 80000), (200000, 300000), (1516583083, 2000000000)]
    names = {f"/f{i}": owner for i, owner in enumerate(owners)}
    path = image(t.work + "/oci.tar", names.values())
    user = ordinary_user()
    rows = t.proposals(path, "--own", f"{user.pw_uid}:{user.pw_gid}")
    for program, row, rootless in (("runc", "oci", False), ("crun", "oci", False), ("runc", "runc-rootless", True),
                                   ("crun", "crun-rootless", True)):
        what = f"{program} run, {'rootless' if rootless else 'as root'}, config.json as proposed"
        binary, = engines.need(program)
        maps = json.loads([x["line"] for x in rows[row]["lines"] if x["where"] == "config.json"][0])["linux"]
        where, state = t.work + "/bundle", t.work + "/state"
        bundle(t, where, binary, maps, show, names)
        shutil.rmtree(state, ignore_errors=True)
        os.mkdir(state)
        command = [binary, "--root", state, "run", "-b", where, "uidfit-host"]
        env = dict(os.environ, XDG_RUNTIME_DIR=state)
        if rootless:
            give_lines(rows[row], USER)
            os.chown(state, user.pw_uid, user.pw_gid)
            command = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *command]
        if program == "crun":
            # It refuses where cgroups v1 and v2 are mixed: here it sees version 2 alone.
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                       'umount -R -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"', "-", *command]
        done = engines.run(command, cwd=where, env=env)
        if "cgroup" in done.stdout and done.returncode:
            t.skip(what, engines.last_line(done.stdout))
            continue
        got, _ = shown(done.stdout)
        t.check(got == names, what, got or done.stdout[-300:])
        if row == "oci":
            bundle(t, where, binary, maps, show, names, group=True)
            done = engines.run(command, cwd=where, env=env)
            t.check(done.returncode and "devpts" in done.stdout, f"{program}: gid 5 outside the map", done.stdout[-300:])


def nss(t):
    """libsubid says otherwise than the files: so it is told, and --map host goes by NSS as newuidmap does."""
    user = ordinary_user()
    build_at = os.path.join(t.work, "libsubid_uidfit.so")
    done = engines.run(["gcc", "-shared", "-fPIC", "-o", build_at, os.path.join(HERE, "plugin.c")])
    if done.returncode:
        return t.skip("host: NSS", "no header of libsubid: " + engines.last_line(done.stdout))
    give(USER, 65536, 65536)
    seen = t.json("host", "--user", USER)
    if seen["user"]["subuid"]["libsubid"] is None:
        return t.skip("host: NSS", "built without libsubid")
    t.check(not [p for p in seen["problems"] if p["code"] == "subid-differs"], "host: files and libsubid agree", seen["problems"])
    with open("/etc/nsswitch.conf", encoding="utf-8") as f:
        old = f.read()
    write("/etc/nsswitch.conf", old + "\nsubid: uidfit\n")
    env = dict(os.environ, LD_LIBRARY_PATH=t.work)
    seen = t.json("host", "--user", USER, env=env)
    codes = [p["code"] for p in seen["problems"]]
    t.check(codes.count("subid-differs") == 2, "host: NSS says otherwise than the files", codes)
    t.check(seen["nsswitch_subid"] == "uidfit", "host: nsswitch.conf", seen["nsswitch_subid"])
    t.check([e["hostID"] for e in seen["maps"]["rootless"]["uid_map"]] == [user.pw_uid, 700000], "host: the map goes by NSS",
            seen["maps"]["rootless"])
    write("/etc/nsswitch.conf", old)


def process(t):
    """What --map host takes, by who asks and where."""
    user = ordinary_user()
    path = image(t.work + "/process.tar", [(0, 0), (65536, 65536)])
    over = image(t.work + "/over.tar", [(0, 0), (65537, 0)])
    as_user = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    give(USER, 65536, 65536)
    cases = [("ordinary user", as_user, path, 0, "the rootless map"), ("ordinary user", as_user, over, 1, "the rootless map"),
             ("root", [], over, 0, "every id"),
             ("in a namespace of one id", ["unshare", "-U", "-r"], path, 1, "the map of the user namespace")]
    for what, prefix, archive, status, note in cases:
        done = engines.run([*prefix, t.uidfit, "check", "--map", "host", archive])
        t.check(done.returncode == status and f"note: host is {note}" in done.stdout, f"check --map host: {what}", done.stdout)
    give(USER, 0, 0)
    done = engines.run([*as_user, t.uidfit, "check", "-q", "--map", "host", path])
    t.check(done.returncode == 1, "check --map host: an ordinary user without ranges", done.stdout)


MENDED = [
    ("subid-missing", "alice", {"etc/subuid": ""}),
    ("subid-small", "alice", {"etc/subgid": "alice:200000:1000\n"}),
    ("subid-malformed", "alice", {"etc/subuid": "what\nalice:100000:65536\nalice:5\n"}),
    ("subid-empty", "alice", {"etc/subuid": "bob:5:0\nalice:100000:65536\n"}),
    ("subid-overlap", "alice", {"etc/subuid": "alice:100000:65536\nbob:150000:65536\n"}),
    ("subid-twice", "alice", {"etc/subuid": "alice:100000:65536\nalice:150000:65536\nalice:160000:10\n"}),
    ("subid-own-id", "alice", {"etc/subuid": "alice:900:65536\n"}),
    ("subid-holds-account", "alice", {"etc/subuid": "alice:1001:65536\n"}),
    ("subid-outside-namespace", "alice", {"proc/self/uid_map": "0 500000 90000\n", "proc/self/gid_map": "0 500000 200000\n"}),
    ("podman-ignores-owners", "alice", {"etc/containers/storage.conf": "[storage.options]\nignore_chown_errors = \"true\"\n"}),
    ("helper-unprivileged", "alice", {"usr/bin/newuidmap": ""}),
]


def mended(t):
    """The line beside a problem, given to a shell, mends it."""
    for code, user, files in MENDED:
        root = tempfile.mkdtemp(dir=t.work, prefix="mend-")
        for path in ("etc/subuid", "etc/subgid"):
            write(f"{root}/{path}", "alice:100000:65536\n")
        write(root + "/etc/passwd", "root:x:0:0::/:\nalice:x:1000:1000::/:\nbob:x:1001:1001::/:\n")
        for path in ("proc/self/uid_map", "proc/self/gid_map"):
            write(f"{root}/{path}", "0 0 4294967295\n")
        for path in ("usr/bin/newuidmap", "usr/bin/newgidmap"):
            write(f"{root}/{path}", "")
            os.chmod(f"{root}/{path}", 0o4755)
        for path, text in files.items():
            write(f"{root}/{path}", text)
            os.chmod(f"{root}/{path}", 0o755)
        problems = t.json("host", "--root", root, "--user", user)["problems"]
        t.check(code in [p["code"] for p in problems], f"host: {code} is told", problems)
        for p in problems:
            if p["mend"]:
                engines.must(["sh", "-c", re.sub(r"(?<![\w/])/(etc|usr)/", lambda m: f"{root}/{m[1]}/", p["mend"])])
        problems = t.json("host", "--root", root, "--user", user)["problems"]
        t.check(not problems, f"host: {code} is mended", problems)


def everything_counts(t):
    """ACLs, capabilities, hidden layers, USER and --user are in the proposal."""
    layers = [Layer().file("a", uid=1).file("gone", uid=70001).file("l", xattrs={ACL_ACCESS: acl({70002: 7}, {70003: 5})})
              .file("c", mode=0o755, xattrs={CAPABILITY: capability(70004)}), Layer("RUN rm gone").whiteout("gone", gid=70005)]
    path = t.work + "/all"
    save_oci(path, layers, user="70006:70007")
    p = t.json("suggest", "oci:" + path, "--user", "70008", "--group-add", "70009")
    q = t.json("suggest", "oci:" + path)
    t.check(p["uid"]["ranges"] == [[0, 1], [70001, 70002], [70004, 70004], [70008, 70008]], "suggest: uids", p["uid"]["ranges"])
    t.check(p["gid"]["ranges"] == [[0, 0], [70003, 70003], [70005, 70005], [70009, 70009]], "suggest: gids", p["gid"]["ranges"])
    t.check(q["uid"]["highest"]["id"] == 70006 and q["gid"]["highest"]["id"] == 70007, "suggest: USER", q["uid"]["highest"])
    # Both in one: what either needs.
    other = image(t.work + "/other.tar", [(90000, 5)])
    both = t.json("suggest", "oci:" + path, other)["uid"]
    t.check(both["highest"]["id"] == 90000 and both["highest"]["image"] == other and both["ids"] == q["uid"]["ids"] + 1,
            "suggest: several images", both)


PARTS = [everything_counts, kernel, helpers, mended, nss, process, podman_root, podman_auto, podman_rootless, dockerd, runtimes]


def own_etc(work):
    """An /etc that nobody else sees; what the machine's own says of engines is left out."""
    copy = os.path.join(work, "etc")
    engines.must(["cp", "-a", "/etc", copy])
    engines.must(["mount", "--bind", copy, "/etc"])
    for path in ("/etc/docker/daemon.json", "/etc/containers/storage.conf"):
        if os.path.exists(path):
            os.unlink(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--uidfit", default="build/uidfit")
    parser.add_argument("--only", default="")
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("skip host: wants root\n0 passed, 0 failed, 1 skipped")
        return 0
    if not options.inside:
        return subprocess.call(["unshare", "--mount", "--propagation", "private", sys.executable, os.path.abspath(__file__),
                                "--inside", "--uidfit", os.path.abspath(options.uidfit), "--only", options.only])
    work = tempfile.mkdtemp(prefix="uidfit-host-")
    os.chmod(work, 0o755)
    # The ordinary user must reach the program, wherever the checkout stands.
    program = shutil.copy(options.uidfit, work + "/uidfit")
    t = Tests(program, work)
    try:
        own_etc(work)
        for part in PARTS:
            if options.only not in part.__name__:
                continue
            try:
                part(t)
            except engines.Unavailable as e:
                t.skip(part.__name__, engines.last_line(str(e)))
            except (OSError, RuntimeError, KeyError, ValueError) as e:
                t.check(False, part.__name__, f"{type(e).__name__}: {e}")
    finally:
        engines.run(["umount", "-l", "/etc"])
        engines.remove_tree(work)
    print(f"{t.passed} passed, {t.failed} failed" + (f", {t.skipped} skipped" if t.skipped else ""))
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
