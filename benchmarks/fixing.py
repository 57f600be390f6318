"""Rows of ./bench for uidfit fix: the whole of it, and the compression of a layer as others wrote it."""
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys

import engines
import image

MIB = 2**20


def layers(layout):
    """The paths of the blobs of a layout's one image."""
    def blob(d):
        return os.path.join(layout, "blobs", *d["digest"].split(":"))
    with open(os.path.join(layout, "index.json")) as f:
        manifest = blob(json.load(f)["manifests"][0])
    with open(manifest) as f:
        return [blob(layer) for layer in json.load(f)["layers"]]


def one_layer(layout, path, kind):
    """A layout of one image with that file as its only layer; diff_id is that of the tar inside."""
    shutil.rmtree(layout, ignore_errors=True)
    blobs = os.path.join(layout, "blobs", "sha256")
    os.makedirs(blobs)

    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as f:
            f.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    def digest_of(command):
        """By another process: this one stays small."""
        return subprocess.run(f"{command} < {path} | sha256sum", shell=True, capture_output=True, text=True,
                              check=True).stdout.split()[0]

    layer = {"digest": "sha256:" + digest_of("cat"), "size": os.path.getsize(path)}
    shutil.copyfile(path, os.path.join(blobs, layer["digest"][7:]))
    config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + digest_of("zstd -dcq" if kind == "zstd" else "unpigz -c")]}}).encode())
    prefix = "application/vnd.oci.image."
    manifest = put(json.dumps({"schemaVersion": 2, "mediaType": prefix + "manifest.v1+json",
                               "config": dict(config, mediaType=prefix + "config.v1+json"),
                               "layers": [dict(layer, mediaType=prefix + "layer.v1.tar+" + kind)]}).encode())
    for name, document in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                           ("index.json", {"schemaVersion": 2, "manifests": [
                               dict(manifest, mediaType=prefix + "manifest.v1+json",
                                    annotations={"org.opencontainers.image.ref.name": "latest"})]})):
        with open(os.path.join(layout, name), "w") as f:
            json.dump(document, f)
    return layout


class Fixing:
    def __init__(self, bench, once, head):
        self.bench, self.once, self.head = bench, once, head
        self.out = os.path.join(bench.scratch, "fixed")

    def timed(self, command, **kw):
        """That must succeed."""
        m = self.once(command, **kw)
        if m.status:
            sys.exit(f"{command}: exit {m.status}\n{m.out[-2000:]}")
        return m

    def uidfit(self, layout, *options, env=None):
        shutil.rmtree(self.out, ignore_errors=True)
        return self.timed([self.bench.uidfit, "fix", "--for", "docker", *options, f"oci:{layout}", f"oci:{self.out}"], env=env)

    def checked(self, layout):
        """As after a check, which leaves in the cache what layers hold."""
        env = {k: v for k, v in os.environ.items() if k != "UIDFIT_NO_CACHE"}
        env["XDG_CACHE_HOME"] = os.path.join(self.bench.scratch, "cache")
        os.makedirs(env["XDG_CACHE_HOME"], exist_ok=True)
        self.once([self.bench.uidfit, "check", "--for", "docker", f"oci:{layout}"], env=env)
        return min((self.uidfit(layout, env=env) for _ in range(2)), key=lambda m: m.seconds)

    def beside(self, layout, pipe, tries, *options):
        """The fastest of uidfit and of a shell's pipe that writes to its standard output, in turns; and what the latter wrote."""
        mine, theirs = [], []
        piped = os.path.join(self.bench.scratch, "piped")
        for _ in range(tries):
            mine.append(self.uidfit(layout, *options))
            theirs.append(self.timed(f"set -o pipefail; ({pipe}) > {piped}", shell=True))
        size = os.path.getsize(piped)
        os.unlink(piped)
        return min(mine, key=lambda m: m.seconds), min(theirs, key=lambda m: m.seconds), size

    # The image with one large layer that changes ---------------------------------------------------

    def umoci(self, layout):
        """Seconds of unpack, chown, repack, and of repack into a new image.

        The first leaves a new layer above the old one, which still does not fit; the second makes one that fits, of one layer.
        """
        copy, bundle = os.path.join(self.bench.scratch, "umoci-layout"), os.path.join(self.bench.scratch, "umoci-bundle")
        subprocess.run(["cp", "-a", layout, copy], check=True)
        seconds = [self.timed(command).seconds for command in (
            ["umoci", "unpack", "--image", copy + ":latest", bundle],
            ["chown", "-hR", "0:0", bundle + "/rootfs" + image.FOREIGN],
            ["umoci", "repack", "--image", copy + ":latest", bundle])]
        shutil.rmtree(copy)
        new = bundle + "-new"
        for command in (["init", "--layout", copy], ["new", "--image", copy + ":latest"],
                        ["unpack", "--image", copy + ":latest", new]):
            self.timed(["umoci", *command])
        os.rmdir(new + "/rootfs")
        os.rename(bundle + "/rootfs", new + "/rootfs")
        seconds.append(self.timed(["umoci", "repack", "--image", copy + ":latest", new]).seconds)
        for directory in (copy, bundle, new):
            shutil.rmtree(directory)
        return seconds

    def docker(self, archive):
        """Seconds of load, build and save, by a dockerd that takes the image, for it does not remap."""
        context = os.path.join(self.bench.scratch, "context")
        os.mkdir(context)
        with open(os.path.join(context, "Dockerfile"), "w") as f:
            f.write(f"FROM uidfit-late\nRUN chown -hR 0:0 {image.FOREIGN}\n")
        with engines.Dockerd(remap=False, parent=self.bench.scratch) as d:
            env = dict(os.environ, DOCKER_HOST="unix://" + d.socket, DOCKER_BUILDKIT="0", DOCKER_CONFIG=d.dir + "/client")
            return [self.timed([d.client, *words], env=env).seconds for words in (
                ["load", "-q", "-i", archive], ["build", "-q", "--network", "none", "-t", "chowned", context],
                ["save", "-o", os.path.join(context, "saved.tar"), "chowned"])]

    def large(self):
        top = image.late_image(self.bench.cache)
        layout = os.path.join(top, "oci")
        changed = max(layers(layout), key=os.path.getsize)
        before = os.path.getsize(changed)
        self.head(f"fix of an OCI layout with one changed layer: {before / 1e6:.0f} MB of gzip, written by skopeo")
        t = self.bench.table
        mine, pigz, piped = self.beside(layout, f"unpigz -c {changed} | pigz -6", 3)
        after = max(map(os.path.getsize, layers(self.out)))
        t.row("uidfit fix", mine.seconds, f"layer {after / 1e6:.0f} MB, {after / before:.3f} of what it was", mine.rss)
        t.row("unpigz | pigz -6 of that layer alone", pigz.seconds,
              f"{pigz.seconds / mine.seconds:.2f} times uidfit; {piped / 1e6:.0f} MB, {after / piped:.3f} is uidfit's share")
        known = self.checked(layout)
        t.row("uidfit fix after uidfit check, by the cache", known.seconds, f"{pigz.seconds / known.seconds:.2f} times as fast as that", known.rss)
        *trip, whole = self.umoci(layout)
        umoci, fitting = sum(trip), sum(trip[:2]) + whole
        t.row("umoci unpack, chown -R, umoci repack", umoci,
              f"{umoci / mine.seconds:.1f} times uidfit ({' + '.join(f'{s:.1f}' for s in trip)}); the lower layer still does not fit")
        t.row("the same, repacked into a new image, which fits", fitting,
              f"{fitting / mine.seconds:.1f} times uidfit (repack {whole:.1f})")
        docker = self.docker(os.path.join(top, "image.tar"))
        t.row("docker build FROM it, RUN chown -R", docker[1],
              f"load {docker[0]:.1f} and save {docker[2]:.1f} besides; the lower layer still does not fit")
        t.promise("faster than the pigz pipe", f"{pigz.seconds / mine.seconds:.2f}", "2", pigz.seconds >= 2 * mine.seconds)
        t.promise("size over the input's", f"{after / before:.3f}", "1.03", after <= 1.03 * before)
        t.promise("faster than umoci's round trip", f"{umoci / mine.seconds:.1f}", "5", umoci >= 5 * mine.seconds)
        t.promise("resident memory", f"{mine.rss / MIB:.1f} MiB", "256 MiB", mine.rss < 256 * MIB)

    # One layer, as each tool compresses it ---------------------------------------------------------

    def go_gzip(self, tar, to):
        """docker push compresses by Go's compress/gzip."""
        with engines.Dockerd(remap=False, parent=self.bench.scratch) as d, engines.Registry() as registry:
            name = registry.address + "/layer"
            d.docker("import", tar, name)
            d.docker("push", name)
            blobs = [os.path.join(here, f) for here, _, files in os.walk(registry.dir + "/data") for f in files]
            shutil.copyfile(max(blobs, key=os.path.getsize), to)

    def packed(self):
        """(tool, kind, path, the pipe that writes it again), made once: the third layer of the large image."""
        top = os.path.join(self.bench.cache, "bench-levels")
        rows = [(f"gzip -{n}", "gzip", f"gzip -{n} -nc", f"pigz -{n}") for n in (1, 6, 9)]
        rows += [("pigz -6", "gzip", "pigz -6 -nc", "pigz -6"), ("docker push (Go)", "gzip", None, "pigz -6"),
                 ("skopeo (pgzip)", "gzip", "skopeo", "pigz -6")]
        rows += [(f"zstd -{n}", "zstd", f"zstd -{n} -T0 -qc", f"zstd -{n} -T0 -qc") for n in (3, 19)]
        made = []
        source = self.bench.blobs()[2]
        os.makedirs(top, exist_ok=True)
        tar = os.path.join(self.bench.scratch, "layer.tar")
        for tool, kind, command, again in rows:
            path = os.path.join(top, tool.split(" (")[0].replace(" ", ""))
            made.append((tool, kind, path, f"{'zstd -dcq' if kind == 'zstd' else 'unpigz -c'} < {path} | {again}"))
            if os.path.exists(path):
                continue
            if not os.path.exists(tar):
                with gzip.open(source) as f, open(tar, "wb") as to:
                    shutil.copyfileobj(f, to, MIB)
            if command is None:
                self.go_gzip(tar, path + ".part")
            elif command == "skopeo":
                shutil.copyfile(source, path + ".part")
            else:
                subprocess.run(f"{command} < {tar} > {path}.part", shell=True, check=True)
            os.rename(path + ".part", path)
        return made

    def levels(self):
        self.head("fix of one layer, each entry of it changed, as several tools compress it")
        for tool, kind, path, pipe in self.packed():
            layout = one_layer(os.path.join(self.bench.scratch, "one-layer"), path, kind)
            mine, theirs, piped = self.beside(layout, pipe, 2, "--owner", "0=5")
            before, after = os.path.getsize(path), os.path.getsize(layers(self.out)[0])
            again = pipe.rpartition("| ")[2].replace(" -T0 -qc", " -T0")
            self.bench.table.row(f"uidfit fix of {tool}, {before / 1e6:.1f} MB", mine.seconds,
                                 f"size {after / before:.3f}; the pipe to {again}: {theirs.seconds:.1f} s, "
                                 f"{theirs.seconds / mine.seconds:.1f} times uidfit, size {piped / before:.3f}", mine.rss)
            if before > MIB:
                self.bench.table.promise("size over the input's", f"{after / before:.3f}", "1.03", after <= 1.03 * before)
