#!/usr/bin/env python3
"""uidfit run, and unpack without root: containers as root, as an ordinary user with subordinate ids, as one without, and inside
`unshare -r`. Each part stands in a file of its own.

    tests/run/run.py --uidfit PROGRAM [--quick PROGRAM] [--only PART]
"""
import argparse
import contextlib
import os
import sys
import tempfile
import time

import people
from people import engines
import ends
import inside
import left
import options
import programs
import trees

PARTS = {"inside": inside.everything, "ends": ends.everything, "left": left.everything, "options": options.everything,
         "trees": trees.everything, "programs": programs.everything}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("--quick", help="the same without sanitizers, for large images")
    p.add_argument("--only", choices=PARTS)
    a = p.parse_args()
    engines.end_by_exception()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="uidfit-run-") as where, contextlib.ExitStack() as stack:
        os.chmod(where, 0o711)
        s = people.Suite(os.path.abspath(a.uidfit), os.path.abspath(a.quick or a.uidfit), where)
        try:
            engines.need_root()
            engines.need("runc", "gcc")
            people.make_image(s)
            everyone = {k: stack.enter_context(people.Person(k, s)) for k in ("root", "user", "single", "inside")}
        except engines.Unavailable as e:
            print(f"skip run: {e}\n0 passed, 0 failed, 1 skipped")
            return 0
        for name, part in PARTS.items():
            if a.only not in (None, name):
                continue
            start = time.monotonic()
            try:
                part(s, everyone)
            except engines.Unavailable as e:
                s.skip(f"{name}: {e}")
            print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
        passed, failed, skipped = s.passed, s.failed, s.skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
