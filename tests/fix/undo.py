"""uidfit fix --undo: every diff_id and every config come back, held by Python's hashlib and tarfile; and it says when they cannot."""
import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time

import contents
from box import case, equal, sha
from mkimage import (ACL_ACCESS, CAPABILITY, Layer, Step, acl, capability, make_config, save_docker_archive,
                     save_docker_archives, save_oci, save_oci_index)

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nhigh:x:1000000:1000000::/home/high:/bin/sh\n"
GROUP = b"root:x:0:\nhigh:x:1000000:\n"
KINDS = (None, "gzip", "zstd")
PREFIX = {"docker-archive": "docker-archive:", "oci": "oci:", "oci-archive": "oci-archive:", "dir": "dir:"}


def layers(compress=None):
    """What changes in every way that docs/fix.md lists, and one layer that stays."""
    accounts = (Layer("RUN useradd", compress=compress).root().file("etc/passwd", PASSWD).file("etc/passwd-", PASSWD * 30)
                .file("etc/group", GROUP).file("etc/subuid", b"1000000:165536:65536\n")
                .file("home/own", b"mine", uid=1000000, gid=1000000, uname=b"high", gname=b"high")
                .hardlink("home/link", "home/own", uid=70000))
    # A record that grows (7 becomes 10000), one that shrinks, and names that go.
    grown = Layer("RUN npm", compress=compress)
    for i in range(600):
        grown.file(f"app/{i}", b"content\n" * (i % 40), uid=(7, 1516583083)[i % 2], gid=1000000, how=("pax", "base256", "octal")[i % 2],
                   pax={"uname": "somebody", "comment": "x" * (i % 600)})
    special = (Layer("RUN chmod", compress=compress).file("bin/setuid", b"s" * 100000, uid=70000, mode=0o4755)
               .file("bin/setgid", gid=70000, mode=0o2755).file("bin/cap", xattrs={CAPABILITY: capability(70000)})
               .file("bin/acl", xattrs={ACL_ACCESS: acl({1000000: 7}, {70000: 5})}).whiteout("gone", uid=2000000)
               .file("stargz.index.json", b'{"entries":' + b"[]" * 50000 + b"}").file("last", uid=1000000))
    return [accounts, Step("ENV A=1"), Layer("RUN echo", compress=compress).file("fine", b"fine" * 1000), grown, special]


class Stored(Layer):
    """A layer whose tar is there already."""

    def __init__(self, data):
        super().__init__(end=False)
        self.raw(data)


OPTIONS = ("--owner", "7=10007")


def config(stack, user="1000000:1000000", **more):
    made = make_config(stack, user, **{"x-unknown": [1, {"b": 2, "a": 1}], **more})
    # Spaces, and an order that no writer of ours would choose.
    return json.dumps(dict(reversed(made.items())), indent=2).encode()


def tar(data):
    return tarfile.open(fileobj=io.BytesIO(data))


def same_images(old, new):
    """Config bytes and every layer's tar."""
    equal(hashlib.sha256(new.config_bytes).hexdigest(), hashlib.sha256(old.config_bytes).hexdigest(), "the config's digest")
    equal([contents.digest(x) for x in new.layers], [contents.digest(x) for x in old.layers], "diff_ids")


def fixed(box, source, dest, report, *options, **kw):
    done = box.fix(source, dest, "--report", report, *OPTIONS, *options, **kw)
    with open(report, encoding="utf-8") as f:
        equal(json.load(f)["undo"]["version"], 1, "version")
    return done


@case
def undo_of_every_compression(box):
    for kind in KINDS:
        stack, there, back = layers(kind), box.path(f"{kind}-fixed"), box.path(f"{kind}-back")
        source, report = box.path(f"{kind}-in"), box.path(f"{kind}.json")
        save_oci(source, stack, config=config(stack), tag="t")
        fixed(box, "oci:" + source, "oci:" + there, report)
        box.fits("oci:" + there)
        old, new = contents.Image(source), contents.Image(there)
        equal([a == b for a, b in zip(old.layers, new.layers)], [False, True, False, False], f"{kind}: layers that a fix leaves")
        done = box.run("fix", "--undo", report, "oci:" + there, "oci:" + back)
        undone = contents.Image(back)
        same_images(old, undone)
        equal(undone.tags, old.tags, "the tag")
        equal(undone.blobs[1], old.blobs[1], "the layer that stays")
        if kind is None:
            equal(undone.manifest_bytes, old.manifest_bytes, "the manifest of plain layers")
            equal(b"its manifest is again " + contents.digest(old.manifest_bytes).encode() in done.stdout, True, done.stdout.decode())
        elif undone.manifest_bytes != old.manifest_bytes:
            equal(b"compressed anew" in done.stdout, True, done.stdout.decode())
        equal([x["mediaType"] for x in undone.manifest["layers"]], [x["mediaType"] for x in old.manifest["layers"]], "media types")
        equal(contents.digest(old.config_bytes).encode() in done.stdout, True, "the id that is told")


@case
def undo_of_what_nothing_writes(box):
    """xz became gzip: the tar comes back, its compression does not, and the manifest says so."""
    stack, report = layers("xz"), box.path("r.json")
    save_oci(box.path("in"), stack, config=config(stack), tag="t")
    fixed(box, "oci:" + box.path("in"), "oci:" + box.path("fixed"), report)
    box.run("fix", "--undo", report, "oci:" + box.path("fixed"), "oci:" + box.path("back"))
    old, new = contents.Image(box.path("in")), contents.Image(box.path("back"))
    same_images(old, new)
    equal(new.manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip", "media type")
    equal(new.manifest["layers"][1], old.manifest["layers"][1], "the layer that stays")


@case
def undo_from_and_to_everything(box):
    stack, source = layers(), box.path("in.tar")
    save_docker_archive(source, stack, config=config(stack), tags=["uidfit/undo:1"])
    old = contents.Image(source)
    for transport, prefix in PREFIX.items():
        there, report = box.path(transport), box.path(transport + ".json")
        fixed(box, source, prefix + there, report)
        for other, onto in PREFIX.items():
            back = box.path(f"{transport}-{other}")
            box.run("fix", "--undo", report, prefix + there, onto + back)
            same_images(old, contents.Image(back))
        box.run("fix", "--undo", report, prefix + there, onto + back, status=3)
        box.run("fix", "--undo", report, "--replace", prefix + there, onto + back)


@case
def undo_of_every_source(box):
    """A manifest comes back from wherever it was, also when the fixed image lay where there is none."""
    stack, archive, folder = layers(), box.path("in.tar"), box.path("dir")
    save_oci(archive, stack, config=config(stack), tag="t", archive=True)
    box.fix(archive, "dir:" + folder, "--to", "root", "--map", "0-4000000")
    for source in ("oci-archive:" + archive, "dir:" + folder):
        old = contents.Image(source.partition(":")[2])
        for prefix in ("docker-archive:", "dir:"):
            there, back, report = (box.path(f"{old.tags}-{prefix[:3]}-{x}") for x in ("fixed", "back", "report"))
            fixed(box, source, prefix + there, report)
            box.run("fix", "--undo", report, prefix + there, "dir:" + back)
            new = contents.Image(back)
            same_images(old, new)
            equal(open(back + "/manifest.json", "rb").read() == (old.manifest_bytes if old.tags else open(folder + "/manifest.json", "rb").read()),
                  True, "the manifest")


@case
def undo_of_an_estargz(box):
    """Its table of contents is in the tar again; what told where in the blob stays away."""
    stack, report = layers("gzip"), box.path("r.json")
    source, there, back = box.path("in"), box.path("fixed"), box.path("back")
    save_oci(source, stack, config=config(stack), tag="t")
    with open(source + "/index.json", encoding="ascii") as f:
        index = json.load(f)
    row = index["manifests"][0]
    manifest = json.loads(contents.Image(source).manifest_bytes)
    toc = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}
    for layer in manifest["layers"]:
        layer["annotations"] = {"mine": "1", **toc}
    data = json.dumps(manifest).encode()
    row.update(digest=contents.digest(data), size=len(data))
    with open(source + "/blobs/" + row["digest"].replace(":", "/"), "wb") as f:
        f.write(data)
    with open(source + "/index.json", "w", encoding="ascii") as f:
        json.dump(index, f)
    fixed(box, "oci:" + source, "oci:" + there, report)
    equal(any("stargz.index.json" in x.getnames() for x in map(tar, contents.Image(there).layers)), False, "a table in the fixed image")
    box.run("fix", "--undo", report, "oci:" + there, "oci:" + back)
    old, new = contents.Image(source), contents.Image(back)
    same_images(old, new)
    equal("stargz.index.json" in tar(new.layers[3]).getnames(), True, "a table in the tar")
    for i, (a, b) in enumerate(zip(old.manifest["layers"], new.manifest["layers"])):
        equal(b["annotations"], a["annotations"] if b["digest"] == a["digest"] else {"mine": "1"}, f"annotations of layer {i}")


@case
def undo_in_a_pipe(box):
    """Standard input can be read once, and standard output belongs to the image."""
    stack, source, there, report = layers(), box.path("in.tar"), box.path("fixed.tar"), box.path("r.json")
    save_docker_archive(source, stack, config=config(stack), tags=["uidfit/undo:1"])
    with open(source, "rb") as f, open(there, "wb") as out:
        out.write(fixed(box, "-", "-", report, stdin=f).stdout)
    with open(there, "rb") as f, open(box.path("back.tar"), "wb") as out:
        out.write(box.run("fix", "--undo", report, "-", "-", stdin=f).stdout)
    old, new = contents.Image(source), contents.Image(box.path("back.tar"))
    same_images(old, new)
    equal(new.tags, ["uidfit/undo:1"], "tags")


@case
def undo_of_images_that_share_layers(box):
    """And of two layers that the fix made one: each becomes what it was."""
    shared = Layer().file("etc/passwd", PASSWD).file("a", b"a" * 9000, uid=1000000)
    twins = [Layer().file("b", b"b" * 9000, uid=70000 + i) for i in range(2)]
    source, there, back, report = (box.path(x) for x in ("two.tar", "fixed.tar", "back.tar", "r.json"))
    save_docker_archives(source, [{"layers": [shared, twin], "tags": [f"x{i}:1"]} for i, twin in enumerate(twins)])
    fixed(box, source, "docker-archive:" + there, report)
    first, second = contents.Image(there, 0), contents.Image(there, 1)
    equal(first.layers[1], second.layers[1], "two layers that became one")
    box.run("fix", "--undo", report, there, "docker-archive:" + back)
    for i in range(2):
        same_images(contents.Image(source, i), contents.Image(back, i))
        equal(contents.Image(back, i).tags, [f"x{i}:1"], "tags")
    # Without its name it could be either.
    one = contents.Image(there, 0)
    save_docker_archive(box.path("renamed.tar"), [Stored(x) for x in one.layers], config=one.config_bytes, tags=["y:1"])
    refused(box, report, box.path("renamed.tar"), ["made one image of 2"])


@case
def undo_of_an_index(box):
    stack = layers("gzip")
    source, there, back, report = (box.path(x) for x in ("in", "fixed", "back", "r.json"))
    save_oci_index(source, [{"layers": stack, "config": config(stack, arch=arch), "platform": {"os": "linux", "architecture": arch}}
                            for arch in ("amd64", "arm64")])
    with open(source + "/index.json", "rb") as f:
        inner = f.read().replace(b'"schemaVersion"', b'"zz":1,"schemaVersion"')
    with open(source + "/blobs/" + contents.digest(inner).replace(":", "/"), "wb") as f:
        f.write(inner)
    with open(source + "/index.json", "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json", "digest": contents.digest(inner), "size": len(inner),
            "annotations": {"org.opencontainers.image.ref.name": "app"}}]}, f)
    fixed(box, f"oci:{source}:app", "oci:" + there, report, "--all-platforms")
    box.run("fix", "--undo", report, f"oci:{there}:app", "oci:" + back)

    def index_of(layout):
        with open(layout + "/index.json", "rb") as f:
            row, = json.load(f)["manifests"]
        with open(layout + "/blobs/" + row["digest"].replace(":", "/"), "rb") as f:
            data = f.read()
        equal(contents.digest(data), row["digest"], "the index's digest")
        return json.loads(data), row["annotations"]

    def document(layout, digest):
        with open(layout + "/blobs/" + digest.replace(":", "/"), "rb") as f:
            data = f.read()
        equal(contents.digest(data), digest, "a blob's digest")
        return data

    (old, name), (new, same) = index_of(source), index_of(back)
    equal((same, list(new), new["zz"]), (name, list(old), 1), "name and keys of the index")
    equal([x["platform"] for x in new["manifests"]], [x["platform"] for x in old["manifests"]], "platforms")
    for a, b in zip(old["manifests"], new["manifests"]):
        a, b = (json.loads(document(x, y["digest"])) for x, y in ((source, a), (back, b)))
        equal(b["config"], a["config"], "the config's descriptor")
        equal(document(back, b["config"]["digest"]), document(source, a["config"]["digest"]), "the config")
        diff_ids = json.loads(document(source, a["config"]["digest"]))["rootfs"]["diff_ids"]
        equal([contents.digest(contents.decoded(document(back, x["digest"]))) for x in b["layers"]], diff_ids, "diff_ids")


@case
def undo_after_another_tool(box):
    """What loads and saves an image decompresses its layers and keeps the config: that is enough."""
    stack, report = layers("gzip"), box.path("r.json")
    save_oci(box.path("in"), stack, config=config(stack), tag="t")
    fixed(box, "oci:" + box.path("in"), "oci:" + box.path("fixed"), report)
    image = contents.Image(box.path("fixed"))
    save_docker_archive(box.path("saved.tar"), [Stored(x) for x in image.layers], config=image.config_bytes)
    box.run("fix", "--undo", report, box.path("saved.tar"), "oci:" + box.path("back"))
    new = contents.Image(box.path("back"))
    same_images(contents.Image(box.path("in")), new)
    equal({x["mediaType"] for x in new.manifest["layers"]}, {"application/vnd.oci.image.layer.v1.tar"}, "media types")


@case
def undo_of_what_a_fix_left(box):
    stack, report = [Layer().file("a")], box.path("r.json")
    save_docker_archive(box.path("in.tar"), stack)
    fixed(box, box.path("in.tar"), "docker-archive:" + box.path("fixed.tar"), report)
    done = box.run("fix", "--undo", report, box.path("fixed.tar"), "docker-archive:" + box.path("back.tar"))
    equal(b"nothing is undone" in done.stdout, True, done.stdout.decode())
    same_images(contents.Image(box.path("in.tar")), contents.Image(box.path("back.tar")))


def refused(box, report, source, words, dest="none.tar"):
    done = box.run("fix", "--undo", report, source, "docker-archive:" + box.path(dest), status=3)
    lines = done.stderr.decode().strip().splitlines()
    if len([x for x in lines if not x.startswith((" ", "hint"))]) != 1 or not all(w in done.stderr.decode() for w in words):
        raise AssertionError(f"not one line with {words}: {done.stderr.decode()}")
    equal([x for x in os.listdir(box.top) if x.startswith(dest)], [], "what is left")


@case
def undo_of_a_wrong_image(box):
    stack, source, there, report = layers(), box.path("in.tar"), box.path("fixed.tar"), box.path("r.json")
    save_docker_archive(source, stack, config=config(stack))
    fixed(box, source, "docker-archive:" + there, report)
    image = contents.Image(there)
    refused(box, report, source, ["as it was before the fix"])
    other = stack[:-1] + [Layer().file("other")]
    save_docker_archive(box.path("other.tar"), other)
    refused(box, report, box.path("other.tar"), ["layer 0", contents.digest(image.layers[0]), contents.digest(stack[0].tar())])
    # The same layers below another config.
    changed = dict(image.config, architecture="arm64")
    with_config = box.path("config.tar")
    save_docker_archive(with_config, [Stored(x) for x in image.layers], config=json.dumps(changed).encode())
    refused(box, report, with_config, ["config", contents.digest(image.config_bytes), contents.digest(json.dumps(changed).encode())])
    # A layer that is not what its config says.
    lying = [Stored(x) for x in image.layers]
    lying[2] = Stored(image.layers[2].replace(b"content", b"CONTENT"))
    save_docker_archive(box.path("lying.tar"), lying, config=image.config_bytes)
    refused(box, report, box.path("lying.tar"), ["layer 2"])


@case
def undo_of_a_report_without_what_it_needs(box):
    stack, source, there = layers(), box.path("in.tar"), box.path("fixed.tar")
    report, dry, older, undone = (box.path(x) for x in ("r.json", "dry.json", "older.json", "undone.json"))
    save_docker_archive(source, stack, config=config(stack))
    fixed(box, source, "docker-archive:" + there, report)
    box.fix(source, "docker-archive:" + there, "--dry-run", "--report", dry)
    refused(box, dry, there, ["dry run"])
    with open(report, encoding="utf-8") as f:
        doc = json.load(f)
    with open(older, "w", encoding="utf-8") as f:
        json.dump({k: v for k, v in doc.items() if k != "undo"}, f)
    refused(box, older, there, ["nothing that leads back"])
    box.run("fix", "--undo", report, "--report", undone, there, "docker-archive:" + box.path("back.tar"))
    with open(undone, encoding="utf-8") as f:
        equal(json.load(f)["undone"], True, "an undo's report")
    refused(box, undone, there, ["of an undo"])
    refused(box, box.path("missing.json"), there, ["missing.json"])
    refused(box, there, there, ["fixed.tar"])
    # Written by another JSON writer it is the same report.
    with open(older, "w", encoding="utf-8") as f:
        json.dump(doc, f, indent=3, sort_keys=True)
    box.run("fix", "--undo", older, there, "docker-archive:" + box.path("again.tar"))
    same_images(contents.Image(source), contents.Image(box.path("again.tar")))
    done = box.run("fix", "--undo", older, "--dry-run", there)
    equal(b"would be undone" in done.stdout, True, done.stdout.decode())


def packed(data):
    return base64.b64encode(subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout).decode()


@case
def undo_of_a_damaged_report(box):
    stack = [Layer().file("a", b"a" * 70000, uid=70000), Layer().file("b", uid=70001)]
    source, there, report, bad = (box.path(x) for x in ("in.tar", "fixed.tar", "r.json", "bad.json"))
    save_docker_archive(source, stack)
    fixed(box, source, "docker-archive:" + there, report)
    with open(report, "rb") as f:
        whole = f.read()

    def edit(change):
        doc = json.loads(whole)
        change(doc["undo"])
        with open(bad, "w", encoding="utf-8") as f:
            json.dump(doc, f)
        refused(box, bad, there, [])

    for part in (0, 1, len(whole) // 2, len(whole) - 3):
        with open(bad, "wb") as f:
            f.write(whole[:part])
        refused(box, bad, there, [])
    bomb = packed(bytes(64 << 20))
    huge = packed(b"\xff" * 9 + b"\x01" + b"\0\0")
    for value in ("", "A", "AAAA", "!!!!", "@0+10", "@99999999999+1", "@1", 7, None, [], bomb, huge, bomb[:-8] + "AAAAAAA=", packed(b"\0\0\0" * 1000),
                  packed(b"\x05\0\0"), "A" * 100000):
        edit(lambda u, v=value: u["layers"][0].update(difference=v))
    for key in ("old_size", "size"):
        for value in (0, 1, 2**62, -1, "x", 1.5, None):
            edit(lambda u, k=key, v=value: u["layers"][0].update({k: v}))
    for key in ("old_diff_id", "diff_id"):
        for value in ("", "sha256:", "sha256:" + "0" * 64, "md5:0", 1, None):
            edit(lambda u, k=key, v=value: u["layers"][0].update({k: v}))
    for key in ("config_digest", "old_config_digest", "old_config"):
        for value in ("", "x", "AAAA", "sha256:" + "0" * 64, 3, None):
            edit(lambda u, k=key, v=value: u["images"][0].update({k: v}))
    edit(lambda u: u["images"][0].update(old_digest="sha256:" + "0" * 64, old_manifest="AAAA"))
    # Documents that have their digests and say something else.
    for text in (b"{}", b"[]", b'{"layers":[],"config":{}}', b'{"layers":[1,2],"config":{}}', b'{"layers":[{},{},{}]}'):
        edit(lambda u, t=text: u["images"][0].update(old_digest=contents.digest(t), old_manifest=base64.b64encode(t).decode()))
        edit(lambda u, t=text: u["images"][0].update(old_config_digest=contents.digest(t), old_config=base64.b64encode(t).decode()))
    for key in ("layers", "images", "indexes"):
        for value in ([1], [None], [[]], [{}], {}, "x"):
            edit(lambda u, k=key, v=value: u.update({k: v}))
    for value in (0, 2, "1", None):
        edit(lambda u, v=value: u.update(version=v))
    edit(lambda u: u["images"].clear())
    # The difference of another layer.
    edit(lambda u: u["layers"][0].update({k: u["layers"][1][k] for k in ("difference", "size", "old_size")}))


@case
def undo_usage(box):
    for option in ("--for=docker", "--map=0-5", "--uidmap=0-5", "--gidmap=0-5", "--to=root", "--owner=1=2", "--group=1=2", "--like=r.json",
                   "--keep-setuid", "--fold", "--no-label"):
        done = box.run("fix", "--undo", "r.json", option, "a.tar", "oci:b", status=2)
        equal(option.split("=")[0].encode() in done.stderr, True, done.stderr.decode())
    box.run("fix", "--undo", "r.json", "a.tar", status=2)


@case
def undo_without_the_report_s_name(box):
    """A report that cannot be written: no image without it."""
    stack, source, dest = layers(), box.path("in.tar"), box.path("out.tar")
    save_docker_archive(source, stack, config=config(stack))
    os.mkdir(box.path("folder"))
    for report in (box.path("missing/r.json"), box.path("folder")):
        box.fix(source, "docker-archive:" + dest, "--report", report, status=3)
        equal([x for x in os.listdir(box.top) if x not in ("in.tar", "folder")], [], "what is left")
    done = box.fix(source, "docker-archive:" + dest, "--report", "/dev/stderr")
    equal(json.loads(done.stderr)["schema"], "uidfit/fix/1", "a report that is no file")
    os.unlink(dest)
    with open(box.path("r.json"), "w", encoding="ascii") as f:
        f.write("old")
    fixed(box, source, "docker-archive:" + dest, box.path("r.json"))


@case
def undo_killed(box):
    """At any moment: nothing or everything; and no fixed image without its report."""
    box = box.bulk
    body = os.urandom(300 << 10)
    stack = [Layer(compress=kind) for kind in KINDS]
    for layer in stack:
        for i in range(3):
            layer.file(f"f{i}", body[i:] + body[:i], uid=70000)
    source, there, back, report = (box.path(x) for x in ("in", "fixed", "back", "r.json"))
    save_oci(source, stack, tag="t")

    def run(*args, after=None):
        p = subprocess.Popen([box.program, "fix", *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if after is not None:
            time.sleep(after)
            p.send_signal(signal.SIGKILL)
        return p.wait()

    def clear(*names):
        for name in os.listdir(box.top):
            if ".partial-" in name or name in names:
                path = box.path(name)
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)

    start = time.monotonic()
    equal(run("oci:" + source, "oci:" + there, "--report", report), 0, "fix")
    whole = time.monotonic() - start
    killed = 0
    for i in range(10):
        clear("fixed", "r.json")
        killed += run("oci:" + source, "oci:" + there, "--report", report, after=whole * (0.5 + i / 18)) != 0
        if os.path.exists(there):
            with open(report, encoding="utf-8") as f:
                equal(json.load(f)["undo"]["version"], 1, "the report of an image that is there")
    clear("fixed", "r.json")
    equal(run("oci:" + source, "oci:" + there, "--report", report), 0, "fix")
    before = sha(there)
    for i in range(10):
        killed += run("--undo", report, "oci:" + there, "oci:" + back, after=whole * (i + 1) / 12) != 0
        if os.path.exists(back):
            same_images(contents.Image(source), contents.Image(back))
        clear("back")
    equal(sha(there), before, "the source")
    if killed < 6:
        raise AssertionError(f"only {killed} of 20 were killed before their end")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(back)
    equal(run("--undo", report, "oci:" + there, "oci:" + back), 0, "undo")
    same_images(contents.Image(source), contents.Image(back))
