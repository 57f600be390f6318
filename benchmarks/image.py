"""The image that ./bench measures on: Debian with compilers, a JDK and more, built by a real dockerd in eight layers.

The last step leaves a file of 2000000:3000000, so that every engine stops at the very end of its work.
"""
import json
import os
import shutil
import subprocess
import tempfile

from debian import base_tar
from engines import Dockerd

STEPS = ["python3", "gcc", "clang", "nodejs npm", "default-jdk-headless", "git postgresql-15"]


def dockerfile():
    install = ("RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends {} "
               "&& rm -rf /var/lib/apt/lists /var/cache/apt")
    return "\n".join(["FROM uidfit-base", *[install.format(s) for s in STEPS],
                      "RUN touch /srv/late && chown 2000000:3000000 /srv/late"]) + "\n"


def big_image(cache):
    """A directory that holds image.tar (docker save) and oci/ (the same with gzip layers), made once."""
    done = os.path.join(cache, "bench-image")
    if os.path.exists(os.path.join(done, "oci", "index.json")):
        return done
    print("making the image to measure on (some minutes, once)", flush=True)
    base = base_tar(cache)
    top = tempfile.mkdtemp(prefix="bench-image-", dir=cache)
    try:
        with Dockerd(remap=False, parent=cache) as d:
            with open(base, "rb") as f:
                d.docker("import", "-", "uidfit-base", stdin=f)
            context = os.path.join(top, "context")
            os.mkdir(context)
            with open(os.path.join(context, "Dockerfile"), "w") as f:
                f.write(dockerfile())
            d.docker("build", "--network", "host", "-t", "uidfit-bench", context, timeout=1800)
            d.docker("save", "-o", os.path.join(top, "image.tar"), "uidfit-bench")
        shutil.rmtree(context)
        subprocess.run(["skopeo", "copy", "-q", f"docker-archive:{top}/image.tar", f"oci:{top}/oci:latest"], check=True)
        json.load(open(os.path.join(top, "oci", "index.json")))
        shutil.rmtree(done, ignore_errors=True)
        os.rename(top, done)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return done
