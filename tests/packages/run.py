#!/usr/bin/env python3
"""Completion, manual pages, packages and the ready files for pipelines, as their users meet them.

run.py --uidfit PROGRAM [--only PART]   (parts: completion, man, deb, static, image, ci)
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)


class Suite:
    def __init__(self, uidfit, tmp):
        self.uidfit, self.tmp, self.passed, self.failed, self.skipped = uidfit, tmp, 0, 0, 0

    def check(self, name, good, why=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {name}: {why}", flush=True)
        return good

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}", flush=True)

    def run(self, *command, **more):
        more.setdefault("timeout", 240)
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)

    def ends(self, name, status, *command, **more):
        """The command's output where it ends with that status, else None."""
        got = self.run(*command, **more)
        why = f"{' '.join(command)}: exit {got.returncode}, not {status}\n{got.stdout[-1500:]}{got.stderr[-1500:]}"
        return got.stdout if self.check(name, got.returncode == status, why) else None


def main():
    import ci
    import completion
    import manual
    import packages
    parts = {"completion": completion.run, "man": manual.run, "deb": packages.deb, "static": packages.static,
             "image": packages.image, "ci": ci.run}
    parser = argparse.ArgumentParser()
    parser.add_argument("--uidfit", required=True)
    parser.add_argument("--only", choices=parts)
    args = parser.parse_args()
    tmp = tempfile.mkdtemp(prefix="uidfit-packages-")
    suite = Suite(os.path.abspath(args.uidfit), tmp)
    try:
        for name, part in parts.items():
            if args.only in (None, name):
                start = time.monotonic()
                part(suite)
                print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    print(f"{suite.passed} passed, {suite.failed} failed" + (f", {suite.skipped} skipped" if suite.skipped else ""))
    return suite.failed != 0


if __name__ == "__main__":
    sys.exit(main())
