#!/usr/bin/env python3
"""Checks container.conf and seccomp.conf and writes them as one C file.

usage: compile-container.py container.conf seccomp.conf OUT.c

data/conf.py says how the tables are written, and what stops the build.
"""
import errno
import re
import sys

from conf import Bad, c_name, c_string, read

DATED = {"evidence": True, "source": True, "date": True}
CONTAINER_KEYS = {
    "list": DATED,
    "capabilities": {"names": True, **DATED},
    "paths": {"names": True, **DATED},
    "mount": {"target": True, "type": True, "from": True, "options": True, "gid": False, "when": False, **DATED},
    "sysctl": {"key": True, "value": True, "when": False, **DATED},
    "variable": {"key": True, "value": True, **DATED},
    "label": {"name": True, **DATED},
}
RULE_KEYS = {"syscalls": True, "when": False, "errno": False, "on": False, "not-on": False, "capability": False, **DATED}
SECCOMP_KEYS = {
    "list": DATED,
    "architecture": {"machine": True, "names": True, **DATED},
    "allow": RULE_KEYS,
    "refuse": RULE_KEYS,
}
WHENS = {w: "CONTAINER_" + c_name(w).upper() for w in ("always", "own-network", "own-sysfs", "host-sysfs", "host-sysfs-alone", "cgroups")}
WHEN = re.compile(r"arg([0-5]) (?:(<|==|>) (\w+)|& (\w+) == (\w+))\Z")
OPS = {"<": "SCMP_CMP_LT", "==": "SCMP_CMP_EQ", ">": "SCMP_CMP_GT"}
WORD = {"capabilities": re.compile(r"CAP_[A-Z_]+\Z"), "paths": re.compile(r"/(proc|sys)/[\w/-]+\Z"),
        "syscalls": re.compile(r"[a-z_][a-z0-9_]*\Z"), "names": re.compile(r"SCMP_ARCH_[A-Z0-9_]+\Z")}


def words(s, key, pattern=None):
    """The words of all lines of a key, each once."""
    value = s.get(key)
    found = " ".join(value if isinstance(value, list) else [value]).split()
    for w in found:
        if pattern and not pattern.match(w):
            s.fail(f"{key}: '{w}' is none", key)
        if found.count(w) > 1:
            s.fail(f"{key}: '{w}' twice", key)
    return found


def strings(out, name, values):
    """A NULL-terminated array; its name."""
    out.append(f"static const char *const {name}[] = {{ " + ", ".join(map(c_string, values)) + ", NULL };\n")
    return name


def number(s, key, text):
    try:
        n = int(text, 0)
    except ValueError:
        n = -1
    if not 0 <= n < 2 ** 63:
        s.fail(f"{key}: '{text}' is no number", key)
    return n


def table(out, kind, name, rows):
    out.append(f"const {kind} {name}[] = {{\n" + "".join(f"\t{{ {r} }},\n" for r in rows)
               + f"}};\nconst size_t {name[:-1]}_count = ARRAY_SIZE({name});\n\n")


def mount(s, out):
    for key in ("target", "from"):
        if key == "target" and not s.get(key).startswith("/"):
            s.fail("target is not absolute", key)
    gid = number(s, "gid", s.get("gid")) if s.get("gid") else -1
    return (f".target = {c_string(s.get('target'))}, .type = {c_string(s.get('type'))}, .source = {c_string(s.get('from'))}, "
            f".options = {strings(out, 'options_' + c_name(s.name), words(s, 'options'))}, .gid = {gid}, .when = {s.choice('when', WHENS, 'always')}")


def emit_container(sections, out):
    """The tables; the default capabilities."""
    by = {k: [s for s in sections if s.kind == k] for k in CONTAINER_KEYS}
    lists = {(s.kind, s.name): s for s in by["capabilities"] + by["paths"]}
    for want in (("capabilities", "default"), ("paths", "masked"), ("paths", "read-only")):
        if want not in lists:
            raise Bad(f"container.conf: no section [{' '.join(want)}]")
    for (kind, name), s in lists.items():
        found = words(s, "names", WORD[kind])
        out.append(f"const char *const container_{kind}_{c_name(name)}[] = {{\n" + "".join(f"\t{c_string(w)},\n" for w in found)
                   + "\tNULL,\n};\n\n")
    table(out, "struct container_mount", "container_mounts", [mount(s, out) for s in by["mount"]])
    table(out, "struct container_sysctl", "container_sysctls",
          [f".key = {c_string(s.get('key'))}, .value = {c_string(s.get('value'))}, .when = {s.choice('when', WHENS, 'always')}" for s in by["sysctl"]])
    for s in by["variable"]:
        out.append(f"const char container_{c_name(s.name)}[] = {c_string(s.get('key') + '=' + s.get('value'))};\n")
    out.append("const char *const container_runtime_labels[] = {\n" + "".join(f"\t{c_string(s.get('name'))},\n" for s in by["label"])
               + "\tNULL,\n};\n\n")
    return words(lists["capabilities", "default"], "names")


def conditions(s):
    """Each when as the members of a rule; one empty where there is none."""
    rows = []
    for text in s.get("when", []):
        m = WHEN.match(text)
        if not m:
            s.fail(f"when: '{text}' is no condition", "when")
        if m[2]:
            rows.append(f", .op = \"{OPS[m[2]]}\", .arg = {m[1]}, .value = {number(s, 'when', m[3]):#x}")
        else:
            rows.append(f", .op = \"SCMP_CMP_MASKED_EQ\", .arg = {m[1]}, .value = {number(s, 'when', m[4]):#x}, .value_two = {number(s, 'when', m[5]):#x}")
    return rows or [""]


def rules(s, out, capabilities, machines):
    if s.get("capability") and s.get("capability") not in capabilities:
        s.fail(f"{s.get('capability')} is not among the default capabilities", "capability")
    if (s.kind == "refuse") != bool(s.get("errno")):
        s.fail("errno goes with refuse, and only with it")
    if s.get("errno") and not hasattr(errno, s.get("errno")):
        s.fail("errno is none", "errno")
    for key in ("on", "not-on"):
        if s.get(key) and s.get(key) not in machines | {"ppc64le"}:
            s.fail(f"{key}: unknown machine '{s.get(key)}'", key)
    calls = strings(out, "calls_" + c_name(s.name), words(s, "syscalls", WORD["syscalls"]))
    head = f".calls = {calls}"
    if s.get("errno"):
        head += f", .error = {s.get('errno')}"
    for key in ("on", "not-on"):
        if s.get(key):
            head += f", .{c_name(key)} = {c_string(s.get(key))}"
    return [head + c for c in conditions(s)]


def emit_seccomp(sections, capabilities, out):
    architectures = [s for s in sections if s.kind == "architecture"]
    machines, rows = {s.get("machine") for s in architectures}, []
    for s in sections:
        if s.kind in ("allow", "refuse"):
            rows += rules(s, out, capabilities, machines)
    table(out, "struct seccomp_machine", "seccomp_machines",
          [f".name = {c_string(s.get('machine'))}, .architectures = {strings(out, 'architectures_' + c_name(s.name), words(s, 'names', WORD['names']))}"
           for s in architectures])
    table(out, "struct seccomp_rule", "seccomp_rules", rows)


def main(argv):
    if len(argv) != 4:
        sys.exit(__doc__)
    out = ["/* Made by data/compile-container.py; do not edit. */\n#include \"bundle/data.h\"\n\n#include <errno.h>\n\n#include \"base/macro.h\"\n\n"]
    try:
        capabilities = emit_container(read(argv[1], CONTAINER_KEYS, {"names"}, "list"), out)
        emit_seccomp(read(argv[2], SECCOMP_KEYS, {"names", "syscalls", "when"}, "list"), capabilities, out)
    except (Bad, OSError, UnicodeDecodeError) as e:
        sys.exit(str(e))
    with open(argv[3], "w", encoding="ascii") as f:
        f.write("".join(out))


if __name__ == "__main__":
    main(sys.argv)
