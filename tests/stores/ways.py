#!/usr/bin/env python3
"""docker-daemon: by each way to a daemon and for each kind of user: dockerd's own TLS, the socket's group, podman's socket.

    tests/stores/ways.py [--uidfit PATH]

Runs as root.
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "engines"), os.path.join(HERE, "..", "lib"), HERE]
import engines  # noqa: E402
from daemon import UNFIT, Client, certificates, context  # noqa: E402
from mkimage import save_docker_archive  # noqa: E402
from run import Tests, comparable, difference, varied  # noqa: E402

VARIED, UNFITTING = "docker-daemon:uidfit/varied:1", "docker-daemon:uidfit/unfit:1"
USER, GROUP = 61234, 61235  # nobody's


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def same(tests, c, what, note, saved, name=VARIED, **env):
    got = c.result(name, **env)
    tests.check("error" not in got and comparable(got) == saved and note in " ".join(got["notes"]), f"{what}: equals the saved archive, {note}",
                f"{got.get('notes')} {got.get('error')} {difference(comparable(got), saved)}")


def tls(tests, c, port, folder, saved):
    """dockerd --tlsverify."""
    host = f"tcp://127.0.0.1:{port}"
    env = {"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder}
    same(tests, c, "dockerd's TLS", "Engine API", saved, **env)
    same(tests, c, "dockerd's TLS, a bare name", "Engine API", saved, "uidfit/varied:1", **env)
    c.says("dockerd's TLS: fix", 0, "fixed", "fix", "--map", "0-65535", UNFITTING, "docker-daemon:uidfit/by-tls:1", **env)
    c.says("dockerd's TLS: fixed", 0, "fits", "check", "--for", "docker", "docker-daemon:uidfit/by-tls:1", **env)
    named = context(tests.work + "/docker", "secure", host, certs=folder)
    same(tests, c, "a context with certificates", "Engine API", saved, DOCKER_CONTEXT="secure")
    for name in ("cert.pem", "key.pem"):
        os.unlink(f"{named}/{name}")
    os.makedirs(tests.work + "/no-cert")
    shutil.copy(folder + "/ca.pem", tests.work + "/no-cert")
    for what, wrong in (("the environment", dict(env, DOCKER_CERT_PATH=tests.work + "/no-cert")), ("a context", {"DOCKER_CONTEXT": "secure"})):
        c.says(f"dockerd's TLS without the client's certificate, {what}", 3, "client's certificate", "check", VARIED, **wrong)
    other = tests.work + "/other-ca"
    os.mkdir(other)
    certificates(other)
    wrong = dict(env, DOCKER_CERT_PATH=mixed(tests, "wrong-ca", ca=other, client=folder))
    c.says("dockerd's TLS: a wrong CA", 3, "TLS", "check", VARIED, **wrong)
    same(tests, c, "dockerd's TLS, not verified", "Engine API", saved, **dict(wrong, DOCKER_TLS_VERIFY="", DOCKER_TLS="1"))
    c.says("dockerd's TLS: a client of another CA", 3, "client's certificate", "check", VARIED,
           **dict(env, DOCKER_CERT_PATH=mixed(tests, "wrong-client", ca=folder, client=other)))
    c.says("dockerd's TLS: spoken to in plain", 3, "HTTPS", "check", VARIED, DOCKER_HOST=host)


def mixed(tests, name, ca, client):
    """A directory for DOCKER_CERT_PATH of what two others hold."""
    where = f"{tests.work}/{name}"
    os.mkdir(where)
    shutil.copy(ca + "/ca.pem", where)
    for file in ("cert.pem", "key.pem"):
        shutil.copy(f"{client}/{file}", where)
    return where


def users(tests, d, saved):
    """Who may open the socket and not read the store; and who may neither."""
    env = {"DOCKER_HOST": "unix://" + d.socket}
    for name, groups in (("in the socket's group", ["--groups", str(GROUP)]), ("in no group", ["--clear-groups"])):
        c = Client(tests, ["setpriv", "--reuid", str(USER), "--regid", str(USER), *groups])
        if "no group" not in name:
            same(tests, c, f"a user {name}", "Engine API", saved, **env)
            c.says(f"a user {name}: fix", 0, "fixed", "fix", "--map", "0-65535", "--replace", UNFITTING, "docker-daemon:uidfit/by-user:1", **env)
            continue
        done = c.says(f"a user {name}", 3, "this user may not ask the docker daemon", "check", VARIED, **env)
        tests.check(str(GROUP) in done.stderr and "Permission denied" in done.stderr, f"a user {name}: advice", done.stderr)
    same(tests, Client(tests), "root", "daemon's store", saved, **env)


def podman(tests, c):
    """podman system service, which speaks Docker's API."""
    with engines.Podman(rootless=False) as p:
        for name in ("varied", "unfit"):
            tests.check(p.load(f"{tests.work}/{name}.tar", forget=False).accepted, f"podman takes {name}")
        path, log = p.dir + "/api.sock", p.dir + "/api.log"
        with open(log, "wb") as f:
            service = subprocess.Popen([p.program, "--root", p.dir + "/store", "--runroot", p.dir + "/runroot", "--storage-driver", p.driver,
                                        "--cgroup-manager", "cgroupfs", "system", "service", "--time", "60", "unix://" + path],
                                       env=p.env, cwd=p.dir, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)
        try:
            saved = p.dir + "/saved.tar"
            p.podman("save", "-q", "--format", "docker-archive", "-o", saved, "uidfit/varied:1")
            saved = comparable(c.result("docker-archive:" + saved))
            engines.wait_for(lambda: os.path.exists(path), 30, "podman system service", service, log)
            env = {"DOCKER_HOST": "unix://" + path}
            same(tests, c, "podman's socket", "Engine API", saved, **env)
            c.says("podman's socket: no such image", 3, "has no image", "check", "docker-daemon:none:1", **env)
            to = ("fix", "--map", "0-65535", UNFITTING, "docker-daemon:localhost/by-socket:1")
            c.says("podman's socket: fix", 0, "fixed", *to, **env)
            c.says("podman's socket: fixed", 0, "fits", "check", "--for", "docker,podman", "docker-daemon:localhost/by-socket:1", **env)
            c.says("podman's socket: replaces nothing", 3, "--replace", *to, **env)
            tests.check("localhost/by-socket" in p.podman("images"), "podman has it by its name", p.podman("images"))
        finally:
            engines.stop(service)


def docker(tests, c):
    folder, port = tests.work + "/tls", free_port()
    os.mkdir(folder)
    certificates(folder)
    more = {"hosts": [f"tcp://127.0.0.1:{port}"], "group": str(GROUP), "tlsverify": True, "tlscacert": folder + "/ca.pem",
            "tlscert": folder + "/server-cert.pem", "tlskey": folder + "/server-key.pem"}
    with engines.Dockerd(remap=False, more=more) as d:
        for name in ("varied", "unfit"):
            tests.check(d.load(f"{tests.work}/{name}.tar", forget=False).accepted, f"dockerd takes {name}")
        d.docker("save", "-o", tests.work + "/saved.tar", "uidfit/varied:1")
        saved = comparable(c.result(f"docker-archive:{tests.work}/saved.tar"))
        tls(tests, c, port, folder, saved)
        users(tests, d, saved)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--uidfit", default=os.path.join(HERE, "..", "..", "build", "uidfit"))
    args = p.parse_args()
    engines.end_by_exception()
    with tempfile.TemporaryDirectory(prefix="uidfit-ways-") as work:
        os.chmod(work, 0o755)
        shutil.copy(args.uidfit, work + "/uidfit")  # where any user may start it
        tests = Tests(work + "/uidfit", work)
        c = Client(tests)
        save_docker_archive(work + "/varied.tar", varied(), tags=["uidfit/varied:1"], user="app")
        save_docker_archive(work + "/unfit.tar", UNFIT, tags=["uidfit/unfit:1"])
        for run in (docker, podman):
            try:
                run(tests, c)
            except engines.Unavailable as e:
                tests.skip(run.__name__, e)
            except (RuntimeError, OSError, KeyError) as e:
                tests.check(False, run.__name__, str(e)[-2000:])
    print(f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
