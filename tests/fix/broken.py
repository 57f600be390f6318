"""Kills, full disks, sources that end: the destination is there whole or not at all, and the source is as it was.

Each case prints where in the work it hit, and fails where it hit the middle too seldom.
"""
import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import engines
from box import case, equal, sha
from mkimage import Layer, save_docker_archive, save_oci

KINDS = (None, "gzip", "zstd")
PARTIAL = ".partial-"


def big(megabytes=4, seed=7):
    """Three layers, each stored in its own way, whose owners all change."""
    layers, body = [], random.Random(seed).randbytes(1 << 20)
    for kind in KINDS:
        layers.append(Layer(compress=kind))
        for i in range(megabytes):
            layers[-1].file(f"{kind}{i}", body[i:] + body[:i], uid=70000)
    return layers


def size_of(path):
    """Bytes of a file, or of the files below a directory; 0 where it is not there (any more)."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            return sum(size_of(os.path.join(path, x)) for x in os.listdir(path))
        return os.path.getsize(path)
    return 0


def written(folder):
    """Bytes of what is being written there."""
    return sum(size_of(os.path.join(folder, x)) for x in os.listdir(folder) if PARTIAL in x)


def clear(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)


def tell(what, moments):
    """Prints the distribution of moments: each a fraction of the bytes written, or a word."""
    def name(x):
        return x if isinstance(x, str) else f"{int(min(x, 0.99) * 4) * 25} %.." if x else "nothing written"
    print(f"     {what}: " + ", ".join(f"{k}: {n}" for k, n in sorted(collections.Counter(map(name, moments)).items())))


def middle(moments):
    return sum(not isinstance(x, str) and 0 < x < 1 for x in moments)


def until_written(p, folder, size, seconds=60):
    """Waits until so many bytes stand in the unfinished destination, or the program has ended."""
    end = time.monotonic() + seconds
    while written(folder) < size and p.poll() is None and time.monotonic() < end:
        time.sleep(0.0005)


def kill_one(box, source, transport, whole, moment, by_time):
    """One run that is killed; returns how far it was."""
    folder, total, seconds, want = whole
    p = subprocess.Popen([box.program, "fix", source, f"{transport}:{folder}/out"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if by_time:
        time.sleep(moment * seconds)
    else:
        until_written(p, folder, moment * total)
    p.send_signal(signal.SIGKILL)
    killed = p.wait() == -signal.SIGKILL
    far = written(folder) / total if killed else "too late"
    if os.path.exists(folder + "/out"):
        equal(sha(folder + "/out"), want, "a destination after a kill")
        far = "renamed"
    clear(folder)
    return far


@case
def kill_at_any_moment(box):
    """25 moments by the clock, 25 by what is written; half into an archive, half into a layout."""
    source, folder, rng, moments = box.path("big.tar"), box.path("to"), random.Random(11), []
    save_docker_archive(source, big())
    before = sha(source)
    os.mkdir(folder)
    for transport in ("docker-archive", "oci"):
        start = time.monotonic()
        box.fix(source, f"{transport}:{folder}/out")
        whole = (folder, size_of(folder), time.monotonic() - start, sha(folder + "/out"))
        clear(folder)
        moments += [kill_one(box, source, transport, whole, rng.random(), i % 2 == 0) for i in range(25)]
        # What a killed run leaves is in nobody's way.
        box.fix(source, f"{transport}:{folder}/out")
        equal(sha(folder + "/out"), whole[3], "the run behind the kills")
        clear(folder)
    equal(sha(source), before, "the source")
    tell("50 kills", moments)
    equal(middle(moments) >= 20, True, f"only {middle(moments)} of 50 came while the destination was written")


@case
def a_full_disk(box):
    small, spool, moments = box.path("small"), box.path("spool"), []
    engines.need_root()
    for folder in (small, spool):
        os.mkdir(folder)
        engines.must(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
    try:
        for kind in KINDS:
            source, body = box.path(f"{kind}.tar"), random.Random(3).randbytes(3 << 20)
            # The first layer fits there; the second does not.
            save_docker_archive(source, [Layer(compress=kind).file("a", body[:600000], uid=70000), Layer(compress=kind).file("b", body, uid=70000)])
            for transport in ("docker-archive", "oci", "oci-archive", "dir"):
                p = subprocess.Popen([box.program, "fix", source, f"{transport}:{small}/out"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                most = 0
                while p.poll() is None:
                    most = max(most, written(small))
                    time.sleep(0.0005)
                text = p.stderr.read()
                p.stderr.close()
                equal((p.returncode, b"No space left" in text, os.listdir(small)), (3, True, []), f"{kind} to {transport}: {text.decode()}")
                moments.append(most / (1 << 20))
            # Standard input is kept under TMPDIR first.
            with open(source, "rb") as f:
                done = box.fix("-", "docker-archive:" + box.path("out.tar"), stdin=f, status=3, env=dict(os.environ, TMPDIR=spool))
            equal((b"No space left" in done.stderr, os.path.exists(box.path("out.tar"))), (True, False), done.stderr.decode())
    finally:
        for folder in (small, spool):
            engines.must(["umount", folder])
    tell("12 full disks, of their 1 MB", moments)
    # A directory whose blobs are gone again may never have been seen full.
    equal(max(moments) > 0.5, True, "no run had written half of it")


def cuts(rng, length):
    """Places where an archive ends: one in each twelfth."""
    return [int(length * (i + rng.random()) / 12) for i in range(12)]


@case
def a_source_that_ends_half_way(box):
    rng, said = random.Random(5), collections.Counter()
    for kind in KINDS:
        for name, save in (("docker-archive", save_docker_archive), ("oci-archive", lambda path, layers: save_oci(path, layers, archive=True))):
            source, cut, dest = box.path("whole.tar"), box.path("cut.tar"), box.path("out.tar")
            save(source, [Layer(compress=kind).file("a", rng.randbytes(90000), uid=70000), Layer(compress=kind).file("b", rng.randbytes(90000), uid=1)])
            with open(source, "rb") as f:
                data = f.read()
            for at in cuts(rng, len(data) - 2048):
                with open(cut, "wb") as f:
                    f.write(data[:at])
                done = box.fix(cut, "docker-archive:" + dest, status=3)
                said[done.stderr.decode().strip().rpartition(": ")[2][:60]] += 1
                equal((os.path.exists(dest), [x for x in os.listdir(box.top) if PARTIAL in x]), (False, []), f"{kind} {name} cut at {at}")
                with open(cut, "rb") as f:
                    done = box.fix("-", "-", stdin=f, status=3)
                equal(b"manifest.json" in done.stdout, False, "a manifest on standard output")
    print("     72 ends: " + ", ".join(f"{k!r} {n}" for k, n in said.most_common(6)))


@case
def a_source_that_shrinks_while_it_is_rewritten(box):
    """What planning has read is gone when the bytes are copied."""
    source, cut, folder, moments = box.path("big.tar"), box.path("cut.tar"), box.path("to"), []
    save_docker_archive(source, big())
    os.mkdir(folder)
    box.fix(source, f"docker-archive:{folder}/out")
    total = size_of(folder)
    for i in range(12):
        clear(folder)
        shutil.copyfile(source, cut)
        p = subprocess.Popen([box.program, "fix", cut, f"docker-archive:{folder}/out"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until_written(p, folder, max(1, total * i // 16))
        far = written(folder) / total if p.poll() is None else "too late"
        os.truncate(cut, total // 20)
        text = p.communicate(timeout=60)[1]
        there = os.listdir(folder)
        equal((p.returncode, there) in ((3, []), (0, ["out"])), True, f"exit {p.returncode}, {there}: {text.decode(errors='replace')}")
        moments.append(far if p.returncode else "read before")
    tell("12 sources that shrink", moments)
    equal(middle(moments) >= 4, True, f"only {middle(moments)} of 12 were hit while the destination was written")
