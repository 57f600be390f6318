#!/usr/bin/env python3
"""Makes the demo's image: small, and unfit in each of the ways that the guides describe.

usage: scripts/sample.py FILE      a docker-archive, as `docker save` writes it; the same bytes every time
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "lib"))
from mkimage import Layer, Step, save_docker_archive  # noqa: E402

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = b"root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n"
CONTENT_TYPE = "app/node_modules/content-type"
ASYNCKIT = "app/node_modules/asynckit"


def main(path):
    base = (Layer("/bin/sh -c #(nop) ADD file:5f70bf18a086 in / ").root()
            .dir("etc").file("etc/passwd", PASSWD).file("etc/group", GROUP)
            .dir("home").dir("home/node", uid=1000, gid=1000).dir("tmp", mode=0o1777))
    user = (Layer("/bin/sh -c groupadd veryhigh -g 1000000 && useradd -l -r -u 1000000 -g veryhigh veryhigh")
            .file("etc/passwd", PASSWD + b"veryhigh:x:1000000:1000000::/home/veryhigh:/bin/sh\n")
            .file("etc/group", GROUP + b"veryhigh:x:1000000:\n"))
    interim = (Layer("/bin/sh -c touch /tmp/interim && chown 2000000:3000000 /tmp/interim")
               .file("tmp/interim", uid=2000000, gid=3000000))
    removed = Layer("/bin/sh -c rm /tmp/interim").whiteout("tmp/interim")
    npm = Layer("/bin/sh -c npm install").dir("app").dir("app/node_modules").dir(CONTENT_TYPE)
    for name in ("HISTORY.md", "LICENSE", "README.md", "index.js", "package.json"):
        npm.file(f"{CONTENT_TYPE}/{name}", b"content-type 1.0.4\n", uid=1516583083, how="pax")
    npm.dir(ASYNCKIT)
    for name in ("LICENSE", "README.md", "bench.js", "index.js", "parallel.js", "stream.js"):
        npm.file(f"{ASYNCKIT}/{name}", b"asynckit 0.4.0\n", uid=501, gid=20)
    chown = Layer("/bin/sh -c chown -R root:root /app/node_modules/content-type/index.js")
    chown.file(f"{CONTENT_TYPE}/index.js", b"content-type 1.0.4\n")
    save_docker_archive(path, [base, Step("/bin/sh -c #(nop)  CMD [\"/bin/sh\"]"), user, interim, removed, npm, chown,
                               Step("/bin/sh -c #(nop)  USER veryhigh")],
                        tags=["uidfit-sample:latest"], user="veryhigh")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
