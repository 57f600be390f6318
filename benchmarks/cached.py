"""The row `again` of ./bench: the second check of a layout, whose layers an earlier run has read."""
import os
import sys

PROMISE = 0.05   # seconds


def rows(bench):
    from bench import best, once
    home = os.path.join(bench.scratch, "cache")
    os.mkdir(home, 0o700)
    env = {k: v for k, v in os.environ.items() if k != "UIDFIT_NO_CACHE"} | {"XDG_CACHE_HOME": home}
    command = [bench.uidfit, "check", "--for", "docker", "--format", "json", f"oci:{bench.image()}/oci"]
    read = best(command, env=env | {"UIDFIT_NO_CACHE": "1"})
    filled = once(command, env=env)
    known = best(command, tries=9, env=env)
    if known.status != 1 or "2000000" not in known.out or '"cached":false' in known.out:
        sys.exit(f"the second check was to know all layers: exit {known.status}\n{known.out[-1000:]}")
    size = os.path.getsize(os.path.join(home, "uidfit", "layers.db"))
    bench.table.row("uidfit check --no-cache", read.seconds, "", read.rss)
    bench.table.row("uidfit check, the first", filled.seconds, f"a cache of {size / 1e6:.1f} MB is made", filled.rss)
    bench.table.row("uidfit check, the second", known.seconds, f"{read.seconds / known.seconds:.0f} times as fast", known.rss)
    bench.table.promise("wall time", f"{known.seconds:.3f} s", f"{PROMISE} s", known.seconds < PROMISE)
