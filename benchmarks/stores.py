"""The row `stores` of ./bench: the same image in dockerd's and in podman's own store, beside podman meeting its owner."""
import os
import shutil

import engines

PROMISE = 0.1   # seconds


def loaded(bench, engine):
    answer = engine.load(os.path.join(bench.image(), "image.tar"), forget=False)
    if not answer.accepted:
        raise RuntimeError(f"the image was not taken: {answer.line}")


def measure(bench, label, name, env):
    from bench import best
    command = [bench.uidfit, "check", "--for", "docker", "--format", "json"]
    quick = best([*command, name], tries=9, env=env)
    whole = best([*command, "--verify", name], tries=1, env=env)
    for m in (quick, whole):
        if m.status != 1 or "2000000" not in m.out:
            raise RuntimeError(f"{name}: exit {m.status}\n{m.out[-1000:]}")
    bench.table.row(f"uidfit check of {label}", quick.seconds, "from tar-split, no body but passwd and group", quick.rss)
    bench.table.row(f"uidfit check --verify of {label}", whole.seconds, "every body and digest", whole.rss)
    bench.table.promise("wall time", f"{quick.seconds:.3f} s", f"{PROMISE} s", quick.seconds < PROMISE)
    return quick


def podman_to_its_error(bench):
    """Rootless, as who is told that the image does not fit: it reads and unpacks up to the owner."""
    from bench import once
    with engines.Podman() as p:
        copy = p.dir + "/tmp/image.tar"
        shutil.copyfile(os.path.join(bench.image(), "image.tar"), copy)
        os.chmod(copy, 0o644)
        m = once([*p.prefix, "env", "-i", f"--chdir={p.dir}", *(f"{k}={v}" for k, v in p.env.items()), p.program,
                  "--root", p.dir + "/store", "--runroot", p.dir + "/runroot", "--storage-driver", p.driver,
                  "--cgroup-manager", "cgroupfs", "run", "--rm", "--network", "none", "docker-archive:" + copy, "true"])
        if m.status == 0 or "2000000:3000000" not in m.out:
            raise RuntimeError(f"podman was to fail at an owner, and said: {m.out[-500:]}")
        return m


def rows(bench):
    engines.end_by_exception()
    with engines.Dockerd(remap=False, parent=bench.scratch) as d:
        loaded(bench, d)
        measure(bench, "dockerd's store (overlay2)", "docker-daemon:uidfit-bench",
                dict(os.environ, UIDFIT_DOCKER_ROOT=d.dir + "/root"))
    with engines.Podman(rootless=False) as p:
        loaded(bench, p)
        mine = measure(bench, f"podman's store ({p.driver})",
                       f"containers-storage:[{p.driver}@{p.dir}/store]localhost/uidfit-bench:latest", None)
    podman = podman_to_its_error(bench)
    bench.table.row("podman run docker-archive:, rootless, to its own error", podman.seconds,
                    f"{podman.seconds / mine.seconds:.0f} times uidfit")
