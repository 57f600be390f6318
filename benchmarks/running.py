"""The row `run` of ./bench: a small Debian that is there already, to the end of `true`, beside docker run and podman run."""
import os
import shutil
import subprocess

import debian
import engines


def must(*command, **more):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more)


def archive(bench):
    """debootstrap's minbase as an image of one layer, for all who run it."""
    layout, path = os.path.join(bench.scratch, "run"), os.path.join(bench.scratch, "run.tar")
    base = debian.base_tar(bench.cache)
    must("umoci", "init", "--layout", layout)
    must("umoci", "new", "--image", layout + ":latest")
    must("umoci", "raw", "add-layer", "--image", layout + ":latest", base)
    must("umoci", "config", "--image", layout + ":latest", "--config.cmd", "true")
    must("skopeo", "copy", "--quiet", "--insecure-policy", f"oci:{layout}:latest", f"docker-archive:{path}:uidfit-run:latest")
    os.chmod(path, 0o644)
    return path


def measure(what, command, **more):
    from bench import best
    m = best(command, tries=7, **more)
    if m.status:
        raise RuntimeError(f"{what}: exit {m.status}\n{m.out[-1000:]}")
    return m


def as_root(bench, path):
    own = os.path.join(bench.scratch, "cache")
    os.mkdir(own, 0o700)
    env = dict(os.environ, XDG_CACHE_HOME=own)
    mine = measure("uidfit run", [bench.uidfit, "run", "--quiet", f"docker-archive:{path}", "true"], env=env)
    bench.table.row("uidfit run, root, user namespace by runc", mine.seconds, "", mine.rss)
    with engines.Dockerd(remap=True, parent=bench.scratch) as d:
        must(d.client, "-H", "unix://" + d.socket, "load", "-q", "-i", path)
        docker = measure("docker run", [d.client, "-H", "unix://" + d.socket, "run", "--rm", "--net", "none", "uidfit-run:latest", "true"])
    bench.table.row("docker run under userns-remap", docker.seconds, f"{docker.seconds / mine.seconds:.1f} times uidfit")
    bench.table.promise("ahead of docker run", f"{docker.seconds / mine.seconds:.1f} times", "1", mine.seconds < docker.seconds)


def as_user(bench, path):
    with engines.Podman() as p:
        copy = p.dir + "/tmp/image.tar"
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o644)
        program = p.dir + "/tmp/uidfit"
        shutil.copyfile(bench.uidfit, program)
        os.chmod(program, 0o755)
        front = [*p.prefix, "env", "-i", f"--chdir={p.dir}", *(f"{k}={v}" for k, v in p.env.items())]
        mine = measure("uidfit run", [*front, program, "run", "--quiet", "docker-archive:" + copy, "true"])
        bench.table.row("uidfit run, an ordinary user", mine.seconds, "", mine.rss)
        p.podman("pull", "-q", "docker-archive:" + copy)
        podman = measure("podman run", [*front, p.program, "--root", p.dir + "/store", "--runroot", p.dir + "/runroot",
                                        "--storage-driver", p.driver, "--cgroup-manager", "cgroupfs", "--runtime", "runc",
                                        "run", "--rm", "--network", "none", "docker.io/library/uidfit-run:latest", "true"])
        bench.table.row(f"podman run, the same user ({p.driver})", podman.seconds, f"{podman.seconds / mine.seconds:.1f} times uidfit")
        bench.table.promise("ahead of podman run", f"{podman.seconds / mine.seconds:.1f} times", "1", mine.seconds < podman.seconds)
        # What the user's namespace owns only it, or root, removes.
        must(*front, program, "run", "--prune")


def rows(bench):
    path = archive(bench)
    as_root(bench, path)
    as_user(bench, path)
