#!/usr/bin/env python3
"""Holds the tree's own rules: who includes whom, which library stands behind which folder, no path of a machine.

Each rule prints ok or FAIL with the lines that break it; the closing line counts them.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The order of docs/architecture.md: a folder includes itself and those before it.
FOLDERS = ["base", "idmap", "stream", "tar", "oci", "host", "http", "registry", "storage", "engine", "toc", "source", "sink", "inventory", "target", "kubernetes", "fix", "unpack", "bundle", "run", "dockerfile", "explain", "lint", "report"]
# A library's header, and the only places that may include it.
LIBRARIES = {
    "zlib.h": ["src/stream/codec-"],
    "isa-l": ["src/stream/codec-"],
    "zstd.h": ["src/stream/codec-", "src/stream/encode-"],
    "libdeflate.h": ["src/stream/encode-"],
    "bzlib.h": ["src/stream/codec-"],
    "lzma.h": ["src/stream/codec-"],
    "openssl/": ["src/stream/digest.c"],
    "jansson.h": ["src/idmap/json.c", "src/oci/", "src/registry/", "src/storage/", "src/toc/", "src/report/", "src/sink/", "src/fix/", "src/bundle/", "src/run/"],
    "curl/": ["src/http/"],
    "sqlite3.h": ["src/inventory/cache.c"],
    "pcre2.h": ["src/explain/"],
    "yaml.h": ["src/kubernetes/parse.c"],
    "shadow/subid.h": ["src/host/subid-nss.c"],
}
LINE_LIMIT = 600


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=TOP,
                         capture_output=True, text=True)
    if out.returncode == 0 and out.stdout.strip():
        return sorted(f for f in set(out.stdout.split("\n")) if f and os.path.isfile(os.path.join(TOP, f)))
    sys.exit("tests/tree/check.py: needs a git checkout")


def includes(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if m:
                yield number, m.group(1)


def folder_rule():
    bad = []
    for path in tracked("src/*.c", "src/*.h"):
        own = path.split("/")[1]
        if own not in FOLDERS:
            bad.append(f"{path}: folder {own} stands in no order (tests/tree/check.py, docs/architecture.md)")
            continue
        for number, name in includes(path):
            other = name.split("/")[0]
            if other in FOLDERS and FOLDERS.index(other) > FOLDERS.index(own):
                bad.append(f"{path}:{number}: {own} includes {name}, which stands above it")
            if other == "cli":
                bad.append(f"{path}:{number}: a library includes {name}")
    return bad


def library_rule():
    bad = []
    for path in tracked("src/*.c", "src/*.h", "cli/*.c", "cli/*.h"):
        for number, name in includes(path):
            for library, places in LIBRARIES.items():
                if name.startswith(library) and not any(path.startswith(p) for p in places):
                    bad.append(f"{path}:{number}: {name} belongs to {', '.join(places)}")
    return bad


def output_rule():
    """Libraries never print and never exit (a forked child's end is _exit, where a namespace is made or a container guarded); report writes to
    the stream that it is given."""
    bad = []
    word = re.compile(r"\b(printf|puts|putchar|perror|exit|abort)\s*\(|\b(stdout|stderr)\b")
    for path in tracked("src/*.c"):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), f.read(), flags=re.S)
        text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
        for number, line in enumerate(text.split("\n"), 1):
            if word.search(line) or ("_exit(" in line and path not in ("src/run/userns.c", "src/run/guard.c")):
                bad.append(f"{path}:{number}: {line.strip()}")
    return bad


def size_rule():
    bad = []
    for path in tracked("src/*.c", "src/*.h", "cli/*.c", "cli/*.h"):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            lines = sum(1 for _ in f)
        if lines > LINE_LIMIT:
            bad.append(f"{path}: {lines} lines, more than {LINE_LIMIT}")
    return bad


def place_rule():
    """No path of a machine and no host of a registry is committed."""
    pattern = re.compile(r"(^|[^a-zA-Z.])/(wor[k]|far[m])/[a-z]|https?://[a-z.]*(debia[n]|np[m])[a-z]*[.](org|com)")
    bad = []
    for path in tracked():
        try:
            with open(os.path.join(TOP, path), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    if pattern.search(line):
                        bad.append(f"{path}:{number}: {line.strip()[:120]}")
        except UnicodeDecodeError:
            continue
    return bad


def limits_rule():
    """docs/limits.md holds what `uidfit help limits` prints; tests/cli/help-limits holds the program to the same."""
    with open(os.path.join(TOP, "docs/limits.md"), encoding="utf-8") as doc, \
            open(os.path.join(TOP, "tests/cli/help-limits/stdout"), encoding="utf-8") as printed:
        rows = [line for line in doc if line.startswith("|")]
        return ["docs/limits.md: differs from tests/cli/help-limits/stdout"] if rows != list(printed) else []


def format_rule():
    """clang-format 14 has the last word on layout."""
    out = subprocess.run(["clang-format", "--dry-run", "--Werror", *tracked("src/*.[ch]", "cli/*.[ch]")],
                         cwd=TOP, capture_output=True, text=True)
    return [line for line in out.stderr.split("\n") if "error:" in line][:20] if out.returncode else []


def main():
    passed = failed = 0
    for rule in (folder_rule, library_rule, output_rule, size_rule, place_rule, limits_rule, format_rule):
        bad = rule()
        print(("FAIL " if bad else "ok   ") + rule.__name__)
        for line in bad:
            print("     " + line)
        passed += not bad
        failed += bool(bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
