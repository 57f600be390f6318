"""Reads the tables of this folder: sections of "key = value" lines, '#' begins a comment line.

Everything that is unknown, missing, doubled or undated stops the build with FILE:LINE, so that a row that reaches the
program always says where it comes from and when that was true.
"""
import re

EVIDENCE = {e: "EVIDENCE_" + e.upper() for e in ("run", "source", "report")}
BOOLS = {"yes": "true", "no": "false"}
NAME = re.compile(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*\Z")
DATE = re.compile(r"20\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?\Z")


class Bad(Exception):
    pass


class Section:
    def __init__(self, kind, name, where):
        self.kind, self.name, self.where, self.values, self.lines = kind, name, where, {}, {}

    def fail(self, what, key=None):
        raise Bad(f"{self.lines.get(key, self.where)}: [{self.kind} {self.name}]: {what}")

    def get(self, key, default=""):
        return self.values.get(key, default)

    def choice(self, key, table, default=None):
        value = self.values.get(key, default)
        if value not in table:
            self.fail(f"{key} is '{value}', not one of {', '.join(table)}", key)
        return table[value]


def add_value(s, key, value, where, repeated):
    if not value:
        raise Bad(f"{where}: '{key}' is empty")
    if key in repeated:
        s.values.setdefault(key, []).append(value)
    elif key in s.values:
        raise Bad(f"{where}: '{key}' twice")
    else:
        s.values[key] = value
    s.lines[key] = where


def sections_of(path, keys, repeated):
    """keys: kind of section -> {key: required}; repeated: keys that may stand more than once, as lists."""
    current = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            where, line = f"{path}:{number}", line.strip()
            if not line or line.startswith("#"):
                continue
            head = re.match(r"\[(\w+) ([^\]]+)\]\Z", line)
            if head:
                if head[1] not in keys:
                    raise Bad(f"{where}: unknown section '{head[1]}'")
                if not NAME.match(head[2]):
                    raise Bad(f"{where}: '{head[2]}' is no name")
                if current:
                    yield current
                current = Section(head[1], head[2], where)
                continue
            key, sep, value = line.partition("=")
            if not sep or current is None:
                raise Bad(f"{where}: neither a section nor KEY = VALUE")
            if key.strip() not in keys[current.kind]:
                raise Bad(f"{where}: unknown key '{key.strip()}' in a section '{current.kind}'")
            add_value(current, key.strip(), value.strip(), where, repeated)
    if current:
        yield current


def read(path, keys, repeated=(), defaults=None):
    """The sections, checked. A section of the kind defaults gives the keys that those behind it leave out."""
    sections, given = [], {}
    for s in sections_of(path, keys, repeated):
        if s.kind == defaults:
            given = s.values
            continue
        for key, value in given.items():
            if key in keys[s.kind]:
                s.values.setdefault(key, value)
        for key, required in keys[s.kind].items():
            if required and key not in s.values:
                s.fail(f"'{key}' is missing")
        if "date" in keys[s.kind] and not DATE.match(s.get("date")):
            s.fail("date is not YYYY-MM or YYYY-MM-DD", "date")
        if "evidence" in keys[s.kind]:
            s.choice("evidence", EVIDENCE)
        sections.append(s)
    return sections


def c_string(s):
    out = ""
    for byte in s.encode():
        c = chr(byte)
        if c in '"\\':
            out += "\\" + c
        elif 32 <= byte < 127:
            out += c
        else:
            out += f"\\{byte:03o}"
    return '"' + out.replace("??", "?\\?") + '"'


def c_name(name):
    return name.replace("-", "_")
