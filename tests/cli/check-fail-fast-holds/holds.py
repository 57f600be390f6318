"""What check --fail-fast says of images made at random holds for what check says of the whole."""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from mkimage import ACL_ACCESS, Layer, acl, save_oci  # noqa: E402

IMAGES, RUNS = 24, 3
IDS = [0, 0, 0, 1000, 65535, 65536, 70000, 100000, 2**32 - 1, 2**32 + 5, -3, 65534]
USERS = ["", "", "app", "70000", "1000", "1000:70000", "app:70000", "0:app", "99999999999"]
TARGETS = ["docker", "kubernetes", "podman", "podman-auto", "sysbox", "umoci", "single-id", "circleci"]
OPTIONS = [[], [], ["--fail-on", "error"], ["--fail-on", "note"], ["--map", "0:100000:65536"], ["--map", "0-999"]]


def entry(layer, r, bad, big):
    owner = {"uid": r.choice(IDS if bad else [0, 0, 1000]), "gid": r.choice(IDS if bad else [0, 0, 1000])}
    if not all(0 <= x <= 0o7777777 for x in owner.values()):
        owner["how"] = "pax"
    name, what = r.choice(["a", "b", "d/a", "d/b", "d/e/a"]), r.randrange(8)
    if what == 0:
        layer.whiteout(name)
    elif what == 1:
        layer.dir(r.choice(["d", "d/e"]), **owner)
    elif what == 2:
        layer.symlink(name, "x", **owner)
    elif what == 3:
        layer.opaque("d")
    elif what == 4:
        layer.file(name, b"1", xattrs={ACL_ACCESS: acl({r.choice([5, 70000 if bad else 6]): 7})}, **owner)
    elif what == 5:
        layer.file("etc/passwd", b"root:x:0:%d::/:\napp:x:%d:%d::/:\n" % (r.choice([0, 70000]), r.choice([5, 70000]), r.choice([5, 80000])))
    else:
        layer.file(name, r.randbytes(1200000) if big else b"1", mode=r.choice([0o644, 0o4755]), **owner)


def image(path, r):
    layers = []
    for _ in range(r.randrange(1, 5)):
        layer, bad = Layer("RUN", compress=r.choice([None, "gzip", "zstd"])), r.random() < 0.5
        large = r.choice([3, 99, 99])
        for i in range(r.randrange(1, 9)):
            entry(layer, r, bad, i == large)
        layers.append(layer)
    save_oci(path, layers, user=r.choice(USERS))


def check(*args):
    p = subprocess.run([os.environ["UIDFIT_PROGRAM"], "check", "--format", "json", *args], capture_output=True, check=False)
    return p.returncode, json.loads(p.stdout)["results"][0]


def same(f):
    return [f[k] for k in ("layer", "path", "uid", "gid", "subject")]


def wrong(whole, fast):
    """What does not hold."""
    if fast["complete"]:
        return [] if fast == whole else ["read whole, and other words"]
    out = [] if fast["fits"] is False else ["it fits"]
    for f in fast["findings"]:
        twins = [g for g in whole["findings"] if same(g) == same(f)]
        if not twins:
            out.append(f"no such finding: {f}")
        elif f["visibility"] is not None and f["visibility"] not in [g["visibility"] for g in twins]:
            out.append(f"visibility: {f}")
    for a, b in zip(whole["targets"], fast["targets"]):
        for key in ("fits", "stops_at", "engine_errors"):
            if b[key] not in (None, [], a[key]):
                out.append(f"{b['name']}: {key}")
    return out


def main():
    r, left = random.Random(1), 0
    with tempfile.TemporaryDirectory() as top:
        for n in range(IMAGES):
            path = f"{top}/{n}"
            image(path, r)
            for _ in range(RUNS):
                args = ["--for", ",".join(r.sample(TARGETS, r.choice([1, 1, 2, 4]))), *r.choice(OPTIONS), "oci:" + path]
                (status, whole), (mine, fast) = check(*args), check("--fail-fast", "--threads", r.choice("12"), *args)
                left += not fast["complete"]
                for what in wrong(whole, fast) + ([] if status == mine else [f"exit {mine}, not {status}"]):
                    print(n, args[:-1], what)
    print("enough was left" if left * 5 > IMAGES * RUNS else f"only {left} runs left anything")


main()
