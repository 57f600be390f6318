"""What runs leave behind, however they end; and what they share."""
import os
import signal
import time

from people import Layer, Person, end_by, save_docker_archive, make_config
from ends import line_of


def killed(s, p):
    """kill -9 of uidfit itself: the next run sweeps."""
    with p.start(s.small, "/probes/probe", "deaf") as run:
        s.same(line_of(run), "ready", f"{p.label}: the program starts")
        target = run.pid
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=20)
    assert target
    time.sleep(0.5)
    done = p.run(s.small, "/probes/probe")
    s.that(done.returncode == 0, f"{p.label}: the next one runs", done.stderr)
    s.same(p.left(), [], f"{p.label}: and has swept what the killed one left")


def at_once(s, p):
    """Two runs of an image that neither finds in the cache."""
    layers = [Layer("ADD a").file("a", b"a" * 5000000), *s.small_layers]
    image = s.save("fresh.tar", layers, Cmd=["/probes/probe"])
    before = set(os.listdir(p.cache + "/layers"))
    runs = [p.start(image) for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=60)
        s.that(run.returncode == 0 and "uid 0" in out, f"{p.label}: one of three at once", out + err)
    new = [n for n in set(os.listdir(p.cache + "/layers")) - before if "." not in n]
    s.that(len(new) in (1, 2), f"{p.label}: they share the layers", str(new))
    s.that(not [n for n in os.listdir(p.cache + "/layers") if "partial" in n], f"{p.label}: nothing half is left")
    s.same(p.left(), [], f"{p.label}: nothing is left")


def damaged(s, p):
    """A layer that is not what its digest says: nothing of it stays."""
    layer = Layer("ADD odd").file("odd", b"odd" * 1000)
    config = make_config([*s.small_layers, layer])
    config["rootfs"]["diff_ids"][-1] = "sha256:" + "0" * 64
    save_docker_archive(s.path("damaged.tar"), [*s.small_layers, layer], config=config)
    os.chmod(s.path("damaged.tar"), 0o644)
    before = {n for n in os.listdir(p.cache + "/layers") if "." not in n}
    done = p.run(s.path("damaged.tar"), "/probes/probe")
    s.same(done.returncode, 125, f"{p.label}: a damaged layer", done.stdout + done.stderr)
    s.that("digest" in done.stderr or "sha256" in done.stderr, f"{p.label}: says so", done.stderr)
    after = {n for n in os.listdir(p.cache + "/layers") if not n.endswith((".lock", ".make"))}
    s.that(len(after - before) <= 1 and not [n for n in after if "partial" in n], f"{p.label}: nothing of it is kept", str(after - before))
    for name in after:
        with open(os.path.join(p.cache, "layers", name, "key"), encoding="utf-8") as f:
            s.that("0" * 64 not in f.read(), f"{p.label}: no key of its digest")
    s.same(p.left(), [], f"{p.label}: nothing is left")


def escapes(s, p):
    canary = os.path.join(p.home, "canary")
    os.mkdir(canary)
    with open(canary + "/file", "w", encoding="utf-8") as f:
        f.write("untouched")
    os.chown(canary, p.uid, p.gid)
    os.chown(canary + "/file", p.uid, p.gid)
    before = [(os.lstat(x).st_mtime_ns, os.lstat(x).st_uid, os.lstat(x).st_mode) for x in (canary, canary + "/file")]
    up = "../" * 12 + canary.lstrip("/")
    cases = {"dotdot": [("file", up + "/file", b"bad")], "absolute": [("file", canary + "/file", b"bad")],
             "link": [("symlink", "l", canary), ("file", "l/file", b"bad")], "hardlink": [("hardlink", "h", up + "/file"), ("file", "h", b"bad")],
             "whiteout": [("symlink", "l", canary), ("whiteout", "l/file")], "opaque": [("symlink", "l", canary), ("opaque", "l")],
             "passwd": [("symlink", "etc/passwd", canary + "/file")], "mount": [("symlink", "dev", canary), ("symlink", "proc", canary)]}
    for name, calls in cases.items():
        bad = Layer("ADD bad")
        for method, *args in calls:
            getattr(bad, method)(*args)
        done = p.run(s.save("bad.tar", [*s.small_layers, bad], Cmd=["/probes/probe"]))
        after = [(os.lstat(x).st_mtime_ns, os.lstat(x).st_uid, os.lstat(x).st_mode) for x in (canary, canary + "/file")]
        s.that(done.returncode in (0, 125), f"{p.label}: {name}: exit {done.returncode}", done.stderr)
        s.that(after == before and os.listdir(canary) == ["file"] and open(canary + "/file", encoding="utf-8").read() == "untouched",
               f"{p.label}: {name}: nothing outside is touched", str(after))
        s.same(p.left(), [], f"{p.label}: {name}: nothing is left")


def pruned(s, p):
    """Layers that no run uses go; one that is used stays."""
    with p.start(s.small, "/probes/probe", "deaf") as run:
        s.same(line_of(run), "ready", f"{p.label}: the program starts")
        done = p.run("--prune")
        s.that(done.returncode == 0 and done.stdout.startswith("removed "), f"{p.label}: --prune", done.stdout + done.stderr)
        s.same(len([n for n in os.listdir(p.cache + "/layers") if "." not in n]), 1, f"{p.label}: the layer in use stays")
        end_by(run, signal.SIGINT)
    done = p.run("--prune")
    s.same(os.listdir(p.cache + "/layers"), [], f"{p.label}: then everything goes", done.stdout + done.stderr)
    s.that(p.run(s.small).returncode == 0, f"{p.label}: and comes again")


def everything(s, people):
    for p in people.values():
        killed(s, p)
        damaged(s, p)
        at_once(s, p)
        escapes(s, p)
    for kind in ("root", "user", "single"):
        with Person(kind, s, "pruned-" + kind) if kind == "root" else Named(kind, s) as p:
            p.run(s.small)
            pruned(s, p)


class Named(Person):
    """Another user of the kind."""

    def __init__(self, kind, s):
        super().__init__(kind, s, "pruned-" + kind)
        self.user += "-p"
