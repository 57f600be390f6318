#!/usr/bin/env python3
"""Checks messages.conf, known-owners.conf, readings.conf and advice.conf, and writes them as one C file.

usage: compile-explain.py messages.conf known-owners.conf readings.conf advice.conf OUT.c

data/conf.py says how the tables are written, and what stops the build.
"""
import re
import sys

from conf import BOOLS, EVIDENCE, Bad, c_name, c_string, read

CAUSES = ["image-owner", "process-user", "supplementary-group", "acl", "map-too-small", "single-id-map", "subid-missing",
          "subid-mismatch", "setuid-helper", "nested-map", "double-mapping", "host-id-leaked", "no-idmapped-mounts",
          "build-context-owner", "archive-owner", "writer-limit", "sparse-log", "auto-size", "unknown"]
BLAMES = ["image", "host", "engine", "command", "build", "unknown"]
SIDES = ["look", "image", "build", "command", "host"]
ROLES = ["leaf", "wrapper", "follow", "context"]
KINDS = {"uid": "EXPLAIN_UID", "gid": "EXPLAIN_GID"}
GROUPS = {"id", "uid", "gid", "path", "digest", "diffid", "kind", "rune", "size", "from", "name", "rest"}
# Read by nobody yet; they say what stands there.
UNREAD = {"dir", "map", "out", "tool", "user", "limit", "host", "opt", "count", "max", "in0", "in1", "to", "p1", "who"}
HOWS = ["range", "multiple", "multiple-offset", "base", "pair", "known", "prefix", "small", "path"]
FILLS = {"id", "uid", "gid", "what", "path", "name", "from", "count", "size", "max", "image", "platform", "for", "base", "offset",
         "factor", "package", "known", "tool", "mend", "unsigned"}
BAND = re.compile(r"(?P<engine>[a-z-]+) (?P<since>\d+(\.\d+)*)?-(?P<until>\d+(\.\d+)*)?\Z")
INT64 = (-2 ** 63, 2 ** 63 - 1)
NEEDLE_MIN, SETS_MAX = 4, 32

DATED = {"source": True, "date": True}
MESSAGE_KEYS = {
    "engine": {"title": True, "target": False, "part": False},
    "group": {"role": False, "engine": False, "cause": False, "blame": False, "hides": False, "evidence": False, "source": False,
              "date": False},
    "message": {"role": False, "engine": True, "versions": False, "regex": True, "needle": False, "cause": False, "blame": False,
                "says": False, "hides": False, "kind": False, "platform": False, "evidence": True, "example": True, **DATED},
}
OWNER_KEYS = {
    "tool": {"why": True, "mend": True, **DATED},
    "owner": {"uids": True, "gids": True, "package": True, "version": False, "tool": True, "pair": False, "decides": False,
              "evidence": True, **DATED},
}
READING_KEYS = {
    "reading": {"how": True, "ids": False, "not-ids": False, "uids": False, "gids": False, "multiple": False, "least": False,
                "bases": False, "offset": False, "digits": False, "paths": False, "engines": False, "messages": False,
                "not-messages": False, "not-known": False, "alone": False, "bare": True, "decides": True, "rank": True, "cause": True, "blame": True,
                "says": True, "why": True, "evidence": True, **DATED},
}
ADVICE_KEYS = {
    "cause": {"says": True},
    "advice": {"causes": True, "engines": False, "messages": False, "readings": False, "platforms": False, "side": True, "order": True,
               "range": False, "max-id": False, "min-id": False, "else-of": False, "do": False, "avoid": False},
}


def enum(prefix, word):
    return prefix + c_name(word).upper()


def choice(s, key, words, prefix, default=None):
    return enum(prefix, s.choice(key, {w: w for w in words}, default))


def words_of(s, key, known):
    """The words of a list, checked."""
    found = s.get(key).split()
    for w in found:
        if w not in known:
            s.fail(f"{key}: unknown '{w}'", key)
    if len(found) != len(set(found)):
        s.fail(f"{key}: a word twice", key)
    return found


def mask(names, order):
    return "0x%x" % sum(1 << order.index(n) for n in names)


def check_fills(s, *keys):
    for key in keys:
        for name in re.findall(r"\{(\w+)\}", s.get(key)):
            if name not in FILLS:
                s.fail(f"{key}: unknown placeholder '{{{name}}}'", key)


def group_end(regex, i):
    """Index behind the parenthesis that closes the one at i."""
    depth = 0
    while i < len(regex):
        if regex[i] == "\\":
            i += 1
        elif regex[i] == "[":
            i = class_end(regex, i) - 1
        elif regex[i] == "(":
            depth += 1
        elif regex[i] == ")":
            depth -= 1
            if not depth:
                return i + 1
        i += 1
    raise ValueError("a parenthesis is not closed")


def class_end(regex, i):
    i += 2 if regex[i + 1] != "^" else 3
    while regex[i] != "]":
        i += 2 if regex[i] == "\\" else 1
    return i + 1


def plain_runs(regex):
    """Runs of plain characters outside every group: text that each match must hold. One list an alternative."""
    alternatives, runs, run, i = [], [], "", 0

    def end():
        nonlocal run
        runs.append(run)
        run = ""
    while i < len(regex):
        c = regex[i]
        if c == "|":
            end()
            alternatives.append(runs)
            runs = []
            i += 1
        elif c in "([":
            end()
            i = group_end(regex, i) if c == "(" else class_end(regex, i)
        elif c in "?*+{":
            if c != "+":
                run = run[:-1]
            end()
            i = regex.index("}", i) + 1 if c == "{" else i + 1
        elif c == "\\" and regex[i + 1].isalnum() or c in ".^$":
            end()
            i += 2 if c == "\\" else 1
        else:
            run += regex[i + 1] if c == "\\" else c
            i += 2 if c == "\\" else 1
    end()
    return alternatives + [runs]


def needles(s):
    """What a line must hold, blanks taken out, in lower case."""
    if s.get("needle"):
        found = [n.strip() for n in s.get("needle").split(" | ")]
    else:
        found = [max(runs, key=len) for runs in plain_runs(s.get("regex"))]
    found = ["".join(n.lower().split()) for n in found]
    for n in found:
        if len(n) < NEEDLE_MIN:
            s.fail(f"'{n}' is too short to look for: give a needle", "regex")
    for e in s.get("example"):
        bare = "".join(e.lower().split())
        if not any(n in bare for n in found):
            s.fail(f"the example '{e}' holds none of the needles {found}", "example")
    return sorted(set(found))


def bands(s, engines):
    out = []
    for part in filter(None, (p.strip() for p in s.get("versions").split(";"))):
        m = BAND.match(part)
        if not m or m["engine"] not in engines:
            s.fail(f"versions: '{part}' is not ENGINE SINCE-UNTIL", "versions")
        out.append(f"{{ {engines.index(m['engine'])}, {c_string(m['since'] or '')}, {c_string(m['until'] or '')} }}")
    return out


def strings(out, name, values):
    """A NULL-terminated array; its name."""
    out.append(f"static const char *const {name}[] = {{ " + ", ".join(map(c_string, values)) + ", NULL };\n")
    return name


def emit_messages(sections, out):
    engine_rows = [s for s in sections if s.kind == "engine"]
    messages = [s for s in sections if s.kind == "message"]
    engines = [s.name for s in engine_rows]
    if len(engines) > SETS_MAX:
        engine_rows[-1].fail(f"more than {SETS_MAX} engines")
    out.append("const struct explain_engine explain_engines[] = {\n" + "".join(
        f"\t{{ {c_string(s.name)}, {c_string(s.get('title'))}, {c_string(s.get('target')) if s.get('target') else 'NULL'}, "
        f"{s.choice('part', BOOLS, 'no')} }},\n"
        for s in engine_rows) + "};\nconst size_t explain_engine_count = ARRAY_SIZE(explain_engines);\n\n")
    rows, names = [], set()
    for s in messages:
        if s.name in names:
            s.fail("a second message of that name")
        names.add(s.name)
        rows.append(message(s, engines, out))
    out.append("\nconst struct explain_message explain_messages[] = {\n" + "".join(rows) + "};\n"
               "const size_t explain_message_count = ARRAY_SIZE(explain_messages);\n\n")
    return engines, names


def message(s, engines, out):
    role = s.get("role", "leaf")
    for g in re.findall(r"\(\?<([a-z]\w*)>", s.get("regex")):
        if g not in GROUPS | UNREAD:
            s.fail(f"regex: unknown group '{g}'", "regex")
    if role in ("leaf", "follow") and not (s.get("cause") and s.get("blame") and s.get("hides")):
        s.fail("a message that tells something needs cause, blame and hides")
    if role == "wrapper" and "(?<rest>" not in s.get("regex"):
        s.fail("a wrapper needs the group rest", "regex")
    check_fills(s, "says")
    name = c_name(s.name)
    found = bands(s, engines)
    if found:
        out.append(f"static const struct explain_band bands_{name}[] = {{ {', '.join(found)} }};\n")
    own = words_of(s, "engine", engines)
    out.append(f"static const unsigned char engines_{name}[] = {{ {', '.join(str(engines.index(e)) for e in own)} }};\n")
    hides = s.get("hides")
    return (f"\t{{ .name = {c_string(s.name)}, .role = {choice(s, 'role', ROLES, 'EXPLAIN_', 'leaf')},\n"
            f"\t  .engines = engines_{name}, .engine_count = {len(own)},\n"
            + (f"\t  .bands = bands_{name}, .band_count = {len(found)},\n" if found else "") +
            f"\t  .regex = {c_string(s.get('regex'))},\n\t  .needles = {strings(out, 'needles_' + name, needles(s))},\n"
            f"\t  .cause = {choice(s, 'cause', CAUSES, 'CAUSE_', 'unknown')}, .blame = {choice(s, 'blame', BLAMES, 'BLAME_', 'unknown')},\n"
            f"\t  .says = {c_string(s.get('says'))}, .hides = {c_string('' if hides == 'nothing' else hides)},\n"
            f"\t  .kind = {s.choice('kind', {**KINDS, '': 'EXPLAIN_UNKNOWN'}, '')}, .platform = {c_string(s.get('platform'))},\n"
            f"\t  .evidence = {EVIDENCE[s.get('evidence')]}, .source = {c_string(s.get('source'))}, .date = {c_string(s.get('date'))},\n"
            f"\t  .examples = {strings(out, 'examples_' + name, s.get('example'))} }},\n")


def ranges(s, key, out, star=False):
    """"1-5,7" or "1 5" as an array of pairs; {pointer, count} for C."""
    value = s.get(key)
    if not value or (star and value == "*"):
        return "NULL, 0"
    rows = []
    for part in re.split(r"[,\s]+", value):
        m = re.match(r"(-?\d+)(?:-(-?\d+))?\Z", part)
        if not m:
            s.fail(f"{key}: '{part}' is no number or range", key)
        lo = int(m[1])
        hi = int(m[2]) if m[2] else lo
        if not INT64[0] <= lo <= hi <= INT64[1]:
            s.fail(f"{key}: '{part}' is no range", key)
        rows.append(f"{{ {c_int(lo)}, {c_int(hi)} }}")
    name = f"{c_name(key)}_{s.kind}_{c_name(s.name)}"
    out.append(f"static const struct explain_range {name}[] = {{ {', '.join(rows)} }};\n")
    return f"{name}, {len(rows)}"


def c_int(n):
    return "INT64_MIN" if n == INT64[0] else f"INT64_C({n})"


def emit_owners(sections, out):
    tools, rows = {}, []
    for s in sections:
        if s.kind == "tool":
            if s.name in tools:
                s.fail("a second tool of that name")
            tools[s.name] = s
            out.append(f"static const struct explain_tool tool_{c_name(s.name)} = {{ {c_string(s.name)}, {c_string(s.get('why'))}, "
                       f"{c_string(s.get('mend'))} }};\n")
            continue
        if s.get("tool") not in tools:
            s.fail(f"unknown tool '{s.get('tool')}'", "tool")
        rows.append(f"\t{{ .name = {c_string(s.name)}, .uids = {{ {ranges(s, 'uids', out, True)} }}, .gids = {{ {ranges(s, 'gids', out, True)} }},\n"
                    f"\t  .package = {c_string(s.get('package'))}, .version = {c_string(s.get('version'))}, .tool = &tool_{c_name(s.get('tool'))},\n"
                    f"\t  .pair = {s.choice('pair', BOOLS, 'no')}, .decides = {s.choice('decides', BOOLS, 'yes')},\n"
                    f"\t  .evidence = {EVIDENCE[s.get('evidence')]}, .source = {c_string(s.get('source'))}, .date = {c_string(s.get('date'))} }},\n")
    out.append("const struct explain_owner explain_owners[] = {\n" + "".join(rows) + "};\n"
               "const size_t explain_owner_count = ARRAY_SIZE(explain_owners);\n\n")


def number(s, key, default=0):
    value = s.get(key, str(default))
    if not re.match(r"\d+\Z", value):
        s.fail(f"{key} is no number", key)
    return f"INT64_C({value})"


def emit_readings(sections, engines, messages, out):
    rows = []
    for s in sorted(sections, key=lambda s: int(s.get("rank"))):
        check_fills(s, "says", "why")
        debian = s.get("bases") == "debian"
        if debian:
            s.values["bases"] = ""
        rows.append(
            f"\t{{ .name = {c_string(s.name)}, .how = {choice(s, 'how', HOWS, 'READING_')},\n"
            + "".join(f"\t  .{c_name(k)} = {{ {ranges(s, k, out)} }},\n" for k in ("ids", "not-ids", "uids", "gids", "bases", "offset"))
            + f"\t  .debian = {'true' if debian else 'false'}, .multiple = {number(s, 'multiple')}, .least = {number(s, 'least')},\n"
            f"\t  .digits = {number(s, 'digits')}, .paths = {c_string(s.get('paths'))},\n"
            f"\t  .engines = {mask(words_of(s, 'engines', engines), engines)},\n"
            f"\t  .messages = {c_string(' '.join(words_of(s, 'messages', messages)))},\n"
            f"\t  .not_messages = {c_string(' '.join(words_of(s, 'not-messages', messages)))},\n"
            f"\t  .not_known = {s.choice('not-known', BOOLS, 'no')}, .alone = {s.choice('alone', BOOLS, 'no')}, .decides = {s.choice('decides', BOOLS)},\n"
            f"\t  .bare = {choice(s, 'bare', ['yes', 'no', 'only'], 'BARE_')}, .rank = {number(s, 'rank')},\n"
            f"\t  .cause = {choice(s, 'cause', CAUSES, 'CAUSE_')}, .blame = {choice(s, 'blame', BLAMES, 'BLAME_')},\n"
            f"\t  .says = {c_string(s.get('says'))}, .why = {c_string(s.get('why'))},\n"
            f"\t  .evidence = {EVIDENCE[s.get('evidence')]}, .source = {c_string(s.get('source'))} }},\n")
    out.append("const struct explain_reading explain_readings[] = {\n" + "".join(rows) + "};\n"
               "const size_t explain_reading_count = ARRAY_SIZE(explain_readings);\n\n")
    return [s.name for s in sections]


def emit_advice(sections, engines, messages, readings, out):
    says = {s.name: s for s in sections if s.kind == "cause"}
    for name in CAUSES:
        if name not in says:
            raise Bad(f"advice.conf: no section [cause {name}]")
        check_fills(says[name], "says")
    advice = [s for s in sections if s.kind == "advice"]
    names, rows = {s.name for s in advice}, []
    for s in sorted(advice, key=lambda s: int(s.get("order"))):
        text = s.get("do") or s.get("avoid")
        if bool(s.get("do")) == bool(s.get("avoid")):
            s.fail("do or avoid, one of them")
        check_fills(s, "do", "avoid")
        if s.get("else-of") and s.get("else-of") not in names:
            s.fail(f"else-of: no advice '{s.get('else-of')}'", "else-of")
        if s.get("platforms") not in ("", "fixed"):
            s.fail("platforms can only be 'fixed'", "platforms")
        rows.append(
            f"\t{{ .name = {c_string(s.name)}, .causes = {mask(words_of(s, 'causes', CAUSES), CAUSES)},\n"
            f"\t  .engines = {mask(words_of(s, 'engines', engines), engines)},\n"
            f"\t  .messages = {c_string(' '.join(words_of(s, 'messages', messages | {'bare'})))},\n"
            f"\t  .readings = {c_string(' '.join(words_of(s, 'readings', readings)))},\n"
            f"\t  .fixed_platform = {'true' if s.get('platforms') else 'false'}, .side = {choice(s, 'side', SIDES, 'SIDE_')},\n"
            f"\t  .widens = {s.choice('range', BOOLS, 'no')}, .min_id = {number(s, 'min-id')}, .max_id = {number(s, 'max-id', INT64[1])},\n"
            f"\t  .else_of = {c_string(s.get('else-of'))}, .avoid = {'true' if s.get('avoid') else 'false'},\n"
            f"\t  .text = {c_string(text)} }},\n")
    out.append("const char *const explain_cause_says[] = {\n" + "".join(
        f"\t[{enum('CAUSE_', n)}] = {c_string(says[n].get('says'))},\n" for n in CAUSES) + "};\n")
    out.append("const struct explain_advice_row explain_advice_rows[] = {\n" + "".join(rows) + "};\n"
               "const size_t explain_advice_row_count = ARRAY_SIZE(explain_advice_rows);\n")


def main(argv):
    if len(argv) != 6:
        sys.exit(__doc__)
    out = ["/* Made by data/compile-explain.py; do not edit. */\n#include \"explain/data.h\"\n\n#include \"base/macro.h\"\n\n"]
    try:
        engines, messages = emit_messages(read(argv[1], MESSAGE_KEYS, {"example"}, "group"), out)
        emit_owners(read(argv[2], OWNER_KEYS), out)
        readings = emit_readings(read(argv[3], READING_KEYS), engines, messages, out)
        emit_advice(read(argv[4], ADVICE_KEYS), engines, messages, readings, out)
    except (Bad, OSError, UnicodeDecodeError, ValueError) as e:
        sys.exit(str(e))
    with open(argv[5], "w", encoding="ascii") as f:
        f.write("".join(out))


if __name__ == "__main__":
    main(sys.argv)
