"""Trees that uidfit unpack makes: without root beside root's, by override, and beside what dockerd holds."""
import importlib.util
import json
import os
import shutil
import stat
import subprocess

from people import HERE, Layer, engines

OVERRIDE = "user.containers.override_stat"
SPEC = importlib.util.spec_from_file_location("unpack_run", os.path.join(HERE, "../unpack/run.py"))
unpack_run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(unpack_run)


def unlike(a, b):
    return list(unpack_run.differences(a, b, lambda key, member, *_: key == "." and member == "mtime"))


def rootless(s, people):
    """The same map, by newuidmap and by root's chown: the same tree, seen from outside."""
    root, user = people["root"], people["user"]
    spec = ["--uidmap", f"0:{user.uid}:1,1:{user.sub}:65535", "--gidmap", f"0:{user.gid}:1,1:{user.subgid}:65535"]
    done = user.unpack(s.image, user.home + "/tree", quick=True)
    s.that(done.returncode == 0, "user: unpack", done.stderr)
    done = root.unpack(*spec, s.image, root.home + "/tree", quick=True)
    s.that(done.returncode == 0, "root: unpack with the user's map", done.stderr)
    ours, theirs = unpack_run.tree(user.home + "/tree"), unpack_run.tree(root.home + "/tree")
    s.that(len(ours) > 5000, f"{len(ours)} entries")
    found = unlike(ours, theirs)
    s.that(not found, "user: the tree is root's with the same map, entry for entry", "\n".join(found[:10]))


def override(s, p):
    image = s.save("override.tar", [Layer("ADD a").dir("d", uid=5, gid=6, mode=0o1770).file("d/f", b"x", uid=1000, gid=60000, mode=0o4755)
                                    .fifo("p", uid=7, gid=8, mode=0o620).chardev("n", 1, 3, mode=0o666).symlink("l", "d")
                                    .file("implied/f", b"", uid=9)])
    done = p.unpack(image, p.home + "/override", quick=True)
    if not s.that(done.returncode == 0, f"{p.label}: unpack with one id", done.stderr):
        return
    for name, want in (("d", "5:6:01770:dir"), ("d/f", "1000:60000:04755:file"), ("p", "7:8:0620:pipe"), ("n", "0:0:0666:char-1-3"), (".", "0:0:0755:dir"), ("implied", "0:0:0755:dir")):
        path = os.path.join(p.home, "override", name)
        s.same(os.getxattr(path, OVERRIDE).decode(), want, f"{p.label}: override of {name}")
        st = os.lstat(path)
        s.that((st.st_uid, st.st_gid) == (p.uid, p.gid) and not st.st_mode & 0o6000, f"{p.label}: {name} is the user's own")
        s.that(stat.S_ISDIR(st.st_mode) or stat.S_ISREG(st.st_mode), f"{p.label}: {name} is what may have the xattr")
    seen_by_fuse_overlayfs(s, p, p.home + "/override")
    done = p.unpack("--owners", "drop", image, p.home + "/drop", quick=True)
    s.that(done.returncode == 0 and OVERRIDE not in os.listxattr(p.home + "/drop/d/f"), f"{p.label}: --owners drop", done.stderr)
    s.that(stat.S_ISFIFO(os.lstat(p.home + "/drop/p").st_mode), f"{p.label}: a FIFO is one there")


def seen_by_fuse_overlayfs(s, p, tree):
    """What the xattrs say is what it shows."""
    if not shutil.which("fuse-overlayfs") or not os.path.exists("/dev/fuse"):
        return s.skip("fuse-overlayfs: it, or /dev/fuse, is not here")
    names = [p.home + "/fuse-" + n for n in ("upper", "work", "merged")]
    for name in names:
        os.mkdir(name)
    done = subprocess.run(["fuse-overlayfs", "-o", f"lowerdir={tree},upperdir={names[0]},workdir={names[1]}", names[2]],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if not s.that(done.returncode == 0, f"{p.label}: fuse-overlayfs mounts the tree", done.stderr):
        return
    try:
        for name, want in (("d", (5, 6, 0o1770)), ("d/f", (1000, 60000, 0o4755)), ("implied", (0, 0, 0o755))):
            st = os.lstat(os.path.join(names[2], name))
            s.same((st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)), want, f"{p.label}: fuse-overlayfs shows {name}")
    finally:
        subprocess.run(["umount", names[2]], timeout=30)


def beside_dockerd(s, people):
    """The overlay2 directories of a dockerd with userns-remap, layer by layer."""
    root = people["root"]
    with engines.Dockerd(remap=True) as d:
        base, count = d.base
        s.that(d.load(s.image, forget=False).accepted, "dockerd takes the image")
        graph = json.loads(d.docker("image", "inspect", "test:1"))[0]["GraphDriver"]["Data"]
        folders = [graph["UpperDir"], *graph.get("LowerDir", "").split(":")][::-1]
        done = root.unpack("--for", "docker", "--map", f"0:{base}:{count}", "--devices", "--layers", s.image, root.home + "/layers", quick=True)
        s.that(done.returncode == 0, "unpack --layers", done.stderr)
        for i, folder in enumerate(f for f in folders if f):
            ours, theirs = unpack_run.tree(f"{root.home}/layers/{i}"), unpack_run.tree(folder)

            def passed_over(key, member, *_):
                # dockerd leaves ACL ids and capabilities as they are: those of the host, and of its root. What no entry describes
                # has no moment.
                return member == "xattrs" and key in ("srv/acl", "probes/raw", "probes/chown") or key == "." and member == "mtime"
            found = list(unpack_run.differences(ours, theirs, passed_over))
            s.that(not found, f"layer {i} is dockerd's, entry for entry ({len(ours)})", "\n".join(found[:12]))


def everything(s, people):
    rootless(s, people)
    override(s, people["single"])
    beside_dockerd(s, people)
