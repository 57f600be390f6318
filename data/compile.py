#!/usr/bin/env python3
"""Checks data/engines.conf and data/targets.conf and writes them as one C file.

usage: compile.py engines.conf targets.conf OUT.c

data/conf.py says how the tables are written, and what stops the build.
"""

import re
import sys

from conf import BOOLS, EVIDENCE, Bad, c_name, c_string, read

KINDS = ["file", "directory", "symlink", "hardlink", "character-device", "block-device", "fifo",
         "whiteout", "opaque-whiteout", "aufs-metadata", "root-directory", "pax-global", "unknown"]
KIND_C = ["INV_REG", "INV_DIR", "INV_SYMLINK", "INV_HARDLINK", "INV_CHR", "INV_BLK", "INV_FIFO",
          "INV_WHITEOUT", "INV_OPAQUE", "INV_AUFS_META", "INV_ROOT", "INV_GLOBAL", "INV_OTHER"]
RULES = {"mapped": "OWNER_MAPPED", "chowned": "OWNER_CHOWNED", "skipped": "OWNER_SKIPPED"}
STAGES = {s: "STAGE_" + s.upper() for s in ("pull", "create", "start", "runtime")}
OUTCOMES = {o: "OUTCOME_" + o.upper()
            for o in ("none", "error", "nobody", "squashed", "root", "ignored")}
COMPARES = {"int64": "COMPARE_INT64", "wrap": "COMPARE_WRAP"}
MESSAGE_RULES = {"owner", "whiteout", "acl", "acl-misplaced", "xattr-invalid", "capability",
                 "user-range", "user-uid", "user-gid", "group", "size"}
PLACEHOLDERS = {"id", "sid", "chown", "uid", "gid", "path", "entry", "kind", "need", "max"}

# Keys of each kind of section: name -> required.
KEYS = {
    "engine": {"owners": True, "compare": True, "minus-one-keeps": False, "uid-first": False,
               "root-exemption": False, "visible-only": False, "absolute-root": False, "owner": True, "acl": True,
               "xattr-invalid": True, "capability": True, "user": True, "passwd": False,
               "messages": False, "evidence": True, "source": True, "date": True},
    "message": {"rule": True, "when": True, "since": False, "until": False, "unless": False,
                "text": True, "evidence": True, "source": True, "date": True},
    "target": {"aliases": False, "title": True, "uid-range": True, "gid-range": False,
               "range": True, "max-size": False, "engine": True, "changeable": True,
               "change-where": False, "advice": True, "evidence": True, "source": True,
               "date": True},
}
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
VERSION = re.compile(r"\d+(\.\d+)*\Z")
RANGE = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*\Z")


def owners(s):
    """"mapped; skipped: root-directory pax-global" -> one C initialiser a kind."""
    default, _, rest = s.get("owners").partition(";")
    if default.strip() not in RULES:
        s.fail(f"owners begins with '{default.strip()}', not one of {', '.join(RULES)}", "owners")
    rule = dict.fromkeys(KINDS, RULES[default.strip()])
    for part in filter(None, (p.strip() for p in rest.split(";"))):
        name, _, kinds = part.partition(":")
        if name.strip() not in RULES or not kinds.split():
            s.fail(f"owners: '{part}' is not RULE: KIND...", "owners")
        for kind in kinds.split():
            if kind not in rule:
                s.fail(f"owners: unknown kind '{kind}'", "owners")
            rule[kind] = RULES[name.strip()]
    return ", ".join(f"[{c}] = {rule[k]}" for k, c in zip(KINDS, KIND_C))


def effect(s, key, default=None):
    """"pull error" -> stage and outcome."""
    value = s.values.get(key, default).split()
    if len(value) != 2 or value[0] not in STAGES or value[1] not in OUTCOMES:
        s.fail(f"{key} is not STAGE OUTCOME ({', '.join(STAGES)}; {', '.join(OUTCOMES)})", key)
    name = c_name(key)
    return f".{name}_stage = {STAGES[value[0]]}, .{name}_outcome = {OUTCOMES[value[1]]}"


def when(s):
    """The command, and the band of versions behind it."""
    since, until = s.get("since"), s.get("until")
    band = f", {since} to {until}" if since and until and since != until else (
        f", {since}" if since and until else
        f", {since} and later" if since else f", up to {until}" if until else "")
    return s.get("when") + band


def message(s):
    for r in s.get("rule").split():
        if r not in MESSAGE_RULES:
            s.fail(f"unknown rule '{r}'", "rule")
    for r in s.get("unless").split():
        if r not in MESSAGE_RULES:
            s.fail(f"unless: unknown rule '{r}'", "unless")
    for p in re.findall(r"\{(\w*)\}", s.get("text")):
        if p not in PLACEHOLDERS:
            s.fail(f"text: unknown placeholder '{{{p}}}'", "text")
    for key in ("since", "until"):
        if s.get(key) and not VERSION.match(s.get(key)):
            s.fail(f"{key} is no version", key)
    rows = ""
    for rule in s.get("rule").split():
        rows += message_row(s, rule)
    return rows


def message_row(s, rule):
    fields = {"rule": rule, "when": when(s), "since": s.get("since"),
              "until": s.get("until"), "unless": s.get("unless"), "text": s.get("text"),
              "source": s.get("source"), "date": s.get("date")}
    body = ", ".join(f".{k} = {c_string(v)}" for k, v in fields.items())
    return f"\t{{ {body}, .evidence = {EVIDENCE[s.get('evidence')]} }},\n"


def emit_engines(sections, out):
    messages, engines = {}, {}
    for s in sections:
        if s.kind == "message":
            messages.setdefault(s.name, []).append(s)
        elif s.name in engines:
            s.fail("a second engine of that name")
        else:
            engines[s.name] = s
    used = set()
    for name, s in engines.items():
        groups = ([name] if name in messages else []) + s.get("messages").split()
        for g in groups:
            if g not in messages:
                s.fail(f"messages: no section [message {g}]", "messages")
            used.add(g)
        rows = "".join(message(m) for g in groups for m in messages[g])
        if rows:
            out.append(f"static const struct engine_message messages_{c_name(name)}[] = {{\n{rows}}};\n\n")
        s.has_messages = bool(rows)
    for g in messages:
        if g not in used:
            messages[g][0].fail("no engine has these messages")
    for name, s in engines.items():
        effects = ",\n\t".join(effect(s, k) for k in ("owner", "acl", "capability", "user"))
        array = f"messages_{c_name(name)}"
        out.append(
            f"static const struct engine engine_{c_name(name)} = {{\n"
            f"\t.name = {c_string(name)},\n\t.owners = {{ {owners(s)} }},\n"
            f"\t.compare = {s.choice('compare', COMPARES)},\n"
            f"\t.minus_one_keeps = {s.choice('minus-one-keeps', BOOLS, 'no')},\n"
            f"\t.uid_first = {s.choice('uid-first', BOOLS, 'no')},\n"
            f"\t.root_exemption = {s.choice('root-exemption', BOOLS, 'no')},\n"
            f"\t.absolute_root = {s.choice('absolute-root', BOOLS, 'no')},\n"
            f"\t.visible_only = {s.choice('visible-only', BOOLS, 'no')},\n"
            f"\t{effects},\n"
            f"\t.xattr_invalid_outcome = {s.choice('xattr-invalid', OUTCOMES)},\n"
            f"\t{effect(s, 'passwd', 'runtime none')},\n"
            + (f"\t.messages = {array}, .message_count = ARRAY_SIZE({array}),\n"
               if s.has_messages else "") +
            f"\t.source = {c_string(s.get('source'))}, .date = {c_string(s.get('date'))},\n"
            f"\t.evidence = {EVIDENCE[s.get('evidence')]},\n}};\n\n")
    return engines


def emit_targets(sections, engines, out):
    names, used, rows = {}, set(), []
    for s in sections:
        aliases = s.get("aliases").split()
        for n in [s.name] + aliases:
            if not NAME.match(n):
                s.fail(f"'{n}' is no name", "aliases")
            if n in names:
                s.fail(f"'{n}' is also a name of {names[n]}", "aliases")
            names[n] = s.name
        if s.get("engine") not in engines:
            s.fail(f"unknown engine '{s.get('engine')}'", "engine")
        used.add(s.get("engine"))
        for key in ("uid-range", "gid-range"):
            if s.get(key) and not RANGE.match(s.get(key)):
                s.fail(f"{key} is not FIRST-LAST[,FIRST-LAST...]", key)
        if s.get("max-size") and not s.get("max-size").isdigit():
            s.fail("max-size is no number", "max-size")
        changeable = s.choice("changeable", BOOLS)
        if (changeable == "true") != bool(s.get("change-where")):
            s.fail("change-where goes with changeable = yes, and only with it", "changeable")
        if aliases:
            out.append(f"static const char *const aliases_{c_name(s.name)}[] = {{ "
                       + ", ".join(map(c_string, aliases)) + ", NULL };\n")
        text = {"name": s.name, "title": s.get("title"), "uid_range": s.get("uid-range"),
                "gid_range": s.get("gid-range", s.get("uid-range")),
                "range_text": s.get("range"), "change_where": s.get("change-where"),
                "advice": s.get("advice"), "source": s.get("source"), "date": s.get("date")}
        rows.append("\t{\n" + "".join(f"\t\t.{k} = {c_string(v)},\n" for k, v in text.items())
                    + f"\t\t.aliases = {'aliases_' + c_name(s.name) if aliases else 'no_aliases'},\n"
                    f"\t\t.max_size = {s.get('max-size', '0')}, .engine = &engine_{c_name(s.get('engine'))},\n"
                    f"\t\t.range_changeable = {changeable}, .evidence = {EVIDENCE[s.get('evidence')]},\n\t}},\n")
    for name, s in engines.items():
        if name not in used:
            s.fail("no target uses this engine")
    out.append("\nconst struct target target_rows[] = {\n" + "".join(rows) + "};\n"
               "const size_t target_row_count = ARRAY_SIZE(target_rows);\n")


def pick(*kinds):
    return {k: KEYS[k] for k in kinds}


def main(argv):
    if len(argv) != 4:
        sys.exit(__doc__)
    out = ["/* Made by data/compile.py; do not edit. */\n#include \"target/data.h\"\n\n"
           "static const char *const no_aliases[] = { NULL };\n\n"]
    try:
        engines = emit_engines(read(argv[1], pick("engine", "message")), out)
        emit_targets(read(argv[2], pick("target")), engines, out)
    except (Bad, OSError, UnicodeDecodeError) as e:
        sys.exit(str(e))
    with open(argv[3], "w", encoding="ascii") as f:
        f.write("".join(out))


if __name__ == "__main__":
    main(sys.argv)
