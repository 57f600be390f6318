#!/usr/bin/env python3
"""Asks `uidfit check` and a real engine about the same images, and compares verdict and first line.

    tests/engines/differential.py [--engine NAME|all] [--count N] [--seed S] [--uidfit PATH] [--keep DIR] [--long]

First the named cases of cases.py: entries, then (dockerd) the process that starts. Then files whose owners an engine may change in
silence: what stands on disk is compared with what uidfit tells of it. Then images from the seed. A disagreement prints the
image's seed, both answers and where the image is kept. An engine that this machine cannot run is skipped with its reason. The last line counts.
"""
import argparse
import collections
import contextlib
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import cases
import engines
from generate import Generator, Traits
from mkimage import Layer, make_config, save_docker_archive, save_oci

# Cases that fail in an engine for reasons of its own (docs/engines.md): not a matter of ids, and not uidfit's to tell.
OTHER_REASONS = re.compile(
    r"invalid tar header|unhandled tar header type|unknown typeflag|duplicates of file paths|file exists|no such file|"
    r"operation not permitted")


ENGINES = ("dockerd", "dockerd-vfs", "umoci", "podman", "podman-single")
# Rules that tell of an owner that an engine takes but changes.
CHANGED = ("owner-wraps", "owner-becomes-root", "owner-becomes-nobody")


class Side:
    """One engine beside uidfit's target for it."""

    def __init__(self, name, uidfit):
        self.name, self.uidfit = name, uidfit
        self.kind = name.partition("-")[0]

    def open(self, stack):
        getattr(self, "open_" + self.kind)(stack)
        # The version's band is what the engine says that it is.
        found = re.match(r"(\d+\.\d+)", self.engine.version)
        if found and self.kind != "umoci":
            self.target += "@" + found.group(1)
        return self

    def open_dockerd(self, stack):
        vfs = self.name == "dockerd-vfs"
        self.engine = stack.enter_context(engines.Dockerd(driver="vfs" if vfs else "overlay2"))
        base, count = self.engine.base
        self.traits = Traits("dockerd", base, count, base)
        self.target, self.map = "docker-vfs" if vfs else "docker", f"0:{base}:{count}"
        self.layers = self.engine.dir + ("/root/*/vfs/dir/*" if vfs else "/root/*/overlay2/*/diff")

    def open_umoci(self, stack):
        self.engine = stack.enter_context(engines.Umoci())
        self.traits = Traits("umoci", 100000, 65536)
        self.target, self.map = "umoci", "0:100000:65536"

    def open_podman(self, stack):
        single = self.name == "podman-single"
        self.engine = stack.enter_context(engines.Podman(driver="overlay", single=single))
        lines = self.engine.map
        if [x[2] for x in lines] != ([1] if single else [1, 65536]):
            raise engines.Unavailable(f"podman's map is not the one that was asked for: {lines}")
        self.traits = Traits("podman", lines[-1][1], 0 if single else 65536, root=lines[0][1])
        self.target, self.map = "podman-single" if single else "podman", ",".join("%d:%d:%d" % x for x in lines)
        self.layers = self.engine.dir + "/store/overlay/*/diff"

    @property
    def oci(self):
        return self.kind == "umoci"

    def ask(self, path):
        return self.engine.load(path)

    def check(self, path, fail_on="error"):
        """(exit status, the one result or None, text)"""
        command = [self.uidfit, "check", "--format", "json", "--for", self.target, "--map", self.map, "--fail-on", fail_on, path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        if done.returncode not in (0, 1):
            return done.returncode, None, f"exit {done.returncode}: {text}"
        return done.returncode, json.loads(done.stdout)["results"][0], text

    def predict(self, path, stages=("pull",)):
        """(accepted, [lines], text): what uidfit says of these stages; accepted is None where it could not look."""
        _, result, text = self.check(path)
        if result is None:
            return None, [], text
        target = result["targets"][0]
        stops = [e for e in target["effects"] if e["stage"] in stages and e["outcome"] == "error"]
        return not stops, [e["line"] for e in target.get("engine_errors", [])], json.dumps(target, indent=1)

    def host(self, value):
        """The host's id of an id in the map, or None."""
        for line in self.map.split(","):
            inside, host, count = map(int, line.split(":"))
            if inside <= value < inside + count:
                return host + value - inside
        return None

    def on_disk(self, path):
        """(answer, {name: (uid, gid)}) of a one-layer image that is taken, loaded and looked at."""
        if self.oci:
            out = path + ".out"
            answer = self.engine.load(path, keep=out)
            roots = [out + "/rootfs"]
        else:
            before = set(glob.glob(self.layers))
            answer = self.engine.load(path, forget=False)
            roots = sorted(set(glob.glob(self.layers)) - before)
        found = {}
        for root in roots if answer.accepted else ():
            for name in os.listdir(root):
                s = os.lstat(os.path.join(root, name))
                found[name] = (s.st_uid, s.st_gid)
        if self.oci:
            engines.remove_tree(out)
        elif answer.accepted:
            self.engine.forget(answer.line)
        return answer, found


def compare(side, answer, prediction):
    """None, or what they disagree about."""
    accepted, lines, text = prediction
    if accepted is None:
        return "uidfit could not look"
    if accepted != answer.accepted:
        return f"uidfit says it {'fits' if accepted else 'does not fit'}, {side.name} {'took' if answer.accepted else 'refused'} it"
    if not accepted and not any(same_words(line, answer.line if side.kind == 'dockerd' else answer.output) for line in lines):
        return f"{side.name} printed another line"
    return None


def same_words(line, output):
    """Whether the engine printed the line. dockerd's unpacking child may have warned about xattrs on the same stream."""
    return bool(line) and line in without_warnings(output)


def without_warnings(output):
    return re.sub(r'time="[^"]*" level=warning [^\n]*\n', "", output)


def report(side, what, label, path, answer, prediction, keep):
    kept = os.path.join(keep, re.sub(r"[^\w.-]+", "_", f"{side.name}-{label}")[:100] + ("" if side.oci else ".tar"))
    with contextlib.suppress(FileExistsError):
        (shutil.copytree if side.oci else shutil.copy)(path, kept)
    print(f"DISAGREE {side.name} {label}: {what}\n  kept: {kept}\n  engine: {'accepted' if answer.accepted else 'refused'}: {answer.line}\n"
          f"  uidfit: {' | '.join(prediction[1]) or 'no line'}\n" +
          "\n".join("    " + x for x in prediction[2].splitlines()[:30]), flush=True)


def start_cases(side, path, tally, keep):
    """USER and its groups, against `docker run`."""
    if cases.tiny_program() is None:
        print("note: no program to start on this machine")
        return
    for label, layers, user in cases.user_cases(side.traits.base):
        config = make_config(layers, user)
        config["config"]["Cmd"] = ["/exit"]
        save_docker_archive(path, layers, config=config, tags=["uidfit/user:1"])
        loaded = side.engine.load(path, forget=False)
        answer = side.engine.start("uidfit/user:1") if loaded.accepted else loaded
        side.engine.forget("uidfit/user:1")
        if "no matching entries" in answer.line:
            tally["other"] += 1
            continue
        prediction = side.predict(path, ("pull", "create", "start")) if side.uidfit else (answer.accepted, [answer.line], "")
        judge(side, label, path, answer, prediction, tally, keep)


def changed_owners(side, seed, path, tally, keep):
    """A layer of files whose owners the engine takes: those that it changes are those that uidfit tells of."""
    r = random.Random(f"{seed} {side.name}")
    layer, owners = Layer(), {}
    for i in range(30):
        owners[f"f{i}"] = (r.choice(side.traits.inside), r.choice(side.traits.inside))
        layer.file(f"f{i}", uid=owners[f"f{i}"][0], gid=owners[f"f{i}"][1], how="pax")
    (save_oci if side.oci else save_docker_archive)(path, [layer])
    answer, found = side.on_disk(path)
    told = set()
    if side.uidfit:
        _, result, text = side.check(path, "warning")
        told = {f["path"].lstrip("/") for f in result["findings"] if f["rule"] in CHANGED} if result else {text}
    for name, owner in sorted(owners.items()):
        changed = found.get(name) != tuple(side.host(x) for x in owner)
        good = answer.accepted and (changed == (name in told) or not side.uidfit)
        tally["agreed" if good else "disagreed"] += 1
        if not good:
            print(f"DISAGREE {side.name} changed owners, seed {seed}: {name} of {owner} stands on disk as {found.get(name)}, "
                  f"uidfit {'tells' if name in told else 'does not tell'} of it; {answer.line}", flush=True)
            shutil.copy(path, keep) if not side.oci else None


def one(side, label, path, tally, keep, notes=()):
    answer = side.ask(path)
    if not answer.accepted and OTHER_REASONS.search(answer.line) and not re.search(r"ID -?\d+ cannot|requested|cannot be mapped", answer.line):
        tally["other"] += 1
        if notes:
            print(f"note: {side.name} {label} failed for another reason: {answer.line}")
        return
    prediction = side.predict(path) if side.uidfit else (answer.accepted, [without_warnings(answer.line)], "")
    judge(side, label, path, answer, prediction, tally, keep, notes)


def judge(side, label, path, answer, prediction, tally, keep, notes=()):
    tally["accepted"] += answer.accepted
    tally["refused"] += not answer.accepted
    what = compare(side, answer, prediction)
    tally["disagreed" if what else "agreed"] += 1
    if what:
        report(side, what, label, path, answer, prediction, keep)
        for note in notes:
            print("    " + note)


def campaign(side, args, keep):
    tally = collections.Counter()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="uidfit-differential-") as work:
        path = os.path.join(work, "image" if side.oci else "image.tar")

        def clear():
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

        if not args.no_cases:
            for label, layers in cases.all_cases(side.traits.base):
                clear()
                (save_oci if side.oci else save_docker_archive)(path, layers)
                one(side, "case " + label, path, tally, keep)
            if side.name == "dockerd":
                start_cases(side, path, tally, keep)
            for number in range(5):
                clear()
                changed_owners(side, f"{args.seed}-{number}", path, tally, keep)
            print(f"{side.name}: {tally['agreed']} of the named cases agreed, {tally['disagreed']} disagreed, "
                  f"{tally['other']} fail for reasons of their own, {time.monotonic() - start:.0f} s", flush=True)
        others = tally["other"]
        for number in range(args.count):
            clear()
            seed = f"{args.seed}-{number}"
            image = Generator(seed, side.traits).make()
            image.save(path, oci=side.oci)
            one(side, f"seed {seed}", path, tally, keep, image.notes)
            if (number + 1) % 100 == 0:
                print(f"{side.name}: {number + 1} of {args.count} images, {tally['accepted']} accepted and {tally['refused']} refused so far, "
                      f"{tally['disagreed']} disagreements, {time.monotonic() - start:.0f} s", flush=True)
    if args.count >= 50 and side.name != "podman-single" and min(tally["accepted"], tally["refused"]) * 5 < tally["accepted"] + tally["refused"]:
        print(f"{side.name}: {tally['accepted']} accepted, {tally['refused']} refused: the generator is out of balance")
        tally["disagreed"] += 1
    if (tally["other"] - others) * 20 > args.count:
        print(f"{side.name}: {tally['other'] - others} generated images failed for other reasons")
        tally["disagreed"] += 1
    return tally


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engine", choices=[*ENGINES, "all"], default="all")
    p.add_argument("--count", type=int, default=300, help="generated images for each engine")
    p.add_argument("--seed", default="1")
    p.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"), help="the program; \"\" asks only the engines")
    p.add_argument("--keep", metavar="DIR", help="where images of disagreements go (default: a new temporary directory)")
    p.add_argument("--long", action="store_true", help="ten thousand images for each engine")
    p.add_argument("--no-cases", action="store_true", help="leave the named cases out")
    args = p.parse_args()
    engines.end_by_exception()
    if args.long:
        args.count = max(args.count, 10000)
    if args.uidfit and not os.access(args.uidfit, os.X_OK):
        print(f"{args.uidfit} is not a program\n0 passed, 1 failed")
        return 1
    keep = args.keep or tempfile.mkdtemp(prefix="uidfit-disagree-")
    os.makedirs(keep, exist_ok=True)
    total, skipped = collections.Counter(), 0
    for name in ENGINES if args.engine == "all" else (args.engine,):
        with contextlib.ExitStack() as stack:
            try:
                side = Side(name, args.uidfit).open(stack)
            except engines.Unavailable as e:
                print(f"skip {name}: {e}")
                skipped += 1
                continue
            print(f"{name} {side.engine.version}: --for {side.target} --map {side.map}, seed {args.seed}", flush=True)
            total += campaign(side, args, keep)
    if not args.keep and not total["disagreed"]:
        shutil.rmtree(keep, ignore_errors=True)
    print(f"{total['agreed']} agreed, {total['disagreed']} disagreed ({total['accepted']} accepted, {total['refused']} refused by the engines; "
          f"{total['other']} images failed for reasons of their own and do not count)")
    print(f"{total['agreed']} passed, {total['disagreed']} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if total["disagreed"] else 0


if __name__ == "__main__":
    sys.exit(main())
