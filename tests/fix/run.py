#!/usr/bin/env python3
"""uidfit fix, end to end: what is fixed fits, is taken by real engines, keeps its users, and differs only where it must.

    tests/fix/run.py --uidfit PATH [--long] [CASE...]

Each case prints ok, FAIL with what was wrong, or skip with the reason; the closing line counts them.
"""
import argparse
import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib"), HERE]
import broken  # noqa: E402,F401 - more cases
import built  # noqa: E402,F401
import contents  # noqa: E402
import engines  # noqa: E402
import generated  # noqa: E402,F401
import layouts  # noqa: E402,F401
import rules  # noqa: E402,F401
import threads  # noqa: E402,F401
import undo  # noqa: E402,F401
from box import CASES, Box, case, equal, seen, sha  # noqa: E402
from mkimage import (ACL_ACCESS, CAPABILITY, Layer, Step, acl, capability, make_config, save_docker_archive,  # noqa: E402
                     save_docker_archives, save_oci, save_oci_index)

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = b"root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n"
HIGH = b"veryhigh:x:1000000:1000000::/home/veryhigh:/bin/sh\n"


def app(box, compress=None):
    """A base with /probe, a user outside the map with files of its own, npm's owners, ACLs, capabilities, an interim file."""
    with open(box.probe, "rb") as f:
        probe = f.read()
    base = (Layer("ADD base", compress=compress).root().dir("etc").file("etc/passwd", PASSWD).file("etc/group", GROUP)
            .dir("home").dir("tmp", mode=0o1777).file("probe", probe, mode=0o755))
    user = (Layer("RUN useradd -u 1000000 veryhigh", compress=compress)
            .file("etc/passwd", PASSWD + HIGH).file("etc/group", GROUP + b"veryhigh:x:1000000:node\n")
            .file("etc/passwd-", PASSWD + HIGH).file("etc/subuid", b"veryhigh:100000:65536\n1000000:165536:65536\n")
            .dir("home/veryhigh", uid=1000000, gid=1000000)
            .file("home/veryhigh/own", b"mine", uid=1000000, gid=1000000, how="pax", mode=0o640)
            .file("home/veryhigh/named", b"mine", uid=1000000, gid=1000000, uname=b"veryhigh", gname=b"veryhigh")
            .hardlink("home/veryhigh/link", "home/veryhigh/own", uid=1000000, gid=1000000, mode=0o640, how="pax")
            .symlink("home/veryhigh/symlink", "own", uid=1000000, gid=1000000))
    interim = Layer("RUN touch /tmp/interim", compress=compress).file("tmp/interim", b"x" * 200000, uid=2000000, gid=3000000)
    removed = Layer("RUN rm /tmp/interim", compress=compress).whiteout("tmp/interim", uid=2000000)
    npm = Layer("RUN npm ci", compress=compress).dir("app")
    for i in range(40):
        npm.file(f"app/{i}.js", b"content\n" * i, uid=1516583083, how="pax" if i % 2 else "base256")
    npm.file("app/setuid", probe, uid=70000, mode=0o4755).file("app/setgid", probe, gid=70000, mode=0o2755)
    npm.dir("app/setgid-dir", gid=70000, mode=0o2775)
    npm.file("app/acl", b"a", xattrs={ACL_ACCESS: acl({1000000: 7}, {70000: 5})})
    npm.file("app/cap", probe, mode=0o755, xattrs={CAPABILITY: capability(70000)})
    clean = Layer("RUN echo", compress=compress).dir("opt").file("opt/fine", b"fine" * 1000, uid=1000, gid=1000)
    return [base, Step("ENV A=1"), user, interim, removed, npm, clean, Step("USER veryhigh")]


def save(box, name="app.tar", compress=None, **more):
    path = box.path(name)
    config = make_config(app(box, compress), "veryhigh", **{"x-unknown": [1, {"b": 2, "a": 1}]})
    config["config"]["Labels"] = {"kept": "yes"}
    save_docker_archive(path, app(box, compress), config=json.dumps(config).encode(), tags=["uidfit/app:1"], **more)
    return path


def member(layer, name):
    with tarfile.open(fileobj=io.BytesIO(layer)) as t:
        m = t.getmember(name)
        return m, t.extractfile(m).read() if m.isreg() else b""


@case
def owners_and_files_of_accounts(box):
    source, dest = save(box), box.path("out.tar")
    before = sha(source)
    box.fix(source, "docker-archive:" + dest)
    equal(sha(source), before, "the source")
    box.fits(dest)
    old, new = contents.Image(source), contents.Image(dest)
    equal(contents.compare(old, new, special=("app/setuid", "app/setgid")), [1, 2, 3, 4], "layers that changed")
    equal(new.tags, ["uidfit/app:1"], "tags")
    user, npm = new.layers[1], new.layers[4]
    equal(member(user, "etc/passwd")[1], PASSWD + HIGH.replace(b"1000000", b"10000"), "passwd")
    equal(member(user, "etc/passwd-")[1], PASSWD + HIGH.replace(b"1000000", b"10000"), "passwd-")
    equal(member(user, "etc/group")[1], GROUP + b"veryhigh:x:10000:node\n", "group")
    equal(member(user, "etc/subuid")[1], b"veryhigh:100000:65536\n10000:165536:65536\n", "subuid")
    for name in ("own", "link", "named", "symlink"):
        m = member(user, "home/veryhigh/" + name)[0]
        equal((m.uid, m.gid, m.uname, m.gname), (10000, 10000, "", ""), name)
    equal([(m.uid, m.gid) for m, _ in contents.entries(new.layers[3])], [(0, 0)], "whiteout")
    # uid and gid move apart: an unnamed one becomes root's, its special bits go.
    for name, owner, mode in (("setuid", (0, 0), 0o755), ("setgid", (0, 0), 0o755), ("setgid-dir", (0, 0), 0o2775)):
        m = member(npm, "app/" + name)[0]
        equal((m.uid, m.gid, m.mode), (*owner, mode), name)
    xattrs = member(npm, "app/acl")[0].pax_headers["SCHILY.xattr." + ACL_ACCESS].encode("utf-8", "surrogateescape")
    equal(xattrs, acl({10000: 7}, {0: 5}), "ACL")
    cap = member(npm, "app/cap")[0].pax_headers["SCHILY.xattr." + CAPABILITY].encode("utf-8", "surrogateescape")
    equal(cap, capability(), "capability")
    equal(new.config["config"]["Labels"]["kept"], "yes", "label")
    label = new.config["config"]["Labels"]["uidfit.fix"]
    if "uid 70000=0, 1000000=10000" not in label or "gid" not in label:
        raise AssertionError(label)


@case
def gnu_tar_reads_the_same(box):
    source, dest = save(box), box.path("out.tar")
    box.fix(source, "docker-archive:" + dest)
    for i, (a, b) in enumerate(zip(contents.Image(source).layers, contents.Image(dest).layers)):
        lists = []
        for data in (a, b):
            out = subprocess.run(["tar", "--numeric-owner", "--full-time", "-tvf", "-"], input=data, capture_output=True, check=True).stdout
            lists.append([line.split(None, 2) for line in out.decode().splitlines()])
        for p, q in zip(*lists, strict=True):
            same = p[0] == q[0] and p[2].split()[1:] == q[2].split()[1:]
            if not same and not any(x in p[2] for x in ("setuid", "setgid", "etc/")):
                raise AssertionError(f"layer {i}: {p} became {q}")


@case
def keep_setuid(box):
    source, dest = save(box), box.path("out.tar")
    done = box.fix(source, "docker-archive:" + dest, "--keep-setuid")
    npm = contents.Image(dest).layers[4]
    setuid, setgid = member(npm, "app/setuid")[0], member(npm, "app/setgid")[0]
    equal((setuid.mode, setgid.mode), (0o4755, 0o2755), "modes")
    if setuid.uid in (0, 1000, 10001 - 10001) or setgid.gid in (0, 1000):
        raise AssertionError(f"owner {setuid.uid}, group {setgid.gid}")
    if b"special bits dropped" in done.stdout:
        raise AssertionError("says that bits were dropped")
    box.fits(dest)


@case
def said_of_special_bits(box):
    done = box.run("fix", "--dry-run", save(box))
    for path in (b"/app/setuid", b"/app/setgid"):
        if b"special bits dropped: " + path + b" " not in done.stdout:
            raise AssertionError(done.stdout.decode())


@case
def twice_is_once(box):
    first, second = box.path("1.tar"), box.path("2.tar")
    box.fix(save(box), "docker-archive:" + first)
    done = box.fix(first, "docker-archive:" + second)
    equal(b"fits already" in done.stdout, True, "what is said")
    a, b = contents.Image(first), contents.Image(second)
    equal((a.blobs, a.config_bytes), (b.blobs, b.config_bytes), "the second fix")
    again = box.path("3.tar")
    box.fix(box.path("app.tar"), "docker-archive:" + again, "--threads", "1")
    equal(sha(again), sha(first), "the same input, the same options")


@case
def nothing_to_do(box):
    source, dest = box.path("fits.tar"), box.path("out")
    save_oci(source, [Layer().file("etc/passwd", PASSWD)], tag="t", archive=True)
    box.fix(source, "oci:" + dest)
    old, new = contents.Image(source), contents.Image(dest)
    equal((new.manifest_bytes, new.config_bytes, new.blobs), (old.manifest_bytes, old.config_bytes, old.blobs), "an image that fits")


def ways(box):
    """(name, source reference, standard input)."""
    plain = save(box)
    zipped = save(box, "app.tar.gz", compress="gzip")
    del zipped
    layout, archive = box.path("layout"), box.path("layout.tar")
    more = {"config": make_config(app(box, "gzip"), "veryhigh"), "tag": "app"}
    save_oci(layout, app(box, "gzip"), **more)
    save_oci(archive, app(box, "gzip"), archive=True, **more)
    yield "docker-archive", plain, None
    yield "oci", f"oci:{layout}:app", None
    yield "oci-archive", archive, None
    yield "standard input", "-", plain


@case
def every_source_to_every_destination(box):
    for number, (name, source, stdin) in enumerate(ways(box)):
        for transport in ("docker-archive", "oci", "oci-archive", "dir", "-"):
            out = box.path(f"{number}-{transport}")
            with contextlib.ExitStack() as stack:
                given = stack.enter_context(open(stdin, "rb")) if stdin else subprocess.DEVNULL
                done = box.fix(source, "-" if transport == "-" else f"{transport}:{out}", stdin=given)
            if transport == "-":
                with open(out, "wb") as f:
                    f.write(done.stdout)
            box.fits({"docker-archive": "docker-archive:", "oci": "oci:", "oci-archive": "oci-archive:", "dir": "dir:", "-": ""}[transport] + out,
                     "--verify")
            where = source.removeprefix("oci:").removesuffix(":app") if stdin is None else stdin
            try:
                equal(contents.compare(contents.Image(where), contents.Image(out), ("app/setuid", "app/setgid")), [1, 2, 3, 4], "layers")
            except AssertionError as e:
                raise AssertionError(f"{name} to {transport}: {e}") from None


@case
def compressed_archive(box):
    source, dest = box.path("app.tar.gz"), box.path("out.tar")
    save(box, "app.tar.gz")
    with open(source, "rb") as f:
        data = f.read()
    import gzip
    with open(source, "wb") as f:
        f.write(gzip.compress(data))
    done = box.fix(source, "docker-archive:" + dest)
    equal(b"were kept in" in done.stdout, True, "the note about what was spooled")
    box.fits(dest)


def text(size):
    """Bytes that compress as programs' text does, the same each time."""
    rng = random.Random(1)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 9))) for _ in range(3000)]
    out = bytearray()
    while len(out) < size:
        out += rng.choice(words) + b" "
    return bytes(out[:size])


@case
def compression_stays(box):
    for kind in ("gzip", "xz"):
        source, dest = box.path(kind), box.path(kind + "-out")
        layers = [Layer(compress=kind).file("a", text(3 << 20), uid=70000), Layer(compress=kind).file("b")]
        save_oci(source, layers, media_type=None if kind == "gzip" else "application/vnd.oci.image.layer.v1.tar", tag="t")
        box.fix("oci:" + source, "oci:" + dest)
        new = contents.Image(dest)
        equal(new.blobs[0][:2], b"\x1f\x8b", "magic")
        if kind == "gzip":
            size, was = len(new.blobs[0]), len(contents.Image(source).blobs[0])
            if size > was * 1.03 + 64:
                raise AssertionError(f"{was} bytes became {size}")
        box.fits("oci:" + dest)


@case
def zstd_layers(box):
    layer = Layer().file("a", b"text " * 100000, uid=70000)
    packed = subprocess.run(["zstd", "-qc"], input=layer.tar(), stdout=subprocess.PIPE, check=True).stdout
    layer.blob = lambda: packed
    source, dest = box.path("in"), box.path("out")
    save_oci(source, [layer], tag="t", media_type="application/vnd.oci.image.layer.v1.tar+zstd")
    box.fix("oci:" + source, "oci:" + dest)
    new = contents.Image(dest)
    equal(new.blobs[0][:4], b"\x28\xb5\x2f\xfd", "magic")
    equal(new.manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd", "media type")
    contents.compare(contents.Image(source), new)


def edit_manifest(layout, change):
    with open(layout + "/index.json", encoding="ascii") as f:
        index = json.load(f)
    row = index["manifests"][0]
    name = layout + "/blobs/" + row["digest"].replace(":", "/")
    with open(name, "rb") as f:
        manifest = json.load(f)
    change(manifest)
    data = json.dumps(manifest).encode()
    os.unlink(name)
    row.update(digest=contents.digest(data), size=len(data))
    with open(layout + "/blobs/" + row["digest"].replace(":", "/"), "wb") as f:
        f.write(data)
    with open(layout + "/index.json", "w", encoding="ascii") as f:
        json.dump(index, f)


@case
def manifest_keeps_its_keys(box):
    source, dest = box.path("in"), box.path("out")
    save_oci(source, [Layer(compress="gzip").file("a", uid=70000), Layer(compress="gzip").file("b")], tag="t")

    def change(m):
        m["zz"] = {"b": 1, "a": [None]}
        m["annotations"] = {"kept": "yes"}
        m["layers"][0]["annotations"] = {"mine": "1", "containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}
        m["layers"][1]["annotations"] = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}
    edit_manifest(source, change)
    done = box.fix("oci:" + source, "oci:" + dest)
    old, new = contents.Image(source).manifest, contents.Image(dest).manifest
    equal(list(new), list(old), "the order of keys")
    equal((new["zz"], new["annotations"]), (old["zz"], old["annotations"]), "unknown keys")
    equal(new["layers"][0]["annotations"], {"mine": "1"}, "annotations of a changed layer")
    equal(new["layers"][1], old["layers"][1], "an unchanged layer's descriptor")
    equal(b"table of contents" in done.stdout, True, "the note")


@case
def hardlinks_follow_their_target(box):
    """Even where their own header says another owner, and through a chain."""
    source, dest = box.path("in.tar"), box.path("out.tar")
    layer = (Layer().file("etc/passwd", PASSWD + HIGH).file("a", b"x", uid=1000000, mode=0o755)
             .hardlink("b", "./a", uid=70000).hardlink("c", "b", uid=70000).hardlink("d", "/a", uid=5)
             .file("in", b"y", uid=7).hardlink("e", "in", uid=70000).hardlink("f", "in", uid=8).hardlink("g", "missing", uid=70000)
             .file("s", b"z", uid=80000, mode=0o4755).hardlink("t", "s", uid=80000, mode=0o4755))
    save_docker_archive(source, [layer])
    box.fix(source, "docker-archive:" + dest)
    got = {m.name: (m.uid, m.mode) for m, _ in contents.entries(contents.Image(dest).layers[0])}
    equal([got[x][0] for x in "abcd"], [10000] * 4, "owners of one inode")
    equal([got[x][0] for x in ("in", "e", "f", "g")], [7, 7, 8, 0], "owners of the others")
    equal((got["s"], got["t"]), ((0, 0o755), (0, 0o755)), "special bits")
    box.fits(dest)


@case
def an_index_and_all_its_platforms(box):
    source, dest, only = box.path("in"), box.path("out"), box.path("only")
    shared = Layer(compress="gzip").file("x", uid=70000)
    save_oci_index(source, [{"layers": [shared], "platform": {"os": "linux", "architecture": "amd64"}},
                            {"layers": [shared, Layer().file("y")], "arch": "arm64",
                             "platform": {"os": "linux", "architecture": "arm64"}}])
    with open(source + "/index.json", "rb") as f:
        inner = json.load(f)
    inner["zz"] = 1
    inner["manifests"].append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 3,
                               "platform": {"os": "unknown", "architecture": "unknown"},
                               "annotations": {"vnd.docker.reference.type": "attestation-manifest"}})
    data = json.dumps(inner).encode()
    with open(source + "/blobs/" + contents.digest(data).replace(":", "/"), "wb") as f:
        f.write(data)
    with open(source + "/index.json", "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json", "digest": contents.digest(data), "size": len(data),
            "annotations": {"org.opencontainers.image.ref.name": "app"}}]}, f)
    done = box.fix(f"oci:{source}:app", "oci:" + dest, "--all-platforms")
    equal(b"attestation" in done.stdout, True, "what is said of the attestation")
    with open(dest + "/index.json", "rb") as f:
        outer = json.load(f)
    equal([x["annotations"]["org.opencontainers.image.ref.name"] for x in outer["manifests"]], ["app"], "the name")
    with open(dest + "/blobs/" + outer["manifests"][0]["digest"].replace(":", "/"), "rb") as f:
        index = json.load(f)
    equal((list(index), index["zz"]), (list(inner), 1), "the index's keys")
    equal([x["platform"]["architecture"] for x in index["manifests"]], ["amd64", "arm64"], "platforms")
    box.fits(f"oci:{dest}:app", "--all-platforms", "--verify")
    box.fix(f"oci:{source}:app", "oci:" + only, "--platform", "linux/arm64")
    box.fits(f"oci:{only}:app")
    equal(contents.Image(only).config["architecture"], "arm64", "the one platform")
    box.fix(f"oci:{source}:app", "oci-archive:" + box.path("a.tar"), "--all-platforms")
    box.fix("oci-archive:" + box.path("a.tar"), "oci:" + box.path("again"), "--all-platforms")
    with open(box.path("again") + "/index.json", "rb") as f:
        equal(json.load(f)["manifests"][0]["digest"], outer["manifests"][0]["digest"], "the second fix")


@case
def a_table_of_contents_goes(box):
    source, dest = box.path("in.tar"), box.path("out.tar")
    save_docker_archive(source, [Layer().file("a", uid=70000).file("stargz.index.json", b"{" * 200000).file("z", b"last"),
                                 Layer().file("b").file("stargz.index.json", b"{}")])
    done = box.fix(source, "docker-archive:" + dest)
    new = contents.Image(dest)
    equal([m.name for m, _ in contents.entries(new.layers[0])], ["a", "z"], "names")
    equal([m.name for m, _ in contents.entries(new.layers[1])], ["b", "stargz.index.json"], "an unchanged layer")
    equal(b"layer 0: stargz.index.json" in done.stdout, True, "what is said")


@case
def policies(box):
    source = save(box)
    for number, (options, own, npm, user) in enumerate((
            ((), 10000, 0, 10000), (("--to", "root"), 0, 0, 0), (("--to", "1000"), 1000, 1000, 1000),
            (("--to", "1000:5"), 1000, 1000, 1000), (("--to", "compact"), 10001, 10004, 10001),
            (("--owner", "1000000=2000", "--group", "1000000=2001"), 2000, 0, 2000), (("--map", "0-2000"), 1002, 0, 1002))):
        dest = box.path(f"{number}.tar")
        box.fix(source, "docker-archive:" + dest, *options)
        layers = contents.Image(dest).layers
        got = member(layers[1], "home/veryhigh/own")[0].uid, member(layers[4], "app/1.js")[0].uid
        equal(got, (own, npm), f"{options}")
        equal(int(member(layers[1], "etc/passwd")[1].split(b"veryhigh:x:")[1].split(b":")[0]), user, f"{options}: passwd")
        box.fits(dest, *(options if options and options[0] == "--map" else ()))


@case
def a_map_too_small(box):
    source, dest = box.path("in.tar"), box.path("out.tar")
    passwd = PASSWD + b"".join(b"u%d:x:%d:%d::/:/bin/sh\n" % (i, i, i) for i in range(70000, 70010))
    layer = Layer().file("etc/passwd", passwd)
    for i in range(70000, 70010):
        layer.file(f"f{i}", uid=i, gid=0)
    save_docker_archive(source, [layer])
    done = box.fix(source, "docker-archive:" + dest, "--map", "0-4", status=1)
    equal(b"10 uids want one of their own" in done.stderr and b"4 of the 5" in done.stderr, True, done.stderr.decode())
    equal(os.path.exists(dest), False, "a destination")
    box.fix(source, "docker-archive:" + dest, "--map", "0-4", "--fold")
    owners = {m.uid for m, _ in contents.entries(contents.Image(dest).layers[0])}
    equal(owners, {0, 1, 2, 3, 4}, "owners")
    box.fits(dest, "--map", "0-4")
    box.fix(source, "docker-archive:" + dest, "--map", "0", "--fold", "--replace")
    box.fits(dest, "--map", "0")


@case
def several_targets(box):
    source, dest = save(box), box.path("out.tar")
    box.fix(source, "docker-archive:" + dest, "--for", "docker,kubernetes,circleci")
    for name in ("docker", "kubernetes", "circleci"):
        box.fits(dest, "--for", name)


@case
def a_user_by_number(box):
    for user, want in (("1000000", "10000"), ("1000000:3000000", "10000:10001"), ("node", "node"), ("1000", "1000"), ("0:70000", "0:10000")):
        source, dest = box.path("in.tar"), box.path("out.tar")
        save_docker_archive(source, [Layer().file("etc/passwd", PASSWD).file("x", uid=int(user) if user.isdigit() else 0)], user=user)
        box.fix(source, "docker-archive:" + dest, "--replace")
        equal(contents.Image(dest).config["config"]["User"], want, user)
        box.fits(dest)


@case
def the_label_can_be_left_out(box):
    source, dest = save(box), box.path("out.tar")
    box.fix(source, "docker-archive:" + dest, "--no-label")
    equal(contents.Image(dest).config["config"]["Labels"], {"kept": "yes"}, "labels")


@case
def like_an_earlier_report(box):
    report, other, dest = box.path("report.json"), box.path("other.tar"), box.path("out.tar")
    layers = app(box)
    box.fix(save(box), "docker-archive:" + box.path("first.tar"), "--report", report, "--owner", "1000000=33333")
    with open(report, encoding="utf-8") as f:
        got = json.load(f)
    equal((got["schema"], got["changed"]), ("uidfit/fix/1", True), "the report")
    equal({x["old"]: x["new"] for x in got["mapping"]["uid"]}, {70000: 0, 1000000: 33333, 1516583083: 0, 2000000: 0}, "mapping")
    save_docker_archive(other, layers[:3] + [Layer().file("more", uid=80000)], user="0")
    box.fix(other, "docker-archive:" + dest, "--like", report)
    equal(contents.Image(dest).layers[1], contents.Image(box.path("first.tar")).layers[1], "the shared layer")
    for text in ("{}", "[]", '{"schema":"uidfit/fix/1"}', '{"schema":"uidfit/fix/1","mapping":{"uid":[{"old":"x"}]}}', "{"):
        with open(report, "w", encoding="ascii") as f:
            f.write(text)
        box.fix(other, "docker-archive:" + box.path("none"), "--like", report, status=3)


@case
def layers_stay_shared(box):
    source, dest = box.path("two.tar"), box.path("out.tar")
    shared = Layer().file("etc/passwd", PASSWD + HIGH).file("a", uid=1000000)
    save_docker_archives(source, [{"layers": [shared], "tags": ["a:1"]},
                                  {"layers": [shared, Layer().file("b", uid=70000)], "tags": ["b:1"]}])
    box.fix(source, "docker-archive:" + dest)
    a, b = contents.Image(dest, 0), contents.Image(dest, 1)
    equal(a.blobs[0], b.blobs[0], "the shared layer")
    equal((a.tags, b.tags), (["a:1"], ["b:1"]), "tags")


@case
def destinations_are_not_overwritten(box):
    source, dest = save(box), box.path("out.tar")
    with open(dest, "w", encoding="ascii") as f:
        f.write("mine")
    box.fix(source, "docker-archive:" + dest, status=3)
    equal(open(dest, encoding="ascii").read(), "mine", "what was there")
    box.fix(source, "docker-archive:" + dest, "--replace")
    box.fits(dest)


@case
def usage(box):
    source = save(box)
    for args in ((), (source,), (source, "a", "b"), ("--to", "nobody", source, "oci:x"), ("--to", "65534", source, "oci:x"),
                 ("--owner", "1", source, "oci:x"), ("--owner", "1=65535", source, "oci:x"), (source, "docker://x/Upper"), (source, box.path("bare"))):
        box.run("fix", *args, status=2)
    box.fix("tar:" + source, "oci:" + box.path("x"), status=3)


@case
def a_layer_that_lies(box):
    source, dest = box.path("in.tar"), box.path("out.tar")
    good = Layer().file("a", b"1" * 5000, uid=70000)
    config = make_config([good])
    save_docker_archive(source, [Layer().file("a", b"2" * 5000, uid=70000)], config=config)
    done = box.fix(source, "docker-archive:" + dest, status=3)
    equal(b"digest" in done.stderr and not os.path.exists(dest), True, done.stderr.decode())
    save_docker_archive(source, [Layer().file("a", b"2" * 5000)], config=make_config([Layer().file("a", b"1" * 5000)]))
    box.fix(source, "docker-archive:" + dest, status=3)


def inside(start):
    """What users see of themselves in a fixed image; start(args) runs the image's own USER."""
    answer = start("/probe", "id")
    seen(answer.output, ["uid=10000 gid=10000 groups=10000"])
    answer = start("/probe", "ls", "/home/veryhigh/own", "/app/1.js", "/home/veryhigh", "/app/setuid")
    seen(answer.output, ["640 10000 10000 /home/veryhigh/own", "644 0 0 /app/1.js", "755 10000 10000 /home/veryhigh", "755 0 0 /app/setuid"])
    seen(start("/probe", "write", "/home/veryhigh/own").output, ["wrote /home/veryhigh/own"])


@case
def dockerd_loads_and_runs(box):
    source, dest = save(box), box.path("out.tar")
    with engines.Dockerd() as d:
        if d.load(source).accepted:
            raise AssertionError("dockerd takes the image unfixed: the test shows nothing")
        done = box.fix(source, "-")
        with open(dest, "wb") as f:
            f.write(done.stdout)
        answer = d.load(dest, forget=False)
        if not answer.accepted:
            raise AssertionError(answer.line)
        inside(lambda *args: d.start("uidfit/app:1", *args))
        number = box.path("number.tar")
        save_docker_archive(number, app(box)[:-1], user="1000000:1000000", tags=["uidfit/number:1"])
        box.fix(number, "docker-archive:" + dest, "--replace")
        d.load(dest, forget=False)
        seen(d.start("uidfit/number:1", "/probe", "id").output, ["uid=10000 gid=10000 groups=10000"])


@case
def podman_takes_and_runs(box):
    source, dest = save(box), box.path("out.tar")
    with engines.Podman() as p:
        size = sum(count for _, _, count in p.map)
        box.fix(source, "docker-archive:" + dest, "--map", f"0-{size - 1}")
        answer = p.load(dest, forget=False)
        if not answer.accepted:
            raise AssertionError(answer.line)
        if "cgroups" not in p.start("uidfit/app:1", "/probe", "id").output:
            inside(lambda *args: p.start("uidfit/app:1", *args))
        # crun does not start everywhere; what it would see stands in the container's own tar.
        p.podman("create", "--name", "c", "uidfit/app:1", "/probe", "id")
        p.podman("export", "-o", p.dir + "/tmp/c.tar", "c")
        with tarfile.open(p.dir + "/tmp/c.tar") as t:
            m = t.getmember("home/veryhigh/own")
            equal((m.uid, m.gid, m.mode & 0o7777), (10000, 10000, 0o640), "the user's file")


@case
def umoci_takes_it(box):
    layout, dest = box.path("in"), box.path("out")
    save_oci(layout, app(box, "gzip"), user="veryhigh", tag="latest")
    with engines.Umoci() as u:
        if u.load(layout).accepted:
            raise AssertionError("umoci takes the image unfixed")
        box.fix("oci:" + layout, "oci:" + dest)
        answer = u.load(dest, keep=box.path("bundle"))
        if not answer.accepted:
            raise AssertionError(answer.line)
        st = os.lstat(box.path("bundle/rootfs/home/veryhigh/own"))
        equal((st.st_uid, st.st_gid), (110000, 110000), "owner on the host")


def make_probe(top):
    out = os.path.join(top, "probe")
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", out, os.path.join(HERE, "probe.c")], check=True)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default="build/uidfit")
    p.add_argument("--release", help="the program without sanitizers (default: $UIDFIT)")
    p.add_argument("--long", action="store_true")
    p.add_argument("cases", nargs="*")
    args = p.parse_args()
    engines.end_by_exception()
    passed = failed = skipped = 0
    program = os.path.abspath(args.uidfit)
    release = os.path.abspath(args.release or os.environ.get("UIDFIT") or program)
    with tempfile.TemporaryDirectory(prefix="uidfit-fix-") as top:
        os.chmod(top, 0o711)
        probe = make_probe(top)
        for f in CASES:
            if args.cases and f.__name__ not in args.cases:
                continue
            folder = os.path.join(top, f.__name__)
            os.mkdir(folder)
            start = time.monotonic()
            try:
                f(Box(program, probe, folder, args.long, release))
            except engines.Unavailable as e:
                skipped += 1
                print(f"skip {f.__name__}: {e}")
            except Exception as e:  # noqa: BLE001
                failed += 1
                print(f"FAIL {f.__name__}: {type(e).__name__}: {e}")
            else:
                passed += 1
                print(f"ok   {f.__name__}  {time.monotonic() - start:.1f} s")
            sys.stdout.flush()
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
