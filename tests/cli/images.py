"""The images that the cases of this folder name, made in the folder given as argument."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mkimage import (ACL_ACCESS, Layer, Step, acl, capability, CAPABILITY, make_config, save_docker_archive,
                     save_docker_archives, save_oci, save_oci_index)  # noqa: E402

PASSWD = (b"root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"
          b"nobody:x:65534:65534::/:/bin/false\n")
GROUP = b"root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n"
PACKAGE = "app/node_modules/content-type"


def base():
    layer = Layer("/bin/sh -c #(nop) ADD file:0123 in / ")
    layer.dir("etc").file("etc/passwd", PASSWD).file("etc/group", GROUP)
    return layer.dir("home").dir("home/node", uid=1000, gid=1000)


def npm(compress=None):
    """What npm 9.1.1 leaves as root: five files of one package keep their publisher's owner, seventy others 501:20."""
    layer = Layer("RUN /bin/sh -c npm ci # buildkit", compress=compress).dir("app").dir("app/node_modules").dir(PACKAGE)
    for name in ("HISTORY.md", "LICENSE", "README.md", "index.js", "package.json"):
        layer.file(PACKAGE + "/" + name, b"x" * 100, uid=1516583083, how="pax")
    for i in range(70):
        layer.file("app/node_modules/other%d/%d.js" % (i % 7, i), b"", uid=501, gid=20)
    return layer


def many_directories():
    layer = Layer("RUN tar -C /opt -xf vendor.tar")
    for i in range(3000):
        layer.file("opt/vendor/p%d/src/file%d" % (i % 500, i), uid=70000, gid=80000)
    for i in range(40):
        layer.file("srv/%d" % i, uid=200000 + i)
    return layer


def main(out):
    os.makedirs(out, exist_ok=True)
    os.chdir(out)
    save_docker_archive("fits.tar", [base()], tags=["fits:1"])
    save_docker_archive("npm.tar", [base(), npm(), Step("CMD node"), Layer("RUN /bin/sh -c rm -rf app # buildkit")
                                    .whiteout("app")], tags=["npm:1"])
    save_docker_archive("chown.tar", [base(), Layer("COPY . /app # buildkit").file("app/a", b"1", uid=70000),
                                      Layer("RUN chown -R 0:0 /app").dir("app").file("app/a", b"1")])
    save_docker_archive("user.tar", [base(), Step("USER 1000000"),
                                     Layer("RUN touch /tmp/x").file("tmp/x", uid=1000000)], user="1000000")
    save_docker_archive("user-only.tar", [base()], user="70000:80000")
    save_docker_archive("user-unknown.tar", [base()], user="no\x1bbody")
    save_docker_archive("twins.tar", [Layer("ADD").dir("etc").file("etc/passwd", PASSWD + b"twin:x:7:7:::\ntwin:x:8:8:::\n")])
    mentions = [
        base(), Step("USER 1000000"),
        Layer("RUN useradd").file("srv/x", uid=1000000, gid=3000000).file("hidden.sh", b"#!/bin/sh\nchown 1000000 /srv\n")
        .file("etc/sudoers", b"# for 1000000\n#1000000 ALL=(ALL) ALL\n%#3000000 ALL=(ALL) ALL\n#4000000 ALL=ALL\n")
        .file("entrypoint.sh", b"#!/bin/sh\nchown -R $APP /srv\nexec setpriv --reuid=1000000 --regid=4000000 app\n", mode=0o755)
        .file("etc/systemd/system/app.service", b"[Service]\nUser=1000000\n").file("etc/cron.d/big", b"#" * 70000),
        Layer("RUN rm").whiteout("hidden.sh")]
    config = make_config(mentions, "1000000:3000000")
    config["config"].update({"Entrypoint": ["/entrypoint.sh", "--uid", "1000000"], "Env": ["PGID=3000000", "SIZE=21000000"],
                             "Labels": {"owner": "uid=1000000,port=8080"}, "Healthcheck": {"Test": ["CMD", "gosu", "1000000:1"]}})
    save_docker_archive("mentions.tar", mentions, config=json.dumps(config).encode())
    save_docker_archive("kinds.tar", [base(), Layer("RUN odd")
                                      .dir("d", uid=65536).symlink("l", "d", gid=70000).hardlink("h", "etc/passwd", uid=70000)
                                      .chardev("c", uid=70000).fifo("p", uid=-5).whiteout("home/gone", uid=70000)
                                      .file("acl", xattrs={ACL_ACCESS: acl({70000: 7}, {80000: 5})})
                                      .file("badacl", xattrs={ACL_ACCESS: b"garbage"})
                                      .file("cap", mode=0o755, xattrs={CAPABILITY: capability(70000)})
                                      .file("wrap", uid=4294967296 + 7, how="pax")
                                      .file("shifted", mode=0o4755, uid=100000, gid=100000)
                                      .sparse("var/log/lastlog", 1 << 40)])
    save_docker_archive("names.tar", [base(), Layer("RUN evil\n\x1b[31m \u202e::error::x")
                                      .file(b"\x1b[2J\xff\n::error::", uid=70000)
                                      .symlink("\u202egpj.exe", b"a\x9b\tb", uid=70000)
                                      .file("long/" + "n" * 3000, uid=70000)], tags=["evil:1"])
    save_docker_archive("many.tar", [base(), many_directories()])
    save_docker_archive("nosteps.tar", [base(), Layer().file("x", uid=70000)], history=False)
    save_docker_archive("compressed.tar.gz", [base(), npm()], tags=["npm:2"], compress="gzip")
    save_docker_archives("two.tar", [{"layers": [base()], "tags": ["good:1"]},
                                     {"layers": [base(), npm()], "tags": ["bad:1"]}])
    save_oci("oci", [base(), npm("gzip")], tag="latest")
    save_oci_index("multi", [{"layers": [base()], "tag": "app", "platform": {"os": "linux", "architecture": "amd64"}},
                             {"layers": [base(), npm()], "tag": "app", "arch": "arm64",
                              "platform": {"os": "linux", "architecture": "arm64"}}])
    with open("layer.tar", "wb") as f:
        f.write(npm().tar())
    save_docker_archive("wraps.tar", [base(), Layer("RUN odd").file("w", uid=-5).file("v", uid=1 << 32, how="pax")])
    save_docker_archive("lastlog.tar", [base(), Layer("RUN useradd").sparse("var/log/lastlog", 1 << 40)])
    save_docker_archive("unread.tar", [base().hardlink("etc/passwd", "etc/who").hardlink("etc/group", "etc/none")], user="node")
    save_docker_archive("causes.tar", [base(), Step("USER 1000000"), Layer("RUN touch /a").file("a", uid=1000000),
                                       Step("USER 2000000"), Layer("RUN touch /b").file("b", uid=2000000),
                                       Step("USER 0"), Layer("RUN tar x").file("c", uid=1000000)], user="0:70000")
    save_docker_archive("steps.tar", [base(), Layer("").file("a", uid=70000),
                                      Layer("WORKDIR /w").dir("w", uid=70000)])
    save_docker_archive("accounts.tar", [Layer().dir("etc").file(
        "etc/passwd", b"".join(b"u%d:x:%d:5::/:\n" % (i, 70000 + i) for i in range(50)))])
    with open("damaged.tar", "wb") as f:
        f.write(open("fits.tar", "rb").read().replace(b'[{"Config"', b'{[{"onfig"'))
    with open("broken.tar", "wb") as f:
        f.write(open("npm.tar", "rb").read()[:5000])
    with open("list.txt", "w") as f:
        f.write("# images\n\nfits.tar\n  npm.tar  \n")
    config = make_config([base()])
    config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    save_oci("lying", [base()], config=config)


if __name__ == "__main__":
    main(sys.argv[1])
