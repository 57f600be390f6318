#!/usr/bin/env python3
"""The images that guides and bug reports describe, built by a real dockerd and offered to one with userns-remap.

    tests/engines/guides.py [--uidfit PATH] [--only TEXT] [--keep DIR]

Each Dockerfile below is built by the classic builder on a Debian base (tests/lib/debian.py) and saved; the archive of all is kept in the
cache under a hash of what it was made from, and the fix suite takes it too. Each is then loaded and pulled by the remapped daemon,
started where it loads, and asked of `uidfit check`: verdict, layer, step, visibility and the engine's own line must agree.
npm 9.1.1 runs as root in the image's own build, from a cache that the host's npm has filled, so that no build needs a network.
"""
import argparse
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import engines
import debian

CACHE = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")
NPM = "npm@9.1.1"
PACKAGES = {"content-type": "1.0.4", "cookie-signature": "1.0.6", "asynckit": "0.4.0", "express": "4.18.2"}
INSTALL = "node /opt/n9/node_modules/npm/bin/npm-cli.js install --offline --cache /opt/npm-cache"
UNMAPPED = "Container ID %d cannot be mapped to a host ID"
NPM_OWNERS = {"path": "/usr/src/app/node_modules/content-type/index.js", "uid": 1516583083, "gid": 0, "step": "npm-cli.js install"}


class Guide:
    """name; lines behind FROM; base: the image to begin with.
    stops: the id that the load stops at, or None; runs: the end of `docker run`'s line, or None where it starts;
    findings: what uidfit must tell: path, uid, gid (or subject for USER), step (part of created_by), seen, later: a part of the
    step that hides it. nothing_left: ids that no find in the finished image shows."""

    def __init__(self, name, lines, base="uidfit/base", stops=None, runs=None, findings=(), nothing_left=(), context=None):
        self.name, self.lines, self.base, self.stops, self.runs = name, lines, base, stops, runs
        self.findings, self.nothing_left, self.context = findings, nothing_left, context

    @property
    def tag(self):
        return "uidfit/" + self.name

    @property
    def dockerfile(self):
        return f"FROM {self.base}\n" + "\n".join(self.lines) + "\n"


VERYHIGH = ["RUN groupadd veryhigh -g 1000000", "RUN useradd -l -r -u 1000000 -g veryhigh veryhigh"]
# cap_net_bind_service: perl calls setxattr(2), for no minimal base has setcap. Of version 2, which dockerd makes of any when it commits.
SETCAP = ("""perl -e '$n = `uname -m` =~ /x86_64/ ? 188 : 5; $k = "security.capability"; """
          """$v = pack("V5", 0x02000001, 1024, 0, 0, 0); syscall($n, $ARGV[0], $k, $v, 20, 0) == 0 or die $!' """)
NO_USER = "unable to setup user: cannot set uid to unmapped user in user namespace: unknown."

GUIDES = [
    Guide("plain", ["RUN touch /testfile"]),
    Guide("high-uid", VERYHIGH + ["RUN touch /testfile", "RUN chown veryhigh:veryhigh /testfile"], stops=1000000, findings=[
        {"path": "/testfile", "uid": 1000000, "gid": 1000000, "step": "chown veryhigh:veryhigh /testfile", "seen": "visible"}]),
    # The advice to give it back in a new layer: the layer below stays as it is.
    Guide("high-uid-chowned-later", ["RUN chown root:root /testfile"], base="uidfit/high-uid", stops=1000000, findings=[
        {"path": "/testfile", "uid": 1000000, "gid": 1000000, "step": "chown veryhigh:veryhigh /testfile", "seen": "replaced",
         "later": "chown root:root /testfile"}], nothing_left=[1000000]),
    Guide("removed-later", ["RUN touch /tmp/interim && chown 2000000:3000000 /tmp/interim", "RUN rm /tmp/interim"], stops=2000000, findings=[
        {"path": "/tmp/interim", "uid": 2000000, "gid": 3000000, "step": "chown 2000000:3000000", "seen": "removed", "later": "rm /tmp/interim"}],
        nothing_left=[2000000, 3000000]),
    Guide("copy-chown", ["COPY --chown=1000000:5 note /note"], stops=1000000, context={"note": "x"}, findings=[
        {"path": "/note", "uid": 1000000, "gid": 5, "step": "COPY", "seen": "visible"}]),
    Guide("user-number", ["USER 1000000"], runs=NO_USER, findings=[{"user": "1000000", "uid": 1000000}]),
    Guide("user-name", VERYHIGH + ["USER veryhigh"], runs=NO_USER, findings=[{"user": "veryhigh", "uid": 1000000}]),
    Guide("user-that-fits", ["RUN useradd -l -u 65535 -U last", "USER last"]),
    Guide("own-files", VERYHIGH + ["RUN mkdir -m 700 /home/veryhigh && echo mine >/home/veryhigh/own && chown -R veryhigh:veryhigh /home/veryhigh",
                                   "USER veryhigh"], stops=1000000, findings=[
        {"path": "/home/veryhigh/own", "uid": 1000000, "gid": 1000000, "step": "echo mine", "seen": "visible"},
        {"user": "veryhigh", "uid": 1000000}]),
    Guide("own-files-by-number", ["USER 1000000:1000000"], base="uidfit/own-files", stops=1000000, findings=[
        {"user": "1000000:1000000", "uid": 1000000}]),
    Guide("setuid", ["RUN cp /bin/true /usr/bin/tool && chown 70000:80000 /usr/bin/tool && chmod 6755 /usr/bin/tool",
                     f"RUN cp /bin/true /usr/bin/capable && chown 70000 /usr/bin/capable && {SETCAP} /usr/bin/capable"], stops=70000, findings=[
        {"path": "/usr/bin/tool", "uid": 70000, "gid": 80000, "step": "chmod 6755", "seen": "visible"}]),
    Guide("npm", [f"RUN {INSTALL}"], base="uidfit/npm-base", stops=1516583083, findings=[dict(NPM_OWNERS, seen="visible")]),
    Guide("npm-chowned-later", ["RUN chown -R root:root ."], base="uidfit/npm", stops=1516583083, findings=[
        dict(NPM_OWNERS, seen="replaced", later="chown -R root:root .")], nothing_left=[1516583083]),
    Guide("npm-chowned-in-step", [f"RUN {INSTALL} && chown -R root:root ."], base="uidfit/npm-base"),
]

BASES = ["uidfit/base", "uidfit/npm-base"]


class Tests:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, what, detail=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print("FAIL", what + (f": {detail}" if detail else ""), flush=True)
        return good


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def npm_context():
    """The folder with npm 9.1.1 and a filled cache: the host's npm fetches both, by its own configuration."""
    folder = os.path.join(CACHE, NPM.replace("@", "-"))
    if os.path.exists(folder + "/done"):
        return folder
    npm, node = engines.need("npm", "node")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="npm-") as work:
        def fetch(command, cwd):
            done = engines.run(command, cwd=cwd, timeout=300)
            if done.returncode:
                raise engines.Unavailable(f"npm could not fetch: {engines.last_line(done.stdout)}")
        fetch([npm, "install", "--no-audit", "--no-fund", "--prefix", work + "/context/n9", NPM], work)
        manifest = json.dumps({"name": "app", "version": "1.0.0", "dependencies": PACKAGES})
        for path in ("/app/package.json", "/context/package.json"):
            write(work + path, manifest)
        fetch([node, work + "/context/n9/node_modules/npm/bin/npm-cli.js", "install", "--no-audit", "--no-fund",
               "--cache", work + "/context/npm-cache"], work + "/app")
        # The cache's keys are addresses: the same registry must be named in the build, though it is not asked.
        registry = engines.must([npm, "config", "get", "registry"], stderr=subprocess.DEVNULL).strip()
        write(work + "/context/npmrc", f"registry={registry}\naudit=false\nfund=false\nupdate-notifier=false\n")
        write(work + "/context/Dockerfile", "FROM uidfit/base\nCOPY n9 /opt/n9\nCOPY npm-cache /opt/npm-cache\nCOPY npmrc /root/.npmrc\n"
              "WORKDIR /usr/src/app\nCOPY package.json ./\n")
        write(work + "/context/done", "")
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(work + "/context", folder)
    return folder


def build(builder, guide, work):
    """Builds the guide's image; its RUN steps have no network."""
    context = os.path.join(work, "context-" + guide.name)
    write(context + "/Dockerfile", guide.dockerfile)
    for name, text in (guide.context or {}).items():
        write(os.path.join(context, name), text)
    builder.docker("build", "-q", "--network", "none", "-t", guide.tag, context)


def made_from(base):
    """A hash of all that the archive of the guides' images depends on."""
    parts = [NPM, json.dumps(PACKAGES, sort_keys=True), str(os.stat(base).st_size), str(os.stat(base).st_mtime_ns)]
    parts += [g.tag + "\n" + g.dockerfile + json.dumps(g.context) for g in GUIDES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def built():
    """The path of one archive (`docker save`) of the bases and every guide's image, built by a dockerd without a map where the
    cache does not hold it."""
    engines.need("debootstrap", "tar")
    os.makedirs(CACHE, exist_ok=True)
    base = debian.base_tar(CACHE, ("nodejs",))
    path = os.path.join(CACHE, f"guides-{made_from(base)}.tar")
    if os.path.exists(path):
        return path
    context, part = npm_context(), f"{path}.{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="uidfit-guides-") as work, engines.Dockerd(remap=False) as builder:
        builder.docker("import", base, "uidfit/base")
        builder.docker("build", "-q", "--network", "none", "-t", "uidfit/npm-base", context)
        for guide in GUIDES:
            build(builder, guide, work)
        try:
            builder.docker("save", "-o", part, *BASES, *(g.tag for g in GUIDES))
            for old in glob.glob(os.path.join(CACHE, "guides-*.tar")):
                os.unlink(old)
            os.rename(part, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
    return path


def nothing_left(builder, guide, tests):
    for value in guide.nothing_left:
        out = builder.docker("run", "--rm", "--network", "none", guide.tag, "find", "/", "-xdev", "(", "-uid", str(value), "-o", "-gid", str(value), ")")
        tests.check(not out.strip(), f"{guide.name}: find shows nothing of {value} in the finished image", out[:200])


def ask_uidfit(uidfit, target, map_text, path):
    done = subprocess.run([uidfit, "check", "--format", "json", "--for", target, "--map", map_text, path],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
    try:
        return done.returncode, json.loads(done.stdout)["results"][0]
    except (ValueError, LookupError):
        return done.returncode, {"error": done.stdout.decode(errors="replace")[-500:] + done.stderr.decode(errors="replace")[-500:]}


def engine_lines(result, when):
    return [e["line"] for e in result["targets"][0].get("engine_errors", []) if when in e["when"]]


def said(lines, answer):
    """One of the lines, as it stands, in what the engine printed."""
    return any(line and line in answer.output for line in lines)


def check_finding(tests, guide, result, wanted):
    name = guide.name
    if "user" in wanted:
        user = result["user"]
        tests.check(user["config"] == wanted["user"] and user["uid"] == wanted["uid"], f"{name}: USER", json.dumps(user))
        tests.check(any(f["rule"] == "user-outside-map" and f["uid"] == wanted["uid"] for f in result["findings"]), f"{name}: rule user-outside-map")
        return
    found = [f for f in result["findings"] if f["path"] == wanted["path"] and f["rule"] == "owner-outside-map"]
    if not tests.check(len(found) == 1, f"{name}: one finding for {wanted['path']}", json.dumps(found)):
        return
    found = found[0]
    tests.check((found["uid"], found["gid"]) == (wanted["uid"], wanted["gid"]), f"{name}: ids", f"{found['uid']}:{found['gid']}")
    tests.check(wanted["step"] in (found["created_by"] or ""), f"{name}: step", found["created_by"])
    tests.check(found["visibility"] == wanted["seen"], f"{name}: visibility", found["visibility"])
    layer = result["layers"][found["layer"]]
    tests.check(wanted["step"] in (layer["created_by"] or "") and layer["findings"] > 0, f"{name}: layer {found['layer']}", json.dumps(layer))
    later = result["layers"][found["by_layer"]]["created_by"] if found["by_layer"] is not None else None
    if wanted["seen"] == "visible":
        tests.check(later is None, f"{name}: hidden by no layer", later)
    else:
        tests.check(wanted["later"] in (later or ""), f"{name}: hidden by", later)


def offer(remapped, registry, guide, archive, tests):
    """The remapped daemon's answers: (load, pull, run or None)."""
    loaded = remapped.load(archive, forget=False)
    tests.check(loaded.accepted == (guide.stops is None), f"{guide.name}: docker load", loaded.line)
    reference = registry.push("docker-archive:" + archive, f"{guide.name}:1")
    if guide.stops is not None:
        wanted = "Error processing tar file(exit status 1): " + UNMAPPED % guide.stops
        tests.check(loaded.line == wanted or not loaded.line.startswith("Error processing"), f"{guide.name}: load's line", loaded.line)
        pulled = remapped.pull(reference)
        tests.check(not pulled.accepted and UNMAPPED % guide.stops in pulled.line, f"{guide.name}: pull's line", pulled.line)
        return loaded, pulled, None
    pulled = remapped.pull(reference)
    tests.check(pulled.accepted, f"{guide.name}: pull", pulled.line)
    started = remapped.start(guide.tag, "true")
    tests.check(started.accepted == (guide.runs is None), f"{guide.name}: docker run", started.line)
    if guide.runs:
        tests.check(started.line.endswith(guide.runs), f"{guide.name}: run's line", started.line)
    remapped.request("DELETE", f"/images/{reference}?force=1")
    remapped.request("DELETE", f"/images/{guide.tag}?force=1")
    return loaded, pulled, started


def check_uidfit(tests, guide, side, archive, answers):
    uidfit, target, map_text = side
    status, result = ask_uidfit(uidfit, target, map_text, archive)
    if not tests.check("error" not in result, f"{guide.name}: uidfit", result.get("error")):
        return
    loaded, pulled, started = answers
    fits = guide.stops is None and guide.runs is None
    tests.check(result["fits"] == fits and status == (0 if fits else 1), f"{guide.name}: verdict", f"exit {status}, fits {result['fits']}")
    for wanted in guide.findings:
        check_finding(tests, guide, result, wanted)
    owners = [f for f in result["findings"] if f["rule"] == "owner-outside-map"]
    tests.check(bool(owners) == (guide.stops is not None), f"{guide.name}: owners outside", f"{len(owners)}")
    if guide.stops is not None:
        tests.check(said(engine_lines(result, "load"), loaded), f"{guide.name}: load's line foretold", str(engine_lines(result, "")))
        tests.check(said(engine_lines(result, "pull"), pulled), f"{guide.name}: pull's line foretold", str(engine_lines(result, "")))
    if guide.runs:
        tests.check(said(engine_lines(result, ""), started), f"{guide.name}: run's line foretold", str(engine_lines(result, "")))


def run(args):
    tests = Tests()
    engines.need_root()
    start = time.monotonic()

    def progress(text):
        print(f"[{time.monotonic() - start:4.0f} s] {text}", flush=True)

    chosen = [g for g in GUIDES if args.only in g.name]
    engines.need("skopeo")
    images = built()
    progress(f"the images are built: {os.path.basename(images)}")
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix="uidfit-guides-"))
        builder = stack.enter_context(engines.Dockerd(remap=False))
        remapped = stack.enter_context(engines.Dockerd())
        registry = stack.enter_context(engines.Registry())
        first, count = remapped.base
        side = (args.uidfit, "docker@" + re.match(r"\d+\.\d+", remapped.version).group(), f"0:{first}:{count}")
        tests.check(builder.load(images, forget=False).accepted, "what docker save wrote loads")
        # The base is taken once; what follows is asked layer by layer on top of it.
        archive = os.path.join(work, "image.tar")
        builder.docker("save", "-o", archive, "uidfit/npm-base")
        tests.check(remapped.load(archive, forget=False).accepted, "the base image loads")
        progress("two daemons and the base images are up")
        for guide in chosen:
            before = tests.failed
            nothing_left(builder, guide, tests)
            builder.docker("save", "-o", archive, guide.tag)
            answers = offer(remapped, registry, guide, archive, tests)
            if args.uidfit:
                check_uidfit(tests, guide, side, archive, answers)
            if args.keep and tests.failed > before:
                os.makedirs(args.keep, exist_ok=True)
                shutil.copy(archive, os.path.join(args.keep, guide.name + ".tar"))
            progress(f"{'ok  ' if tests.failed == before else 'FAIL'} {guide.name}: {answers[0].line}" +
                     (f"; {answers[2].line or 'starts'}" if answers[2] else ""))
    return tests


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"), help='the program; "" asks only the engines')
    p.add_argument("--only", default="", metavar="TEXT", help="guides with this in their name")
    p.add_argument("--keep", metavar="DIR", help="where images of failures go")
    args = p.parse_args()
    engines.end_by_exception()
    try:
        tests = run(args)
    except engines.Unavailable as e:
        print(f"skip guides: {e}\n0 passed, 0 failed, 1 skipped")
        return 0
    print(f"{tests.passed} passed, {tests.failed} failed")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
