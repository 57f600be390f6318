#!/usr/bin/env python3
"""Checks lint.conf against known-owners.conf, and writes it as one C file.

usage: compile-lint.py lint.conf known-owners.conf OUT.c

data/conf.py says how the tables are written, and what stops the build.
"""
import re
import sys

from conf import BOOLS, Bad, c_name, c_string, read

LEVELS = {"error": "LEVEL_ERROR", "warning": "LEVEL_WARNING", "note": "LEVEL_NOTE"}
KEYS = {
    "rule": {"level": True, "summary": True, "source": True, "date": True},
    "archive": {"match": True, "url": False, "owner": True},
    "npm": {"image": True, "tags": True, "package": False, "version": True, "source": True, "date": True},
    "nonroot": {"match": True},
}


def rows(sections, kind, type_name, line):
    chosen = [s for s in sections if s.kind == kind]
    text = "".join("\t" + line(s) + ",\n" for s in chosen)
    plural = {"npm": "lint_npm_rows", "archive": "lint_archives", "nonroot": "lint_nonroot_images"}[kind]
    return f"const {type_name}{plural}[] = {{\n{text}}};\nconst size_t {plural[:-1]}_count = ARRAY_SIZE({plural});\n\n"


def main(argv):
    if len(argv) != 4:
        sys.exit(__doc__)
    try:
        sections = read(argv[1], KEYS)
        with open(argv[2], encoding="utf-8") as f:
            owners = set(re.findall(r"^\[owner ([^\]]+)\]", f.read(), re.M))
        for s in sections:
            if s.kind == "archive" and s.get("owner") not in owners:
                s.fail(f"no owner '{s.get('owner')}' in known-owners.conf", "owner")
        out = '/* Made by data/compile-lint.py; do not edit. */\n#include "lint/data.h"\n\n'
        out += "const struct lint_rule lint_rules[LINT_RULE_COUNT] = {\n" + "".join(
            f"\t[LINT_{c_name(s.name).upper()}] = {{ {c_string(s.name)}, {s.choice('level', LEVELS)}, {c_string(s.get('summary'))}, "
            f"{c_string(s.get('source'))} }},\n" for s in sections if s.kind == "rule") + "};\n"
        out += f"_Static_assert(LINT_RULE_COUNT == {sum(s.kind == 'rule' for s in sections)}, \"each rule has a row\");\n\n"
        out += rows(sections, "archive", "struct lint_archive ", lambda s: f"{{ {c_string(s.get('match'))}, {c_string(s.get('url'))}, "
                    f"{c_string(s.get('owner'))} }}")
        out += rows(sections, "npm", "struct lint_npm ", lambda s: f"{{ {c_string(s.get('image'))}, {c_string(s.get('tags'))}, "
                    f"{c_string(s.get('version'))}, {s.choice('package', BOOLS, 'no')} }}")
        out += rows(sections, "nonroot", "char *const ", lambda s: c_string(s.get("match")))
    except (Bad, OSError, UnicodeDecodeError, ValueError) as e:
        sys.exit(str(e))
    with open(argv[3], "w", encoding="ascii") as f:
        f.write(out)


if __name__ == "__main__":
    main(sys.argv)
