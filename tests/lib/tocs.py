"""Layers with a table of contents: eStargz (stargz-snapshotter docs/estargz.md) and zstd:chunked (containers/storage pkg/chunked).

    layer = TocLayer("ADD base").root().dir("etc").file("etc/passwd", b"...").toc(chunk=100)
    save_oci(path, [layer])                              # the descriptor has the annotations

toc() comes last. Whoever lies gives change (a function that takes the table and may change it or give another), text (the JSON's
bytes, of the changed table), and fields of the footer or annotations.
"""
import base64
import gzip
import hashlib
import io
import json
import struct
import subprocess
import tarfile

from mkimage import Layer, digest, header, pad

INDEX = "stargz.index.json"
ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
POSITION = "io.github.containers.zstd-chunked.manifest-position"
CHECKSUM = "io.github.containers.zstd-chunked.manifest-checksum"
TYPES = {b"0": "reg", b"\0": "reg", b"1": "hardlink", b"2": "symlink", b"3": "char", b"4": "block", b"5": "dir", b"6": "fifo"}
LANDMARK = ".no.prefetch.landmark"


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def skippable(data):
    return struct.pack("<II", 0x184D2A50, len(data)) + data


class Members:
    """A blob of compressed members, and what it decodes to."""

    def __init__(self, compress):
        self.compress, self.blob, self.tar, self.open = compress, b"", b"", b""

    def add(self, data):
        self.open += data
        self.tar += data

    def close(self):
        if self.open:
            self.blob += self.compress(self.open)
        self.open = b""


def footer(offset, magic=b"STARGZ"):
    text = b"%016x" % offset + magic
    extra = b"SG" + struct.pack("<H", len(text)) + text
    return b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(extra)) + extra + b"\x01\0\0\xff\xff" + bytes(8)


def old_footer(offset):
    """stargz, before RFC 1952's subfields."""
    text = b"%016xSTARGZ" % offset
    return b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(text)) + text + b"\x01\0\0\xff\xff" + bytes(8)


def entry_of(member):
    e = {"name": member.name + ("/" if member.isdir() else ""), "type": TYPES[member.type], "mode": member.mode,
         "modtime": "2023-11-14T22:13:20Z"}
    if member.name in (".", ""):
        e["name"] = "./"
    for key, value in (("uid", member.uid), ("gid", member.gid), ("size", member.size if member.isreg() else 0),
                       ("linkName", member.linkname), ("devMajor", member.devmajor), ("devMinor", member.devminor)):
        if value:
            e[key] = value
    xattrs = {k[len("SCHILY.xattr."):]: base64.b64encode(v.encode("utf-8", "surrogateescape")).decode()
              for k, v in member.pax_headers.items() if k.startswith("SCHILY.xattr.")}
    if xattrs:
        e["xattrs"] = xattrs
    return e


class TocLayer(Layer):
    """finished by toc()."""

    def landmark(self):
        return self.file(LANDMARK, b"\x0f")

    def toc(self, kind="estargz", chunk=4 << 20, least=0, change=None, text=None, foot=None, annotations=None, old=False):
        """least: a member holds at least so many bytes (innerOffset). annotations: put over the right ones."""
        self.kind, self.chunk, self.least = kind, chunk, least
        self.change, self.text, self.foot, self.put, self.old = change, text, foot, annotations, old
        self.compress = "gzip" if kind == "estargz" else "zstd"
        self.build()
        return self

    def build(self):
        data = self.data.getvalue()
        out = Members((lambda d: gzip.compress(d, 1, mtime=0)) if self.kind == "estargz" else zstd)
        entries = []
        with tarfile.open(fileobj=io.BytesIO(data + bytes(1024)), mode="r:") as tar:
            for m in tar:
                out.add(data[m.offset:m.offset_data])
                body = data[m.offset_data:m.offset_data + m.size] if m.isreg() else b""
                self.write(out, entries, entry_of(m), body)
        self.finish(out, entries)

    def write(self, out, entries, entry, body):
        entries.append(entry)
        if not body:
            return
        entry["digest"] = digest(body)
        for at in range(0, len(body), self.chunk):
            part = body[at:at + self.chunk]
            e = entry if at == 0 else {"name": entry["name"], "type": "chunk"}
            if len(out.open) >= self.least or not self.least:
                out.close()
            e["offset"] = len(out.blob)
            if out.open:
                e["innerOffset"] = len(out.open)
            if len(body) > self.chunk:
                e["chunkSize"] = len(part)
            if at:
                e["chunkOffset"] = at
                entries.append(e)
            e["chunkDigest"] = digest(part)
            out.add(part)
            if self.kind != "estargz":
                out.close()
                e["endOffset"] = len(out.blob)
        out.add(pad(body)[len(body):])

    def finish(self, out, entries):
        table = {"version": 1, "entries": entries}
        if self.change:
            table = self.change(table) or table
        text = json.dumps(table, indent="\t").encode()
        if self.text:
            text = self.text(text)
        if self.kind == "estargz":
            out.close()
            at = len(out.blob)
            out.add(header(INDEX.encode(), b"0", size=len(text)) + pad(text) + bytes(1024))
            out.close()
            offset = at if self.foot is None else self.foot(at)
            self.made = out.blob + (old_footer if self.old else footer)(offset)
            self.annotations = {ESTARGZ: digest(text)}
        else:
            out.add(bytes(1024))
            out.close()
            packed = zstd(text)
            at = len(out.blob) + 8
            out.blob += skippable(packed)
            self.made = out.blob + skippable(struct.pack("<QQQQ", at, len(packed), len(text), 1) + b"GNUlInUx")
            self.annotations = {POSITION: f"{at}:{len(packed)}:{len(text)}:1", CHECKSUM: digest(packed)}
        self.plain = out.tar
        self.annotations.update(self.put or {})

    def tar(self):
        return self.plain

    def blob(self):
        return self.made
