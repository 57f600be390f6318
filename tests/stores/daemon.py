#!/usr/bin/env python3
"""docker-daemon: by the Engine API, bare names, and fix into dockerd and podman; and daemons that lie.

    tests/stores/daemon.py [--uidfit PATH]

A real dockerd is asked over its socket, and over the network (plain, TLS) through a relay of this test. Runs as root.
"""
import argparse
import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib")]
import engines  # noqa: E402
from mkimage import Layer, save_docker_archive  # noqa: E402
from run import Tests, comparable, difference, varied  # noqa: E402

UNFIT = [Layer("ADD base /").dir("etc").file("etc/passwd", b"root:x:0:0::/:/bin/sh\n"), Layer("RUN npm").file("a", uid=70000, gid=70000)]


class Server:
    """Loopback; handle(connection) in a thread each."""

    def __init__(self, handle, tls=None):
        self.handle, self.tls = handle, tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        connection.settimeout(60)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self.tls:
                connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
            self.handle(connection)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()


def relay(path):
    """To a unix socket."""
    def copy(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    def handle(connection):
        with socket.socket(socket.AF_UNIX) as inner:
            inner.connect(path)
            up = threading.Thread(target=copy, args=(connection, inner), daemon=True)
            up.start()
            copy(inner, connection)
    return handle


def certificates(folder):
    """A CA, a server of 127.0.0.1 and a client, as DOCKER_CERT_PATH holds them."""
    def openssl(*args):
        engines.must(["openssl", *args], cwd=folder)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test ca", "-keyout", "ca-key.pem", "-out", "ca.pem")
    for name, more in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        with open(f"{folder}/{name}.ext", "w", encoding="ascii") as f:
            f.write(more + "\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
                "-extfile", f"{name}.ext", "-out", f"{name}-cert.pem")
    os.link(folder + "/client-cert.pem", folder + "/cert.pem")
    os.link(folder + "/client-key.pem", folder + "/key.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder + "/server-cert.pem", folder + "/server-key.pem")
    tls.load_verify_locations(folder + "/ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls


class Client:
    def __init__(self, tests, prefix=()):
        self.tests, self.prefix = tests, list(prefix)

    def run(self, *args, **env):
        base = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "CONTAINER"))}
        base.update(HOME=self.tests.work, DOCKER_CONFIG=self.tests.work + "/docker", **env)
        return engines.run([*self.prefix, self.tests.uidfit, *args], env=base, stderr=-1, timeout=120)

    def result(self, *args, **env):
        done = self.run("check", "--no-cache", "--for", "docker,podman", "--format", "json", *args, **env)
        try:
            return json.loads(done.stdout)["results"][0]
        except ValueError:
            raise RuntimeError(f"check {args}: {done.returncode} {done.stderr[-500:]}") from None

    def says(self, what, code, word, *args, **env):
        done = self.run(*args, **env)
        lines = [x for x in done.stderr.splitlines() if not x.startswith("hint: ")]
        self.tests.check(done.returncode == code and word in done.stderr + done.stdout and (code < 2 or len(lines) == 1), what,
                         f"{done.returncode} {done.stderr[-400:]}")
        return done


def context(folder, name, host, certs=None):
    """The directory of its certificates, copies of those in certs."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    where, own = f"{folder}/contexts/meta/{identity}", f"{folder}/contexts/tls/{identity}/docker"
    os.makedirs(where, exist_ok=True)
    with open(where + "/meta.json", "w", encoding="ascii") as f:
        json.dump({"Name": name, "Endpoints": {"docker": {"Host": host}}}, f)
    if certs:
        os.makedirs(own)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            shutil.copy(f"{certs}/{file}", own)
    return own


def reading(tests, c, d, direct, path):
    saved = comparable(c.result("docker-archive:" + path))
    tls = tests.work + "/tls"
    os.mkdir(tls)
    context(tests.work + "/docker", "far", direct["DOCKER_HOST"])
    with Server(relay(d.socket)) as plain, Server(relay(d.socket), certificates(tls)) as secret:
        secure = {"DOCKER_HOST": secret.host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": tls}
        context(tests.work + "/docker", "net", plain.host)
        for way, note, env in (("socket", "daemon's store", direct), ("tcp", "Engine API", {"DOCKER_HOST": plain.host}),
                               ("tls", "Engine API", secure), ("context", "daemon's store", {"DOCKER_CONTEXT": "far"}),
                               ("context over tcp", "Engine API", {"DOCKER_CONTEXT": "net"}),
                               ("podman's variable", "daemon's store", {"CONTAINER_HOST": direct["DOCKER_HOST"]})):
            for name in ("docker-daemon:uidfit/varied:1", "uidfit/varied:1"):
                got = c.result(name, **env)
                tests.check(comparable(got) == saved and note in " ".join(got["notes"]), f"{way}: {name} equals the saved archive",
                            f"{got.get('notes')} {difference(comparable(got), saved)}")
        got = c.result("--verify", "docker-daemon:uidfit/varied:1", DOCKER_HOST=plain.host)
        tests.check({x["verified"] for x in got["layers"]} == {"full"}, "the API: --verify reads all")
        identity = json.loads(d.request("GET", "/images/uidfit/varied:1/json")[1])["Id"]
        for name in (identity, identity[7:19]):
            got = c.result("docker-daemon:" + name, DOCKER_HOST=plain.host)
            tests.check(got["digest"] == identity, f"the API: {name}", str(got)[:300])
        c.says("TLS: a wrong CA", 3, "TLS", "check", "docker-daemon:uidfit/varied:1", **dict(secure, DOCKER_CERT_PATH=tests.work))
        c.says("the API: no such image", 3, "has no image", "check", "docker-daemon:none:1", DOCKER_HOST=plain.host)
        c.says("fix out of the API is kept", 0, "read once only", "fix", "--map", "0-65535", "docker-daemon:uidfit/unfit:1",
               f"docker-archive:{tests.work}/kept.tar", DOCKER_HOST=plain.host)
        c.says("fix into the API", 0, "fixed", "fix", "--map", "0-65535", "docker-daemon:uidfit/unfit:1", "docker-daemon:uidfit/far:1",
               DOCKER_HOST=plain.host)
    c.says("ssh", 3, "docker save NAME | uidfit check -", "check", "docker-daemon:a", DOCKER_HOST="ssh://me@host")
    c.says("no daemon there", 3, "cannot connect", "check", "docker-daemon:a", DOCKER_HOST="unix:///none.sock")
    for name in ("./x", "/x/y", "x.tar", "x/y.tar.gz"):
        c.says(f"{name} is a path", 3, "is no file here", "check", name, DOCKER_HOST="unix:///none.sock")


def writing(tests, c, direct, d):
    fix = ("fix", "--map", "0-65535", "docker-daemon:uidfit/unfit:1", "docker-daemon:uidfit/fixed:1")
    c.says("fix into dockerd", 0, "fixed", *fix, **direct)
    c.says("the fixed one fits", 0, "fits", "check", "--for", "docker", "uidfit/fixed:1", **direct)
    c.says("fix replaces nothing", 3, "--replace", *fix, **direct)
    c.says("fix --replace", 0, "fixed", "fix", "--replace", *fix[1:], **direct)
    archive = tests.work + "/unfit.tar"
    layout = f"oci:{tests.work}/zstd:z"
    skopeo, = engines.need("skopeo")
    engines.must([skopeo, "--insecure-policy", "copy", "-q", "--dest-compress-format", "zstd", "docker-archive:" + archive, layout])
    done = c.says("zstd layers", 0, "fixed", "fix", "--map", "0-65535", layout, "docker-daemon:uidfit/zstd:1", **direct)
    tests.check("does not read: it is sent plain" in done.stdout or int(d.version.split(".")[0]) >= 23, "zstd layers: said", done.stdout)
    with engines.Podman(rootless=False) as p:
        place = f"containers-storage:[{p.driver}@{p.dir}/store+{p.dir}/runroot]"
        to = ("fix", "--map", "0-65535", archive, place + "localhost/fixed:1")
        c.says("fix into podman", 0, "fixed", *to)
        c.says("podman's one fits", 0, "fits", "check", "--for", "docker", place + "localhost/fixed:1")
        c.says("podman replaces nothing", 3, "--replace", *to)
        c.says("podman --replace", 0, "fixed", "fix", "--replace", *to[1:])
        tests.check("localhost/fixed" in p.podman("images"), "podman has it")
        c.says("no podman", 3, "not on the PATH", *to, PATH=tests.work)


IMAGE = json.dumps({"Id": "sha256:" + "0" * 64, "RepoTags": ["app:1"]}).encode()
VERSION = b'{"Version": "28", "ApiVersion": "1.48"}'


def answer(body, status=200, length=None):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body) if length is None else length, body)


def liar(get=b"", load=b"", inspect=None):
    """A daemon that has app:1 and answers get and load so; inspect for all images."""
    def handle(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096) or b"\r\n\r\n"
        line = head.split(b"\r\n")[0]
        if b"/load" in line:
            body = head.split(b"\r\n\r\n", 1)[1]
            while not body.endswith(b"0\r\n\r\n"):
                data = connection.recv(65536)
                if not data:
                    return
                body = body[-8:] + data
            connection.sendall(load)
        elif b"/get" in line:
            connection.sendall(get)
        elif b"/version" in line:
            connection.sendall(answer(VERSION))
        elif b"/app:1/json" in line:
            connection.sendall(inspect or answer(IMAGE))
        else:
            connection.sendall(answer(b'{"message": "No such image"}', 404))
    return handle


def lies(tests, c):
    with open(tests.work + "/unfit.tar", "rb") as f:
        tar = f.read()
    for what, word, how in (
            ("cut", "too early", {"get": answer(tar[:5000], length=len(tar))}),
            ("cut before its end", "", {"get": b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + tar[:5000]}),
            ("wrong length", "", {"get": answer(tar, length=len(tar) - 3000)}),
            ("an error in place of an image", "no space", {"get": answer(b'{"message": "no space left"}')}),
            ("500", "broken inside", {"get": answer(b'{"message": "broken inside"}', 500)}),
            ("500 of inspect", "\\x1b[31m", {"inspect": answer(b"\x1b[31m", 500)}),
            ("no JSON", "byte", {"inspect": answer(b"[1,")}),
            ("no id", "no image id", {"inspect": answer(b'{"Id": "../../x"}')}),
            ("nothing", "does not speak HTTP", {"inspect": b" "}),
            ("a redirect", "answered 302", {"inspect": b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"})):
        with Server(liar(**how)) as s:
            c.says(f"a daemon that lies: {what}", 3, word, "check", "docker-daemon:app:1", DOCKER_HOST=s.host)
    for what, word, load in (
            ("an error in 200", "no space", answer(b'{"errorDetail":{"message":"no space left"},"error":"x"}\r\n')),
            ("nothing said", "does not say", answer(b"")),
            ("500", "broken inside", answer(b'{"message": "broken inside"}', 500)),
            ("no JSON", "byte", answer(b"{"))):
        with Server(liar(load=load)) as s:
            c.says(f"a load that fails: {what}", 3, word, "fix", "--map", "0-65535", tests.work + "/unfit.tar", "docker-daemon:new:1",
                   DOCKER_HOST=s.host)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.path.join(HERE, "..", "..", "build", "uidfit"))
    args = p.parse_args()
    engines.end_by_exception()
    with tempfile.TemporaryDirectory(prefix="uidfit-daemon-") as work:
        tests = Tests(os.path.abspath(args.uidfit), work)
        c = Client(tests)
        save_docker_archive(work + "/varied.tar", varied(), tags=["uidfit/varied:1"], user="app")
        save_docker_archive(work + "/unfit.tar", UNFIT, tags=["uidfit/unfit:1"])
        lies(tests, c)
        try:
            with engines.Dockerd(remap=False) as d:
                direct = {"DOCKER_HOST": "unix://" + d.socket}
                for name in ("varied", "unfit"):
                    tests.check(d.load(f"{work}/{name}.tar", forget=False).accepted, f"dockerd takes {name}")
                d.docker("save", "-o", work + "/saved.tar", "uidfit/varied:1")
                reading(tests, c, d, direct, work + "/saved.tar")
                writing(tests, c, direct, d)
        except engines.Unavailable as e:
            tests.skip("a real dockerd", e)
        except (RuntimeError, OSError, KeyError) as e:
            tests.check(False, "a real dockerd", str(e)[-2000:])
    print(f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
