#!/usr/bin/env python3
"""docker:// to read and to write: real registries, and registries whose answers are broken on the way.

    tests/registry/run.py --uidfit PATH --hurry PATH [CASE...]

--hurry is the program whose waits are 60 times shorter (uidfit-hurry of a build with tests). Cases run several at once;
each prints ok, FAIL with what was wrong, or skip with the reason; the closing line counts them.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib"), HERE]
import engines  # noqa: E402
import faulty  # noqa: E402
import fast  # noqa: E402,F401 - cases
import faults  # noqa: E402,F401
import hostile  # noqa: E402,F401
import real  # noqa: E402,F401
import toc  # noqa: E402,F401
from box import CASES, Box, Registries  # noqa: E402

AT_ONCE = 4  # the servers and the program wait more than they work


def one(f, shared, top):
    start = time.monotonic()
    folder = os.path.join(top, f.__name__)
    os.mkdir(folder, 0o755)
    try:
        f(Box(shared, folder))
    except engines.Unavailable as e:
        return "skip", f"{f.__name__}: {e}"
    except Exception as e:  # noqa: BLE001
        return "FAIL", f"{f.__name__}: {type(e).__name__}: {e}"
    return "ok  ", f"{f.__name__}  {time.monotonic() - start:.1f} s"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default="build-asan/uidfit")
    p.add_argument("--hurry", help="default: uidfit-hurry beside it")
    p.add_argument("cases", nargs="*")
    args = p.parse_args()
    engines.end_by_exception()
    uidfit = os.path.abspath(args.uidfit)
    count = {"ok  ": 0, "FAIL": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="uidfit-registry-") as top:
        os.chmod(top, 0o755)
        probe = os.path.join(top, "probe")
        engines.must(["gcc", "-O1", "-static", "-o", probe, os.path.join(HERE, "..", "fix", "probe.c")])
        registries = Registries(top, faulty.certificates(top, lambda a: subprocess.run(a, check=True, capture_output=True)))
        shared = types.SimpleNamespace(uidfit=uidfit, hurry=os.path.abspath(args.hurry or uidfit + "-hurry"), registries=registries, probe=probe)
        try:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                chosen = [f for f in CASES if not args.cases or f.__name__ in args.cases]
                for done in concurrent.futures.as_completed([pool.submit(one, f, shared, top) for f in chosen]):
                    word, text = done.result()
                    count[word] += 1
                    print(word if word != "skip" else "skip", text, flush=True)
        finally:
            registries.close()
    print(f"{count['ok  ']} passed, {count['FAIL']} failed" + (f", {count['skip']} skipped" if count["skip"] else ""))
    return 1 if count["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
