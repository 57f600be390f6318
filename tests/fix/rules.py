"""One case a rule of docs/fix.md that the larger cases would pass by."""
import json

import contents
import walk
from box import case, equal
from mkimage import ACL_ACCESS, CAPABILITY, Layer, acl, capability, save_docker_archive, save_oci


@case
def a_layer_that_no_engine_minds_stays(box):
    """dockerd looks at no owner and no ACL of the root directory, and at no ACL of a whiteout."""
    source, dest = box.path("in.tar"), box.path("out.tar")
    far = {ACL_ACCESS: acl({1000000: 7})}
    save_docker_archive(source, [Layer().root(uid=1000000, xattrs=far).file("a"), Layer().whiteout("a", xattrs=far), Layer().file("b", uid=1000000)])
    box.fix(source, "docker-archive:" + dest, "--for", "docker@20.10")
    old, new = contents.Image(source).layers, contents.Image(dest).layers
    equal([a == b for a, b in zip(old, new)], [True, True, False], "layers that stay")
    box.fits(dest, "--for", "docker@20.10")


def fixed(box, layers, *options, user="", status=0):
    """(tars of the fixed layers, the report, what the program said) of an image made of these layers."""
    source, dest, reported = box.path("in.tar"), box.path("out.tar"), box.path("report.json")
    save_docker_archive(source, layers, user=user)
    done = box.fix(source, "docker-archive:" + dest, *options, "--report", reported, "--replace", status=status)
    if status:
        return None, None, done
    with open(reported, encoding="utf-8") as f:
        return contents.Image(dest).layers, json.load(f), done


def owners(layer):
    return {m.name: (m.uid, m.gid, oct(m.mode)) for m, _ in contents.entries(layer)}


def to(report, side="uid"):
    return {row["old"]: row["new"] for row in report["mapping"][side]}


def accounts(*ids):
    return Layer().file("etc/passwd", b"".join(b"u%d:x:%d:0::/:/bin/sh\n" % (i, i) for i in ids))


@case
def a_v7_header_has_no_names(box):
    """What stands where ustar keeps them is nobody's business."""
    layer = Layer().file("a", uid=70000, magic=bytes(8), uname=b"not", gname=b"names")
    new, report, _ = fixed(box, [layer])
    walk.compare(walk.Plan(report, ([(0, 65535)],) * 2), layer.tar(), new[0])
    equal(b"names" in new[0], True, "the bytes")


@case
def a_record_whose_length_gets_a_digit(box):
    new, _, _ = fixed(box, [accounts(50).file("a", uid=50, how="pax")], "--map", "0,200-300")
    equal(owners(new[0])["a"][0], 200, "uid")
    equal(b"11 uid=200\n" in new[0], True, "the record")


@case
def nobody_and_root_are_no_free_ids(box):
    new, _, _ = fixed(box, [accounts(70000).file("a", uid=70000)], "--map", "0,65534-65535,65600")
    equal(owners(new[0])["a"][0], 65600, "uid")
    for ids, map_text in (((70000, 80000), "0,65534,65600"), ((70000, 80000), "0,65535,65600"), ((70000, 80000), "0-1")):
        layer = accounts(*ids)
        for i in ids:
            layer.file(f"f{i}", uid=i)
        done = fixed(box, [layer], "--map", map_text, status=1)[2]
        equal(b"2 uids want one of their own" in done.stderr, True, done.stderr.decode())


@case
def an_id_that_was_asked_for_is_given_to_no_other(box):
    layer = accounts(70000, 80000).file("a", uid=70000).file("b", uid=80000)
    equal(to(fixed(box, [layer], "--owner", "80000=10000")[1]), {70000: 10001, 80000: 10000}, "mapping")


@case
def special_bits_stay_with_an_owner_of_its_own(box):
    layer = Layer().file("etc/passwd", b"node:x:1000:1000::/:/bin/sh\n").file("s", uid=70000, mode=0o4755).file("g", gid=70000, mode=0o2755)
    for new, modes in (("2000", ("0o4755", "0o2755")), ("1000", ("0o755", "0o755")), ("0", ("0o755", "0o755"))):
        # A group 1000 there is too: passwd says so.
        got = owners(fixed(box, [layer], "--owner", f"70000={new}", "--group", f"70000={new}")[0][0])
        equal((got["s"][2], got["g"][2]), modes, f"as {new}")


@case
def an_earlier_mapping_gives_way_to_the_map(box):
    layer = accounts(70000).file("a", uid=70000)
    report = fixed(box, [layer], "--owner", "70000=33333")[1]
    with open(box.path("like.json"), "w", encoding="ascii") as f:
        json.dump(report, f)
    equal(to(fixed(box, [layer], "--like", box.path("like.json"))[1]), {70000: 33333}, "as before")
    equal(to(fixed(box, [layer], "--like", box.path("like.json"), "--map", "0-1999")[1]), {70000: 1000}, "with a smaller map")


@case
def an_id_of_whiteouts_alone_takes_no_place(box):
    layers = [Layer().file("a").dir("d"), Layer().whiteout("a", uid=70000, gid=70000).dir("d").opaque("d", uid=80000).file("b", uid=90000)]
    equal(to(fixed(box, layers, "--to", "compact")[1]), {90000: 10000}, "mapping")
    new, report, _ = fixed(box, layers, "--to", "compact", "--map", "0-1")
    equal(to(report), {90000: 1}, "mapping, where there is room for one")
    equal(owners(new[1]), {".wh.a": (0, 0, "0o644"), "d": (0, 0, "0o755"), "d/.wh..wh..opq": (0, 0, "0o644"), "b": (1, 0, "0o644")}, "owners")


@case
def keep_setuid_is_for_special_files_alone(box):
    layer = Layer().file("s", uid=70000, mode=0o4755).file("a", uid=80000).dir("d", gid=90000, mode=0o2775)
    _, report, _ = fixed(box, [layer], "--keep-setuid")
    equal((to(report), to(report, "gid")), ({70000: 10000, 80000: 0}, {90000: 0}), "mapping")


@case
def a_hardlink_to_a_lower_layer_loses_its_bits_too(box):
    new, _, _ = fixed(box, [Layer().file("s", mode=0o4755), Layer().hardlink("h", "s", uid=70000, mode=0o4755)])
    equal(owners(new[1])["h"], (0, 0, "0o755"), "the link")


@case
def what_was_asked_moves_where_no_engine_looks(box):
    new, _, _ = fixed(box, [Layer().root(uid=70000)], "--for", "docker@20.10", "--owner", "70000=7")
    equal([x[0] for x in owners(new[0]).values()], [7], "the root directory's owner")


@case
def each_reason_to_change_is_enough(box):
    """One layer for each: an account that owns nothing, an ACL, a capability's root."""
    far = accounts(70000)
    new, report, _ = fixed(box, [far, Layer().file("a", xattrs={ACL_ACCESS: acl({80000: 7})}), Layer().file("c", xattrs={CAPABILITY: capability(90000)})])
    equal(to(report), {70000: 10000, 80000: 0}, "mapping")
    equal(b"u70000:x:10000:0:" in new[0], True, "passwd")
    plan = walk.Plan(report, ([(0, 65535)],) * 2)
    for old, fresh in ((far, new[0]), (Layer().file("a", xattrs={ACL_ACCESS: acl({80000: 7})}), new[1]), (Layer().file("c", xattrs={CAPABILITY: capability(90000)}), new[2])):
        walk.compare(plan, old.tar(), fresh)
    equal((plan.seen["ACL"], plan.seen["capability"]), (1, 1), "what was seen")


@case
def a_hardlink_loses_the_bits_of_its_target(box):
    """One inode: what its own header says of the owner is no reason to keep them."""
    new, _, _ = fixed(box, [Layer().file("s", uid=70000, mode=0o4755).hardlink("h", "s", uid=5, mode=0o4755)])
    equal(owners(new[0]), {"s": (0, 0, "0o755"), "h": (0, 0, "0o755")}, "both")


@case
def who_names_an_id(box):
    """passwd by uid and by its users' groups, group, USER; not a backup, and not a file that only ends like one."""
    layer = (Layer().file("etc/passwd", b"a:x:71000:72000::/:/bin/sh\n").file("etc/group", b"b:x:73000:\n").file("etc/passwd-", b"old:x:74000:0::/:/bin/sh\n")
             .file("etc/pam.d/passwd", b"this:is:75000\n").file("opt/root/etc/passwd", b"c:x:76000:76000::/:/bin/sh\n"))
    for i in range(71000, 78000, 1000):
        layer.file(f"f{i}", uid=i, gid=i)
    _, report, _ = fixed(box, [layer], user="77000")
    named = [{row["old"] for row in report["mapping"][side] if row["why"] == "named"} for side in ("uid", "gid")]
    equal(named, [{71000, 76000, 77000}, {72000, 73000, 76000}], "named")


@case
def the_bytes_of_a_file_of_accounts(box):
    """Comments, blank lines, NIS lines and an end without a newline stay; so does what no line reads as an account."""
    passwd = b"#a:x:70000:70000::/:/bin/sh\n\na:x:70000:070000:70000:/70000:/bin/sh\n+:::::\nbroken:70000\nb:x:5:70000::/:/bin/sh"
    want = b"#a:x:70000:70000::/:/bin/sh\n\na:x:10000:10000:70000:/70000:/bin/sh\n+:::::\nbroken:70000\nb:x:5:10000::/:/bin/sh"
    other = b"a:x:70000\n"
    layer = (Layer().file("etc/passwd", passwd).file("etc/passwd-", passwd).file("etc/group", b"g:x:70000:a,b\n").file("etc/group-", b"g:x:70000:a")
             .file("etc/subuid", b"a:100000:65536\n70000:70000:70000\n").file("etc/subgid", b"70000:1:2").file("etc/pam.d/passwd", other)
             .file("etc/security/group", b"a:x:70000:\nnone\n").file("etc/empty/passwd", b"\n").file("x", uid=70000))
    new, _, _ = fixed(box, [layer])
    bodies = {m.name: body for m, body in contents.entries(new[0])}
    equal(bodies, {"etc/passwd": want, "etc/passwd-": want, "etc/group": b"g:x:10000:a,b\n", "etc/group-": b"g:x:10000:a",
                   "etc/subuid": b"a:100000:65536\n10000:70000:70000\n", "etc/subgid": b"10000:1:2", "etc/pam.d/passwd": other,
                   "etc/security/group": b"a:x:70000:\nnone\n", "etc/empty/passwd": b"\n", "x": b""}, "bodies")


@case
def several_targets_take_what_all_of_them_hold(box):
    for order in ("podman-single,docker", "docker,podman-single"):
        new, report, _ = fixed(box, [Layer().file("a", uid=1000)], "--for", order)
        equal(to(report), {1000: 0}, order)


@case
def an_id_that_is_taken_for_root_moves(box):
    """dockerd takes the host id of the container's root for root: such an id is none of the map's, and no free one."""
    where = ("--for", "docker@20.10", "--map", "0:10000:65536")
    new, report, _ = fixed(box, [accounts(10000, 70000).file("a", uid=10000).file("b", uid=70000)], *where)
    equal(to(report), {10000: 10001, 70000: 10002}, "mapping")
    box.fits(box.path("out.tar"), *where)


@case
def inline_data_and_urls_go(box):
    """They are the old bytes, and where those are."""
    source, dest = box.path("in"), box.path("out")
    save_oci(source, [Layer().file("a", uid=70000), Layer().file("b")], tag="t")
    with open(source + "/index.json", encoding="ascii") as f:
        index = json.load(f)
    name = source + "/blobs/" + index["manifests"][0]["digest"].replace(":", "/")
    with open(name, encoding="ascii") as f:
        manifest = json.load(f)
    for d in (manifest["config"], *manifest["layers"]):
        d.update(data="b2xk", urls=["http://localhost/old"])
    data = json.dumps(manifest).encode()
    with open(source + "/blobs/" + contents.digest(data).replace(":", "/"), "wb") as f:
        f.write(data)
    index["manifests"][0].update(digest=contents.digest(data), size=len(data), data="b2xk")
    with open(source + "/index.json", "w", encoding="ascii") as f:
        json.dump(index, f)
    box.fix("oci:" + source, "oci:" + dest)
    new = contents.Image(dest).manifest
    equal([sorted({"data", "urls"} & set(d)) for d in (new["config"], *new["layers"])], [[], [], ["data", "urls"]], "what is left of them")


@case
def a_layer_that_becomes_gzip_says_so(box):
    source, dest = box.path("in"), box.path("out")
    save_oci(source, [Layer(compress="xz").file("a", uid=70000)], media_type="application/vnd.oci.image.layer.v1.tar", tag="t")
    done = box.fix("oci:" + source, "oci:" + dest)
    equal(contents.Image(dest).manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip", "media type")
    equal(b"compressed with xz" in done.stdout, True, "the note")
