#!/usr/bin/env python3
"""Broken, lying and oversized images against the sanitized program: one clear line, exit 3, in bounded time and memory.

A case is a function that writes a file and says what must come back: EXIT and words of the one line on standard error.
usage: run.py --uidfit PROGRAM [CASE...]
"""
import argparse
import gzip
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mkimage  # noqa: E402
from mkimage import Layer, dumps, header, pad, save_docker_archive, save_oci  # noqa: E402

SECONDS = 60
SIGNS_OF_A_CRASH = (b"AddressSanitizer", b"runtime error:", b"LeakSanitizer", b"Assertion")
CASES = []


def case(exit_status=3, says=""):
    """Registers a generator of (name, arguments for uidfit check): each must end with exit_status and say says."""
    def add(f):
        CASES.append((f.__name__, f, exit_status, says))
        return f
    return add


class Box:
    """A directory for one case's files."""

    def __init__(self, top):
        self.top, self.count = top, 0

    def path(self, suffix=""):
        self.count += 1
        return os.path.join(self.top, f"{self.count}{suffix}")

    def write(self, data, suffix=""):
        p = self.path(suffix)
        with open(p, "wb") as f:
            f.write(data)
        return p

    def tar(self, *parts):
        return "tar:" + self.write(b"".join(parts) + bytes(1024))


def good_layer():
    return (Layer().root().dir("etc").file("etc/passwd", b"root:x:0:0::/:/bin/sh\n", how="pax", uid=70000)
            .file("x" * 150, b"y" * 700, uid=70000, how="base256", xattrs={mkimage.ACL_ACCESS: mkimage.acl({1000: 7})}))


# Truncation -------------------------------------------------------------------------------------

def cuts(data):
    """Every byte of the first four blocks, then every 100."""
    return list(range(1, min(2048, len(data)))) + list(range(2048, len(data) - 1024, 100))


@case(says="trunc|end")
def truncated_layer_at_every_byte(box):
    data = good_layer().tar()
    # A cut on a block boundary between entries is a tar without its end marker: accepted where nothing says otherwise.
    for n in cuts(data)[::7]:
        if n % 512:
            yield f"cut at {n}", ["tar:" + box.write(data[:n])]


@case(says="")
def truncated_gzip_layer(box):
    data = gzip.compress(good_layer().tar(), mtime=0)
    for n in range(3, len(data), 9):
        yield f"cut at {n}", ["tar:" + box.write(data[:n])]


@case(says="")
def truncated_archive(box):
    p = box.path()
    save_docker_archive(p, [good_layer()])
    data = open(p, "rb").read()
    for n in range(700, len(data) - 1024, 611):
        if n % 512:
            yield f"cut at {n}", ["docker-archive:" + box.write(data[:n])]


@case(says="")
def truncated_standard_input(box):
    p = box.path()
    save_docker_archive(p, [good_layer()], compress="gzip")
    data = open(p, "rb").read()
    for n in range(3, len(data), len(data) // 40):
        yield f"cut at {n}", ["-", box.write(data[:n])]


# Numbers and names ------------------------------------------------------------------------------

@case(says="uid|gid|number|header|checksum|sum")
def numbers_with_junk(box):
    for field in (b"12x4\0\0\0\0", b"70000x\0\0", b"8888888\0", b"-0000001", b"\xff\xff\xff\xff\xff\xff\xff\x00"[:7] + b"x"):
        if field[0] & 0x80:
            continue
        yield repr(field), [box.tar(header(b"f", b"0", overrides={108: field}))]
    for value in ("10abc", "0x10", "99999999999999999999", " 5", "5 ", "1e3"):
        yield "pax uid " + value, ["tar:" + box.write(Layer().file("f", pax={"uid": value}).tar())]


@case(says="size|limit|end|trunc|number")
def sizes_near_two_to_the_63(box):
    for size in (2**63 - 1, 2**63 - 512, 2**62, 2**40):
        yield f"{size}", [box.tar(header(b"f", b"0", size=size))]
        yield f"pax {size}", ["tar:" + box.write(Layer().file("f", pax={"size": str(size)}).tar())]
    yield "negative", [box.tar(header(b"f", b"0", overrides={124: mkimage.base256(-5, 12)}))]
    yield "pax negative", ["tar:" + box.write(Layer().file("f", pax={"size": "-1"}).tar())]


@case(says="sum|header|tar")
def header_sums_wrong(box):
    h = bytearray(header(b"second", b"0"))
    h[0] ^= 1
    yield "second header", [box.tar(header(b"first", b"0"), bytes(h))]


@case(says="pax|PAX|record|header")
def pax_records_that_lie(box):
    def x(body):
        return box.tar(header(b"x", b"x", size=len(body)), pad(body), header(b"f", b"0"))
    for body in (b"5 a=b\n", b"999 path=f\n", b"0 path=f\n", b"-1 path=f\n", b"10 path=ab", b"path=f\n", b"8 pathf\n",
                 b"99999999999999999999 path=f\n", b"10 =value\n", b"11 pa\0th=f\n"):
        yield repr(body), [x(body)]


@case(says="limit|name")
def names_of_a_megabyte(box):
    name = b"d/" * 500000
    yield "pax", ["tar:" + box.write(Layer().file(name).tar())]
    body = name + b"\0"
    yield "gnu", [box.tar(header(b"././@LongLink", b"L", size=len(body)), pad(body), header(b"f", b"0"))]


@case(says="limit|PAX|pax|record")
def a_million_pax_records(box):
    body = mkimage.pax_record("comment", "x") * 1000000
    yield "one header", [box.tar(header(b"x", b"x", size=len(body)), pad(body), header(b"f", b"0"))]


@case(says="")
def endless_extended_headers(box):
    one = header(b"x", b"x", size=12) + pad(b"12 comment=x"[:11] + b"\n")
    yield "a hundred thousand x headers and no file", [box.tar(one * 100000)]


@case(exit_status=1)
def names_with_escapes(box):
    for name in (b"\x1b]0;owned\x07\x1b[31m", b"a\nerror: b", b"\xff\xfe\x80", "\u202egpj.exe".encode(), b"::error::x", b"a\r\x08b"):
        yield repr(name), ["tar:" + box.write(Layer().file(name, uid=70000).tar())]
        yield repr(name) + " json", ["--format", "json", "tar:" + box.write(Layer().file(name, uid=70000).tar())]


# Codecs -----------------------------------------------------------------------------------------

def flips(data, step):
    for n in range(0, len(data), step):
        broken = bytearray(data)
        broken[n] ^= 1 << (n // step % 8)
        yield n, bytes(broken)


@case(exit_status=(0, 1, 3))
def flipped_bits(box):
    layer = good_layer().tar()
    import bz2
    import lzma
    kinds = {"gzip": gzip.compress(layer, mtime=0), "bzip2": bz2.compress(layer), "xz": lzma.compress(layer), "tar": layer}
    if shutil.which("zstd"):
        kinds["zstd"] = subprocess.run(["zstd", "-qc", "--check"], input=layer, capture_output=True, check=True).stdout
    for kind, data in kinds.items():
        for n, broken in flips(data, max(1, len(data) // 60)):
            yield f"{kind} byte {n}", ["tar:" + box.write(broken)]


@case(says="digest|sha256")
def flipped_bits_behind_a_digest(box):
    for how in (None, "gzip"):
        top = box.path()
        save_oci(top, [Layer(compress=how).file("a", b"z" * 4000, uid=1).file("b")])
        blob = max((os.path.join(top, "blobs/sha256", n) for n in os.listdir(top + "/blobs/sha256")), key=os.path.getsize)
        if how == "gzip":
            manifest = [n for n in os.listdir(top + "/blobs/sha256")]
            blob = next(os.path.join(top, "blobs/sha256", n) for n in manifest
                        if open(os.path.join(top, "blobs/sha256", n), "rb").read(2) == b"\x1f\x8b")
        data = bytearray(open(blob, "rb").read())
        data[700 if how is None else 4] ^= 1   # a body's byte; gzip's time stamp, which no checksum covers
        open(blob, "wb").write(data)
        yield str(how), ["--verify", "oci:" + top]


@case(says="limit|layer-size")
def decompression_bombs(box):
    zeros = io.BytesIO()
    with gzip.GzipFile(fileobj=zeros, mode="wb", mtime=0) as f:
        f.write(header(b"bomb", b"0", size=2**31))
        for _ in range(256):
            f.write(bytes(1 << 20))
    yield "gzip", ["--limit", "layer-size=64M", "tar:" + box.write(zeros.getvalue())]


@case(says="junk|behind|trailing|gzip|after")
def junk_behind_gzip(box):
    yield "text", ["tar:" + box.write(gzip.compress(good_layer().tar(), mtime=0) + b"not a member")]


# Manifests --------------------------------------------------------------------------------------

def broken_oci(box, change):
    """An OCI layout whose manifest is changed, with every digest above it made right again."""
    top = box.path()
    save_oci(top, [Layer().file("a"), Layer().file("b")])
    blob = lambda d: os.path.join(top, "blobs", *d.split(":"))
    index = json.load(open(top + "/index.json"))
    manifest = json.load(open(blob(index["manifests"][0]["digest"])))
    data = change(manifest, top)
    data = data if isinstance(data, bytes) else dumps(manifest)
    index["manifests"][0].update(digest=mkimage.digest(data), size=len(data))
    open(blob(mkimage.digest(data)), "wb").write(data)
    open(top + "/index.json", "wb").write(dumps(index))
    return "oci:" + top


@case(says="layer|digest|size|manifest|found")
def manifests_that_lie(box):
    def missing(m, top):
        m["layers"][1]["digest"] = "sha256:" + "0" * 64

    def size(m, top):
        m["layers"][0]["size"] += 1

    def huge(m, top):
        m["layers"][0]["size"] = 2**63 - 1

    def negative(m, top):
        m["layers"][0]["size"] = -1

    def escape(m, top):
        m["layers"][0]["digest"] = "sha256:../../../../etc/passwd"

    def algorithm(m, top):
        m["layers"][0]["digest"] = "md5:" + "0" * 32

    def twice(m, top):
        m["layers"].append(m["layers"][0])

    def both(m, top):
        m["manifests"] = []

    def repeated(m, top):
        return dumps(m).replace(b'"layers":', b'"layers":[],"layers":', 1)

    def folded(m, top):
        return dumps(m).replace(b'"layers":', b'"Layers":[],"layers":', 1)

    def config_digest(m, top):
        m["config"]["digest"] = m["layers"][0]["digest"]

    def no_object(m, top):
        return b"[]"

    def deep(m, top):
        return b'{"layers":' + b"[" * 100000 + b"]" * 100000 + b"}"

    for change in (missing, size, huge, negative, escape, algorithm, twice, both, repeated, folded, config_digest, no_object, deep):
        yield change.__name__, [broken_oci(box, change)]


@case(says="digest")
def wrong_manifest_digest(box):
    top = box.path()
    save_oci(top, [Layer().file("a")])
    index = json.load(open(top + "/index.json"))
    p = os.path.join(top, "blobs", *index["manifests"][0]["digest"].split(":"))
    data = open(p, "rb").read()
    open(p, "wb").write(data.replace(b'"schemaVersion":2', b'"schemaVersion":3'))
    yield "manifest", ["oci:" + top]


@case(says="limit|size")
def a_gigabyte_of_json(box):
    top = box.path()
    save_oci(top, [Layer().file("a")])
    with open(top + "/index.json", "wb") as f:
        f.truncate(2**30)
    yield "index.json", ["oci:" + top]
    p = box.path()
    with open(p, "wb") as f:
        f.write(header(b"manifest.json", b"0", size=2**30))
        f.seek(2**30, 1)
        f.write(bytes(1024))
    yield "manifest.json", ["docker-archive:" + p]


@case(says="depth|index|loop|limit|image")
def loops_of_indexes(box):
    top = box.path()
    save_oci(top, [Layer().file("a")])
    index = dict(json.load(open(top + "/index.json")))
    row = index["manifests"][0]
    for _ in range(40):   # a digest cannot hold itself: a chain deeper than the limit stands for a loop
        data = dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [row]})
        open(os.path.join(top, "blobs", *mkimage.digest(data).split(":")), "wb").write(data)
        row = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": mkimage.digest(data), "size": len(data)}
    open(top + "/index.json", "wb").write(dumps({"schemaVersion": 2, "manifests": [row]}))
    yield "forty deep", ["oci:" + top]


@case(says="")
def archives_that_lie(box):
    def archive(members):
        p = box.path()
        mkimage.write_archive(p, members)
        return p
    members, row = mkimage.docker_archive_members([Layer().file("a")])
    layer = row["Layers"][0]
    for name, rows in {
            "missing layer": [dict(row, Layers=["nowhere/layer.tar"])],
            "missing config": [dict(row, Config="nowhere.json")],
            "config is a layer": [dict(row, Config=layer)],
            "layers are numbers": [dict(row, Layers=[1, 2])],
            "layer twice": [dict(row, Layers=[layer, layer])],
            "no layers, one diff_id": [dict(row, Layers=[])],
            "empty": [], "an object": {}, "null": None}.items():
        p = archive(dict(members, **{"manifest.json": dumps(rows)}))
        yield name, ["docker-archive:" + p]
        yield name + ", standard input", ["-", p]
    yield "binary manifest", ["docker-archive:" + archive(dict(members, **{"manifest.json": bytes(range(256))}))]
    loop = Layer().symlink("a/layer.tar", "../b/layer.tar").symlink("b/layer.tar", "../a/layer.tar")
    for n, body in members.items():
        if n.endswith(".json"):
            loop.file(n, body)
    loop.file("manifest.json", dumps([dict(row, Layers=["a/layer.tar"])]))
    yield "links in a circle", ["docker-archive:" + box.write(loop.tar())]
    out = Layer().symlink("a/layer.tar", "../../../../../../etc/passwd")
    for n, body in members.items():
        if n.endswith(".json"):
            out.file(n, body)
    out.file("manifest.json", dumps([dict(row, Layers=["a/layer.tar"])]))
    yield "a link out of the archive", ["docker-archive:" + box.write(out.tar())]


@case(says="")
def not_an_image(box):
    yield "empty file", [box.write(b"")]
    yield "text", [box.write(b"FROM debian\n" * 100)]
    yield "binary", [box.write(bytes(range(256)) * 40)]
    yield "nowhere", [box.path()]
    os.mkdir(box.top + "/dir")
    yield "a directory without an image", [box.top + "/dir"]
    yield "device", ["tar:/dev/null/x"]
    yield "empty standard input", ["-", box.write(b"")]


# The runner -------------------------------------------------------------------------------------

def bounded():
    # ASan reserves terabytes of address space: bound what a run may write and how long it may think instead.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def ask(program, args):
    stdin = subprocess.DEVNULL
    if args[0] == "-":
        stdin, args = open(args[1], "rb"), ["-"]
    try:
        return subprocess.run([program, "check", *args], stdin=stdin, capture_output=True, timeout=SECONDS, preexec_fn=bounded)
    except subprocess.TimeoutExpired:
        return None


def judge(answer, exit_status, says):
    wanted = exit_status if isinstance(exit_status, tuple) else (exit_status,)
    if answer is None:
        return f"no end within {SECONDS} s"
    if any(s in answer.stderr for s in SIGNS_OF_A_CRASH):
        return "sanitizer: " + answer.stderr.decode("utf-8", "replace")[-1500:]
    if answer.returncode not in wanted:
        return f"exit {answer.returncode}, wanted {exit_status}: {answer.stderr.decode('utf-8', 'replace')[:300]}"
    for stream in (answer.stdout, answer.stderr):
        if any(b < 32 and b not in (10, 9) for b in stream) or b"\xe2\x80\xae" in stream:
            return f"control characters reach the terminal: {stream[:300]!r}"
        try:
            stream.decode("utf-8")
        except UnicodeDecodeError:
            return f"output is no UTF-8: {stream[:300]!r}"
    if answer.returncode == 3:
        lines = [line for line in answer.stderr.decode().split("\n") if line.startswith("uidfit: ")]
        if len(lines) != 1:
            return f"wanted one line 'uidfit: ...', got {answer.stderr.decode()[:500]!r}"
        if says and not any(word in lines[0] for word in says.split("|")):
            return f"the line does not say {says!r}: {lines[0]}"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("-v", action="store_true", help="print each line that came back")
    p.add_argument("cases", nargs="*")
    args = p.parse_args()
    passed = failed = 0
    for name, generate, exit_status, says in CASES:
        if args.cases and name not in args.cases:
            continue
        with tempfile.TemporaryDirectory(prefix="uidfit-hostile-") as top:
            for detail, arguments in generate(Box(top)):
                answer = ask(args.uidfit, arguments)
                complaint = judge(answer, exit_status, says)
                passed += not complaint
                failed += bool(complaint)
                if complaint:
                    print(f"FAIL {name}, {detail}: {complaint}", flush=True)
                elif args.v:
                    print(f"ok   {name}, {detail}: {answer.stderr.decode().strip()}")
        print(f"done {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
