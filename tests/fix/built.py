"""The guides' own images (tests/engines/guides.py: built by a real dockerd, from an archive that docker save wrote), fixed and run.

All of them stand in one archive, so one mapping serves all, and the layers that they share stay shared.
"""
import contextlib
import hashlib
import json
import os
import subprocess
import tarfile

import contents
import engines
import guides
import walk
from box import case, equal, seen

OWN = "/home/veryhigh/own"
LIST = "ls -ldn /home/veryhigh " + OWN
MODULE = "/usr/src/app/node_modules/content-type/index.js"


class Archive:
    """A docker-archive too large to hold: configs and layers by tag, read when they are asked for."""

    def __init__(self, stack, path):
        self.tar = stack.enter_context(tarfile.open(path))
        rows = json.loads(self.read("manifest.json"))
        self.images = {tag.removesuffix(":latest"): row for row in rows for tag in row["RepoTags"] or ()}

    def read(self, name):
        return self.tar.extractfile(name).read()

    def config(self, tag):
        return json.loads(self.read(self.images[tag]["Config"]))

    def layers(self, tag):
        """[(diff_id, member)]"""
        return list(zip(self.config(tag)["rootfs"]["diff_ids"], self.images[tag]["Layers"], strict=True))

    def sum(self, name):
        h, f = hashlib.sha256(), self.tar.extractfile(name)
        while chunk := f.read(1 << 20):
            h.update(chunk)
        return "sha256:" + h.hexdigest()


def compare(old, new, report):
    """Every layer of every image. Returns how many distinct ones changed, and how many stayed."""
    plan, done = walk.Plan(report, ([(0, 65535)],) * 2), {}
    equal(sorted(new.images), sorted(old.images), "the names in the archive")
    for tag in old.images:
        for (was, name), (now, other) in zip(old.layers(tag), new.layers(tag), strict=True):
            equal(done.setdefault(was, now), now, "what a shared layer became")
            if name in done:
                continue
            done[name] = None
            equal(new.sum(other), now, f"{tag}: the digest of {other}")
            if was != now:
                a, b = old.read(name), new.read(other)
                walk.compare(plan, a, b)
                contents.compare_layer(a, b, special=("usr/bin/tool",))
                gnu_tar_agrees(a, b)
        a, b = old.config(tag), new.config(tag)
        equal((b.get("history"), list(b)), (a.get("history"), list(a)), f"{tag}: history, and the order of keys")
    changes = [was != now for was, now in done.items() if now]
    equal({x for x in ("octal", "special bits go", "file of accounts") if not plan.seen[x]}, set(), "rules that no image met")
    return changes.count(True), changes.count(False)


def gnu_tar_agrees(old, new):
    """Names, times, links and (but for the files of accounts) sizes, as GNU tar lists them."""
    def rows(data):
        out = subprocess.run(["tar", "--numeric-owner", "--full-time", "-tvf", "-"], input=data, capture_output=True, check=True).stdout
        return [(mode, rest.split(None, 1)) for mode, _, rest in (x.split(None, 2) for x in out.decode().splitlines())]
    for (mode, rest), (mode2, rest2) in zip(rows(old), rows(new), strict=True):
        accounts = any(x in rest[1] for x in contents.ACCOUNTS)
        equal((mode2.replace("s", "x") if "usr/bin/tool" in rest[1] else mode2, rest2[accounts:]),
              (mode.replace("s", "x") if "usr/bin/tool" in rest[1] else mode, rest[accounts:]), "GNU tar's list")


def users_are_themselves(start, user, group):
    """own-files and own-files-by-number in a running engine. start(tag, shell command) gives an Answer."""
    for tag, who in (("uidfit/own-files", "veryhigh"), ("uidfit/own-files-by-number", "veryhigh")):
        seen(start(tag, "id").output, [f"uid={user}({who}) gid={group}({who}) groups={group}({who})"])
        listed = [x.split()[:4] for x in start(tag, LIST).output.splitlines() if x.startswith(("d", "-"))]
        equal([(x[0][:10], x[2], x[3]) for x in listed],
              [("drwx------", str(user), str(group)), ("-rw-r--r--", str(user), str(group))], f"{tag}: ls -ln")
        seen(start(tag, f"echo more >>{OWN} && cat {OWN}").output, ["mine", "more"])


def others_are_right(start, user, group):
    seen(start("uidfit/user-number", "id -u").output, [str(user)])
    seen(start("uidfit/user-name", "id -un").output, ["veryhigh"])
    seen(start("uidfit/high-uid", "stat -c '%u %g' /testfile").output, [f"{user} {group}"])
    seen(start("uidfit/high-uid-chowned-later", "stat -c '%u %g' /testfile").output, ["0 0"])
    seen(start("uidfit/copy-chown", "stat -c '%u %g' /note").output, [f"{user} 5"])
    seen(start("uidfit/removed-later", "ls -A /tmp && echo nothing").output, ["nothing"])
    seen(start("uidfit/npm", f"stat -c '%u %g' {MODULE} && node -p 'typeof require(\"content-type\").parse'").output, ["0 0", "function"])
    seen(start("uidfit/setuid", "stat -c '%a %u' /usr/bin/tool /usr/bin/capable").output, ["755 0", "755 0"])


@case
def guides_images_in_dockerd(box):
    source, dest, reported = guides.built(), box.path("fixed.tar"), box.path("report.json")
    with engines.Dockerd() as d, contextlib.ExitStack() as stack:
        first, count = d.base
        where = ("--for", "docker@" + ".".join(d.version.split(".")[:2]), "--map", f"0:{first}:{count}")
        box.bulk.run("check", *where, source, status=1)
        box.bulk.fix(source, "docker-archive:" + dest, *where, "--report", reported)
        checked = json.loads(box.bulk.run("check", "--format", "json", *where, dest).stdout)
        equal({(x["fits"], f["level"]) for x in checked["results"] for f in x["findings"]} - {(True, "note")}, set(), "what check finds")
        with open(reported, encoding="utf-8") as f:
            report = json.load(f)
        changed, stay = compare(Archive(stack, source), Archive(stack, dest), report)
        print(f"     {len(checked['results'])} images: {changed} of their layers changed, {stay} stay")
        user, group = ({row["old"]: row["new"] for row in report["mapping"][side]}[1000000] for side in ("uid", "gid"))
        if not 10000 <= user <= 60000 or user != group:
            raise AssertionError(f"veryhigh became {user}:{group}")
        answer = d.load(dest, forget=False)
        equal(answer.accepted, True, answer.line)

        def start(tag, command):
            return d.start(tag, "sh", "-c", command)
        users_are_themselves(start, user, group)
        others_are_right(start, user, group)
        for guide in guides.GUIDES:
            answer = start(guide.tag, "true")
            equal(answer.accepted, True, f"{guide.name}: {answer.line}")


def one_image(box, name, dest, *options):
    """One image of the archive, fixed alone: what npm's owners and veryhigh become."""
    box.bulk.fix(f"docker-archive:{guides.built()}:uidfit/{name}:latest", dest, *options)


@case
def guides_images_in_podman(box):
    with engines.Podman() as p:
        size = sum(count for _, _, count in p.map)
        for name in ("own-files", "npm-chowned-later"):
            dest = box.path(name + ".tar")
            one_image(box, name, "docker-archive:" + dest, "--map", f"0-{size - 1}")
            answer = p.load(dest, forget=False)
            equal(answer.accepted, True, answer.line)
            os.unlink(dest)
        if "cgroups" not in p.start("uidfit/own-files", "id").output:
            users_are_themselves(lambda tag, command: p.start("uidfit/own-files", "sh", "-c", command), 10000, 10000)
            return
        # crun does not start everywhere; what it would see stands in the container's own tar.
        p.podman("create", "--name", "c", "uidfit/own-files", "id")
        p.podman("export", "-o", p.dir + "/tmp/c.tar", "c")
        with tarfile.open(p.dir + "/tmp/c.tar") as t:
            m = t.getmember(OWN[1:])
            equal((m.uid, m.gid), (10000, 10000), "the user's file")


@case
def guides_images_in_umoci(box):
    with engines.Umoci() as u:
        for name, path, owner in (("own-files", OWN, 110000), ("npm", MODULE, 100000)):
            dest, bundle = box.path(name), box.path(name + ".bundle")
            one_image(box, name, f"oci:{dest}:latest", "--map", u.map)
            answer = u.load(dest, keep=bundle)
            equal(answer.accepted, True, answer.line)
            st = os.lstat(bundle + "/rootfs" + path)
            equal((st.st_uid, st.st_gid), (owner, owner), path)
            engines.remove_tree(bundle)
            engines.remove_tree(dest)
