"""Who starts uidfit in these tests, and the image that they start: users that are made and removed again.

    with Person("user", suite) as p: p.run("IMAGE", "id")
"""
import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../engines", "../lib"):
    sys.path.insert(0, os.path.join(HERE, folder))
import engines  # noqa: E402
from debian import base_tar  # noqa: E402
from mkimage import ACL_ACCESS, CAPABILITY, Layer, acl, capability, make_config, save_docker_archive  # noqa: E402

CACHE = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")
# Ids that nothing else of this machine has: a process or a file that has one is of these tests.
BASE, COUNT = 1700000000, 65536
MAP = f"0:{BASE}:{COUNT}"
CAP_CHOWN, CAP_NET_RAW = 0, 13


class Suite:
    def __init__(self, uidfit, quick, where):
        """uidfit: with sanitizers; quick: without, for what is large."""
        self.where = where
        self.passed = self.failed = self.skipped = 0
        # The checkout need not be one that every user may enter.
        self.uidfit, self.quick = (self.copy(p, n) for p, n in ((uidfit, "uidfit"), (quick, "uidfit-quick")))
        self.image = self.path("image.tar")

    def copy(self, program, name):
        shutil.copy(program, self.path(name))
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def path(self, name):
        return os.path.join(self.where, name)

    def that(self, ok, what, more=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {what}\n{more}".rstrip(), flush=True)
        return ok

    def same(self, have, want, what, more=""):
        return self.that(have == want, what, f"have {have!r}\nwant {want!r}\n{more}")

    def skip(self, what):
        self.skipped += 1
        print(f"skip {what}", flush=True)

    def save(self, name, layers, **config):
        """An archive that everybody may read; config: members of the image's config."""
        document = make_config(layers, user=config.pop("User", ""))
        document["config"].update(config)
        save_docker_archive(self.path(name), layers, config=document)
        os.chmod(self.path(name), 0o644)
        return self.path(name)


class Person:
    """kind: root; user (with subordinate ids); single (without); inside (single, in `unshare -r`)."""

    def __init__(self, kind, s, name=None):
        self.kind, self.s, self.label = kind, s, name or kind
        self.user = None if kind == "root" else f"uidfit-{kind}-{os.getpid()}"
        self.uid = self.gid = 0
        self.home = s.path("home-" + self.label)
        self.prefix = []

    def __enter__(self):
        os.mkdir(self.home, 0o755)
        self.cgroups = cgroups()
        if self.user:
            engines.need("newuidmap", "newgidmap", "setpriv")
            engines.must(["/usr/sbin/useradd", "--no-create-home", "--home-dir", self.home, "--shell", "/bin/sh", self.user])
            try:
                self.subordinate()
            except BaseException:
                self.__exit__(None, None, None)
                raise
            entry = pwd.getpwnam(self.user)
            self.uid, self.gid = entry.pw_uid, entry.pw_gid
            os.chown(self.home, self.uid, self.gid)
            self.prefix = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]
        if self.kind == "inside":
            self.prefix += ["unshare", "-r"]
        self.env = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.env.update(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME=self.home, LANG="C.UTF-8",
                        UIDFIT_PROGRESS="none")
        return self

    def subordinate(self):
        self.sub = None
        for path, option in (("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")):
            found = None
            with contextlib.suppress(engines.Unavailable):
                found = engines.subid_range(self.user, path)
            if self.kind == "user" and not found:
                start = engines.first_free_subid()
                engines.must(["/usr/sbin/usermod", option, f"{start}-{start + 65535}", self.user])
            elif self.kind != "user" and found:
                engines.must(["/usr/sbin/usermod", option.replace("add", "del"), f"{found[0]}-{sum(found) - 1}", self.user])
        if self.kind == "user":
            self.sub, self.subgid = (engines.subid_range(self.user, f"/etc/{n}")[0] for n in ("subuid", "subgid"))

    def __exit__(self, *exc):
        for pid in self.processes():
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        engines.remove_tree(self.home)
        for _ in range(50 if self.user else 0):
            if engines.run(["/usr/sbin/userdel", self.user]).returncode != 8:
                break
            time.sleep(0.1)
        return False

    @property
    def single(self):
        return self.kind in ("single", "inside")

    @property
    def options(self):
        """Root names the ids; the others have theirs."""
        return ["--map", MAP] if self.kind == "root" else []

    @property
    def map(self):
        """The plan: [(inside, host, count)]."""
        if self.kind == "root":
            return [(0, BASE, COUNT)]
        return [(0, self.uid, 1)] if self.single else [(0, self.uid, 1), (1, self.sub, 65535)]

    def host(self, i, gid=False):
        """The host's id of the image's."""
        if self.kind == "root":
            return BASE + i
        own, sub = (self.gid, self.single or self.subgid) if gid else (self.uid, self.single or self.sub)
        return own if self.single or i == 0 else sub + i - 1

    @property
    def cache(self):
        return os.path.join(self.home, ".cache/uidfit")

    def processes(self):
        """Those that have an id of this person's containers."""
        found = []
        ranges = [(h, n) for _, h, n in self.map if h]
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                uid = os.stat("/proc/" + name).st_uid
                if name.isdigit() and not zombie(name) and any(h <= uid < h + n for h, n in ranges):
                    found.append(int(name))
        return found

    def command(self, verb, *args, quick=False):
        return [*self.prefix, self.s.quick if quick else self.s.uidfit, verb, *args]

    def start(self, *args, verb="run", quick=False, **kw):
        """Popen of `uidfit run`."""
        options = self.options if "--map" not in args and "--prune" not in args and verb == "run" else []
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw["env"] = dict(self.env, **kw.pop("more", {}))
        return subprocess.Popen(self.command(verb, *options, *args, quick=quick), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, errors="replace", cwd=self.home, **kw)

    def run(self, *args, timeout=120, input=None, **kw):
        if input is not None:
            kw["stdin"] = subprocess.PIPE
        p = self.start(*args, **kw)
        try:
            out, err = p.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            err += f"\nno end within {timeout} s"
        return subprocess.CompletedProcess(args, p.returncode, out, err)

    def unpack(self, *args, **kw):
        return self.run(*args, verb="unpack", **kw)

    def left(self):
        """What runs have left behind, as words."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            found += ["run " + n for n in os.listdir(self.cache + "/runs")]
        for _ in range(20):  # a process that has ended is still there for a moment
            processes = self.processes()
            if not processes:
                break
            time.sleep(0.05)
        found += [f"process {p}" for p in processes]
        found += [f"cgroup {c}" for c in cgroups() - self.cgroups]
        found += ["mount " + m for m in engines.mounts_below(self.home) + engines.mounts_below("/run/uidfit")]
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            found += ["mount /run/uidfit" for line in f if line.split()[4] == "/run/uidfit"]
        return found


def end_by(run, number):
    """The signal until it has ended: on a busy machine two that are sent one after the other may arrive as one."""
    for _ in range(60):
        try:
            run.send_signal(number)
            return run.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            pass
    run.kill()
    return run.communicate()


def zombie(pid):
    """Ended, and the machine's first process has not asked yet."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rpartition(")")[2].split()[0] == "Z"


def cgroups():
    """Those that containers of uidfit have."""
    return {os.path.join(d, n) for d, folders, _ in os.walk("/sys/fs/cgroup") for n in folders if n.startswith("uidfit-")}


def compile_probe(s):
    program = s.path("probe")
    engines.must(["gcc", "-static", "-O1", "-o", program, os.path.join(HERE, "probe.c")])
    with open(program, "rb") as f:
        return f.read()


def debian_layer(packages=()):
    with open(base_tar(CACHE, packages), "rb") as f:
        return Layer("ADD rootfs.tar /", end=False).raw(f.read())


def passwd_of(tar):
    with tarfile.open(tar) as t:
        return [t.extractfile(n).read() for n in ("./etc/passwd", "./etc/group")]


def acl_of_app():
    """rw-rw----, and the user 1000 reads: nobody else does."""
    value = acl(users={1000: 4}, mask=6)
    return value[:-6] + bytes(2) + value[-4:]


def make_image(s):
    """Debian, and files that show owners, set-user-ID, capabilities and ACLs at work. image.tar; small.tar is the probe alone."""
    probe = compile_probe(s)
    passwd, group = passwd_of(base_tar(CACHE))
    passwd += b"app:x:1000:1000::/home/app:/bin/sh\n"
    group += b"app:x:1000:\nextra:x:60000:app\nmore:x:7000:root,app\n"

    def programs(made):
        raw, chown = ({CAPABILITY: capability(permitted=1 << c)} for c in (CAP_NET_RAW, CAP_CHOWN))
        return (made.dir("etc").file("etc/passwd", passwd).file("etc/group", group).dir("probes")
                .file("probes/probe", probe, mode=0o755).file("probes/suid", probe, mode=0o4755)
                .file("probes/sgid", probe, uid=1000, gid=60000, mode=0o2755)
                .file("probes/raw", probe, mode=0o755, xattrs=raw).file("probes/chown", probe, mode=0o755, xattrs=chown)
                .file("probes/not-executable", b"#!/bin/sh\n", mode=0o644))
    more = (programs(Layer("RUN useradd app")).dir("srv").file("srv/app", b"x", uid=1000, gid=60000)
            .file("srv/acl", b"for app\n", mode=0o660, xattrs={ACL_ACCESS: acl_of_app()})
            .dir("srv/own", uid=1000, gid=1000).file("srv/own/f", b"", uid=1000, gid=1000).dir("mnt"))
    s.layers = [debian_layer(), more]
    s.save("image.tar", s.layers, Cmd=["id"], Env=["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "FOO=image"])
    s.small_layers = [programs(Layer("ADD probe")).dir("tmp", mode=0o1777)]
    s.small = s.save("small.tar", s.small_layers, Cmd=["/probes/probe"])
