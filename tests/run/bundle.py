#!/usr/bin/env python3
"""uidfit unpack --bundle: the bundle of a Debian under a map, started by the real runc and crun; what its processes are, may and see.

    tests/run/bundle.py --uidfit PROGRAM [--only PART]
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../engines", "../lib"):
    sys.path.insert(0, os.path.join(HERE, folder))
import engines  # noqa: E402
from debian import base_tar  # noqa: E402
from mkimage import CAPABILITY, Layer, make_config, save_docker_archive  # noqa: E402

CACHE = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")
BASE, COUNT = 100000, 65536
MAP = f"0:{BASE}:{COUNT}"
NET_RAW = 13
DEFAULT_CAPS = "00000000a80425fb"
# Lines "NAME VALUE" of what a process in there is and may; each call by its number on x86-64, where Debian's perl makes it.
PROBE = r"""
say() { name=$1; shift; echo "$name" "$("$@" 2>&1 | tr '\n' ' ')"; }
status() { grep -h "^$1:" /proc/self/status | cut -f2; }
say id id; say suid suid-id; say groups status Groups; say map cat /proc/self/uid_map; say gidmap cat /proc/self/gid_map
say eff status CapEff; say bnd status CapBnd; say inh status CapInh; say seccomp status Seccomp; say nnp status NoNewPrivs
echo capcat "$(capcat /proc/self/status | grep CapEff | cut -f2)"
say host hostname; say cwd pwd; echo path "$PATH"; echo foo "$FOO"; echo home "$HOME"
say owned ls -ln /srv/app; say net ls /sys/class/net; say pid sh -c 'echo $PPID'
echo keys "$(cat /proc/keys /proc/interrupts /proc/timer_list 2>/dev/null | wc -c)"; echo firmware "$(ls -A /sys/firmware | wc -l)"
sh -c 'echo x > /proc/sys/kernel/printk' 2>/dev/null && echo procsys written || echo procsys refused
say mount mount -t tmpfs none /mnt; say unshare unshare -r true; say unsharem unshare -m true
say shm sh -c 'df --output=size /dev/shm | tail -n 1'; say pts stat -c %t:%T /dev/ptmx; say devptsgid grep -h ' /dev/pts ' /proc/self/mountinfo
echo x > /dev/null && echo null written
if [ "$(uname -m)" = x86_64 ]; then perl -e '
sub say { my ($name, $r) = @_; print "$name ", $r == -1 ? $! : "done", "\n"; }
my $root = "/";
say("keyctl", syscall(250, 0, 0, 0)); say("clone3", syscall(435, 0, 0)); say("bpf", syscall(321, 0, 0, 0)); say("uring", syscall(425, 1, 0));
say("alg", syscall(41, 38, 5, 0)); say("vsock", syscall(41, 40, 1, 0)); say("inet", my $s = syscall(41, 2, 1, 0)); say("chroot", syscall(161, $root));
say("sysmount", syscall(165, $root, $root, $root, 0, 0)); say("newuser", syscall(56, 0x10000000, 0, 0, 0, 0)); my $a = pack("SnNx8", 2, 80, 0x7f000001); say("port80", syscall(49, $s, $a, 16));
say("personality", syscall(135, 0xffffffff)); say("oddpersonality", syscall(135, 0x0040000));'
fi
exit 7
"""
REFUSED = ("keyctl", "bpf", "uring", "alg", "vsock", "sysmount", "newuser", "oddpersonality")


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

    def same(self, have, want, what):
        return self.that(have == want, what, f"have {have!r}\nwant {want!r}")

    def path(self, name):
        return os.path.join(self.where, name)


def layers(s):
    """Debian, and what the probe looks at."""
    with open(base_tar(CACHE), "rb") as f:
        base = Layer("ADD rootfs.tar /", end=False).raw(f.read())
    root = s.path("programs")
    os.makedirs(root)
    engines.must(["tar", "-C", root, "-xf", base_tar(CACHE), "./usr/bin/id", "./usr/bin/cat", "./etc/passwd", "./etc/group"])

    def read(name):
        with open(os.path.join(root, name), "rb") as f:
            return f.read()
    capability = struct.pack("<IIIII", 0x02000001, 1 << NET_RAW, 0, 0, 0)
    more = (Layer("RUN useradd app")
            .file("etc/passwd", read("etc/passwd") + b"app:x:1000:1000::/home/app:/bin/sh\n")
            .file("etc/group", read("etc/group") + b"app:x:1000:\nextra:x:60000:app\nmore:x:7000:root,app\n")
            .file("usr/local/bin/suid-id", read("usr/bin/id"), mode=0o4755)
            .file("usr/local/bin/capcat", read("usr/bin/cat"), mode=0o755, xattrs={CAPABILITY: capability})
            .dir("srv").file("srv/app", b"x", uid=1000, gid=60000))
    return [base, more]


def bundle(s, made, name, user="", **config):
    """The bundle's directory and its config.json; a terminal is none of a test's."""
    image, out = s.path("image.tar"), s.path(name)
    document = make_config(made, user=user)
    document["config"].update(config)
    save_docker_archive(image, made, config=document)
    done = subprocess.run([s.uidfit, "unpack", "--bundle", "--map", MAP, image, out], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    os.unlink(image)
    if not s.that(done.returncode == 0, f"{name}: the bundle is written", done.stdout + done.stderr):
        return None, None, done.stdout + done.stderr
    with open(os.path.join(out, "config.json"), encoding="utf-8") as f:
        document = json.load(f)
    document["process"]["terminal"] = False
    with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as f:
        json.dump(document, f)
    return out, document, done.stdout + done.stderr


def start(s, command, directory):
    """Exit status and the probe's lines. Pipes everywhere: crun before 1.24 gives the host's /dev/null to the container's root."""
    done = subprocess.run([*command, "run", "-b", directory, f"uidfit-test-{os.getpid()}"], input="", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
    said = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    return done.returncode, {k: v.strip() for k, v in said.items()}, done.stdout


def check_probe(s, label, said, output, user):
    """What is so for every user, and for this one."""
    root = user == "root"
    wants = {"seccomp": "2", "nnp": "0", "inh": "0000000000000000", "bnd": DEFAULT_CAPS, "host": "uidfit", "cwd": "/tmp",
             "foo": "a b", "path": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "map": f"0     {BASE}      {COUNT}", "gidmap": f"0     {BASE}      {COUNT}", "net": "lo", "keys": "0", "firmware": "0",
             "procsys": "refused", "shm": "65536", "null": "written",
             "eff": DEFAULT_CAPS if root else "0" * 16, "capcat": DEFAULT_CAPS if root else f"{1 << NET_RAW:016x}",
             "home": "/root" if root else "/home/app"}
    for key, want in wants.items():
        s.same(said.get(key), want, f"{label}: {key}")
    ids = {"root": "uid=0(root) gid=0(root) groups=0(root)",
           "app": "uid=1000(app) gid=1000(app) groups=1000(app),7000(more),60000(extra)",
           "1000:60000": "uid=1000(app) gid=60000(extra) groups=60000(extra)"}[user]
    more = ",7000(more)" if root else ""  # root stands in the group more
    s.same(said.get("id"), ids + more, f"{label}: id")
    s.that(root or "euid=0(root)" in said.get("suid", ""), f"{label}: a set-user-ID program is root", output)
    s.that(" 1000 60000 " in said.get("owned", ""), f"{label}: the image's owner inside", said.get("owned"))
    s.that(f"gid={BASE + 5}" in said.get("devptsgid", ""), f"{label}: devpts belongs to tty", said.get("devptsgid"))
    for key in ("mount", "unshare", "unsharem"):
        s.that(any(w in said.get(key, "") for w in ("denied", "not permitted", "must be superuser")), f"{label}: {key} is refused", said.get(key))
    if "keyctl" not in said:
        return
    for key in REFUSED:
        s.same(said.get(key), "Operation not permitted", f"{label}: {key}")
    s.same(said.get("clone3"), "Function not implemented", f"{label}: clone3")
    s.same(said.get("chroot"), "done" if root else "Operation not permitted", f"{label}: chroot")
    for key in ("inet", "port80", "personality"):
        s.same(said.get(key), "done", f"{label}: {key}")


def check_document(s, document, runc):
    """config.json beside `runc spec`: what that one mounts and separates, ours does."""
    folder = s.path("spec")
    os.makedirs(folder)
    engines.must([*runc, "spec", "-b", folder])
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        theirs = json.load(f)
    kinds = {n["type"] for n in document["linux"]["namespaces"]}
    s.that({n["type"] for n in theirs["linux"]["namespaces"]} <= kinds and "user" in kinds, "config.json: the namespaces of runc spec", str(kinds))
    s.that({m["destination"] for m in theirs["mounts"]} <= {m["destination"] for m in document["mounts"]}, "config.json: the mounts of runc spec")
    s.that(set(theirs["linux"]["readonlyPaths"]) <= set(document["linux"]["readonlyPaths"]), "config.json: the read-only paths of runc spec")
    s.that(set(theirs["linux"]["maskedPaths"]) <= set(document["linux"]["maskedPaths"]), "config.json: the masked paths of runc spec")
    s.same(document["annotations"].get("org.opencontainers.image.stopSignal"), "SIGQUIT", "config.json: the stop signal")
    s.same(document["annotations"].get("org.opencontainers.image.exposedPorts"), "80/tcp", "config.json: the ports")
    s.same(document["annotations"].get("k"), "v", "config.json: a label")
    s.that("run.oci.keep_original_groups" not in document["annotations"], "config.json: no label that a runtime obeys")
    s.same([(m["hostID"], m["containerID"], m["size"]) for m in document["linux"]["uidMappings"]], [(BASE, 0, COUNT)], "config.json: the map")


def crun_command(s):
    """crun, in a mount namespace whose cgroups are the second version's: it takes no mixture."""
    crun, = engines.need("crun")
    script = s.path("crun.sh")
    with open(script, "w", encoding="ascii") as f:
        f.write('mount --make-rprivate / && umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"\n')
    done = engines.run(["unshare", "-m", "sh", script, "true"])
    if done.returncode:
        raise engines.Unavailable("no cgroup2 to be mounted for crun: " + engines.last_line(done.stdout))
    return ["unshare", "-m", "sh", script, crun, "--root", s.path("crun-state"), "--cgroup-manager=disabled"]


def everything(s, only):
    made = layers(s)
    config = {"Entrypoint": ["sh", "-c"], "Cmd": [PROBE], "WorkingDir": "/tmp", "Env": ["FOO=a b"], "StopSignal": "SIGQUIT",
              "ExposedPorts": {"80/tcp": {}}, "Labels": {"k": "v", "run.oci.keep_original_groups": "1"}}
    runc = [engines.need("runc")[0], "--root", s.path("runc-state")]
    null = os.stat("/dev/null")
    runtimes = {"runc": runc}
    try:
        runtimes["crun"] = crun_command(s)
    except engines.Unavailable as e:
        s.skipped += 1
        print(f"skip crun: {e}")
    for user in ("root", "app", "1000:60000"):
        directory, document, said = bundle(s, made, "bundle-" + user.replace(":", "-"), user=user, **config)
        if not directory:
            continue
        s.that("run.oci.keep_original_groups" in said, f"{user}: the label left out is told", said)
        if user == "root":
            check_document(s, document, runc)
        for name, command in runtimes.items():
            if only not in (None, name):
                continue
            if name == "crun":  # no cgroups are managed there, and none of the first version stand in that namespace
                document["mounts"] = [m for m in document["mounts"] if m["type"] != "cgroup"]
                document["linux"].pop("resources", None)
                with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as f:
                    json.dump(document, f)
            status, said, output = start(s, command, directory)
            if s.that(status == 7, f"{name}, {user}: the exit status is the probe's", f"{status}\n{output}"):
                check_probe(s, f"{name}, {user}", said, output, user)
        engines.remove_tree(directory)
    after = os.stat("/dev/null")
    s.same((after.st_uid, after.st_gid, after.st_mode), (null.st_uid, null.st_gid, null.st_mode), "the host's /dev/null is as before")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("--only", choices=("runc", "crun"))
    a = p.parse_args()
    engines.end_by_exception()
    with tempfile.TemporaryDirectory(prefix="uidfit-bundle-") as where:
        os.chmod(where, 0o711)  # the container's root walks to its bundle
        s = Suite(os.path.abspath(a.uidfit), where)
        try:
            engines.need_root()
            everything(s, a.only)
        except engines.Unavailable as e:
            s.skipped += 1
            print(f"skip: {e}")
        print(f"{s.passed} passed, {s.failed} failed" + (f", {s.skipped} skipped" if s.skipped else ""))
        return 1 if s.failed else 0


if __name__ == "__main__":
    sys.exit(main())
