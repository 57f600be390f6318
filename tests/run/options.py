"""What uidfit run's options do: variables, volumes, networks, maps, runtimes."""
import os

from people import BASE, cgroups as people_cgroups, engines


def plain(s, p):
    def of(*args, **kw):
        done = p.run(*args, **kw)
        return done.stdout.strip() if done.returncode == 0 else f"exit {done.returncode} {done.stdout}{done.stderr}"
    shell = [s.image, "sh", "-c"]
    s.same(of("-e", "A=b c", "-e", "FROM", "-e", "GONE", "-e", "FOO=option", *shell, "echo $A-$FROM-${GONE-unset}-$FOO", more={"FROM": "here"}),
           "b c-here-unset-option", f"{p.label}: -e")
    s.that(of(*shell, "echo $FOO; hostname; pwd").startswith("image\nuidfit-"), f"{p.label}: the image's own variable, a name of its own")
    s.same(of("--hostname", "named", "-w", "/srv", *shell, "hostname; pwd; echo $HOSTNAME"), "named\n/srv\nnamed", f"{p.label}: --hostname, -w")
    s.same(of("--entrypoint", "echo", s.image, "a", "b"), "a b", f"{p.label}: --entrypoint")
    s.same(of("--read-only", *shell, "touch /new 2>/dev/null || echo refused; touch /dev/shm/x && echo shm"), "refused\nshm", f"{p.label}: --read-only")
    s.same(of(*shell, "touch /new && echo written"), "written", f"{p.label}: without it")
    s.same(of(*shell, "ls /new 2>/dev/null || echo gone"), "gone", f"{p.label}: and the next run sees nothing of it")
    s.same(of("--net", "none", s.small, "/probes/probe", "loopback", "80"), "loopback done", f"{p.label}: --net none: loopback answers")
    s.same(of("--net", "none", *shell, "ls /sys/class/net; cat /proc/net/route | wc -l"), "lo\n1", f"{p.label}: and nothing else is there")
    s.same(of("--net", "host", *shell, "readlink /proc/self/ns/net"), os.readlink("/proc/self/ns/net"), f"{p.label}: --net host")
    s.that(of("--net", "none", *shell, "readlink /proc/self/ns/net") != os.readlink("/proc/self/ns/net"), f"{p.label}: --net none is another")


def volumes(s, p):
    folder = os.path.join(p.home, "volume")
    os.mkdir(folder, 0o755)
    with open(folder + "/in", "w", encoding="utf-8") as f:
        f.write("from outside\n")
    for path in (folder, folder + "/in"):
        os.chown(path, p.host(0), p.host(0, gid=True))
    done = p.run("-v", f"{folder}:/mnt", s.image, "sh", "-c", "cat /mnt/in; echo x > /mnt/out && echo written; ls -ln /mnt/in")
    s.that(done.returncode == 0 and "from outside\nwritten" in done.stdout and " 0 0 " in done.stdout, f"{p.label}: -v", done.stdout + done.stderr)
    s.that(os.path.exists(folder + "/out") and os.stat(folder + "/out").st_uid == p.host(0), f"{p.label}: what root writes is container root's outside")
    done = p.run("-v", f"{folder}:/mnt:ro", s.image, "sh", "-c", "cat /mnt/in; echo x > /mnt/more || echo refused")
    s.that("from outside\nrefused" in done.stdout and not os.path.exists(folder + "/more"), f"{p.label}: -v with :ro", done.stdout + done.stderr)
    done = p.run("-v", f"{folder}/in:/etc/one", s.image, "cat", "/etc/one")
    s.same(done.stdout, "from outside\n", f"{p.label}: -v of a file, at a name that is not there", done.stderr)
    done = p.run("-v", "/no/such:/mnt", s.image, "true")
    s.that(done.returncode == 125 and "/no/such" in done.stderr, f"{p.label}: -v of nothing", done.stderr)


def maps(s, people):
    root, user, single = people["root"], people["user"], people["single"]
    several = f"0:{BASE}:1000,1000:{BASE + 5000}:1,1001:{BASE + 7000}:64535"
    done = root.run("--map", several, s.image, "cat", "/proc/self/uid_map")
    s.same([x.split() for x in done.stdout.splitlines()], [x.split(":") for x in several.split(",")], "root: a map of three extents", done.stderr)
    done = root.run("--map", several, "-u", "1000", s.image, "sh", "-c", "/probes/probe; stat -c %u /srv/app; cat /srv/acl")
    s.same(done.stdout, "uid 1000 euid 1000 gid 1000 egid 1000\n1000\nfor app\n", "root: owners of three extents", done.stderr)
    done = root.run("--map", f"0:{BASE}:1000,1000:{BASE + 1000}:64536", s.image, "cat", "/proc/self/uid_map")
    s.that(done.returncode == 0, "root: two extents that continue each other are one map", done.stderr)
    own = f"0:{user.uid}:1,1:{user.sub + 100}:60001"
    done = user.run("--map", own, s.image, "sh", "-c", "cat /proc/self/uid_map; stat -c %u /srv/app")
    s.same([x.split() for x in done.stdout.splitlines()], [["0", str(user.uid), "1"], ["1", str(user.sub + 100), "60001"], ["1000"]],
           "user: a part of the own ids", done.stderr)
    for p, spec, named in ((user, f"0:{user.uid}:1,1:{user.sub + 65000}:65535", user.sub + 65536), (user, "0:0:1", 0),
                           (single, f"0:{single.uid}:1,1:{BASE}:65535", BASE)):
        done = p.run("--map", spec, s.small, "/probes/probe")
        s.that(done.returncode == 125 and "not this user's" in done.stderr and str(named) in done.stderr,
               f"{p.label}: --map with ids that are not the user's: exit {done.returncode}", done.stdout + done.stderr)
        s.same(p.left(), [], f"{p.label}: nothing is left")


def idmapped(s, p):
    """The layers keep the image's own ids, and the container sees them."""
    before = set(os.listdir(p.cache + "/layers"))
    done = p.run("--idmapped", s.image, "sh", "-c", "stat -c '%u:%g' /srv/app /etc/passwd /srv/own; cat /proc/self/uid_map; touch /srv/new && stat -c %u /srv/new")
    if done.returncode == 125 and "idmapped" in done.stderr:
        s.skip("idmapped: " + engines.last_line(done.stderr))
        return
    out = done.stdout.split()
    s.same(out[:3] + out[6:], ["1000:60000", "0:0", "1000:1000", "0"], "--idmapped: owners inside", done.stdout + done.stderr)
    s.same(out[3:6], ["0", str(BASE), "65536"], "--idmapped: the map")
    wrong, seen = [], set()
    for name in set(os.listdir(p.cache + "/layers")) - before:
        for directory, folders, files in os.walk(os.path.join(p.cache, "layers", name, "fs")):
            for x in folders + files:
                seen.add(os.lstat(os.path.join(directory, x)).st_uid)
    wrong = [u for u in seen if u >= 65536]
    s.that(1000 in seen and not wrong, "--idmapped: nothing is chowned", str(wrong))
    done = p.run("--idmapped", "--map", f"0:{BASE + 200000}:65536", "-u", "1000:1000", s.image, "/probes/suid")
    s.same(done.stdout, "uid 1000 euid 0 gid 1000 egid 1000\n", "--idmapped: another map, the same layers", done.stderr)
    new = [n for n in set(os.listdir(p.cache + "/layers")) - before if "." not in n]
    s.same(len(new), 2, "--idmapped: both maps share the layers")
    done = p.run("--idmapped", "-u", "1000:1000", s.image, "/probes/raw", "raw")
    s.same(done.stdout, "raw done\n", "--idmapped: a capability holds", done.stderr)
    s.same(p.left(), [], "--idmapped: nothing is left")


def crun(s, p):
    """This machine's cgroups may be of both versions, and crun 1.8 takes no mixture: a mount namespace with the second one alone."""
    program, = engines.need("crun")
    script = s.path("crun.sh")
    with open(script, "w", encoding="ascii") as f:
        f.write('mount --make-rprivate / && umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"\n')
    done = engines.run(["unshare", "-m", "sh", script, "true"])
    if done.returncode:
        raise engines.Unavailable("no cgroup2 to be mounted for crun: " + engines.last_line(done.stdout))
    kept, p.prefix = p.prefix, ["unshare", "-m", "sh", script, *p.prefix]
    try:
        done = p.run("--runtime", program, s.image, "sh", "-c", "id; cat /proc/self/uid_map; stat -c %u /srv/app; exit 7")
        if done.returncode == 125 and ("cgroup" in done.stderr or "setrlimit" in done.stderr):
            s.skip(f"crun, {p.label}: " + engines.last_line(done.stderr))
            s.same([x for x in p.left() if not x.startswith("cgroup ")], [], f"crun, {p.label}: no process of a failed start is left")
            for c in people_cgroups() - p.cgroups:
                os.rmdir(c)  # crun's own
            return
        s.same(done.returncode, 7, f"crun, {p.label}: the exit status", done.stdout + done.stderr)
        s.that("uid=0(root)" in done.stdout and str(p.host(0)) in done.stdout, f"crun, {p.label}: id and map", done.stdout)
        done = p.run("--runtime", program, s.image, "no-such")
        s.same(done.returncode, 127, f"crun, {p.label}: a program that is not there", done.stderr)
        done = p.run("--runtime", program, s.image, "/probes/not-executable")
        s.same(done.returncode, 126, f"crun, {p.label}: one that is not executable", done.stderr)
    finally:
        p.prefix = kept
    s.same(p.left(), [], f"crun, {p.label}: nothing is left")


def everything(s, people):
    null = os.stat("/dev/null")
    for p in people.values():
        plain(s, p)
        volumes(s, p)
    maps(s, people)
    idmapped(s, people["root"])
    for kind in ("root", "user"):
        crun(s, people[kind])
    now = os.stat("/dev/null")
    s.same((now.st_uid, now.st_mode), (null.st_uid, null.st_mode), "the host's /dev/null is as before")
