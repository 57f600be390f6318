"""Makes container images for tests: layers with exactly the headers that a case asks for.

Standard library only, and not its tarfile: that one normalises what the tests want to be odd. The same
calls give the same bytes everywhere.

    from mkimage import Layer, Step, save_docker_archive, save_oci
    base = Layer("ADD file:1 in /").dir("etc").file("etc/passwd", b"root:x:0:0::/root:/bin/sh\\n")
    app = Layer("RUN npm ci").file("app/a.js", b"1", uid=1516583083, how="pax")
    save_docker_archive("app.tar", [base, Step("USER 1000"), app], tags=["app:1"], user="1000")

`how` says which field holds the ids: "octal" (7 digits), "base256", "pax", or "auto" (octal where it fits, else base256).
"""
import gzip
import hashlib
import io
import json
import os
import struct

BLOCK = 512
MTIME = 1700000000
OCTAL_MAX = 0o7777777

ACL_ACCESS = "system.posix_acl_access"
ACL_DEFAULT = "system.posix_acl_default"
CAPABILITY = "security.capability"


def octal(value, width):
    """A numeric field: zero-padded octal digits and a NUL."""
    return b"%0*o\0" % (width - 1, value)


def base256(value, width):
    """GNU's binary field: the top bit set, then a big-endian two's complement number."""
    raw = value.to_bytes(width, "big", signed=True)
    return bytes([raw[0] | 0x80]) + raw[1:]


def pax_record(key, value):
    if isinstance(value, str):
        value = value.encode()
    body = b" %s=%s\n" % (key.encode(), value)
    n = len(body) + 1
    while len(str(n)) + len(body) != n:
        n = len(str(n)) + len(body)
    return str(n).encode() + body


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def header(name, typeflag, size=0, uid=0, gid=0, mode=0o644, link=b"", uname=b"", gname=b"",
           major=0, minor=0, how="auto", magic=b"ustar\x0000", mtime=MTIME, overrides=None):
    """One 512-byte header. overrides: {offset: bytes}, put over the fields before the sum is made."""
    def id_field(value):
        if how == "octal" or (how == "auto" and 0 <= value <= OCTAL_MAX):
            return octal(value, 8)
        return octal(0, 8) if how == "pax" else base256(value, 8)

    h = bytearray(BLOCK)
    for offset, field, width in (
            (0, name, 100), (100, octal(mode, 8), 8), (108, id_field(uid), 8), (116, id_field(gid), 8),
            (124, octal(size, 12) if size < 8**11 else base256(size, 12), 12),
            (136, octal(mtime, 12), 12), (156, typeflag, 1), (157, link, 100), (257, magic, 8),
            (265, uname, 32), (297, gname, 32), (329, octal(major, 8), 8), (337, octal(minor, 8), 8)):
        field = field[:width]
        h[offset:offset + len(field)] = field
    for offset, field in (overrides or {}).items():
        h[offset:offset + len(field)] = field
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def acl(users=None, groups=None, mask=7, version=2):
    """The value of a POSIX ACL xattr with named users {id: perm} and groups."""
    rows = [(0x01, 6, 0xffffffff)]
    rows += [(0x02, perm, i) for i, perm in sorted((users or {}).items())]
    rows += [(0x04, 4, 0xffffffff)]
    rows += [(0x08, perm, i) for i, perm in sorted((groups or {}).items())]
    if users or groups:
        rows += [(0x10, mask, 0xffffffff)]
    rows += [(0x20, 4, 0xffffffff)]
    return struct.pack("<I", version) + b"".join(struct.pack("<HHI", *r) for r in rows)


def capability(rootid=None, permitted=1 << 10):
    """The value of security.capability: version 2, or version 3 where a rootid is given."""
    low, high = permitted & 0xffffffff, permitted >> 32
    magic = 0x02000001 if rootid is None else 0x03000001
    value = struct.pack("<IIIII", magic, low, 0, high, 0)
    return value if rootid is None else value + struct.pack("<I", rootid)


class Step:
    """A history element without a layer: USER, ENV, CMD."""

    def __init__(self, created_by):
        self.created_by = created_by


class Layer:
    """A layer under construction; each method appends an entry and returns self."""

    annotations = None  # of its descriptor in an OCI manifest, once blob() was called

    def __init__(self, created_by="ADD file:0 in /", compress=None, end=True):
        self.created_by, self.compress, self.end = created_by, compress, end
        self.data = io.BytesIO()

    def raw(self, data):
        self.data.write(data)
        return self

    def entry(self, path, typeflag, body=b"", link="", uid=0, gid=0, mode=0o644, how="auto",
              xattrs=None, pax=None, **fields):
        """Any entry. path and link are str or bytes; xattrs {name: bytes}; pax {key: str|bytes}; fields as header()."""
        path = path.encode() if isinstance(path, str) else path
        link = link.encode() if isinstance(link, str) else link
        records = {}
        if how == "pax":
            records["uid"], records["gid"] = str(uid), str(gid)
        if len(path) > 100:
            records["path"] = path
        if len(link) > 100:
            records["linkpath"] = link
        for name, value in (xattrs or {}).items():
            records["SCHILY.xattr." + name] = value
        records.update(pax or {})
        if records:
            self._extended(b"x", records)
        for field in ("uname", "gname"):
            if isinstance(fields.get(field), str):
                fields[field] = fields[field].encode()
        self.raw(header(path, typeflag, size=fields.pop("size", len(body)), link=link, uid=uid,
                        gid=gid, mode=mode, how=how, **fields))
        return self.raw(pad(body))

    def _extended(self, typeflag, records):
        body = b"".join(pax_record(k, v) for k, v in records.items())
        name = b"pax_global_header" if typeflag == b"g" else b"PaxHeaders.0/x"
        self.raw(header(name, typeflag, size=len(body))).raw(pad(body))

    def pax_global(self, records):
        """A PAX global header: GNU tar obeys its uid and gid, Go's archive/tar does not."""
        self._extended(b"g", records)
        return self

    def file(self, path, body=b"", **kw):
        return self.entry(path, b"0", body, **kw)

    def dir(self, path, **kw):
        kw.setdefault("mode", 0o755)
        return self.entry(path.rstrip("/") + "/", b"5", **kw)

    def root(self, **kw):
        kw.setdefault("mode", 0o755)
        return self.entry("./", b"5", **kw)

    def symlink(self, path, target, **kw):
        kw.setdefault("mode", 0o777)
        return self.entry(path, b"2", link=target, **kw)

    def hardlink(self, path, target, **kw):
        return self.entry(path, b"1", link=target, **kw)

    def chardev(self, path, major=1, minor=3, **kw):
        return self.entry(path, b"3", major=major, minor=minor, **kw)

    def blockdev(self, path, major=7, minor=0, **kw):
        return self.entry(path, b"4", major=major, minor=minor, **kw)

    def fifo(self, path, **kw):
        return self.entry(path, b"6", **kw)

    def whiteout(self, path, **kw):
        head, _, tail = path.rpartition("/")
        return self.entry((head + "/" if head else "") + ".wh." + tail, b"0", **kw)

    def opaque(self, directory, **kw):
        return self.entry(directory.rstrip("/") + "/.wh..wh..opq", b"0", **kw)

    def sparse(self, path, size, **kw):
        """GNU type S: a file of size bytes that is one hole (a lastlog)."""
        number = octal(size, 12) if size < 8**11 else base256(size, 12)
        return self.entry(path, b"S", magic=b"ustar  \0", overrides={
            386: number, 398: octal(0, 12), 483: number}, **kw)

    def tar(self):
        return self.data.getvalue() + (bytes(2 * BLOCK) if self.end else b"")

    def blob(self):
        """The layer as stored."""
        return compressed(self.tar(), self.compress)


def compressed(data, how):
    """how: None, "gzip", "bzip2", "xz", or "zstd" by its program: it is not in the standard library."""
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "bzip2":
        import bz2
        return bz2.compress(data)
    if how == "xz":
        import lzma
        return lzma.compress(data)
    if how == "zstd":
        import subprocess
        return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if how:
        raise ValueError("no encoder for " + how)
    return data


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_config(layers, user="", arch="amd64", history=True, **more):
    """The config document for layers and steps, as a dict."""
    config = {"architecture": arch, "os": "linux",
              "config": {"User": user, "Cmd": ["/bin/sh"]},
              "rootfs": {"type": "layers",
                         "diff_ids": [digest(x.tar()) for x in layers if isinstance(x, Layer)]}}
    if history:
        config["history"] = [dict({"created": "2023-11-14T22:13:20Z", "created_by": x.created_by},
                                  **({} if isinstance(x, Layer) else {"empty_layer": True}))
                             for x in layers]
    config.update(more)
    return config


def dumps(document):
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def write_archive(path, members, compress=None):
    """A plain tar of {name: bytes}; path may be "-" for standard output."""
    out = Layer()
    for name, body in members.items():
        out.file(name, body)
    data = compressed(out.tar(), compress)
    if path == "-":
        import sys
        sys.stdout.buffer.write(data)
        return
    with open(path, "wb") as f:
        f.write(data)


def docker_archive_members(layers, config=None, tags=("test:1",), user="", **more):
    config = dumps(config if isinstance(config, dict) else make_config(layers, user, **more)) \
        if not isinstance(config, bytes) else config
    members, names = {}, []
    for layer in layers:
        if isinstance(layer, Layer):
            blob = layer.blob()
            name = hashlib.sha256(blob).hexdigest() + "/layer.tar"
            members[name] = blob
            names.append(name)
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    members[config_name] = config
    return members, {"Config": config_name, "RepoTags": list(tags) or None, "Layers": names}


def save_docker_archive(path, layers, config=None, tags=("test:1",), user="", compress=None, **more):
    """What `docker save` writes. config: a dict or bytes in place of make_config(); more goes to make_config()."""
    save_docker_archives(path, [dict(more, layers=layers, config=config, tags=tags, user=user)], compress)


def save_docker_archives(path, images, compress=None):
    """Several images in one archive: each a dict of docker_archive_members()'s arguments."""
    members, rows = {}, []
    for image in images:
        more, row = docker_archive_members(**image)
        members.update(more)
        rows.append(row)
    members["manifest.json"] = dumps(rows)
    write_archive(path, members, compress)


def oci_members(layers, config=None, user="", media_type=None, **more):
    """({member: bytes}, manifest descriptor) of one image."""
    config = dumps(config if isinstance(config, dict) else make_config(layers, user, **more)) \
        if not isinstance(config, bytes) else config
    members = {}

    def put(data, kind):
        members["blobs/sha256/" + hashlib.sha256(data).hexdigest()] = data
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    suffix = {None: "", "gzip": "+gzip", "zstd": "+zstd"}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": put(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [dict(put(x.blob(), media_type or "application/vnd.oci.image.layer.v1.tar" +
                                    suffix.get(x.compress, "")), **({"annotations": x.annotations} if x.annotations else {}))
                           for x in layers if isinstance(x, Layer)]}
    return members, put(dumps(manifest), manifest["mediaType"])


def save_oci(path, layers, config=None, tag="latest", user="", archive=False, compress=None, **more):
    """An OCI layout: a directory, or with archive=True a tar of it."""
    save_oci_index(path, [dict(more, layers=layers, config=config, user=user, tag=tag)], archive, compress)


def save_oci_index(path, images, archive=False, compress=None):
    """Several images in one index.json: each a dict of oci_members()'s arguments, "tag" and "platform" (a dict)."""
    members, rows = {"oci-layout": dumps({"imageLayoutVersion": "1.0.0"})}, []
    for image in images:
        image = dict(image)
        tag, platform = image.pop("tag", None), image.pop("platform", None)
        more, row = oci_members(**image)
        members.update(more)
        if tag:
            row["annotations"] = {"org.opencontainers.image.ref.name": tag}
        if platform:
            row["platform"] = platform
        rows.append(row)
    members["index.json"] = dumps({"schemaVersion": 2, "manifests": rows,
                                   "mediaType": "application/vnd.oci.image.index.v1+json"})
    if archive:
        write_archive(path, members, compress)
        return
    for name, body in members.items():
        target = os.path.join(path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as f:
            f.write(body)
