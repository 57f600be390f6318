#!/usr/bin/env python3
"""Provokes the real engines, and asks uidfit what their words mean.

    tests/explain/real.py [--uidfit PATH] [--only TEXT] [--show]

Each case below makes an engine of Debian fail in its own way and hands all that it printed to `uidfit explain --format json -`:
cause, blame, ids and path must be the true ones, which the case knows because it made the failure. Where an image took part, `--image`
must find the entry. An engine that cannot run here is skipped, with its reason.
"""
import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "engines"), os.path.join(TOP, "tests", "lib")]
import engines  # noqa: E402
import guides  # noqa: E402
from mkimage import ACL_ACCESS, Layer, acl, save_docker_archive, save_oci  # noqa: E402

MEMORY = 256 << 20
PASSWD = b"root:x:0:0::/:/bin/sh\nhigh:x:1000000:1000000::/:/bin/sh\nmany:x:1000:1000::/:/bin/sh\n"
GROUP = b"root:x:0:\nhigh:x:1000000:\nfar:x:70001:many\n"


class Tests:
    def __init__(self, uidfit, only, show):
        self.uidfit, self.only, self.show = uidfit, only, show
        self.passed = self.failed = self.skipped = 0

    def fail(self, name, what):
        self.failed += 1
        print(f"FAIL {name}: {what}", flush=True)

    def explain(self, text, *options):
        done = subprocess.run([self.uidfit, "explain", "--format", "json", *options, "-"], input=text.encode(errors="replace"),
                              capture_output=True, check=False, timeout=120)
        try:
            return done.returncode, json.loads(done.stdout)["matches"]
        except (ValueError, KeyError):
            return done.returncode, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")

    def check(self, name, text, image=None, **wanted):
        """The first match must have every key of wanted; "join", "entry" and "step" are about --image."""
        if self.only not in name:
            return
        join = {k: wanted.pop(k) for k in ("join", "entry", "step", "layer_found") if k in wanted}
        status, matches = self.explain(text)
        if status or not matches:
            self.fail(name, f"exit {status}, nothing recognised in:\n{text[-1500:]}")
            return
        wrong = {k: matches[0].get(k) for k, v in wanted.items() if matches[0].get(k) != v}
        if wrong:
            self.fail(name, f"{wrong}, not {wanted}\n{text[-1500:]}")
            return
        if image and not self.join(name, text, image, join):
            return
        self.passed += 1
        print(f"ok   {name}: {matches[0]['family']}, {matches[0]['cause']}" + (f", {matches[0]['versions']}" if matches[0]["versions"] else ""),
              flush=True)
        if self.show:
            print("     " + "\n     ".join(text.strip().splitlines()[-4:]))

    def join(self, name, text, image, wanted):
        status, matches = self.explain(text, "--image", image)
        got = matches[0].get("image") if not isinstance(matches, str) and matches else None
        if status or not got:
            self.fail(name, f"--image: exit {status}: {matches}")
            return False
        entry = (got["entries"] or [{}])[0]
        found = {"join": got["made_by"], "entry": entry.get("path"), "step": entry.get("created_by"), "layer_found": entry.get("layer")}
        wrong = {k: found[k] for k, v in wanted.items() if found[k] != v}
        if wrong:
            self.fail(name, f"--image: {wrong}, not {wanted}")
        return not wrong

    @contextlib.contextmanager
    def engine(self, name):
        """A group of cases with an engine that may not run here."""
        try:
            yield
        except engines.Unavailable as e:
            self.skipped += 1
            print(f"skip {name}: {str(e).splitlines()[-1] if str(e) else e}", flush=True)
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            self.fail(name, repr(e)[-1500:])


def base():
    return Layer("ADD base in /").root().dir("etc").file("etc/passwd", PASSWD).file("etc/group", GROUP)


def images(work):
    """The images, by name: docker-archives; umoci's are OCI layouts."""
    made = {
        "interim": [base(), Layer("RUN touch /tmp/interim").dir("tmp").file("tmp/interim", uid=2000000, gid=3000000),
                    Layer("RUN rm /tmp/interim").whiteout("tmp/interim")],
        "npm": [base(), Layer("RUN npm ci").dir("app").file("app/HISTORY.md", b"x", uid=1516583083, how="pax")],
        "small": [base(), Layer("RUN x").file("etc/shadow", b"", gid=42)],
        "gid": [base(), Layer("RUN y").dir("srv").file("srv/g", b"", uid=5, gid=80000)],
        "acl": [base(), Layer("RUN setfacl").file("f", b"x", xattrs={ACL_ACCESS: acl({4294967295: 7})})],
        "fits": [base(), Layer("COPY x").file("x", b"x", uid=99, gid=99).dir("d").file("d/y", b"y", uid=99, gid=99)],
        "user": [base(), Layer("USER").file("y", b"")],
        "groups": [base(), Layer("USER groups").file("z", b"")],
    }
    users = {"user": "high", "groups": "many"}
    for name, layers in made.items():
        save_docker_archive(f"{work}/{name}.tar", layers, tags=[f"explain/{name}:1"], user=users.get(name, ""))
    for name in ("interim", "gid"):
        save_oci(f"{work}/{name}.oci", made[name], tag="latest")
    return lambda name: f"{work}/{name}.tar"


def build(daemon, work, lines, files=None):
    context = tempfile.mkdtemp(dir=work)
    for name, text in {**(files or {}), "Dockerfile": "\n".join(lines) + "\n"}.items():
        if text is not None:
            with open(f"{context}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
    if files and "a.tar" in files:
        with tarfile.open(f"{context}/a.tar", "w") as tar:
            info = tarfile.TarInfo("f")
            info.uid = 1000000
            tar.addfile(info)
    return daemon.docker("build", "--no-cache", context, check=False).stdout


def dockerd_loads(t, daemon, image):
    t.check("dockerd load", daemon.load(image("npm")).line, image("npm"), cause="image-owner", blame="image", engine="docker", id=1516583083,
            id_kind="unknown", versions="1.12 to 23.0", join="entry", entry="/app/HISTORY.md", step="RUN npm ci")
    t.check("dockerd load, removed later", daemon.load(image("interim")).line, image("interim"), cause="image-owner", blame="image", id=2000000,
            join="entry", entry="/tmp/interim", layer_found=1)
    t.check("dockerd load, ACL", daemon.load(image("acl")).line, image("acl"), cause="acl", blame="image", id=None, path=None, join="maybe",
            entry="/f")
    t.check("dockerd load, another image", daemon.load(image("npm")).line, image("fits"), cause="image-owner", join="nothing")
    with engines.Registry() as registry:
        pulled = daemon.pull(registry.push("docker-archive:" + image("interim"), "interim:1"))
        t.check("dockerd pull", pulled.output, image("interim"), cause="image-owner", blame="image", id=2000000, engine="docker", layer=1,
                join="entry", entry="/tmp/interim", layer_found=1)


def dockerd_runs(t, daemon, image):
    for name in ("fits", "user", "groups"):
        daemon.load(image(name), forget=False)
    t.check("docker run, USER", daemon.start("explain/user:1", "true").output, image("user"), cause="process-user", blame="image", id_kind="uid",
            engine="docker", join="user")
    # What the words alone say is the image; the image itself says that it was the command.
    t.check("docker run --user", daemon.start("explain/fits:1", "true", options=("--user", "0:70000")).output, image("fits"),
            cause="process-user", id_kind="gid", join="nothing")
    t.check("docker run, group file", daemon.start("explain/groups:1", "true").output, image("groups"), cause="supplementary-group",
            blame="image", join="group")
    t.check("docker run --group-add", daemon.start("explain/fits:1", "true", options=("--group-add", "70000")).output, image("fits"),
            cause="supplementary-group", join="nothing")
    t.check("docker run --user too large", daemon.start("explain/fits:1", "true", options=("--user", "4294967296")).output,
            cause="process-user")
    t.check("docker run --user nosuch", daemon.start("explain/fits:1", "true", options=("--user", "nosuch")).output, cause="process-user")
    t.check("docker run --privileged", daemon.start("explain/fits:1", "true", options=("--privileged",)).output, blame="command")


def dockerd_builds(t, daemon, image, work):
    first = daemon.base[0]
    for name, what in (("file", "/x /y"), ("directory", "/d /e")):
        out = build(daemon, work, ["FROM explain/fits:1 AS a", "FROM scratch", f"COPY --from=a {what}"])
        t.check(f"classic builder, COPY --from of a {name}", out, image("fits"), cause="double-mapping", blame="engine", id=first + 99,
                engine="docker-builder", join="nothing", entry="/x")
    out = build(daemon, work, ["FROM explain/fits:1", "COPY --chown=1000000 f /z"], {"f": "1"})
    t.check("classic builder, --chown", out, cause="image-owner", blame="build", id=1000000)
    out = build(daemon, work, ["FROM explain/fits:1", "ADD a.tar /z"], {"a.tar": None})
    t.check("classic builder, ADD of an archive", out, cause="archive-owner", blame="build", id=1000000)


def dockerd(t, image, work):
    with t.engine("dockerd"), engines.Dockerd() as daemon:
        dockerd_loads(t, daemon, image)
        dockerd_runs(t, daemon, image)
        dockerd_builds(t, daemon, image, work)
    with t.engine("dockerd on vfs"), engines.Dockerd(driver="vfs") as daemon:
        t.check("dockerd load, vfs", daemon.load(image("interim")).line, image("interim"), cause="image-owner", id=2000000, join="entry",
                entry="/tmp/interim")


def dockerd_refuses(t):
    for name, remap, cause in (("no such user", "uidfit-nosuch", "subid-missing"), ("no ranges", "games", "subid-missing"),
                               ("malformed", "a:b:c", "subid-missing")):
        try:
            with engines.Dockerd(more={"userns-remap": remap}):
                t.fail(f"dockerd, {name}", "it started")
        except engines.Unavailable as e:
            if "did not come up" in str(e):
                t.check(f"dockerd, {name}", str(e), cause=cause, blame="host")
            else:
                raise


def podman(t, image):
    with t.engine("podman"), engines.Podman() as p:
        t.check("podman pull", p.load(image("interim")).output, image("interim"), cause="image-owner", blame="image", uid=2000000, gid=3000000,
                path="/tmp/interim", engine="podman", join="entry", entry="/tmp/interim", layer_found=1)
        t.check("podman pull, gid", p.load(image("gid")).output, image("gid"), cause="image-owner", uid=5, gid=80000, path="/srv/g", join="entry",
                entry="/srv/g")
        t.check("podman pull, ACL", p.load(image("acl")).output, image("acl"), cause="acl", blame="image", path="/f", join="entry", entry="/f")
        copy = p.dir + "/tmp/npm.tar"
        shutil.copyfile(image("npm"), copy)
        os.chmod(copy, 0o644)
        t.check("podman load", p.podman("load", "-i", copy, check=False).stdout, cause="image-owner", uid=1516583083, gid=0,
                path="/app/HISTORY.md")
        buildah, = engines.need("buildah")
        done = engines.run([*p.prefix, buildah, "--root", p.dir + "/b", "--runroot", p.dir + "/br", "--storage-driver", "vfs", "pull",
                            "docker-archive:" + copy], env=p.env, cwd=p.dir)
        t.check("buildah pull", done.stdout, cause="image-owner", uid=1516583083, gid=0, path="/app/HISTORY.md")
        p.load(image("fits"), forget=False)
        t.check("podman run --user", p.start("explain/fits:1", "true", options=("--user", "0:70000")).output)
    with t.engine("podman without subordinate ids"), engines.Podman(single=True) as p:
        t.check("podman, one id", p.load(image("small")).output, image("small"), cause="single-id-map", blame="host", uid=0, gid=42,
                path="/etc/shadow", join="entry", entry="/etc/shadow")
        # Its pause process holds a namespace already: without it podman makes one anew, and warns.
        p.podman("system", "migrate", check=False)
        warned = engines.run([*p.prefix, p.program, "--root", p.dir + "/s2", "--runroot", p.dir + "/r2", "--storage-driver", "vfs",
                              "--log-level", "warn", "info"], env=p.env, cwd=p.dir).stdout
        t.check("podman, warning", warned, cause="subid-missing", blame="host", engine="podman")
    with t.engine("podman as root"), engines.Podman(rootless=False) as p:
        for name in ("user", "interim"):
            p.load(image(name), forget=False)
        mapped = ("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536")
        t.check("podman --uidmap, USER", p.start("explain/user:1", "true", options=mapped).output, image("user"), cause="process-user",
                blame="image", id=1000000, id_kind="uid", join="user")
        t.check("podman --uidmap, syntax", p.start("explain/user:1", "true", options=("--uidmap", "x")).output, blame="command")
        t.check("podman --userns=auto, no pool", p.start("explain/interim:1", "true", options=("--userns=auto",)).output, cause="subid-missing",
                blame="host")
        # A pool that only this process sees.
        with open(p.dir + "/pool", "w", encoding="ascii") as f:
            f.write("containers:2000000:100000\n")
        p.prefix = ["unshare", "--mount", "sh", "-c", f"mount --bind {p.dir}/pool /etc/subuid && mount --bind {p.dir}/pool /etc/subgid && "
                    'exec "$@"', "sh"]
        t.check("podman --userns=auto", p.start("explain/interim:1", "true", options=("--userns=auto",)).output, image("interim"),
                cause="auto-size", blame="image", id=None, join="maybe", entry="/tmp/interim")
        t.check("podman --userns=auto, USER", p.start("explain/user:1", "true", options=("--userns=auto",)).output, image("user"),
                cause="auto-size", blame="image", join="user")


def umoci(t, image, work):
    with t.engine("umoci"), engines.Umoci() as u:
        t.check("umoci unpack", u.load(f"{work}/interim.oci").output, image("interim"), cause="image-owner", blame="image", id=2000000, id_kind="uid",
                path="tmp/interim", engine="umoci", join="entry", entry="/tmp/interim")
        t.check("umoci unpack, gid", u.load(f"{work}/gid.oci").output, image("gid"), cause="image-owner", id=80000, id_kind="gid", path="srv/g",
                join="entry", entry="/srv/g")


def bundle(work, name, change):
    """A bundle with a map of 65536 ids, root file system and config; change edits the config."""
    runc, = engines.need("runc")
    where = f"{work}/{name}"
    os.makedirs(where + "/rootfs/proc")
    os.chmod(work, 0o755)
    engines.must([runc, "spec"], cwd=where)
    with open(where + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    config["linux"]["namespaces"].append({"type": "user"})
    for key in ("uidMappings", "gidMappings"):
        config["linux"][key] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["process"].update(terminal=False, args=["/true"])
    change(config)
    with open(where + "/config.json", "w", encoding="utf-8") as f:
        json.dump(config, f)
    for root, dirs, files in os.walk(where + "/rootfs"):
        for x in [root] + [os.path.join(root, d) for d in dirs + files]:
            os.chown(x, 100000, 100000)
    return where


def runtimes(t, work):
    cases = (("uid", lambda c: c["process"]["user"].update(uid=70000), "process-user", "uid"),
             ("gid", lambda c: c["process"]["user"].update(gid=70000), "process-user", "gid"),
             ("group", lambda c: c["process"]["user"].update(additionalGids=[70000]), "supplementary-group", "unknown"))
    for program in ("runc", "crun"):
        with t.engine(program):
            path, = engines.need(program)
            for name, change, cause, kind in cases:
                where = bundle(work, f"{program}-{name}", change)
                done = engines.run([path, "--root", work + "/state", "run", "-b", where, f"uidfit-{os.getpid()}-{name}"], timeout=30)
                if done.stdout.startswith("cgroups in hybrid mode"):
                    raise engines.Unavailable(engines.last_line(done.stdout))
                t.check(f"{program}, {name}", done.stdout, cause=cause, id_kind=kind)
    with t.engine("runc without a map"):
        path, = engines.need("runc")
        where = bundle(work, "runc-nomap", lambda c: c["linux"].update(uidMappings=[], gidMappings=[]))
        t.check("runc without a map", engines.run([path, "--root", work + "/state", "run", "-b", where, "x"], timeout=30).stdout, blame="command")


def shadow(t):
    """newuidmap, as a user with a range of its own, over a process in a new namespace."""
    with t.engine("newuidmap"), engines.Podman() as p:
        start, _ = engines.subid_range(p.user)
        script = ('unshare -U sleep 20 & sleep 0.3; newuidmap $! 0 5000 65536; newuidmap $! 0 {0} 10 5 {1} 10; newuidmap $! 0; '
                  'newgidmap $! 0 7000 10; kill $!').format(start, start + 20)
        out = engines.run([*p.prefix, "sh", "-c", script], env=p.env, cwd=p.dir).stdout.splitlines()
        said = {key: "\n".join(x for x in out if key in x) for key in ("uid range", "gid range", "write to", "usage")}
        t.check("newuidmap, foreign range", said["uid range"], cause="subid-mismatch", blame="host", engine="shadow", id_kind="uid")
        t.check("newgidmap, foreign range", said["gid range"], cause="subid-mismatch", blame="host", id_kind="gid")
        t.check("newuidmap, overlap", said["write to"], cause="subid-mismatch", blame="host")
        t.check("newuidmap, usage", said["usage"], blame="command")


def in_one_id(command, **kw):
    """In a user namespace that maps this process alone."""
    unshare, = engines.need("unshare")
    done = engines.run([unshare, "--user", "--map-root-user", *command], **kw)
    if "unshare: " in done.stdout:
        raise engines.Unavailable(engines.last_line(done.stdout))
    return done.stdout


def archive(path, name, uid, gid, more=()):
    with tarfile.open(path, "w:gz") as tar:
        for member, text in ((name, "x"), *more):
            info = tarfile.TarInfo(member)
            info.uid, info.gid, info.size = uid, gid, len(text)
            tar.addfile(info, __import__("io").BytesIO(text.encode()))


def build_steps(t, work):
    where = f"{work}/steps"
    os.makedirs(where)
    with t.engine("tar"):
        archive(where + "/google.tgz", "bin/x", 205001, 89939)
        t.check("tar", in_one_id(["tar", "-C", where, "-xzf", where + "/google.tgz"]), cause="archive-owner", blame="build", uid=205001, gid=89939,
                path="bin/x", engine="tar")
        t.check("chown", in_one_id(["chown", "5:5", where + "/google.tgz"]), cause="map-too-small", blame="host", path=where + "/google.tgz")
        engines.run(["tar", "--format=ustar", "--owner=4000000", "-C", where, "-cf", "/dev/null", "google.tgz"])
        out = engines.run(["tar", "--format=ustar", "--owner=u:4000000", "--group=g:5", "-C", where, "-cf", where + "/w.tar", "google.tgz"]).stdout
        t.check("tar, ustar", out, cause="writer-limit", blame="build", id=4000000, id_kind="uid")
    with t.engine("npm"):
        node, = engines.need("node")
        os.makedirs(guides.CACHE, exist_ok=True)
        npm = guides.npm_context() + "/n9/node_modules/npm/bin/npm-cli.js"
        archive(where + "/p.tgz", "package/index.js", 1516583083, 5,
                (("package/package.json", '{"name":"p","version":"1.0.0"}'),))
        os.makedirs(where + "/app")
        with open(where + "/app/package.json", "w", encoding="utf-8") as f:
            f.write('{"name":"a","version":"1.0.0"}')
        env = dict(os.environ, HOME=where, npm_config_cache=where + "/cache", npm_config_update_notifier="false")
        out = in_one_id([node, npm, "install", "--offline", "--no-audit", "--no-fund", where + "/p.tgz"], cwd=where + "/app", env=env)
        t.check("npm", out, cause="archive-owner", blame="build", engine="npm")


def sizes(t):
    """A log of 100 MB, and the same as one line, within a bound on memory: the one message behind it is found, and nothing else."""
    line = b"2026-11-23T06:14:23Z #12 4.2 Setting up libssl3:amd64 (3.0.17) ... chown -R 1000:1000 /app && tar: x: Cannot open\n"
    last = b"failed to register layer: Error processing tar file(exit status 1): Container ID 1000000 cannot be mapped to a host ID\n"
    for name, block in (("100 MB of lines", line * 9000), ("a line of 100 MB", (line * 9000).replace(b"\n", b" ")), ("100 MB of zeros", bytes(1 << 20))):
        for end, count in ((b"", 0), (last, 1)):
            if t.only not in name:
                continue
            p = subprocess.Popen([t.uidfit, "explain", "--format", "json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
            with contextlib.suppress(BrokenPipeError):
                for _ in range(100):
                    p.stdin.write(block)
                p.stdin.write(end)
                p.stdin.close()
            out = p.stdout.read()
            status = p.wait(300)
            found = [m["id"] for m in json.loads(out)["matches"]] if out.startswith(b"{") else out[-300:]
            if status != (0 if count else 3) or found != [1000000] * count:
                t.fail(name, f"exit {status}, {found}, not {count} matches")
            else:
                t.passed += 1
                print(f"ok   {name}, {count} messages", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"))
    p.add_argument("--only", default="", metavar="TEXT", help="cases with this in their name")
    p.add_argument("--show", action="store_true", help="print what the engines said")
    args = p.parse_args()
    t = Tests(os.path.abspath(args.uidfit), args.only, args.show)
    try:
        engines.need_root()
    except engines.Unavailable as e:
        print(f"skip explain: {e}\n0 passed, 0 failed, 1 skipped")
        return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="uidfit-explain-") as work:
        image = images(work)
        for group in (lambda: dockerd(t, image, work), lambda: podman(t, image), lambda: umoci(t, image, work), lambda: runtimes(t, work),
                      lambda: shadow(t), lambda: build_steps(t, work), lambda: sizes(t)):
            group()
            print(f"[{time.monotonic() - start:4.0f} s]", flush=True)
        with t.engine("dockerd that does not start"):
            dockerd_refuses(t)
    print(f"{t.passed} passed, {t.failed} failed, {t.skipped} skipped")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
