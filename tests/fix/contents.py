"""What changed between an image and its fixed one, seen by readers that are not ours: Python's tarfile, and the raw bytes."""
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import tarfile

BLOCK = 512
ACCOUNTS = ("etc/passwd", "etc/passwd-", "etc/group", "etc/group-", "etc/subuid", "etc/subgid")
OWNER_XATTRS = ("SCHILY.xattr.system.posix_acl_access", "SCHILY.xattr.system.posix_acl_default",
                "SCHILY.xattr.security.capability")


class Changed(AssertionError):
    """Something differs that must not."""


def decoded(blob):
    if blob[:2] == b"\x1f\x8b":
        return gzip.decompress(blob)
    if blob[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=blob, stdout=subprocess.PIPE, check=True).stdout
    if blob[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(blob)
    return blob


class Image:
    """The first image of an archive or a directory: config (dict), layers (decoded), blobs (as stored), manifest or None."""

    def __init__(self, path, index=0):
        if os.path.isdir(path):
            self.read = lambda name: open(os.path.join(path, name), "rb").read()
        else:
            with open(path, "rb") as f:
                data = decoded(f.read())
            members = {}
            with tarfile.open(fileobj=io.BytesIO(data)) as t:
                for m in t:
                    if m.isfile():
                        members[os.path.normpath(m.name)] = t.extractfile(m).read()
            self.read = lambda name: members[os.path.normpath(name)]
        self.manifest = None
        try:
            rows = json.loads(self.read("manifest.json"))
        except (KeyError, FileNotFoundError):
            rows = None
        if isinstance(rows, list):
            row = rows[index]
            self.tags, names, config = row["RepoTags"], row["Layers"], row["Config"]
        elif rows is not None:  # dir:
            self.tags, self.manifest = None, rows
            config, names = self.hex(rows["config"]), [self.hex(x) for x in rows["layers"]]
        else:
            descriptor = json.loads(self.read("index.json"))["manifests"][index]
            self.tags = (descriptor.get("annotations") or {}).get("org.opencontainers.image.ref.name")
            self.manifest_bytes = self.read(self.blob(descriptor))
            assert digest(self.manifest_bytes) == descriptor["digest"] and len(self.manifest_bytes) == descriptor["size"]
            self.manifest = json.loads(self.manifest_bytes)
            config, names = self.blob(self.manifest["config"]), [self.blob(x) for x in self.manifest["layers"]]
        self.config_bytes = self.read(config)
        self.config = json.loads(self.config_bytes)
        self.blobs = [self.read(x) for x in names]
        self.layers = [decoded(x) for x in self.blobs]
        # What every engine checks.
        for layer, diff_id in zip(self.layers, self.config["rootfs"]["diff_ids"], strict=True):
            assert digest(layer) == diff_id, "a diff_id is wrong"
        for row, blob in zip((self.manifest or {}).get("layers", []), self.blobs):
            assert digest(blob) == row["digest"] and len(blob) == row["size"], "a descriptor is wrong"

    @staticmethod
    def hex(descriptor):
        return descriptor["digest"].partition(":")[2]

    @staticmethod
    def blob(descriptor):
        return "blobs/" + descriptor["digest"].replace(":", "/")


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entries(layer):
    with tarfile.open(fileobj=io.BytesIO(layer), ignore_zeros=False) as t:
        for m in t:
            yield m, t.extractfile(m).read() if m.isreg() and not m.issparse() else b""


def others(pax):
    return {k: v for k, v in pax.items() if k not in ("uid", "gid", "uname", "gname", "size", *OWNER_XATTRS)}


def compare_layer(old, new, special=()):
    """Equal but for owners and the files of accounts. special: paths that lose their special bits."""
    for (a, x), (b, y) in zip(entries(old), entries(new), strict=True):
        name = a.name.lstrip("./")
        mode = a.mode & ~0o6000 if name in special else a.mode
        for what, p, q in (("name", a.name, b.name), ("type", a.type, b.type), ("link", a.linkname, b.linkname),
                           ("mode", oct(mode), oct(b.mode)), ("mtime", a.mtime, b.mtime),
                           ("device", (a.devmajor, a.devminor), (b.devmajor, b.devminor)),
                           ("records", others(a.pax_headers), others(b.pax_headers))):
            if p != q:
                raise Changed(f"{a.name}: {what} {p} became {q}")
        if x != y and name not in ACCOUNTS:
            raise Changed(f"{a.name}: its body changed")
        for key in OWNER_XATTRS:
            p, q = a.pax_headers.get(key, ""), b.pax_headers.get(key, "")
            if not key.endswith("capability") and len(p) != len(q):
                raise Changed(f"{a.name}: {key} changed its length")


def raw_differences(old, new):
    """Offsets of blocks that differ in a tar of the same length, each with its differing bytes' places."""
    for at in range(0, len(old), BLOCK):
        a, b = old[at:at + BLOCK], new[at:at + BLOCK]
        if a != b:
            yield at, [i for i in range(len(a)) if a[i] != b[i]]


def compare_bytes(old, new):
    """For layers without a file of accounts and without a capability: only owner fields, modes, sums and records differ.

    A header's places: mode 100-107, uid and gid 108-123, sum 148-155, uname and gname 265-328. A block of PAX records
    may differ in its digits and in an ACL's ids; where a digit more made it longer, the size of its header (124-135) says so."""
    if len(old) != len(new):
        raise Changed(f"{len(old)} bytes became {len(new)}")
    for at, places in raw_differences(old, new):
        header = all(100 <= i < 124 or 148 <= i < 156 or 265 <= i < 329 for i in places)
        records = b"uid=" in old[at:at + BLOCK] or b"gid=" in old[at:at + BLOCK] or b"posix_acl" in old[max(0, at - 4 * BLOCK):at + BLOCK]
        longer = old[at + 156:at + 157] == b"x" and all(124 <= i < 136 or 148 <= i < 156 for i in places)
        if not header and not records and not longer:
            raise Changed(f"byte {at + places[0]} is in no owner's field")


def compare(old, new, special=()):
    """Images of contents.Image: what stays must stay. Returns the indexes of the layers that changed."""
    changed = []
    if len(old.layers) != len(new.layers):
        raise Changed("layers were lost")
    for i, (a, b) in enumerate(zip(old.layers, new.layers)):
        if a == b:
            if old.blobs[i] != new.blobs[i]:
                raise Changed(f"layer {i} was compressed anew for nothing")
            continue
        changed.append(i)
        compare_layer(a, b, special)
        if not any(name.encode() in a for name in ACCOUNTS) and b"security.capability" not in a:
            compare_bytes(a, b)
    p, q = json.loads(old.config_bytes), json.loads(new.config_bytes)
    if changed:
        p["rootfs"]["diff_ids"] = q["rootfs"]["diff_ids"]
    p.setdefault("config", {})["User"] = (q.get("config") or {}).get("User", "")
    labels = dict((q.get("config") or {}).get("Labels") or {})
    labels.pop("uidfit.fix", None)
    if labels or not (p["config"].get("Labels")):
        q["config"]["Labels"] = labels
        p["config"].setdefault("Labels", {})
    q.setdefault("config", {}).setdefault("User", "")
    if (p["config"].get("Labels") or {}) != labels:
        raise Changed("a label changed")
    p["config"].pop("Labels", None), q["config"].pop("Labels", None)
    if p != q:
        raise Changed("the config changed")
    order = [k for k in json.loads(old.config_bytes)]
    if [k for k in json.loads(new.config_bytes) if k in order] != order:
        raise Changed("the order of the config's keys changed")
    return changed
