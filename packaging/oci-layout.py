#!/usr/bin/env python3
"""packaging/oci-layout.py PROGRAM DIR: an OCI layout with one layer that holds PROGRAM as /uidfit, owner 0:0, entrypoint
/uidfit, user 65534. The same program gives the same bytes (times are SOURCE_DATE_EPOCH, else 0)."""
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import time

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "riscv64": "riscv64",
                 "ppc64le": "ppc64le", "s390x": "s390x"}


def layer(program, epoch):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        # An image without /tmp has no place for the spool that large layers need.
        for name, mode in (("tmp", 0o1777),):
            row = tarfile.TarInfo(name)
            row.type, row.mode, row.mtime = tarfile.DIRTYPE, mode, epoch
            tar.addfile(row)
        with open(program, "rb") as f:
            row = tarfile.TarInfo("uidfit")
            row.mode, row.mtime, row.size = 0o755, epoch, os.fstat(f.fileno()).st_size
            tar.addfile(row, f)
    return out.getvalue()


def main(program, path):
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    version = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
    os.makedirs(os.path.join(path, "blobs", "sha256"))

    def blob(media, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(path, "blobs", "sha256", digest), "wb") as f:
            f.write(data)
        return {"mediaType": media, "digest": "sha256:" + digest, "size": len(data)}

    def document(media, value):
        return blob(media, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    tar = layer(program, epoch)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    config = document("application/vnd.oci.image.config.v1+json", {
        "created": created, "os": "linux", "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "config": {"Entrypoint": ["/uidfit"], "Cmd": ["help"], "User": "65534:65534", "WorkingDir": "/",
                   "Labels": {"org.opencontainers.image.title": "uidfit", "org.opencontainers.image.version": version,
                              "org.opencontainers.image.licenses": "Apache-2.0"}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]},
        "history": [{"created": created, "created_by": "packaging/image"}]})
    manifest = document("application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
        "layers": [blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(tar, 9, mtime=0))]})
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                        ("index.json", {"schemaVersion": 2, "manifests": [manifest]})):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            json.dump(value, f)


if __name__ == "__main__":
    main(*sys.argv[1:])
