#!/usr/bin/env python3
"""Asks `uidfit check` and a real engine about the same images, and compares verdict and first line.

    tests/engines/differential.py [--engine dockerd|umoci|podman|all] [--count N] [--seed S] [--uidfit PATH] [--keep DIR] [--long]

First the named cases of cases.py, then images from the seed. A disagreement prints the image's seed, both answers and where
the image is kept. An engine that this machine cannot run is skipped with its reason. The last line counts.
"""
import argparse
import collections
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import cases
import engines
from generate import Generator, Traits
from mkimage import Step, save_docker_archive, save_oci

# Cases that fail in an engine for reasons of its own (docs/engines.md): not a matter of ids, and not uidfit's to tell.
OTHER_REASONS = re.compile(
    r"invalid tar header|unhandled tar header type|unknown typeflag|duplicates of file paths|file exists|no such file|"
    r"operation not permitted")


class Side:
    """One engine beside uidfit's target for it."""

    def __init__(self, name, uidfit):
        self.name, self.uidfit = name, uidfit

    def open(self, stack):
        if self.name == "dockerd":
            self.engine = stack.enter_context(engines.Dockerd())
            base, count = self.engine.base
            self.traits = Traits("dockerd", base, count)
            self.target, self.map = "docker@20.10", f"0:{base}:{count}"
        elif self.name == "umoci":
            self.engine = stack.enter_context(engines.Umoci())
            self.traits = Traits("umoci", 100000, 65536)
            self.target, self.map = "umoci", "0:100000:65536"
        else:
            self.engine = stack.enter_context(engines.Podman(driver="overlay"))
            lines = self.engine.map
            if len(lines) != 2 or lines[1][2] != 65536:
                raise engines.Unavailable(f"podman's map is not that of 65536 subordinate ids: {lines}")
            self.traits = Traits("podman", lines[1][1], 65536, root=lines[0][1])
            self.target, self.map = "podman@4.3", ",".join("%d:%d:%d" % x for x in lines)
        # The version's band is what the engine says that it is.
        found = re.match(r"(\d+\.\d+)", self.engine.version)
        if found and "@" in self.target:
            self.target = self.target.partition("@")[0] + "@" + found.group(1)
        return self

    @property
    def oci(self):
        return self.name == "umoci"

    def ask(self, path):
        return self.engine.load(path)

    def predict(self, path):
        """(accepted, [lines], text): what uidfit says of the pull; accepted is None where it could not look."""
        command = [self.uidfit, "check", "--format", "json", "--for", self.target, "--map", self.map, "--fail-on", "error", path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        if done.returncode not in (0, 1):
            return None, [], f"exit {done.returncode}: {text}"
        target = json.loads(done.stdout)["results"][0]["targets"][0]
        stops = [e for e in target["effects"] if e["stage"] == "pull" and e["outcome"] == "error"]
        lines = [e["line"] for e in target.get("engine_errors", [])]
        return not stops, lines, json.dumps(target, indent=1)


def compare(side, answer, prediction):
    """None, or what they disagree about."""
    accepted, lines, text = prediction
    if accepted is None:
        return "uidfit could not look"
    if accepted != answer.accepted:
        return f"uidfit says it {'fits' if accepted else 'does not fit'}, {side.name} {'took' if answer.accepted else 'refused'} it"
    if not accepted and not any(same_words(line, answer.line if side.name == 'dockerd' else answer.output) for line in lines):
        return f"{side.name} printed another line"
    return None


def same_words(line, output):
    """Whether the engine printed the line. dockerd's unpacking child may have warned about xattrs on the same stream."""
    return bool(line) and line in without_warnings(output)


def without_warnings(output):
    return re.sub(r'time="[^"]*" level=warning [^\n]*\n', "", output)


def named_images(side):
    for name, layers in cases.all_cases(side.traits.base):
        yield name, layers, ""


def report(side, what, label, path, answer, prediction, keep):
    kept = os.path.join(keep, re.sub(r"[^\w.-]+", "_", f"{side.name}-{label}")[:100] + ("" if side.oci else ".tar"))
    with contextlib.suppress(FileExistsError):
        (shutil.copytree if side.oci else shutil.copy)(path, kept)
    print(f"DISAGREE {side.name} {label}: {what}\n  kept: {kept}\n  engine: {'accepted' if answer.accepted else 'refused'}: {answer.line}\n"
          f"  uidfit: {' | '.join(prediction[1]) or 'no line'}\n" +
          "\n".join("    " + x for x in prediction[2].splitlines()[:30]), flush=True)


def one(side, label, path, tally, keep, notes=()):
    answer = side.ask(path)
    if not answer.accepted and OTHER_REASONS.search(answer.line) and not re.search(r"ID -?\d+ cannot|requested|cannot be mapped", answer.line):
        tally["other"] += 1
        if notes:
            print(f"note: {side.name} {label} failed for another reason: {answer.line}")
        return
    tally["accepted"] += answer.accepted
    tally["refused"] += not answer.accepted
    prediction = side.predict(path) if side.uidfit else (answer.accepted, [without_warnings(answer.line)], "")
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
            for label, layers, user in named_images(side):
                clear()
                (save_oci if side.oci else save_docker_archive)(path, layers, user=user)
                one(side, "case " + label, path, tally, keep)
            print(f"{side.name}: {tally['agreed']} of the named cases agreed, {tally['disagreed']} disagreed, "
                  f"{tally['other']} fail for reasons of their own, {time.monotonic() - start:.0f} s", flush=True)
        for number in range(args.count):
            clear()
            seed = f"{args.seed}-{number}"
            image = Generator(seed, side.traits).make()
            image.save(path, oci=side.oci)
            one(side, f"seed {seed}", path, tally, keep, image.notes)
            if (number + 1) % 100 == 0:
                print(f"{side.name}: {number + 1} of {args.count} images, {tally['accepted']} accepted and {tally['refused']} refused so far, "
                      f"{tally['disagreed']} disagreements, {time.monotonic() - start:.0f} s", flush=True)
    if args.count >= 50 and not min(tally["accepted"], tally["refused"]) * 5 > tally["accepted"] + tally["refused"]:
        print(f"{side.name}: {tally['accepted']} accepted, {tally['refused']} refused: the generator is out of balance")
        tally["disagreed"] += 1
    return tally


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engine", choices=["dockerd", "umoci", "podman", "all"], default="all")
    p.add_argument("--count", type=int, default=300, help="generated images for each engine")
    p.add_argument("--seed", default="1")
    p.add_argument("--uidfit", default=os.environ.get("UIDFIT", "build/uidfit"), help="the program; \"\" asks only the engines")
    p.add_argument("--keep", metavar="DIR", help="where images of disagreements go (default: a new temporary directory)")
    p.add_argument("--long", action="store_true", help="ten thousand images for each engine")
    p.add_argument("--no-cases", action="store_true", help="leave the named cases out")
    args = p.parse_args()
    if args.long:
        args.count = max(args.count, 10000)
    if args.uidfit and not os.access(args.uidfit, os.X_OK):
        print(f"{args.uidfit} is not a program\n0 passed, 1 failed")
        return 1
    keep = args.keep or tempfile.mkdtemp(prefix="uidfit-disagree-")
    os.makedirs(keep, exist_ok=True)
    total, skipped = collections.Counter(), 0
    for name in ("dockerd", "umoci", "podman") if args.engine == "all" else (args.engine,):
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
