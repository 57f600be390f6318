"""What becomes of the documents around the images: index.json, signatures, Docker's own metadata."""
import io
import json
import os
import subprocess
import tarfile

import contents
import engines
from box import case, equal
from mkimage import Layer, dumps, make_config, save_docker_archive, save_oci, save_oci_index

NAME = "org.opencontainers.image.ref.name"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def read(path):
    with open(path, "rb") as f:
        return json.load(f)


def write(path, document):
    with open(path, "wb") as f:
        f.write(dumps(document) if not isinstance(document, bytes) else document)


def put(layout, document):
    """Puts a document as a blob; its descriptor."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    name = contents.digest(data)
    write(layout + "/blobs/" + name.replace(":", "/"), data)
    return {"mediaType": MANIFEST, "digest": name, "size": len(data)}


def platforms(layout):
    """An index of two platforms named "app"; the arm64 image is listed as "arm" beside it, and keys of others stand around."""
    save_oci_index(layout, [{"layers": [Layer(compress="gzip").file("x", uid=70000)],
                             "platform": {"os": "linux", "architecture": "amd64"}},
                            {"layers": [Layer().file("y", uid=70000)], "arch": "arm64",
                             "platform": {"os": "linux", "architecture": "arm64"}}])
    inner = read(layout + "/index.json")
    row = dict(put(layout, inner), mediaType=INDEX, annotations={NAME: "app", "mine": "1"}, zz=[1])
    arm = dict(inner["manifests"][1], annotations={NAME: "arm", "mine": "2"})
    write(layout + "/index.json", {"schemaVersion": 2, "xx": {"b": 1, "a": 2}, "manifests": [row, arm], "annotations": {"top": "yes"}})
    return inner


@case
def index_json_keeps_its_keys(box):
    source, dest = box.path("in"), box.path("out")
    platforms(source)
    box.fix(f"oci:{source}", "oci:" + dest, "--all-platforms")
    old, new = read(source + "/index.json"), read(dest + "/index.json")
    equal(list(new), list(old), "keys")
    equal((new["xx"], new["annotations"]), (old["xx"], old["annotations"]), "what they say")
    equal([x["annotations"] for x in new["manifests"]], [x["annotations"] for x in old["manifests"]], "annotations")
    equal(new["manifests"][0]["zz"], [1], "an unknown key of a descriptor")
    inner = read(dest + "/blobs/" + new["manifests"][0]["digest"].replace(":", "/"))
    equal(inner["manifests"][1]["digest"], new["manifests"][1]["digest"], "the image that is listed twice")
    for name in ("app", "arm"):
        box.fits(f"oci:{dest}:{name}", "--all-platforms", "--verify")
    box.fix(f"oci:{dest}", "oci:" + box.path("again"), "--all-platforms")
    equal(read(box.path("again") + "/index.json"), new, "the second fix")


@case
def index_json_for_one_platform(box):
    source = box.path("in")
    platforms(source)
    box.fix(f"oci:{source}:app", "oci:" + box.path("one"), "--platform", "linux/arm64")
    new = read(box.path("one") + "/index.json")
    equal((new["xx"], len(new["manifests"])), ({"b": 1, "a": 2}, 1), "index.json")
    row = new["manifests"][0]
    equal((row["mediaType"], row["annotations"]), (MANIFEST, {NAME: "app", "mine": "1"}), "the descriptor")
    equal("layers" in read(box.path("one") + "/blobs/" + row["digest"].replace(":", "/")), True, "a manifest")
    box.fix(f"oci:{source}:app", f"oci:{box.path('two')}:new", "--platform", "linux/amd64")
    equal(read(box.path("two") + "/index.json")["manifests"][0]["annotations"], {NAME: "new", "mine": "1"}, "the new name")
    box.fits(f"oci:{box.path('two')}:new")


@case
def both_listings_where_index_json_is_made(box):
    source, dest = box.path("in"), box.path("out.tar")
    platforms(source)
    index = read(source + "/index.json")
    index["manifests"][0]["annotations"][NAME] = "uidfit/app:1"
    index["manifests"][1]["annotations"][NAME] = "uidfit/arm:1"
    write(source + "/index.json", index)
    box.fix(f"oci:{source}", "docker-archive:" + dest, "--all-platforms")
    with tarfile.open(dest) as t:
        rows = json.load(t.extractfile("index.json"))["manifests"]
    equal(sorted(x["annotations"]["io.containerd.image.name"] for x in rows),
          ["docker.io/uidfit/app:1", "docker.io/uidfit/arm:1"], "listings")
    box.fix(f"oci:{source}:uidfit/app:1", "dir:" + box.path("dir"), "--all-platforms")


@case
def signatures_are_named(box):
    source, dest = box.path("in"), box.path("out")
    save_oci(source, [Layer(compress="gzip").file("x", uid=70000)], tag="app")
    index = read(source + "/index.json")
    subject = index["manifests"][0]
    hexed = subject["digest"].replace(":", "-")
    empty = put(source, b"{}")
    config = dict(empty, mediaType="application/vnd.oci.empty.v1+json")
    about = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [config]}
    rows = [dict(put(source, dict(about, zz=ending)), annotations={NAME: hexed + ending}) for ending in (".sig", ".att", ".sbom")]
    rows.append(dict(put(source, dict(about, artifactType="application/vnd.in-toto\x1b", subject=subject)), artifactType="x"))
    other = dict(subject, digest="sha256:" + "0" * 64)
    rows.append(put(source, dict(about, artifactType="application/other", subject=other)))
    listed = put(source, dict(about, artifactType="application/listed", subject=subject))
    rows.append(dict(put(source, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}), mediaType=INDEX,
                     annotations={NAME: hexed}))
    index["manifests"] += rows
    write(source + "/index.json", index)
    notes = box.fix(f"oci:{source}:app", "oci:" + dest).stdout.decode()
    for kind, row in zip(("cosign signature", "cosign attestation", "cosign SBOM", "application/vnd.in-toto\\x1b"), rows):
        equal(f"note: {kind} {row['digest']} of {subject['digest']} does not hold" in notes, True, kind + notes)
    equal(f"application/listed {listed['digest']} of" in notes, True, "a list of referrers")
    equal("application/other" in notes, False, "what is about another image")
    equal(len(read(dest + "/index.json")["manifests"]), 1, "what is listed")
    equal("does not hold" in box.run("fix", "--dry-run", f"oci:{source}:app").stdout.decode(), True, "a dry run")
    equal("does not hold" in box.fix(f"oci:{dest}:app", "oci:" + box.path("again")).stdout.decode(), False, "the second fix")


@case
def signatures_of_a_dir(box):
    source, dest = box.path("in"), box.path("out")
    save_oci(box.path("layout"), [Layer().file("x", uid=70000)], tag="app")
    box.fix(f"oci:{box.path('layout')}:app", "dir:" + source, "--map", "0-100000")
    for i in (1, 2):
        write(f"{source}/signature-{i}", b"...")
    notes = box.fix("dir:" + source, "dir:" + dest).stdout.decode()
    for i in (1, 2):
        equal(f"note: signature-{i} does not hold for what is written" in notes, True, notes)
    equal(os.path.exists(dest + "/signature-1"), False, "a signature in the destination")


@case
def much_behind_the_end_marker(box):
    """More than is kept in memory at once: zero bytes, then others; the digest covers them."""
    tar = Layer().file("x", uid=70000).tar() + bytes(150 << 20) + b"behind" * 100000
    layer = Layer("RUN", compress="gzip")
    layer.tar = lambda: tar
    save_docker_archive(box.path("in.tar"), [layer], tags=["uidfit/rest:1"])
    box.fix(box.path("in.tar"), "docker-archive:" + box.path("out.tar"))
    new = contents.Image(box.path("out.tar")).layers[0]
    equal((len(new), new[1536:] == tar[1536:]), (len(tar), True), "what lies behind")
    box.fits(box.path("out.tar"), "--verify")


def add_member(source, dest, name, body):
    """The archive with one member more."""
    with tarfile.open(source) as old, tarfile.open(dest, "w", format=tarfile.PAX_FORMAT) as new:
        for m in old:
            new.addfile(m, old.extractfile(m) if m.isreg() else None)
        m = tarfile.TarInfo(name)
        m.size = len(body)
        new.addfile(m, io.BytesIO(body))


def of_docker(box):
    """Docker's own members and what its classic builder leaves in a config, with a user by number in it."""
    with open(box.probe, "rb") as f:
        layers = [Layer("ADD").root().dir("tmp", mode=0o1777).file("probe", f.read(), mode=0o755).file("x", uid=1000000)]
    config = make_config(layers, "1000000")
    config.update(container="0" * 64, docker_version="20.10.24", parent="sha256:" + "1" * 64,
                  container_config=dict(config["config"], User="1000000", Hostname="0123456789ab"))
    save_docker_archive(box.path("plain.tar"), layers, config=json.dumps(config).encode(), tags=["uidfit/docker:1"])
    add_member(box.path("plain.tar"), box.path("with.tar"), "repositories", b'{"uidfit/docker":{"1":"%s"}}' % (b"2" * 64))
    return config


@case
def repositories_as_the_source_has_it(box):
    config = of_docker(box)
    for name in ("plain", "with"):
        box.fix(box.path(name + ".tar"), "docker-archive:" + box.path(name + "-out.tar"))
        with tarfile.open(box.path(name + "-out.tar")) as t:
            equal("repositories" in t.getnames(), name == "with", "repositories")
            if name == "with":
                manifest = json.load(t.extractfile("manifest.json"))
                equal(json.load(t.extractfile("repositories")), {"uidfit/docker": {"1": os.path.basename(manifest[0]["Layers"][-1])}},
                      "what repositories says")
    new = contents.Image(box.path("plain-out.tar")).config
    equal((new["config"]["User"], new["container_config"], new["container"], new["parent"]),
          ("10000", config["container_config"], config["container"], config["parent"]), "what the builder left")


@case
def skopeo_reads_both(box):
    engines.need("skopeo")
    of_docker(box)
    for name in ("plain", "with"):
        box.fix(box.path(name + ".tar"), "docker-archive:" + box.path(name + "-out.tar"))
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"docker-archive:{box.path(name)}-out.tar", f"oci:{box.path(name)}:app"],
                       check=True, timeout=120)
        box.fits(f"oci:{box.path(name)}:app")


@case
def dockerd_heeds_no_other_member(box):
    """Neither `repositories` nor what its builder left in the config is looked at: User is who runs."""
    of_docker(box)
    with engines.Dockerd() as d:
        for name in ("plain", "with"):
            box.fix(box.path(name + ".tar"), "docker-archive:" + box.path(name + "-out.tar"))
            answer = d.load(box.path(name + "-out.tar"), forget=False)
            if not answer.accepted:
                raise AssertionError(answer.line)
            equal("uid=10000 gid=0" in d.start("uidfit/docker:1", "/probe", "id").output, True, "who runs")
            parent = json.loads(d.docker("inspect", "uidfit/docker:1"))[0]
            equal((parent["Parent"], parent["Config"]["User"]), ("", "10000"), "what dockerd keeps")
            d.forget(answer.line)


@case
def podman_heeds_no_other_member(box):
    of_docker(box)
    with engines.Podman() as p:
        size = sum(count for _, _, count in p.map)
        for name in ("plain", "with"):
            box.fix(box.path(name + ".tar"), "docker-archive:" + box.path(name + "-out.tar"), "--map", f"0-{size - 1}")
            answer = p.load(box.path(name + "-out.tar"))
            if not answer.accepted:
                raise AssertionError(answer.line)
