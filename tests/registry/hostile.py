"""A registry that lies: documents and places that no honest one would name."""
import hashlib
import json

from box import INDEX, MANIFEST, SECRET, USER, address, case, digest_of, equal, layers, need, told
from faulty import Proxy, Response, Server, files
from mkimage import oci_members

CREDS = ("--creds", f"{USER}:{SECRET}")
SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def documents(compress="gzip"):
    """({digest: bytes}, manifest as a dict)."""
    members, row = oci_members(layers(compress))
    blobs = {"sha256:" + name.rpartition("/")[2]: data for name, data in members.items()}
    return blobs, json.loads(blobs[row["digest"]])


def fake(blobs, top, said=MANIFEST, repository="x", digest=None):
    """A registry of one repository: top by the tag, all else by digest."""
    def document(data, kind):
        return lambda request: Response(200, data, [("Content-Type", kind), ("Docker-Content-Digest", digest or digest_of(data))])
    table = {f"/v2/{repository}/manifests/latest": document(top, said)}
    for name, data in blobs.items():
        table[f"/v2/{repository}/blobs/{name}"] = data
        table[f"/v2/{repository}/manifests/{name}"] = document(data, INDEX if b'"manifests"' in data else MANIFEST)
    return files(table)


def dumps(document):
    return json.dumps(document).encode()


@case
def content_types_that_lie(box):
    """What the document is counts, not what it is called; one that two engines read as two things is refused."""
    blobs, manifest = documents()
    top = dumps(manifest)
    blobs[digest_of(top)] = top
    row = {"mediaType": MANIFEST, "digest": digest_of(top), "size": len(top), "platform": {"os": "linux", "architecture": "amd64"}}
    index = dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [row]})
    with Server(fake(blobs, top)) as s:
        want = told(box.check(f"docker://{address(s)}/x"))
    for document in (top, index):
        for said in (MANIFEST, INDEX, SCHEMA2, LIST, SCHEMA1, "text/html", "", "application/json; charset=utf-8"):
            with Server(fake(blobs, document, said)) as s:
                equal(told(box.check(f"docker://{address(s)}/x")), want, f"called {said!r}")
    both = dumps(dict(manifest, manifests=[row]))
    other = dumps(dict(manifest, mediaType=INDEX))
    for document in (both, other, b"", b"{}", b"[]", b"not json", b'{"schemaVersion":2}', dumps({"schemaVersion": 2, "manifests": []})):
        for said in (MANIFEST, INDEX, ""):
            with Server(fake(blobs, document, said)) as s:
                box.check(f"docker://{address(s)}/x", status=3)


@case
def manifests_that_lie(box):
    blobs, manifest = documents()
    top = dumps(manifest)
    with Server(fake(blobs, top, digest="sha256:" + "0" * 64)) as s:
        box.check(f"docker://{address(s)}/x", status=3, says=["latest", "the registry says sha256:000"])
    with Server(fake(blobs, top, digest="sha999:junk")) as s:
        box.check(f"docker://{address(s)}/x", status=3)
    with Server(fake({"sha256:" + "1" * 64: top}, top)) as s:
        box.check(f"docker://{address(s)}/x@sha256:{'1' * 64}", status=3, says="digest")
    old = dumps({"schemaVersion": 1, "name": "x", "tag": "latest", "fsLayers": [], "history": [], "signatures": []})
    for said in (SCHEMA1, MANIFEST):
        with Server(fake(blobs, old, said)) as s:
            box.check(f"docker://{address(s)}/x", status=3, says="schema 1")

    def big(request):
        return Response(200, (b"a" * 65536 for _ in range(1600)), [("Content-Type", MANIFEST)], size=1600 * 65536)
    with Server(lambda r: big(r) if "manifests" in r.path else Response(404)) as s:
        done = box.check(f"docker://{address(s)}/x", status=3, says=[address(s), "more than"])
        need(s.served < 20 << 20, "100 MB are not read", f"{s.served} {done.seconds}")
    liar = dumps(dict(manifest, layers=[dict(manifest["layers"][0], size=7)] + manifest["layers"][1:]))
    with Server(fake(blobs, liar)) as s:
        box.check(f"docker://{address(s)}/x", status=3, says=["layer 0", "the manifest says 7"])


@case
def indexes_without_end(box):
    """One that names itself cannot be, but for a server that lies of digests; deep ones and long ones are bounded."""
    blobs, manifest = documents()
    top = dumps(manifest)
    me = "sha256:" + hashlib.sha256(b"me").hexdigest()
    loop = dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": me, "size": 10}]})
    with Server(fake({me: loop}, loop, INDEX)) as s:
        box.check(f"docker://{address(s)}/x", status=3, says=me)
        need(len(s.seen()) < 10, "asked few times", len(s.seen()))
    inner = {"mediaType": MANIFEST, "digest": digest_of(top), "size": len(top)}
    blobs[digest_of(top)] = top
    for _ in range(40):
        document = dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inner]})
        blobs[digest_of(document)] = document
        inner = {"mediaType": INDEX, "digest": digest_of(document), "size": len(document)}
    with Server(fake(blobs, document, INDEX)) as s:
        box.check(f"docker://{address(s)}/x", status=3, says="index-depth")
    many = [{"mediaType": INDEX, "digest": digest_of(b"%d" % i), "size": 10} for i in range(20000)]
    with Server(fake({}, dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": many}), INDEX)) as s:
        box.check(f"docker://{address(s)}/x", status=3)
        need(len(s.seen()) < 10, "asked few times", len(s.seen()))


def remote(box, server, *others):
    """registry.test and others, names that a proxy alone knows, for it leads to this host: the environment to reach them by."""
    proxy = Proxy({"registry.test:80": ("127.0.0.1", server.port), **{f"{name}:80": ("127.0.0.1", s.port) for name, s in others}})
    box.write(".config/containers/registries.conf", '[[registry]]\nprefix = "registry.test"\nlocation = "registry.test:80"\ninsecure = true\n')
    return proxy, {"http_proxy": proxy.url("")}


def private(request):
    return Response(200, b'{"token":"abc"}')


INSIDE = ("http://127.0.0.1:%d/x", "http://127.9.9.9:%d/x", "http://localhost:%d/x", "http://[::1]:%d/x", "http://0.0.0.0:%d/x",
          "http://[::ffff:127.0.0.1]:%d/x", "http://169.254.169.254/latest/meta-data/?%d", "http://[fe80::1]/%d", "http://2130706433:%d/x",
          "http://127.1:%d/x", "http://localhost.:%d/x")
NO_HTTP = ("file:///etc/passwd?%d", "ftp://127.0.0.1:%d/x", "gopher://127.0.0.1:%d/x", "//%d", "%d", "unix:///run/docker.sock?%d", "http://")


@case
def foreign_layers(box):
    """A layer's own urls: never with a credential, never to this host or its links, never another protocol."""
    blobs, manifest = documents()
    row = manifest["layers"][1]
    data = blobs.pop(row["digest"])
    with Server(None) as registry, Server(lambda r: Response(200, data)) as far, Server(private) as inside:
        def serve(url):
            more = dict(manifest, layers=[manifest["layers"][0], dict(row, urls=[url]), manifest["layers"][2]])
            registry.handler = fake(blobs, dumps(more))
        proxy, env = remote(box, registry, ("far.test", far))
        with proxy:
            serve("http://far.test/layer")
            results = told(box.check("docker://registry.test/x", *CREDS, env=env))
            need(any(f["path"] == "/home/big/own" for f in results[0]["findings"]), "read from its own place")
            need(far.seen() and all(r.get("Authorization") is None for r in far.seen()), "without a credential", far.seen())
            for url in (*INSIDE, *NO_HTTP):
                serve(url % inside.port if "%d" in url else url)
                box.check("docker://registry.test/x", *CREDS, status=3, says=["layer 1", "foreign layer"], env=env, hurry=True)
            far.handler = lambda r: Response(307, b"", [("Location", inside.url("/x"))])
            serve("http://far.test/layer")
            box.check("docker://registry.test/x", *CREDS, status=3, says="foreign layer", env=env, hurry=True)
            equal(inside.seen(), [], "what was asked of this host")
            far.handler = lambda r: Response(200, data[:-1] + b"x")
            box.check("docker://registry.test/x", "--verify", status=3, says="layer 1", env=env)
    with Server(None) as registry, Server(lambda r: Response(200, data)) as here:
        more = dict(manifest, layers=[manifest["layers"][0], dict(row, urls=[here.url("/layer")]), manifest["layers"][2]])
        registry.handler = fake(blobs, dumps(more))
        box.check(f"docker://{address(registry)}/x")
        need(here.seen(), "a registry of this host may have its layers here too")


@case
def ways_into_this_host(box):
    """A registry elsewhere names a realm, a redirect, an upload's Location here: none is followed."""
    blobs, manifest = documents()
    top = dumps(manifest)
    with Server(None) as registry, Server(private) as inside:
        proxy, env = remote(box, registry)
        good = fake(blobs, top)
        with proxy:
            registry.handler = good
            told(box.check("docker://registry.test/x", env=env))
            for url in INSIDE:
                url = url % inside.port
                registry.handler = lambda r, url=url: Response(401, b"", [("WWW-Authenticate", f'Bearer realm="{url}",service="x"')])
                box.check("docker://registry.test/x", *CREDS, status=3, env=env, hurry=True)
                box.check("docker://registry.test/x", status=3, env=env, hurry=True)
                registry.handler = lambda r, url=url: Response(307, b"", [("Location", url)]) if "/blobs/" in r.path else good(r)
                box.check("docker://registry.test/x", *CREDS, status=3, env=env, hurry=True)

                def upload(r, url=url):
                    if r.method == "POST":
                        return Response(202, b"", [("Location", url)])
                    return Response(404) if r.method == "HEAD" or r.path.endswith("/new") else good(r)
                registry.handler = upload
                box.fix("docker://registry.test/x", "docker://registry.test/x:new", status=3, env=env, hurry=True)
        equal(inside.seen(), [], "what was asked of this host")
