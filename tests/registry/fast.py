"""Cases of check --fail-fast: what one small layer tells need not be read out of a large one."""
import random
import time

from box import PASSWD, address, case, equal, front, manifest, need, push, told
from faulty import instead
from mkimage import Layer, save_oci

SIZE = 24 << 20


def image(box, name, uid):
    """docker://NAME of an image whose first layer has one owner, and whose second one is large; with their digests."""
    registry, path = box.shared.registries.plain, box.path("layouts", name)
    save_oci(path, [Layer("ADD base", compress="gzip").dir("etc").file("etc/passwd", PASSWD).file("etc/own", b"1", uid=uid),
                    Layer("COPY data", compress="gzip").file("data", random.Random(name).randbytes(SIZE))])
    push(registry, f"oci:{path}:latest", "fast/" + name)
    return "fast/" + name, [x["digest"] for x in manifest(registry, "fast/" + name)["layers"]]


def asked(server, digest):
    return len(server.seen(f"GET /v2/[^ ]*/blobs/{digest}"))


def slowly(sent):
    """4 MiB a second; sent counts, as a server does not count what a client has left."""
    def fault(conn, request, response):
        conn.send(response.head())
        for piece in response.pieces():
            conn.send(piece)
            sent.append(len(piece))
            time.sleep(len(piece) / (4 << 20))
    return fault


@case
def fail_fast_leaves_what_is_large(box):
    name, (small, big) = image(box, "large", 70000)
    fast = ("--fail-fast", "--threads", "1")
    with front(box.shared.registries.plain) as s:
        where = f"docker://{address(s)}/{name}"
        box.check(where)
        need(s.served > SIZE, "all is served without it", s.served)
        s.forget()
        result = told(box.check(where, *fast))[0]
        need(s.served * 100 < SIZE, "bytes served", s.served)
        equal((asked(s, small), asked(s, big)), (1, 0), "layers asked for")
        equal((result["fits"], result["complete"]), (False, False), "verdict")
        equal([(x["unread"], x["entries"], x["size"] > 0) for x in result["layers"]], [(False, 3, True), (True, None, True)], "layers")
        equal([(f["path"], f["visibility"], f["by_layer"]) for f in result["findings"]], [("/etc/own", None, None)], "findings")
        equal(result["targets"][0]["stops_at"], {"layer": 0, "path": "/etc/own"}, "every layer below is known")
        said = box.run("check", *fast, "--progress", "plain", where, status=1)
        need("1 of 2 layers was not looked at (--fail-fast)" in said.out.decode() and b" fits" not in said.out, "it is said", said.out)
        need("No longer needed" in said.err, "of each layer", said.err)
        # What fails there is not asked for.
        s.fault(f"GET /v2/.*{big}", instead(404), times=None)
        box.check(where, status=3)
        box.check(where, *fast)


@case
def fail_fast_gives_up_half_way(box):
    """Both are read at once: the large one is left in the middle."""
    name, (_, big) = image(box, "half", 70000)
    sent = []
    with front(box.shared.registries.plain) as s:
        s.fault(f"GET /v2/.*{big}", slowly(sent), times=None)
        done = box.check(f"docker://{address(s)}/{name}", "--fail-fast", "--threads", "2")
        need(sum(sent) * 2 < SIZE, "bytes of the large layer", sum(sent))
        result = told(done)[0]
        equal([x["unread"] for x in result["layers"]], [False, True], "layers")


@case
def fail_fast_ends_within_a_layer(box):
    """A large layer is read as far as its first entry that does not fit, and the cache takes no part for the whole."""
    registry, path, cache = box.shared.registries.plain, box.path("layouts", "within"), {"XDG_CACHE_HOME": box.path("cache", "x")}
    save_oci(path, [Layer("COPY all", compress="gzip").file("own", b"1", uid=70000).file("data", random.Random(9).randbytes(SIZE)).file("more", uid=70000)])
    push(registry, f"oci:{path}:latest", "fast/within")
    digest, sent = manifest(registry, "fast/within")["layers"][0]["digest"], []
    with front(registry) as s:
        where = f"docker://{address(s)}/fast/within"
        s.fault(f"GET /v2/.*{digest}", slowly(sent), times=None)
        result = told(box.check(where, "--fail-fast", env=cache))[0]
        need(sum(sent) * 2 < SIZE, "bytes of the layer", sum(sent))
        equal([f["path"] for f in result["findings"]], ["/own"], "findings")
        layer, = result["layers"]
        equal((result["complete"], layer["unread"], layer["entries"], layer["verified"]), (False, True, 1, "none"), "the layer")
        s.forget()
        said = box.run("check", "--fail-fast", where, status=1, env=cache).out.decode()
        need("1 of 1 layer was looked at in part (--fail-fast)" in said, "it is said", said)
        whole = told(box.check(where, env=cache))[0]
        equal(([f["path"] for f in whole["findings"]], whole["layers"][0]["cached"]), (["/own", "/more"], False), "the whole")


@case
def fail_fast_asks_the_cache_first(box):
    name, (small, big) = image(box, "cached", 70000)
    cache = {"XDG_CACHE_HOME": box.path("cache", "x")}
    with front(box.shared.registries.plain) as s:
        where = f"docker://{address(s)}/{name}"
        box.check(where, "--fail-fast", "--threads", "1", env=cache)
        s.forget()
        result = told(box.check(where, "--fail-fast", "--threads", "2", env=cache))[0]
        equal((asked(s, small), asked(s, big)), (0, 0), "layers asked for")
        equal([(x["unread"], x["cached"]) for x in result["layers"]], [(False, True), (True, False)], "layers")
        whole = told(box.check(where, env=cache))[0]
        equal((whole["complete"], [x["cached"] for x in whole["layers"]]), (True, [True, False]), "what was left is in no cache")


@case
def fail_fast_reads_all_of_what_fits(box):
    name, _ = image(box, "fits", 1000)
    where = f"docker://{box.shared.registries.plain.address}/{name}"
    with_it, without = (told(box.check(where, *options, status=0)) for options in (("--fail-fast",), ()))
    equal(with_it, without, "the answer")
    need(with_it[0]["complete"], "all was looked at")
