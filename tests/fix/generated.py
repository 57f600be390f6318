"""Generated images: each fixed for three maps, checked again, and every byte of it held to the rules (walk.py).

The differential suite's generator makes the entries; to_fix adds what only fix looks at. Half of the images stand alone, as archive
or layout; the other half come ten to an archive, and share layers. The release program does the bulk, and the program with sanitizers
every tenth source again, which must give the same bytes.
"""
import collections
import concurrent.futures
import json
import os
import shutil
import subprocess

import contents
import engines
import generate
import walk
from box import case, equal, NOT_OWNERS
from mkimage import (ACL_ACCESS, CAPABILITY, Layer, acl, base256, capability, make_config, octal, pax_record, save_docker_archives, save_oci,
                     write_archive)

BATCH = 10
LARGEST = 2**32 - 2
OWNERS = {"owner-outside-map", "acl-outside-map", "capability-rootid-outside-map", "owner-becomes-root", "owner-becomes-nobody", "owner-wraps"}
# What each run must have met, or it shows less than it says.
MET = {"octal", "base-256", "octal that becomes base-256", "PAX number in its place", "PAX number that grows", "PAX name goes", "a decoy in the header",
       "extended header of another size", "extended header of more blocks", "name blanked", "ACL", "capability", "whiteout", "hardlink follows",
       "special bits go", "file of accounts", "layer stays", "layer changes", "named", "unnamed", "USER by number", "shared layer changes"}


class ToFix(generate.Generator):
    """A generated image whose layers also hold accounts, names beside numbers, records that must grow, special bits and hardlinks."""

    def layer(self, number, bad_at):
        layer = super().layer(number, bad_at)
        layer.compress = self.pick(None, None, "gzip", "zstd")
        extras = [self.accounts, self.growing, self.named, self.special, self.hardlinks, self.xattr_ids, self.whiteouts]
        for f in self.random.sample(extras, self.random.randrange(0, 4)):
            f(layer, f"x{number}/{f.__name__}")
        return layer

    def id(self):
        """An id that headers, accounts and ACLs can hold; small ones lie outside of a small map."""
        return self.random.choice([x for x in self.traits.any if 0 <= x < LARGEST] + [1000, 1001, 2500, 4999, 3000, 12345, 60000])

    def accounts(self, layer, folder):
        r, rows = self.random, [("root", 0, 0)] + [(f"u{i}", self.id(), self.id()) for i in range(self.random.randrange(1, 4))]
        passwd = b"".join(b"%s:x:%d:%d:%s:/:/bin/sh\n" % (n.encode(), u, g, str(u).encode()) for n, u, g in rows)
        group = b"".join(b"%s:x:%d:root\n" % (n.encode(), g) for n, u, g in rows)
        layer.dir("etc").file("etc/passwd", passwd if self.chance(80) else passwd[:-1]).file("etc/group", group)
        if self.chance(50):
            layer.file("etc/passwd-", passwd, pax={"size": str(len(passwd))} if self.chance(30) else None).file("etc/group-", group)
            layer.file("etc/subuid", b"u0:100000:65536\n%d:165536:65536\n" % rows[-1][1]).file("etc/subgid", b"%d:100000:65536\n" % rows[-1][1])
        if self.chance(30):
            layer.file(f"{folder}/passwd", passwd).file(f"{folder}/etc/group", b"not:an:account\n")
        for name, uid, gid in rows[1:]:
            self.put_as(layer, f"home/{name}", uid, gid, body=b"mine")

    def put_as(self, layer, path, uid, gid, **kw):
        args, _ = self.written(uid, gid)
        args["pax"].update(kw.pop("pax", {}))
        return layer.file(path, kw.pop("body", b""), **args, **kw)

    def growing(self, layer, folder):
        """Records whose number gets more digits, in a header whose blocks are just full."""
        for i in range(3):
            uid = self.pick(1000, 1001, 2500, 4999, 70000)
            body = len(pax_record("uid", str(uid))) + len(pax_record("gid", "0"))
            room = 512 * self.pick(1, 1, 2) - body - self.pick(0, 0, 1, 2)
            filler = next(n for n in range(room) if len(pax_record("comment", "c" * n)) >= room)
            layer.file(f"{folder}{i}", b"y" * i, pax={"uid": str(uid), "gid": "0", "comment": "c" * filler})

    def named(self, layer, folder):
        for i, (uname, gname) in enumerate(((b"veryhigh", b"staff"), (b"", b"x" * 32))):
            layer.file(f"{folder}{i}", uname=uname, gname=gname, overrides={108: base256(self.id(), 8), 116: base256(self.id(), 8)},
                       pax={"uname": "jörg", "gname": "größe", "mtime": "1700000000.5"} if self.chance(60) else None)

    def special(self, layer, folder):
        for i, mode in enumerate((0o4755, 0o2755, 0o6711, 0o7777)):
            self.put_as(layer, f"{folder}{i}", self.id(), self.id(), mode=mode)
        layer.dir(folder, mode=0o2775, overrides={116: base256(self.id(), 8)})

    def hardlinks(self, layer, folder):
        uid, gid = self.id(), self.id()
        self.put_as(layer, folder + "/target", uid, gid, body=b"t", mode=0o4755)
        layer.hardlink(folder + "/same", f"./{folder}/target", overrides={108: base256(uid, 8), 116: base256(gid, 8)}, mode=0o4755)
        layer.hardlink(folder + "/other", f"/{folder}/same", overrides={108: base256(self.id(), 8)})
        layer.hardlink(folder + "/inside", folder + "/other", uid=5, gid=5)

    def xattr_ids(self, layer, folder):
        layer.file(folder + "acl", xattrs={ACL_ACCESS: acl({self.id(): 7}, {self.id(): 5, 0: 4})})
        layer.file(folder + "cap", mode=0o755, pax={"mtime": "1.5"}, xattrs={CAPABILITY: capability(self.id())})
        layer.file(folder + "v2", mode=0o755, xattrs={CAPABILITY: capability()})

    def whiteouts(self, layer, folder):
        layer.whiteout(folder + "/gone", uid=self.id(), gid=self.pick(0, 5))
        layer.dir(folder).opaque(folder, overrides={108: octal(0, 8), 116: base256(self.id(), 8)})

    def make(self):
        super().make()
        self.user = self.pick("", "0", "1000", "65536", "1000000", "70000:80000", "0:2500", "u1")
        return self


def three_maps():
    """(name, options, uids that fit): gids are the same. dockerd's own first."""
    try:
        base, count = engines.subid_range("dockremap")
    except (engines.Unavailable, OSError):
        base, count = 100000, 65536
    return [("dockerd", ("--for", "docker@20.10", "--map", f"0:{base}:{count}"), [(0, count - 1)]),
            ("small", ("--map", "0-1999"), [(0, 1999)]),
            ("far", ("--map", "0-999,3000000-3100000"), [(0, 999), (3000000, 3100000)])]


def sources(top, batch, traits):
    """[(path, reference, images of generate)] of one batch."""
    made = [ToFix(f"fix {batch * BATCH + i}", traits).make() for i in range(BATCH)]
    for image in made:
        # A name that no account has fails in an engine for a reason of its own.
        named = any(isinstance(x, Layer) and b"\nu1:x:" in x.tar() for x in image.layers)
        image.user = "" if image.user == "u1" and not named else image.user
    if batch % 2:
        for before, image in zip(made, made[1:]):
            if image.chance(60):
                image.layers.insert(0, next(x for x in before.layers if isinstance(x, Layer)))
        path = os.path.join(top, "many.tar")
        save_docker_archives(path, [{"layers": x.layers, "config": make_config(x.layers, x.user), "tags": [f"uidfit/generated:{batch}-{i}"]}
                                    for i, x in enumerate(made)])
        return [(path, path, made)]
    found = []
    for i, image in enumerate(made):
        path = os.path.join(top, f"{i}")
        if i % 3:
            image.save(path)
            found.append((path, "docker-archive:" + path, [image]))
        else:
            save_oci(path, image.layers, user=image.user, archive=i % 2 == 0)
            found.append((path, ("oci-archive:" if i % 2 == 0 else "oci:") + path, [image]))
    return found


def check(box, reference, options):
    """[{layer: rules}] of each image, without notes."""
    done = box.run("check", "--format", "json", "--fail-on", "warning", *options, reference, status=None)
    out = []
    for result in json.loads(done.stdout)["results"]:
        out.append(collections.defaultdict(set))
        for f in result["findings"]:
            if f["level"] != "note":
                out[-1][f.get("layer")].add(f["rule"])
    return out


def ids_of(images):
    """([owning uids, gids], [named uids, gids], [all uids, gids]) of the images' layers, as an independent reader finds them."""
    own, named, used = ([set(), set()] for _ in range(3))
    for image in images:
        for layer in image.layers:
            for e in walk.walk(layer)[0]:
                if not isinstance(e, walk.Entry):
                    continue
                for side in (0, 1):
                    used[side].add(e.owner[side])
                    if not e.whiteout:
                        own[side].add(e.owner[side])
                kind = walk.accounts_kind(e.clean, e.body) if e.file and not e.clean.endswith("-") else None
                for line in e.body.split(b"\n") if kind in (walk.PASSWD, walk.GROUP) else ():
                    for side, column in enumerate(kind[:2]):
                        if line and column is not None:
                            named[side].add(int(line.split(b":")[column]))
        for side, part in enumerate(image.config["config"].get("User", "").split(":")):
            if part.isdigit():
                named[side].add(int(part))
    return own, named, [used[i] | named[i] for i in (0, 1)]


def judge(report, images, maps, seen):
    """The mapping itself: what moves must, and goes where docs/fix.md says."""
    own, named, used = ids_of(images)
    for side, name in enumerate(("uid", "gid")):
        rows = report["mapping"][name]
        held = lambda value: any(a <= value <= b for a, b in maps)  # noqa: E731
        missing = {x for x in own[side] if not held(x)} - {row["old"] for row in rows}
        if missing:
            raise AssertionError(f"{name}s {missing} do not move")
        given = [row["new"] for row in rows if row["why"] == "named"]
        equal(len(given), len(set(given)), f"distinct {name}s")
        for row in rows:
            bad = held(row["old"]) or not held(row["new"]) or row["new"] in (65534, 65535)
            if row["old"] in named[side]:
                bad = bad or row["why"] not in ("named", "folded") or (row["why"] == "named" and row["new"] in used[side])
                bad = bad or (held(10000) and not 10000 <= row["new"] <= 60000)
            else:
                bad = bad or row["why"] != "unnamed" or row["new"] != 0
            if bad:
                raise AssertionError(f"the mapping of {name} {row}, which the image {'names' if row['old'] in named[side] else 'does not name'}")
            seen[row["why"]] += 1


def hold_to_the_rules(old, new, report, maps, before):
    """Every image of a source beside its fixed one. Returns what was met."""
    plan = walk.Plan(report, (maps, maps))
    judge(report, old, maps, plan.seen)
    done, layers = set(), collections.Counter(x for image in old for x in set(image.config["rootfs"]["diff_ids"]))
    for a, b, found in zip(old, new, before, strict=True):
        for i, (x, y) in enumerate(zip(a.layers, b.layers, strict=True)):
            must = bool(found.get(i, set()) & OWNERS) or walk.accounts_change(plan, x)
            if x == y:
                equal(a.blobs[i] == b.blobs[i] and not must, True, f"layer {i} stays: its blob is the same, and no rule asks for more")
                plan.seen["layer stays"] += 1
                continue
            # What another image of the archive has too may change for that one.
            equal(must or len(old) > 1, True, f"layer {i} has a reason to change")
            equal(b.blobs[i][:3] == a.blobs[i][:3] or a.blobs[i][:2] not in (b"\x1f\x8b", b"\x28\xb5"), True, f"layer {i}: the kind of compression")
            plan.seen["layer changes"] += 1
            name = a.config["rootfs"]["diff_ids"][i]
            plan.seen["shared layer changes"] += layers[name] > 1
            if (name, y) not in done:
                done.add((name, y))
                walk.compare(plan, x, y)
        user = ":".join(str(plan.new(side, int(x))) if x.isdigit() else x
                        for side, x in enumerate(a.config["config"].get("User", "").split(":")))
        equal(b.config["config"].get("User", ""), user, "USER")
        plan.seen["USER by number"] += user != a.config["config"].get("User", "")
    return plan.seen


def same_but_owners(old, new):
    """GNU tar's list of a layer, without owners, sizes of files of accounts, and special bits."""
    def rows(data):
        out = subprocess.run(["tar", "--full-time", "-tvf", "-"], input=data, capture_output=True, check=False).stdout.decode(errors="replace")
        for row in out.splitlines():
            mode, _, rest = row.split(None, 2)
            size, _, rest = rest.partition(" ") if mode[0] not in "cb" else rest.partition(" ")
            yield mode.translate(str.maketrans("sStT", "x-xT")), "" if any(x in rest for x in ("passwd", "group", "subuid", "subgid")) else size, rest.lstrip()
    for p, q in zip(rows(old), rows(new), strict=True):
        equal(q, p, "GNU tar's list")


def images_of(path, count):
    return [contents.Image(path, i) for i in range(count)]


def one_source(box, source, number, which, keep):
    """Fixes one source for one map; returns (what was met, how many images)."""
    path, reference, made = source
    name, options, maps = which
    bulk, dest, reported = box.bulk, f"{keep}-{number}", box.path("report.json")
    before = check(bulk, reference, options)
    layout = number % 4 == 3 and len(made) == 1
    bulk.fix(reference, ("oci:" if layout else "docker-archive:") + dest, *options, "--fold", "--report", reported)
    with open(reported, encoding="utf-8") as f:
        report = json.load(f)
    for found in check(bulk, dest, options):
        left = set().union(*found.values()) - NOT_OWNERS if found else set()
        equal(left, set(), "what check still finds")
    old, new = images_of(path, len(made)), images_of(dest, len(made))
    seen = hold_to_the_rules(old, new, report, maps, before)
    if number % 10 == 0:
        again = box.path("again")
        box.fix(reference, ("oci:" if layout else "docker-archive:") + again, *options, "--fold")
        for a, b in zip(new, images_of(again, len(made))):
            equal((a.config_bytes, a.blobs), (b.config_bytes, b.blobs), "what the program with sanitizers writes")
        for a, b in zip(old[0].layers, new[0].layers):
            same_but_owners(a, b)
        seen["under sanitizers"] += 1
        (shutil.rmtree if os.path.isdir(again) else os.unlink)(again)
    return seen, dest


def one_batch(box, batch, keep):
    """A batch for each map: (what was met, images fixed, [(archive, index) fixed for dockerd])."""
    os.mkdir(box.top)
    seen, count, for_dockerd = collections.Counter(), 0, []
    traits = generate.Traits("dockerd", 100000, 65536)
    for number, source in enumerate(sources(box.top, batch, traits)):
        for which in three_maps():
            try:
                got, dest = one_source(box, source, batch * BATCH + number, which, keep + which[0])
            except Exception as e:
                raise AssertionError(f"batch {batch}, source {number}, map {which[0]}: {type(e).__name__}: {e}") from None
            seen += got
            count += len(source[2])
            if which[0] == "dockerd":
                for_dockerd += [(dest, i) for i in range(len(source[2]))]
            else:
                (shutil.rmtree if os.path.isdir(dest) else os.unlink)(dest)
    shutil.rmtree(box.top)
    return seen, count, for_dockerd


def generated(box):
    """All batches, two at a time: (what was met, images, [(archive, index)])."""
    box.bulk  # noqa: B018
    seen, count, for_dockerd = collections.Counter(), 0, []
    batches = (3000 if box.long else 300) // BATCH
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(one_batch, box.below(f"batch-{i}"), i, box.path(f"{i}-")) for i in range(batches)]
        for job in jobs:
            got = job.result()
            seen += got[0]
            count += got[1]
            for_dockerd += got[2]
    return seen, count, for_dockerd


def joined(images, dest):
    """Images of several archives made one archive, their tags numbered, so that one load takes them all. zstd, which dockerd 20.10 does
    not read, is decoded."""
    members, rows = {}, []
    for i, (path, index) in enumerate(images):
        image = contents.Image(path, index)
        blobs = [contents.decoded(x) if x[:4] == b"\x28\xb5\x2f\xfd" else x for x in image.blobs]
        names = [contents.digest(x)[7:] + ".tar" for x in blobs]
        config = contents.digest(image.config_bytes)[7:] + ".json"
        members.update(zip(names, blobs))
        members[config] = image.config_bytes
        rows.append({"Config": config, "Layers": names, "RepoTags": [f"uidfit/generated:{i}"]})
    members["manifest.json"] = json.dumps(rows).encode()
    write_archive(dest, members)


def refused(d, images, dest):
    """(image, line) of each that dockerd does not take; asked in halves where one of many fails."""
    joined(images, dest)
    answer = d.load(dest, forget=False)
    if answer.accepted:
        return []
    if len(images) == 1:
        return [(images[0], answer.line)]
    half = len(images) // 2
    return refused(d, images[:half], dest) + refused(d, images[half:], dest)


@case
def generated_images(box):
    """300 (--long: 3,000) for each of three maps; those for dockerd's own are loaded there."""
    seen, count, for_dockerd = generated(box)
    print(f"     {count} images fixed, {seen.pop('under sanitizers')} sources under sanitizers too; met: "
          + ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))
    equal(MET - {k for k, v in seen.items() if v}, set(), "rules that no image met")
    _, options, maps = three_maps()[0]
    images = []
    for path in sorted({p for p, _ in for_dockerd}):
        # An ACL that the kernel refuses stays one: dockerd is not asked about it.
        for index, found in enumerate(check(box.bulk, path, options)):
            if not set().union(*found.values()):
                images.append((path, index))
    with engines.Dockerd() as d:
        equal([(0, d.base[1] - 1)], maps, "dockerd's own map")
        bad = [x for at in range(0, len(images), 50) for x in refused(d, images[at:at + 50], box.path("together.tar"))]
    print(f"     {len(images) - len(bad)} of {len(images)} load in dockerd")
    equal(bad, [], "refused by dockerd")
    equal(len(images) * 10 > len(for_dockerd) * 6, True, f"{len(images)} of {len(for_dockerd)} are images that no ACL spoils")
