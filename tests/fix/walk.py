"""A second reading of docs/fix.md: walks the headers of a layer before and after, and says what each byte should be.

Nothing of uidfit's is used but the mapping of its report, which the caller judges on its own (generated.py). A reader of its own,
and not Python's tarfile, because every byte counts: the way a number is written, padding, records, what stands behind the end.
"""
import collections
import posixpath
import re
import struct

BLOCK = 512
NO_BODY = b"123456"
ACLS = (b"SCHILY.xattr.system.posix_acl_access", b"SCHILY.xattr.system.posix_acl_default")
CAPABILITY = b"SCHILY.xattr.security.capability"
PASSWD, GROUP, SUBID = (2, 3, 7), (None, 2, 4), (0, None, 3)  # columns of uid and gid, and how many there are
FILES = {"passwd": PASSWD, "passwd-": PASSWD, "group": GROUP, "group-": GROUP, "subuid": SUBID, "subgid": SUBID}


class Changed(AssertionError):
    """A byte is not what the rules say."""


class Plan:
    """The mapping at work. maps: (uids, gids), each a list of (first, last); seen counts how often each rule was met."""

    def __init__(self, report, maps):
        self.maps = maps
        self.to = [{row["old"]: row["new"] for row in report["mapping"][side]} for side in ("uid", "gid")]
        self.own = [{row["old"] for row in report["mapping"][side] if row["why"] in ("named", "keep-setuid", "compact")} for side in ("uid", "gid")]
        self.seen = collections.Counter()

    def holds(self, side, value):
        return any(a <= value <= b for a, b in self.maps[side])

    def new(self, side, value):
        return self.to[side].get(value, value)


def number(field):
    """As Go's archive/tar reads it; None where it would not."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7f]) + field[1:], "big")
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    text = field.strip(b" \0").split(b"\0")[0]
    return int(text or b"0", 8) if re.fullmatch(rb"[0-7]*", text) else None


def text(field):
    return field.split(b"\0")[0].decode("utf-8", "surrogateescape")


def records_of(body):
    """[(whole record, key, value)]"""
    found, at = [], 0
    while at < len(body):
        size = int(body[at:body.index(b" ", at)])
        whole = body[at:at + size]
        key, _, value = whole[whole.index(b" ") + 1:-1].partition(b"=")
        if not whole.endswith(b"\n") or len(whole) != size:
            raise Changed(f"a PAX record of {size} bytes that is none: {whole!r}")
        found.append((whole, key, value))
        at += size
    return found


class Entry:
    """One entry: the headers before its own as [(flag, block, body)], its own block, and its body."""

    def __init__(self, extended, block, data, at):
        self.extended, self.block = extended, block
        self.flag = block[156:157]
        self.records = next((dict((k, v) for _, k, v in records_of(body)) for flag, _, body in reversed(extended) if flag == b"x"), {})
        self.path = self.string(b"path", b"L", block[:100])
        self.link = self.string(b"linkpath", b"K", block[157:257])
        size = int(self.records[b"size"]) if self.records.get(b"size") else number(block[124:136])
        self.size = 0 if self.flag in NO_BODY and self.flag else size
        self.body = data[at:at + self.size]
        self.end = at + -(-self.size // BLOCK) * BLOCK
        self.padding = data[at + self.size:self.end]
        self.owner = [int(self.records[k]) if self.records.get(k) else number(block[o:o + 8]) for k, o in ((b"uid", 108), (b"gid", 116))]
        self.mode = number(block[100:108])

    def string(self, key, flag, field):
        if self.records.get(key):
            return self.records[key].decode("utf-8", "surrogateescape")
        long = [body for f, _, body in self.extended if f == flag]
        return text(long[-1] if long else field)

    @property
    def clean(self):
        return posixpath.normpath("/" + self.path).lstrip("/")

    @property
    def whiteout(self):
        name = posixpath.basename(self.clean)
        return name.startswith(".wh.") and (name == ".wh..wh..opq" or not name.startswith(".wh..wh."))

    @property
    def file(self):
        return self.flag in b"01\0" and not self.whiteout and not (self.flag == b"\0" and self.path.endswith("/"))


def walk(data):
    """([Entry], the bytes behind the last)"""
    found, extended, at = [], [], 0
    while at + BLOCK <= len(data):
        block = data[at:at + BLOCK]
        if block == bytes(BLOCK):
            break
        if sum(block[:148]) + sum(block[156:]) + 8 * 32 != number(block[148:156]):
            raise Changed(f"byte {at}: the header's sum is wrong")
        flag = block[156:157]
        if flag in b"xLK":
            size = number(block[124:136])
            extended.append((flag, block, data[at + BLOCK:at + BLOCK + size]))
            at += BLOCK + -(-size // BLOCK) * BLOCK
            continue
        if flag == b"g":
            size = number(block[124:136])
            at += BLOCK + -(-size // BLOCK) * BLOCK
            found.append((extended, data[at - BLOCK - -(-size // BLOCK) * BLOCK:at]))
        else:
            entry = Entry(extended, block, data, at + BLOCK)
            found.append(entry)
            at = entry.end
        extended = []
    return found, data[at:]


def renumbered(plan, kind, body):
    """The file of accounts with its numbers changed."""
    out = []
    for line in body.split(b"\n"):
        columns = line.split(b":")
        for side, column in enumerate(kind[:2]):
            if not line.startswith(b"#") and column is not None and column < len(columns) and re.fullmatch(rb"-?\d+", columns[column]):
                value = int(columns[column])
                if value in plan.to[side]:
                    columns[column] = b"%d" % plan.to[side][value]
        out.append(b":".join(columns))
    return b"\n".join(out)


def accounts_kind(path, body):
    """Which file of accounts it is, or None."""
    folder, _, name = path.rpartition("/")
    if folder == "etc" and name in FILES:
        return FILES[name]
    for suffix in ("passwd-", "group-", "passwd", "group"):
        lines = [x.split(b":") for x in body.split(b"\n") if x]
        kind = FILES[suffix]
        if path.endswith(suffix) and lines and all(len(x) == kind[2] and x[0] and all(
                re.fullmatch(rb"-?\d+", x[c]) for c in kind[:2] if c is not None) for x in lines):
            return kind
    return None


def wanted_owners(plan, entries):
    """[(uid, gid, bits of the mode that go)] of each entry, hardlinks as their target."""
    out, inodes = [], {}
    for e in entries:
        if not isinstance(e, Entry):
            out.append(None)
            continue
        if e.whiteout:
            inside = all(plan.holds(side, e.owner[side]) for side in (0, 1))
            out.append((*(e.owner if inside else (0, 0)), 0))
            continue
        new = [plan.new(side, e.owner[side]) for side in (0, 1)]
        gone = 0
        if e.file and any(new[side] != e.owner[side] and e.mode & bit and e.owner[side] not in plan.own[side] for side, bit in ((0, 0o4000), (1, 0o2000))):
            gone = e.mode & 0o6000
        mine = (*new, gone, new != e.owner)
        if e.flag == b"1":
            target = inodes.get(posixpath.normpath("/" + e.link).lstrip("/"))
            if target and (target[3] or mine[3]):
                plan.seen["hardlink follows"] += target[:2] != mine[:2]
                mine = (*target[:2], target[2] & e.mode, target[3])
        inodes[e.clean] = mine
        out.append(mine[:3])
    return out


def valid_acl(value):
    if len(value) < 4 or (len(value) - 4) % 8 or value[:4] != b"\2\0\0\0":
        return False
    rows = list(struct.iter_unpack("<HHI", value[4:]))
    return [r[0] for r in rows] == sorted(r[0] for r in rows) and {1, 4, 32} <= {r[0] for r in rows} <= {1, 2, 4, 8, 16, 32} and all(
        p < 8 for _, p, _ in rows) and all(i < 2**32 - 1 for t, _, i in rows if t in (2, 8)) and (16 in {r[0] for r in rows} or not {2, 8} & {r[0] for r in rows})


def wanted_acl(plan, value):
    rows = struct.iter_unpack("<HHI", value[4:])
    return value[:4] + b"".join(struct.pack("<HHI", t, p, plan.new(0, i) if t == 2 else plan.new(1, i) if t == 8 else i) for t, p, i in rows)


def check_record(plan, entry, old, new, wanted):
    """One PAX record and what became of it (None: gone). wanted: (uid, gid, ...)."""
    whole, key, value = old
    for side, name, label in ((0, b"uid", b"uname"), (1, b"gid", b"gname")):
        moves = wanted[side] != entry.owner[side]
        if key == name and value and moves:
            if new is None or new[1] != key or int(new[2]) != wanted[side]:
                raise Changed(f"{entry.path}: record {whole!r} became {new}, not {wanted[side]}")
            if len(new[2]) != max(len(value), len(str(wanted[side]))):
                raise Changed(f"{entry.path}: record {whole!r} became {new[0]!r}: its length")
            plan.seen["PAX number in its place" if len(new[2]) == len(value) else "PAX number that grows"] += 1
            return
        if key == label and value and moves:
            if new is not None:
                raise Changed(f"{entry.path}: {whole!r} stays, though its id moved")
            plan.seen["PAX name goes"] += 1
            return
    if new is None:
        raise Changed(f"{entry.path}: {whole!r} is gone")
    want = value
    if key in ACLS and valid_acl(value):
        want = wanted_acl(plan, value)
        plan.seen["ACL"] += want != value
    elif key in ACLS:
        return  # the kernel refuses it, whatever it holds
    elif key == CAPABILITY and len(value) == 24 and value[:1] in b"\0\1" and value[3:4] == b"\3" and not plan.holds(0, *struct.unpack("<I", value[20:])):
        want = value[:3] + b"\2" + value[4:20]
        plan.seen["capability"] += 1
    if new[1] != key or new[2] != want:
        raise Changed(f"{entry.path}: record {whole!r} became {new[0]!r}, not {want!r}")
    if want == value and new[0] != whole:
        raise Changed(f"{entry.path}: record {whole!r} was written anew as {new[0]!r}")


def check_extended(plan, entry, other, wanted, size):
    if [f for f, _, _ in entry.extended] != [f for f, _, _ in other.extended]:
        raise Changed(f"{entry.path}: other headers before it")
    for (flag, block, body), (_, block2, body2) in zip(entry.extended, other.extended):
        if flag == b"x":
            news = collections.deque(records_of(body2))
            for old in records_of(body):
                key = old[1]
                if key == b"size" and size is not None:
                    if int(news.popleft()[2]) != size:
                        raise Changed(f"{entry.path}: PAX size")
                    continue
                gone = key in (b"uname", b"gname") and (not news or news[0][1] != key)
                # A header that another one makes void may keep its numbers, or not: no reader asks.
                void = old[1] in (b"uid", b"gid") and entry.records.get(key) != old[2]
                new = None if gone else news.popleft() if news else None
                if not void:
                    check_record(plan, entry, old, new, wanted)
            if news:
                raise Changed(f"{entry.path}: records that were not there: {list(news)}")
        elif body != body2:
            raise Changed(f"{entry.path}: its long name changed")
        if len(body) != len(body2):
            plan.seen["extended header of another size"] += 1
            plan.seen["extended header of more blocks"] += -(-len(body) // BLOCK) < -(-len(body2) // BLOCK)
            block2 = block2[:124] + block[124:136] + block2[136:148] + block[148:156] + block2[156:]
        if block != block2:
            raise Changed(f"{entry.path}: its extended header's own block changed")


def check_number(plan, what, old, new, value):
    """A numeric field that now holds value, written as it was where it can be."""
    if number(new) != value:
        raise Changed(f"{what}: {old!r} became {new!r}, not {value}")
    if old[0] & 0x80:
        plan.seen["base-256"] += 1
        if not new[0] & 0x80:
            raise Changed(f"{what}: base-256 became {new!r}")
        return
    width = len(old.rstrip(b" \0")) or len(old) - 1
    if value < 8**width:
        plan.seen["octal"] += 1
        if new != (b"%o" % value).rjust(width, b" " if old[:1] == b" " and old.strip() else b"0") + old[width:]:
            raise Changed(f"{what}: {old!r} became {new!r}: its digits, or what pads them")
    elif value >= 8**7:
        plan.seen["octal that becomes base-256"] += 1
        if not new[0] & 0x80:
            raise Changed(f"{what}: {old!r} became {new!r}")


def check_block(plan, entry, other, wanted, size):
    old, new = entry.block, bytearray(other.block)
    named = old[257:262] == b"ustar"
    for side, at, key, name in ((0, 108, b"uid", 265), (1, 116, b"gid", 297)):
        field = old[at:at + 8]
        if wanted[side] == entry.owner[side]:
            continue
        said = bool(entry.records.get(key))
        if not said or number(field) == entry.owner[side]:
            check_number(plan, f"{entry.path}: {key.decode()}", field, bytes(new[at:at + 8]), wanted[side])
            new[at:at + 8] = field
        plan.seen["a decoy in the header"] += said and number(field) != entry.owner[side]
        if named:
            plan.seen["name blanked"] += old[name:name + 32] != bytes(32)
            if new[name:name + 32] != bytes(32):
                raise Changed(f"{entry.path}: the name of a moved {key.decode()} stays")
            new[name:name + 32] = old[name:name + 32]
    if wanted[2]:
        check_number(plan, f"{entry.path}: mode", old[100:108], bytes(new[100:108]), entry.mode & ~wanted[2])
        plan.seen["special bits go"] += 1
        new[100:108] = old[100:108]
    if size is not None:
        if not entry.records.get(b"size"):
            check_number(plan, f"{entry.path}: size", old[124:136], bytes(new[124:136]), size)
        new[124:136] = old[124:136]
    if bytes(other.block) != old:
        new[148:156] = old[148:156]  # walk() has added it up
    if new != old:
        at = next(i for i in range(BLOCK) if new[i] != old[i])
        raise Changed(f"{entry.path}: byte {at} of its header is in no owner's field")


def check_entry(plan, entry, other, wanted):
    kind = accounts_kind(entry.clean, entry.body) if entry.file and entry.flag != b"1" else None
    body = renumbered(plan, kind, entry.body) if kind else entry.body
    if other.body != body:
        raise Changed(f"{entry.path}: its body became {other.body[:200]!r}, not {body[:200]!r}")
    if any(other.padding) or (body == entry.body and other.padding != entry.padding):
        raise Changed(f"{entry.path}: the padding behind its body")
    plan.seen["file of accounts"] += body != entry.body
    size = len(body) if body != entry.body else None
    check_extended(plan, entry, other, wanted, size)
    check_block(plan, entry, other, wanted, size)
    plan.seen["whiteout"] += entry.whiteout and list(wanted[:2]) != entry.owner


def accounts_change(plan, data):
    """Whether a file of accounts in the layer holds a number that moves."""
    for e in walk(data)[0]:
        kind = accounts_kind(e.clean, e.body) if isinstance(e, Entry) and e.file and e.flag != b"1" else None
        if kind and renumbered(plan, kind, e.body) != e.body:
            return True
    return False


def compare(plan, old, new):
    """A changed layer: every byte is as the rules say, or Changed is raised."""
    (entries, tail), (others, tail2) = walk(old), walk(new)
    if len(entries) != len(others):
        raise Changed(f"{len(entries)} entries became {len(others)}")
    if tail != tail2:
        raise Changed("what stands behind the last entry changed")
    for e, o, wanted in zip(entries, others, wanted_owners(plan, entries)):
        if wanted is None:
            if e != o:
                raise Changed("a PAX global header changed")
        else:
            check_entry(plan, e, o, wanted)
