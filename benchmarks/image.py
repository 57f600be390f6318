"""The images that ./bench measures on, made by a real dockerd, once.

big_image: Debian with compilers, a JDK and more, in eight layers. The last step leaves a file of 2000000:3000000, so
that every engine stops at the very end of its work.
late_image: the same files in two layers, the upper one 1.3 GB, in which FOREIGN belongs to 2000000.
"""
import json
import os
import shutil
import subprocess
import tempfile

from debian import base_tar
from engines import Dockerd

STEPS = ["python3", "gcc", "clang", "nodejs npm", "default-jdk-headless", "git postgresql-15"]
FOREIGN = "/usr/share/nodejs"   # npm's packages, which do come with their publisher's ids


def dockerfile():
    install = ("RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends {} "
               "&& rm -rf /var/lib/apt/lists /var/cache/apt")
    return "\n".join(["FROM uidfit-base", *[install.format(s) for s in STEPS],
                      "RUN touch /srv/late && chown 2000000:3000000 /srv/late"]) + "\n"


def made(cache, name, make):
    """A directory that holds image.tar (docker save) and oci/ (the same with gzip layers), made once.

    make(d, context) has dockerd make the image, with an empty directory for what it builds from; it gives its name.
    """
    done = os.path.join(cache, name)
    if os.path.exists(os.path.join(done, "oci", "index.json")):
        return done
    print(f"making {name} to measure on (some minutes, once)", flush=True)
    base = base_tar(cache)
    top = tempfile.mkdtemp(prefix=name + "-", dir=cache)
    try:
        with Dockerd(remap=False, parent=cache) as d:
            with open(base, "rb") as f:
                d.docker("import", "-", "uidfit-base", stdin=f)
            context = os.path.join(top, "context")
            os.mkdir(context)
            d.docker("save", "-o", os.path.join(top, "image.tar"), make(d, context))
        shutil.rmtree(context)
        subprocess.run(["skopeo", "copy", "-q", f"docker-archive:{top}/image.tar", f"oci:{top}/oci:latest"], check=True)
        json.load(open(os.path.join(top, "oci", "index.json")))
        shutil.rmtree(done, ignore_errors=True)
        os.rename(top, done)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return done


def build(d, context, text, name, *options):
    with open(os.path.join(context, "Dockerfile"), "w") as f:
        f.write(text)
    d.docker("build", *options, "-t", name, context, timeout=1800)
    return name


def big_image(cache):
    return made(cache, "bench-image",
                lambda d, context: build(d, context, dockerfile(), "uidfit-bench", "--network", "host"))


def late_image(cache):
    big = big_image(cache)

    def make(d, context):
        d.docker("load", "-q", "-i", os.path.join(big, "image.tar"))
        build(d, context, f"FROM uidfit-bench\nRUN chown -R 2000000:2000000 {FOREIGN}\n", "uidfit-foreign", "--network", "none")
        container = d.docker("create", "uidfit-foreign", "true").strip()
        # A step that unpacks an archive, so that owners stay, and that writes everything in one layer.
        with open(os.path.join(context, "usr.tar"), "wb") as f:
            subprocess.run([d.client, "-H", "unix://" + d.socket, "cp", container + ":/usr", "-"], stdout=f, check=True)
        return build(d, context, "FROM uidfit-base\nADD usr.tar /\n", "uidfit-late")
    return made(cache, "bench-late", make)
