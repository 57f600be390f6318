"""What fix compresses does not depend on how many threads do it."""
import os
import random

from box import case, equal, sha
from mkimage import Layer, save_oci


def large_layer(compress):
    """Eleven MiB in which every entry changes: eleven gzip members, and two of zstd's jobs."""
    draw = random.Random(4)
    words = [draw.randbytes(draw.randint(2, 12)) for _ in range(3000)]
    layer = Layer("ADD", compress=compress)
    for i in range(44):
        layer.file(f"srv/{i}", b" ".join(draw.choices(words, k=40000))[:262144], uid=1000000, gid=1000000)
    return layer


def blobs(layout):
    folder = os.path.join(layout, "blobs", "sha256")
    return {name: sha(os.path.join(folder, name)) for name in os.listdir(folder)}


@case
def threads_change_no_byte(box):
    for kind in ("gzip", "zstd"):
        source = box.path(kind)
        save_oci(source, [large_layer(kind)])
        seen = []
        for threads in (1, 2, 3, 8):
            dest = box.path(f"{kind}-{threads}")
            box.fix("oci:" + source, "oci:" + dest, "--threads", threads)
            seen.append((blobs(dest), sha(os.path.join(dest, "index.json"))))
            equal(seen[-1], seen[0], f"{kind} with {threads} threads")
