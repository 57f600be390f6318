"""Cases of layers with a table of contents: what it tells is what the tar holds, at a hundredth of the bytes; and tables that lie."""
import contextlib
import http.client
import json
import random
import re
import time

import engines
from box import BIG, MANIFEST, PASSWD, address, case, equal, front, layout, manifest, need, told
from faulty import Response, Server, upstream
from mkimage import ACL_ACCESS, ACL_DEFAULT, CAPABILITY, Layer, acl, capability, save_oci
from tocs import CHECKSUM, ESTARGZ, INDEX, POSITION, TocLayer

FAR = 3_000_000_000  # above 2^31
WORDS = b"".join(b"user%d:x:%d:%d::/home/user%d:/bin/sh\n" % (n, n, n, n) for n in range(2000, 2200))


def base(**how):
    return (TocLayer("ADD base").root().dir("etc").file("etc/passwd", PASSWD + WORDS).file("etc/group", b"root:x:0:\nnode:x:1000:\n").landmark()
            .dir("usr").dir("usr/bin").file("usr/bin/tool", random.Random(1).randbytes(70_000), mode=0o4755).hardlink("usr/bin/same", "usr/bin/tool")
            .symlink("usr/bin/other", "tool").chardev("usr/null").blockdev("usr/loop").fifo("usr/pipe", uid=70000)
            .file("usr/acl", b"1", xattrs={ACL_ACCESS: acl({FAR: 7}, {5: 5}), "user.none": b"\x01\xff"})
            .dir("usr/default", xattrs={ACL_DEFAULT: acl({70001: 7})}).file("usr/cap", b"2", xattrs={CAPABILITY: capability(rootid=100000)})
            .file("usr/empty", uid=70002).file("usr/" + "long/" * 40 + "name", b"3", uid=FAR, gid=FAR + 1).toc(**how))


def above(**how):
    return (TocLayer("RUN adduser big").dir("etc").file("etc/passwd", PASSWD + WORDS + BIG).dir("home")
            .dir("home/big", uid=1000000, gid=1000000).file("home/big/own", b"4" * 3000, uid=1000000, gid=1000000)
            .whiteout("usr/acl").opaque("usr/default").toc(**how))


def image(box, name, layers, user="big", **kw):
    path = box.path("layouts", name)
    save_oci(path, layers, user=user, **kw)
    return f"oci:{path}:latest"


def plain(results):
    """But for what a table cannot tell: which field of a header holds an id, and where it stands."""
    text = re.sub(r'"verified": "(toc|full|none|blob)"', '"verified": ""', json.dumps(results))
    out = json.loads(text)

    def strip(x):
        if isinstance(x, dict):
            return {k: strip(v) for k, v in x.items() if k not in ("header_offset", "offset", "uid_field", "gid_field", "id_field")}
        return [strip(y) for y in x] if isinstance(x, list) else x
    return strip(out)


def verified(results):
    return [layer["verified"] for r in results for layer in r["layers"]]


def pair(box, name, layers, **kw):
    """(layout, docker:// name) of one image."""
    source = image(box, name, layers, **kw)
    return source, "docker://" + upload(box.shared.registries.plain, source, "toc/" + name)


def upload(registry, source, repository):
    """What skopeo copy does, in no time."""
    path = source.split(":")[1]

    def send(method, url, body=b"", kind="application/octet-stream"):
        host, port = registry.address.split(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as c:
            c.request(method, url, body, {"Content-Type": kind})
            r = c.getresponse()
            need(r.status in (201, 202), f"{method} {url}", r.status)
            return r.getheader("Location", "")

    def blob(digest):
        with open(f"{path}/blobs/{digest.replace(':', '/')}", "rb") as f:
            return f.read()
    with open(path + "/index.json", "rb") as f:
        document = blob(json.load(f)["manifests"][0]["digest"])
    parsed = json.loads(document)
    for d in [parsed["config"], *parsed["layers"]]:
        where = send("POST", f"/v2/{repository}/blobs/uploads/").partition(registry.address)[2]
        send("PUT", f"{where}{'&' if '?' in where else '?'}digest={d['digest']}", blob(d["digest"]))
    send("PUT", f"/v2/{repository}/manifests/latest", document, MANIFEST)
    return f"{registry.address}/{repository}"


def same_as_layout(box, name, layers, **kw):
    source, pulled = pair(box, name, layers, **kw)
    want, is_, whole = told(box.check(source, "--verify")), told(box.check(pulled)), told(box.check(pulled, "--verify"))
    equal(set(verified(is_)), {"toc"}, f"{name}: verified")
    equal(set(verified(whole)), {"full"}, f"{name}: --verify")
    equal(plain(is_), plain(want), name)
    equal(plain(whole), plain(want), name + " --verify")
    need(any(f["path"] == "/home/big/own" for f in is_[0]["findings"]), "there is something to find")
    mine, theirs = (json.loads(box.run("owners", "--format", "json", x, status=(0, 1)).out) for x in (pulled, source))
    equal(mine["results"][0].get("owners"), theirs["results"][0].get("owners"), f"{name}: owners")


@case
def toc_tells_what_the_tar_holds(box):
    for kind in ("estargz", "zstd"):
        for name, how in (("whole", {}), ("chunks", {"chunk": 100}), ("inner", {"least": 20_000}), ("both", {"chunk": 100, "least": 900})):
            same_as_layout(box, f"{kind}-{name}", [base(kind=kind, **how), above(kind=kind, **how)])
    same_as_layout(box, "old-footer", [base(old=True), above(old=True)])


@case
def toc_is_said(box):
    _, pulled = pair(box, "said", [base(), above(), Layer("COPY", compress="gzip").file("x", b"x")])
    said = box.run("check", pulled, status=1).out.decode()
    need("of 2 layers only the table of contents was read; --verify reads all" in said, "it is said", said[-900:])
    said = box.run("check", "--verify", pulled, status=1).out.decode()
    need("table of contents" not in said, "and only then", said[-900:])


@case
def toc_costs_a_hundredth(box):
    noise = random.Random(7)
    big = TocLayer("COPY big").dir("etc").file("etc/passwd", PASSWD)
    for n in range(50):
        big.file(f"part{n}", noise.randbytes(1 << 20), uid=70000 if n == 7 else 0)
    for kind in ("estargz", "zstd"):
        name = upload(box.shared.registries.plain, image(box, "big-" + kind, [big.toc(kind=kind)], user="node"), "toc/big-" + kind)
        size = manifest(box.shared.registries.plain, "toc/big-" + kind)["layers"][0]["size"]
        with front(box.shared.registries.plain) as s:
            done = box.check("docker://" + name.replace(box.shared.registries.plain.address, address(s)))
            need(s.served * 100 <= size, f"{kind}: bytes served", f"{s.served} of {size}")
            equal(verified(told(done)), ["toc"], kind)
            equal(done.json["results"][0]["user"].get("uid"), 1000, "USER by a name that a ranged read gave")


@case
def toc_of_podman(box):
    """podman's own zstd:chunked."""
    registry = box.shared.registries.plain
    with engines.Podman(rootless=False) as p:
        source = layout(box, "podman", "gzip", seed=time.time_ns())  # podman knows of each blob that it has once pushed
        p.podman("pull", "-q", source)
        p.podman("push", "-q", "--format", "oci", "--compression-format", "zstd:chunked", "--tls-verify=false",
                 p.podman("images", "-q").split()[0], f"{registry.address}/toc/podman:latest")
    if not any("zstd-chunked" in str(x.get("annotations")) for x in manifest(registry, "toc/podman")["layers"]):
        raise engines.Unavailable("this podman writes no zstd:chunked")
    is_ = told(box.check(f"docker://{registry.address}/toc/podman"))
    want = told(box.check(f"docker://{registry.address}/toc/podman", "--verify"))
    equal(set(verified(is_)), {"toc"}, "verified")
    equal(plain(is_), plain(want), "podman's table")


def first(key, value):
    """Changes the entry of the file tool."""
    def change(table):
        next(e for e in table["entries"] if e["name"] == "usr/bin/tool")[key] = value
    return change


def drop_name(table):
    del table["entries"][5]["name"]


LIES = {
    "footer": {"foot": lambda at: at + (1 << 40)},
    "footer-elsewhere": {"foot": lambda at: 0},
    "footer-inside": {"foot": lambda at: at + 7},
    "cut": {"text": lambda t: t[:len(t) // 2]},
    "twice": {"text": lambda t: t[:-1] + b',"Entries":[]}'},
    "escaped": {"text": lambda t: t[:-1] + b',"entr\\u0069es":[]}'},
    "no-name": {"change": drop_name},
    "negative": {"change": first("size", -1)},
    "type": {"change": first("type", "door")},
    "uid": {"change": first("uid", "0")},
    "uid-vast": {"text": lambda t: t.replace(b'"uid": 70000', b'"uid": 7' + b"0" * 30)},
    "xattr": {"change": first("xattrs", {ACL_ACCESS: "%%%"})},
    "long": {"change": first("userName", "u" * (3 << 20))},
    "array": {"text": lambda t: b"[" + t + b"]"},
    "behind": {"text": lambda t: t + b"{}"},
}


@case
def toc_that_is_damaged(box):
    """The layer is read whole, and that is said."""
    want = told(box.check(image(box, "sound", [base(), above()]), "--verify"))[0]["findings"]
    for i, (name, how) in enumerate(LIES.items()):
        kind = "zstd" if i % 2 and "foot" not in how else "estargz"
        _, pulled = pair(box, "lie-" + name, [base(kind=kind, **how), above(kind=kind)])
        done = box.check(pulled)
        equal(verified(told(done)), ["full", "toc"], f"{name}: verified")
        need("read whole" in json.dumps(done.json), f"{name}: a note", done.out[-900:])
        if "foot" in how:
            equal(told(done)[0]["findings"], want, name)
    # A limit is one wherever it is passed.
    box.check(pair(box, "lie-vast", [base(change=first("size", 1 << 62))])[1], status=3, says="limit layer-size")


@case
def toc_of_300_mb_of_zeros(box):
    _, pulled = pair(box, "zeros", [base(text=lambda t: bytes(300 << 20)), above()])
    equal(verified(told(box.check(pulled))), ["full", "toc"], "zeros")
    _, pulled = pair(box, "blanks", [base(kind="zstd", text=lambda t: b" " * (300 << 20)), above()])
    done = box.check(pulled)
    equal(verified(told(done)), ["full", "toc"], "blanks")
    need("more than 256 MiB" in json.dumps(done.json), "the note", done.out[-900:])


@case
def toc_of_another_digest(box):
    """A table that is not the one that the manifest names ends the run."""
    wrong = "sha256:" + "1" * 64
    for kind, put in (("estargz", {ESTARGZ: wrong}), ("zstd", {CHECKSUM: wrong})):
        _, pulled = pair(box, "digest-" + kind, [base(kind=kind, annotations=put), above()])
        box.check(pulled, status=3, says=["table of contents", wrong])
        equal(verified(told(box.check(pulled, "--verify"))), ["full", "full"], "--verify does not ask it")

    def chunk(table):
        next(e for e in table["entries"] if e["name"] == "etc/passwd")["chunkDigest"] = wrong
    _, pulled = pair(box, "chunk", [base(change=chunk), above()])
    box.check(pulled, status=3, says=["etc/passwd", "chunk", wrong])


@case
def toc_annotations_that_are_damaged(box):
    for name, kind, put in (("number", "zstd", {POSITION: "1:2:x:1"}), ("digest", "estargz", {ESTARGZ: "sha256:1"}),
                            ("beyond", "zstd", {POSITION: "999999999:100:200:1"}), ("vast", "zstd", {POSITION: f"1:{1 << 60}:1:1"}),
                            ("type", "zstd", {POSITION: "1:2:3:9"})):
        _, pulled = pair(box, "annotation-" + name, [base(kind=kind, annotations=put), above()])
        equal(verified(told(box.check(pulled))), ["full", "toc"], name)


@case
def toc_without_ranges(box):
    registry = box.shared.registries.plain
    source, pulled = pair(box, "ranges", [base(), above()])
    host, port = registry.address.split(":")
    behind = upstream(host, int(port))

    def handle(request):
        request.headers = [(k, v) for k, v in request.headers if k.lower() != "range"]
        return behind(request)
    with Server(handle) as s:
        done = box.check(pulled.replace(registry.address, address(s)))
    equal(verified(told(done)), ["full", "full"], "verified")
    need("read whole" in json.dumps(done.json), "a note", done.out[-900:])
    equal(plain(told(done)), plain(told(box.check(source, "--verify"))), "read whole")


def liar(**how):
    """The table says root, the tar another owner."""
    return TocLayer("COPY hidden").file("hidden", b"5", uid=70000, gid=70000).toc(change=lambda t: t["entries"][0].update(uid=0, gid=0), **how)


def paths(done):
    return {f["path"] for f in told(done)[0]["findings"]}


@case
def toc_that_lies_of_owners(box):
    """Nothing but the tar shows it: --verify reads it, fix plans from it, and the cache keeps the two apart."""
    source, pulled = pair(box, "liar", [liar()], user="")
    cache = {"XDG_CACHE_HOME": box.path("cache", "x")}
    box.check(pulled, status=0, env=cache)
    with front(box.shared.registries.plain) as s:
        near = pulled.replace(box.shared.registries.plain.address, address(s))
        box.check(near, status=0, env=cache)
        equal([r.path for r in s.seen() if "/blobs/" in r.path and "Range" in dict(r.headers)], [], "the table is in the cache")
    equal(paths(box.check(source, env=cache)), {"/hidden"}, "a layout is read, whatever a table said")
    box2 = {"XDG_CACHE_HOME": box.path("cache2", "x")}
    box.check(pulled, status=0, env=box2)
    equal(paths(box.check(pulled, "--verify", env=box2)), {"/hidden"}, "--verify")
    equal(paths(box.check(pulled, env=box2)), {"/hidden"}, "what was read whole counts before the table")
    fixed = box.path("fixed", "out")
    box.fix(pulled, "oci:" + fixed + ":latest", env=cache)
    done = box.check(f"oci:{fixed}:latest", "--verify", status=0)
    owners = json.loads(box.run("owners", "--format", "json", f"oci:{fixed}:latest").out)
    need("70000" not in json.dumps(owners), "fix saw the tar's owner", json.dumps(owners)[:900])
    need(INDEX not in json.dumps(done.json), "no table is left")
