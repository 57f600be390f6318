#!/usr/bin/env python3
"""Dockerfiles of real shapes, what uidfit lint says of them, and patches that dockerd builds.

    tests/lint/run.py [--uidfit PATH] [--update] [--only TEXT] [--no-engine]

cases/NAME holds Dockerfile, options (more of the command line), expected (what is printed) and patch; neither file: nothing is said.
--update writes both. --fix must give the file that the patch gives, and lint of that file must offer no further patch.
"""
import argparse
import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TOP, "tests", "engines"), os.path.join(TOP, "tests", "lib")]
import engines  # noqa: E402
import debian  # noqa: E402
from mkimage import Layer, save_docker_archive  # noqa: E402

CACHE = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")


class Tests:
    def __init__(self, options):
        self.options = options
        self.passed = self.failed = self.skipped = 0

    def check(self, good, what, detail=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL {what}: {detail}", flush=True)
        return good

    def lint(self, folder, *more):
        done = subprocess.run([self.options.uidfit, "lint", *more, "Dockerfile"], cwd=folder, capture_output=True, text=True,
                              errors="replace", check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr


def archive(path, owners):
    with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as tar:
        for i, (uid, gid) in enumerate(owners):
            info = tarfile.TarInfo(f"f{i}")
            info.uid, info.gid = uid, gid
            tar.addfile(info, io.BytesIO(b""))


def context(folder):
    archive(f"{folder}/bad.tar.gz", [(0, 0), (114762, 114762), (630384594, 5)])
    archive(f"{folder}/good.tar", [(0, 0), (1000, 1000)])
    with open(f"{folder}/note", "w", encoding="ascii") as f:
        f.write("x\n")
    os.chown(f"{folder}/note", 0, 0)


def read(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as f:
        return f.read()
    return ""


def keep(path, text):
    if text:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    elif os.path.exists(path):
        os.remove(path)


def golden(t, name, work):
    case, folder = f"{HERE}/cases/{name}", f"{work}/{name}"
    os.mkdir(folder)
    context(folder)
    shutil.copy(case + "/Dockerfile", folder)
    options = shlex.split(read(case + "/options"))
    status, said = t.lint(folder, *options)
    said += f"exit {status}\n" if said or status else ""
    patch = t.lint(folder, *options, "--patch")[1]
    if t.options.update:
        keep(case + "/expected", said)
        keep(case + "/patch", patch)
    t.check(said == read(case + "/expected"), name, f"says\n{said}")
    t.check(patch == read(case + "/patch"), name, f"patch\n{patch}")
    if name.startswith("good-"):
        t.check(not said, name, "a good Dockerfile")
    if not patch:
        return
    t.lint(folder, *options, "--fix")
    fixed = read(folder + "/Dockerfile")
    shutil.copy(case + "/Dockerfile", folder)
    subprocess.run(["patch", "-s", "-p1"], input=patch, text=True, cwd=folder, check=False)
    t.check(fixed == read(folder + "/Dockerfile"), name, "--fix differs from the patch")
    t.check(not t.lint(folder, *options, "--patch")[1], name, "a patched file is patched again")


def files(t, work):
    """What is no Dockerfile, and what is a large one."""
    rows = {"nul": (b"FROM a\nR\0N", "a NUL byte"), "empty": (b"", "no FROM"), "utf16": ("FROM a\n".encode("utf-16"), "a NUL byte"),
            "bytes": (b"FROM a\n\xff\xfe x\n", "unknown instruction"), "open": (b"FROM a\nRUN <<E\n", "never closed")}
    for name, (data, words) in rows.items():
        folder = f"{work}/file-{name}"
        os.mkdir(folder)
        with open(folder + "/Dockerfile", "wb") as f:
            f.write(data)
        status, said = t.lint(folder)
        t.check(status == 3 and words in said, name, f"exit {status}: {said}")
    folder = f"{work}/large"
    os.mkdir(folder)
    with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
        f.write("FROM a\n" + "RUN useradd -l -u 99999 a\n" * 100000)
    status, said = t.lint(folder, "--format", "json")
    t.check(status == 1 and len(json.loads(said)["files"][0]["findings"]) == 100000, "100,000 lines", f"exit {status}")


def formats(t, work):
    """Each format of findings has the line; SARIF has the patch as a fix."""
    folder = f"{work}/formats"
    os.mkdir(folder)
    with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
        f.write("FROM debian:12\nRUN useradd -u 1000650000 app\n")
    for name in ("junit", "github", "gitlab", "markdown", "html"):
        status, said = t.lint(folder, "--format", name)
        t.check(status == 1 and "sparse-lastlog" in said, name, f"exit {status}: {said[:500]}")
    results = {r["ruleId"]: r for r in json.loads(t.lint(folder, "--format", "sarif")[1])["runs"][0]["results"]}
    place = results["sparse-lastlog"]["locations"][0]["physicalLocation"]
    t.check(place["region"]["startLine"] == 2 and place["artifactLocation"]["uri"] == "Dockerfile", "sarif", f"{place}")
    t.check("--no-log-init" in json.dumps(results["sparse-lastlog"].get("fixes")), "sarif", "no fix")


def images(t, work):
    """Findings of an image on the lines that made them, in both builders' histories."""
    folder = f"{work}/images"
    os.mkdir(folder)
    with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
        f.write("FROM debian:12\nARG V=1\nRUN make install \\\n  && make clean\nCOPY d/ /app/\nRUN tar xf /x.tar\nCOPY e /e\nCMD [\"x\"]\n")
    builders = {
        "buildkit": ["RUN |1 V=1 /bin/sh -c make install   && make clean # buildkit", "COPY d/ /app/ # buildkit",
                     "RUN |1 V=1 /bin/sh -c tar xf /x.tar # buildkit", "COPY e /e # buildkit"],
        "classic": ["|1 V=1 /bin/sh -c make install   && make clean", "/bin/sh -c #(nop) COPY dir:0123 in /app/ ",
                    "|1 V=1 /bin/sh -c tar xf /x.tar", "/bin/sh -c #(nop) COPY file:4567 in /e "],
    }
    for name, steps in builders.items():
        layers = [Layer("/bin/sh -c #(nop) ADD file:89ab in / ").root().file("base", uid=99999)]
        layers += [Layer(step).root().file(f"f{i}", uid=0 if i == 3 else 70000 + i) for i, step in enumerate(steps)]
        save_docker_archive(f"{folder}/{name}.tar", layers, tags=["lint/x:1"])
        status, said = t.lint(folder, "--format", "json", "--image", f"docker-archive:{name}.tar")
        told = json.loads(said)["files"][0] if status == 1 else {"findings": [], "untied": said}
        got = sorted(((x["line"], x["layer"], x["uid"]) for x in told["findings"] if x["layer"] is not None), key=lambda x: x[0])
        t.check(got == [(3, 1, 70000), (5, 2, 70001), (6, 3, None)] and told["untied"] == 1, name, f"{got}, {told['untied']}")


BUILDS = {
    # Name: (lines, context); the unpatched image is refused by the remapped daemon, the patched one is taken.
    "tar": ["COPY bad.tar.gz /", "RUN mkdir /x && tar xzf /bad.tar.gz -C /x"],
    "tar-dash": ["COPY bad.tar.gz /", "RUN mkdir /x && cd /x \\", " && tar -xzf /bad.tar.gz && ls"],
    "etcd": ["COPY bad.tar.gz /etcd-v3.5.9-linux-amd64.tar.gz", "RUN mkdir /x; tar --extract --file=/etcd-v3.5.9-linux-amd64.tar.gz -C /x"],
}


def build(daemon, folder, tag):
    daemon.docker("build", "--no-cache", "-t", tag, folder)
    daemon.docker("save", "-o", f"{folder}.tar", tag)
    return f"{folder}.tar"


def one_build(t, plain, mapped, work, name, lines):
    folder = f"{work}/build-{name}"
    os.mkdir(folder)
    context(folder)
    with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
        f.write("\n".join(["FROM lint/base", *lines]) + "\n")
    before = mapped.load(build(plain, folder, f"lint/{name}:before"))
    t.check(not before.accepted and "114762" in before.line, name, f"unpatched: {before.line}")
    status, said = t.lint(folder, "--image", f"docker-archive:{folder}.tar", "--format", "json")
    found = [x for x in json.loads(said)["files"][0]["findings"] if x["layer"] is not None] if status == 1 else []
    t.check(found and all(x["line"] in range(3, 5) and x["entries"] == 2 for x in found), name, f"--image: exit {status}: {said}")
    t.check(not t.lint(folder, "--fix", "--fail-on", "never")[0], name, "--fix")
    after = mapped.load(build(plain, folder, f"lint/{name}:after"))
    t.check(after.accepted, name, f"patched: {after.line}")


def late(t, plain, mapped, work):
    """COPY --chown and a plain chown in place of a later chown -R: the same owners."""
    folder = f"{work}/build-late"
    os.mkdir(folder)
    os.mkdir(folder + "/d")
    with open(folder + "/d/f", "w", encoding="ascii") as f:
        f.write("x")
    with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
        f.write("FROM lint/base\nRUN useradd -l -U app\nWORKDIR /app\nCOPY d/ /app/\nRUN chown -R app:app /app\n")
    told = []
    for step in ("before", "after"):
        told.append(mapped.load(build(plain, folder, f"lint/late:{step}"), forget=False).accepted and
                    plain.start(f"lint/late:{step}", "stat", "-c", "%u:%g %a %n", "/app", "/app/f").output)
        t.lint(folder, "--fix")
    t.check(told[0] and told[0] == told[1] and "--chown=app:app" in read(folder + "/Dockerfile"), "late-chown", f"{told}")


def builds(t, work):
    try:
        with engines.Dockerd(remap=False) as plain, engines.Dockerd(remap=True) as mapped:
            plain.docker("import", debian.base_tar(CACHE), "lint/base")
            for name, lines in BUILDS.items():
                one_build(t, plain, mapped, work, name, lines)
            late(t, plain, mapped, work)
    except engines.Unavailable as e:
        t.skipped += 1
        print(f"skip dockerd: {e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"))
    parser.add_argument("--only", default="")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--no-engine", action="store_true")
    options = parser.parse_args()
    options.uidfit = os.path.abspath(options.uidfit)
    engines.end_by_exception()
    t = Tests(options)
    with tempfile.TemporaryDirectory(prefix="uidfit-lint-") as work:
        for name in sorted(os.listdir(HERE + "/cases")):
            if options.only in name:
                golden(t, name, work)
        if not options.only:
            files(t, work)
            formats(t, work)
            images(t, work)
        if not options.only and not options.no_engine:
            builds(t, work)
    print(f"{t.passed} passed, {t.failed} failed" + (f", {t.skipped} skipped" if t.skipped else ""))
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
