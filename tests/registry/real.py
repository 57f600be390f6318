"""Cases against real registries: what is read is what was pushed, and what was written is what engines take."""
import base64
import json
import os
import re
import subprocess

import engines
from box import (INDEX, SECRET, USER, address, basic, bcrypt, case, decode, digest_of, equal, front, get, guarded, layers, layout, manifest, need, push, sent, skopeo,
                 told, two_platforms)
from faulty import Proxy, Socks, instead
from mkimage import save_docker_archive


def creds(secret=SECRET):
    return ("--creds", f"{USER}:{secret}")


@case
def reads_what_was_pushed(box):
    """Every form says what the layout says that it was pushed from."""
    registry = box.shared.registries.plain
    for name, compress, options in (("gzip", "gzip", ()), ("zstd", "zstd", ()), ("plain", None, ("--preserve-digests",)),
                                    ("schema2", "gzip", ("--format", "v2s2"))):
        source = layout(box, name, compress)
        push(registry, source, f"read/{name}", *options)
        want = told(box.check(source, "--verify"))
        for more in ((), ("--verify",)):
            is_ = told(box.check(f"docker://{registry.address}/read/{name}", *more))
            if name == "schema2":
                for r in is_ + want:
                    for layer in r["layers"]:
                        layer.pop("media_type", None)
            equal(is_, want, f"{name} {more}")
    digest = digest_of(get(registry, "/v2/read/gzip/manifests/latest")[2])
    for reference in ("@" + digest, ":latest@" + digest):
        equal(told(box.check(f"docker://{registry.address}/read/gzip{reference}")), told(box.check(layout(box, "gzip", "gzip"))), reference)
    box.check(f"docker://{registry.address}/read/gzip@sha256:{'0' * 64}", status=3, says=[f"{registry.address}/read/gzip", "has no image"])


@case
def every_verb_reads(box):
    registry = box.shared.registries.plain
    source = layout(box, "verbs")
    name = "docker://" + push(registry, source, "verbs")
    for args in (["owners", "--format", "json"], ["suggest"]):
        status = (0, 1)
        mine, want = (box.run(*args, x, status=status).out.replace(x.encode(), b"X") for x in (name, source))
        equal(mine, want, args[0])
    said = box.run("explain", "--image", name, "container ID 1000000 cannot be mapped to a host ID").out.decode()
    need("/home/big" in said, "explain --image names the entry", said)


@case
def an_index_of_two_platforms(box):
    registry = box.shared.registries.plain
    source = two_platforms(box)
    name = "docker://" + push(registry, source, "two", "--all")
    for options in (("--platform", "linux/arm64"), ("--platform", "linux/amd64"), ("--all-platforms",)):
        equal(told(box.check(name, *options)), told(box.check(source, *options)), str(options))
    box.check(name, "--platform", "linux/s390x", status=3, says="linux/arm64")


@case
def podman_pushes(box):
    registry = box.shared.registries.plain
    with engines.Podman(rootless=False) as p:
        for name, options in (("oci", ("--format", "oci")), ("v2s2", ("--format", "v2s2")),
                              ("zstd", ("--format", "oci", "--compression-format", "zstd"))):
            p.podman("pull", "-q", layout(box, "podman-" + name, "gzip", seed=len(name)))
            image = p.podman("images", "-q").split()[0]
            p.podman("push", "-q", *options, "--tls-verify=false", image, f"{registry.address}/podman:{name}")
            p.podman("rmi", "-f", image)
            paths = {f["path"] for f in told(box.check(f"docker://{registry.address}/podman:{name}"))[0]["findings"]}
            need(paths >= {"/home/big", "/home/big/own"}, f"podman push {name}", paths)


@case
def tls_of_its_own_ca(box):
    registry = box.shared.registries.tls
    source = layout(box, "tls")
    skopeo("copy", "-q", "--dest-tls-verify=false", source, f"docker://{registry.address}/tls")
    name, (ca, _) = f"docker://{registry.address}/tls", box.shared.registries.certificates["ca"]
    want = told(box.check(source))
    box.check(name, status=3, says=["TLS", registry.address])
    equal(told(box.check(name, "--tls-verify=false")), want, "--tls-verify=false")
    with open(ca, encoding="ascii") as f:
        pem = f.read()
    box.write("certs/ca.crt", pem)
    equal(told(box.check(name, "--cert-dir", box.path("certs"))), want, "--cert-dir")
    equal(told(box.check(name, env={"SSL_CERT_FILE": ca})), want, "SSL_CERT_FILE")
    box.write(f".config/containers/certs.d/{registry.address}/ca.crt", pem)
    equal(told(box.check(name)), want, "certs.d")
    box.fix(name, name + ":fixed")
    box.check(name + ":fixed", status=0)
    box.check(f"docker://{box.shared.registries.plain.address}/none", "--tls-verify=true", status=3, says="TLS")


@case
def basic_credentials(box):
    registry = box.shared.registries.htpasswd
    source, host = layout(box, "basic"), registry.address
    push(registry, source, "basic", "--dest-creds", f"{USER}:{SECRET}")
    name = f"docker://{host}/basic"
    want = told(box.check(source))
    box.check(name, status=3, says=[f"{host}/basic", "401", "no credential is known"])
    box.check(name, *creds("wrong"), status=3, says=[f"{host}/basic", "--creds", "not accepted"])
    equal(told(box.check(name, *creds())), want, "--creds")
    equal(told(box.run("check", "--format", "json", "--username", USER, "--password-stdin", name, status=1, input=SECRET.encode() + b"\n")), want,
          "--password-stdin")
    auth = box.path("auth.json")
    skopeo("login", "--authfile", auth, "--tls-verify=false", "-u", USER, "-p", SECRET, host)
    equal(told(box.check(name, "--authfile", auth)), want, "what skopeo login writes")
    wrong = box.write("wrong.json", json.dumps({"auths": {host: {"auth": base64.b64encode(b"dora:no").decode()}}}))
    box.check(name, "--authfile", wrong, status=3, says=[wrong, "not accepted"])
    box.check(name, "--no-creds", status=3, says="no credential")
    box.fix(name, name + ":fixed", *creds())
    box.check(name + ":fixed", *creds(), status=0)
    plain = box.shared.registries.plain
    box.fix(name, f"docker://{plain.address}/from-basic:1", "--src-creds", f"{USER}:{SECRET}", "--dest-no-creds")
    box.check(f"docker://{plain.address}/from-basic:1", status=0)
    box.fix(f"docker://{plain.address}/from-basic:1", name + ":back", status=3, says="no credential")


@case
def wrong_credentials_are_sent_once(box):
    registry = box.shared.registries.htpasswd
    with front(registry) as s:
        box.check(f"docker://{address(s)}/basic", *creds("wrong"), status=3)
        equal(sum(r.get("Authorization") is not None for r in s.seen()), 1, "an account is not locked by one typo")


@case
def tokens(box):
    registry, server = box.shared.registries.token, box.shared.registries.tokens
    source, host = layout(box, "token"), registry.address
    for name in ("public/app", "private/app"):
        push(registry, source, name, "--dest-creds", f"{USER}:{SECRET}")
    want = told(box.check(source))
    equal(told(box.check(f"docker://{host}/public/app")), want, "as nobody")
    box.check(f"docker://{host}/private/app", status=3, says=[f"{host}/private/app", "401", "no credential is known"])
    box.check(f"docker://{host}/private/app", *creds("wrong"), status=3, says=["token server", "incorrect username or password", "--creds"])
    equal(told(box.check(f"docker://{host}/private/app", *creds())), want, "--creds")
    server.forget()
    with front(registry) as s:
        # Nobody may write; who may is not asked twice, and reads there what is mounted from here.
        box.fix(f"docker://{address(s)}/public/app", f"docker://{address(s)}/public/fixed:1", status=3, says=["public/fixed", "401"])
        server.forget()
        box.fix(f"docker://{address(s)}/private/app", f"docker://{address(s)}/private/fixed:1", *creds())
        asked = [decode(r.path) for r in server.seen()]
        equal(len(asked), 2, f"a token to read, one to write: {asked}")
        need("scope=repository:private/fixed:pull,push&scope=repository:private/app:pull" in asked[0], "the second scope is where blobs are mounted from", asked)
        equal(sum("mount=" in r.path for r in s.seen("POST")) >= 2, True, "mounts were asked for")
        box.check(f"docker://{address(s)}/private/fixed:1", *creds(), status=0)
        # It runs out between two layers.
        s.forget()
        server.forget()
        challenge = f'Bearer realm="{server.url("/token")}",service="test",scope="repository:private/app:pull",error="invalid_token"'
        s.fault("GET /v2/private/app/blobs", instead(401, headers=[("WWW-Authenticate", challenge)]))
        equal(told(box.check(f"docker://{address(s)}/private/app", *creds())), want, "a token that runs out")
        equal(len(server.seen()), 2, "one more token")


@case
def registry_tokens(box):
    """--registry-token goes as it is; a token that the registry does not take is an error after one more look."""
    registry, server = box.shared.registries.token, box.shared.registries.tokens
    push(registry, layout(box, "given"), "private/given", "--dest-creds", f"{USER}:{SECRET}")
    token = server.token([{"type": "repository", "name": "private/given", "actions": ["pull"]}])
    box.check(f"docker://{registry.address}/private/given", "--registry-token", token)
    with front(registry) as s:
        box.check(f"docker://{address(s)}/private/given", "--registry-token", SECRET, status=3, says=["--registry-token", "401"])
        need(len(s.seen("GET /v2/private")) <= 2, "a token is not sent again and again", s.seen())


@case
def uploads_what_changed(box):
    """The unchanged layers travel neither from here nor to there; each is asked for once; the tag comes last."""
    plain = box.shared.registries.plain
    push(plain, layout(box, "count"), "count/app")
    before = [x["digest"] for x in manifest(plain, "count/app")["layers"]]
    with front(plain) as s:
        host = address(s)
        # In its own repository: they are there.
        box.fix(f"docker://{host}/count/app", f"docker://{host}/count/app:fixed")
        after = manifest(plain, "count/app", "fixed")
        digests = [x["digest"] for x in after["layers"]]
        changed = [d for d in digests if d not in before]
        equal(len(changed), 1, "one layer changes")
        equal(sorted(sent(s, "count/app")), sorted(changed + [after["config"]["digest"]]), "what was uploaded")
        for d in digests:
            if d in before:
                equal(len(s.seen(f"HEAD /v2/count/app/blobs/{d}")), 1, "an unchanged layer is asked for once")
                equal(len(s.seen(f"GET /v2/count/app/blobs/{d}")), 1, "and read once, to check it")
        puts = [r.path for r in s.seen("PUT")]
        need(puts[-1] == "/v2/count/app/manifests/fixed" and "manifests" not in "".join(puts[:-1]), "the tag comes last", puts)
        # In another repository of the same registry: they are mounted.
        s.forget()
        box.fix(f"docker://{host}/count/app", f"docker://{host}/count/moved:1")
        equal(sorted(sent(s, "count/moved")), changed, "what was uploaded beside mounts")
        for d in digests:
            if d in before:
                equal(len(s.seen(f"POST /v2/count/moved/blobs/uploads/\\?mount={re.escape(d)}&from=count/app")), 1, "mounted")
        equal(len(s.seen("DELETE")), 0, "no upload was begun for nothing")
    # In another registry: they are copied.
    other = box.shared.registries.other
    with front(other) as s:
        box.fix(f"docker://{plain.address}/count/app", f"docker://{address(s)}/count/app:1")
        equal(len(sent(s, "count/app")), 4, "all of it goes to another registry")
    for registry, name in ((plain, "count/app:fixed"), (plain, "count/moved:1"), (other, "count/app:1")):
        box.check(f"docker://{registry.address}/{name}", "--verify", status=0)


@case
def a_tag_that_is_there(box):
    plain = box.shared.registries.plain
    push(plain, layout(box, "tagged"), "tagged")
    name = f"docker://{plain.address}/tagged"
    before = get(plain, "/v2/tagged/manifests/latest")[2]
    with front(plain) as s:
        box.fix(name, f"docker://{address(s)}/tagged", status=3, says=["tagged:latest is there already", "--replace"])
        equal([r.method for r in s.seen() if r.method not in ("GET", "HEAD")], [], "nothing was sent")
        # It appears while the image is written.
        s.fault("GET /v2/tagged/manifests/latest", instead(404))
        box.fix(name, f"docker://{address(s)}/tagged", status=3, says="is there already")
    equal(get(plain, "/v2/tagged/manifests/latest")[2], before, "the tag has not moved")
    box.fix(name, name, "--replace")
    box.check(name, status=0)
    box.fix(name, f"docker://{plain.address}/tagged@{digest_of(before)}", status=2, says="a digest is no name to write to")


@case
def all_platforms(box):
    plain = box.shared.registries.plain
    push(plain, two_platforms(box, "all"), "all", "--all")
    name = f"docker://{plain.address}/all"
    with front(plain) as s:
        box.fix(name, f"docker://{address(s)}/all:fixed", "--all-platforms")
        puts = [r.path for r in s.seen("PUT /v2/all/manifests")]
        equal([p.rpartition("/")[2][:7] for p in puts], ["sha256:", "sha256:", "fixed"], "two manifests, then the index by its tag")
    index = manifest(plain, "all", "fixed")
    equal((index["mediaType"], len(index["manifests"])), (INDEX, 2), "the index")
    box.check(name + ":fixed", "--all-platforms", "--verify", status=0)


@case
def to_files_and_back(box):
    plain = box.shared.registries.plain
    push(plain, layout(box, "files"), "files")
    name = f"docker://{plain.address}/files"
    for dest in (f"docker-archive:{box.path('out.tar')}:app:1", f"oci:{box.path('out')}:app", f"oci-archive:{box.path('out.oci')}",
                 f"dir:{box.path('out.dir')}"):
        box.fix(name, dest)
        box.check(dest.replace(":app:1", "").replace("out:app", "out"), "--verify", status=0)
    save_docker_archive(box.path("in.tar"), layers(None))
    for i, source in enumerate((f"docker-archive:{box.path('in.tar')}", layout(box, "back", "zstd"))):
        box.fix(source, f"{name}:back{i}")
        box.check(f"{name}:back{i}", "--verify", status=0)
    with open(box.path("in.tar"), "rb") as f:
        box.fix("-", f"{name}:stdin", input=f.read())
    box.check(f"{name}:stdin", "--verify", status=0)


@case
def a_layer_of_several_chunks(box):
    plain = box.shared.registries.plain
    source = layout(box, "chunks", None, size=40 << 20)
    with front(plain) as s:
        box.fix(source, f"docker://{address(s)}/chunks:1")
        patches = [len(r.body) for r in s.seen("PATCH")]
        equal(patches[:2], [16 << 20] * 2, "chunks of 16 MiB")
        equal((len(patches), sum(patches) > 40 << 20), (3, True), "and what is left")
    box.check(f"docker://{plain.address}/chunks:1", "--verify", status=0)


@case
def mirrors(box):
    plain, other = box.shared.registries.plain, box.shared.registries.other
    push(plain, layout(box, "mirrored"), "far/mirrored")
    want = told(box.check(layout(box, "mirrored")))
    with front(plain) as own, front(other) as empty:
        def conf(text):
            box.write(".config/containers/registries.conf", text)
        conf(f'[[registry]]\nprefix = "registry.test/team"\nlocation = "{address(own)}/far"\n')
        equal(told(box.check("docker://registry.test/team/mirrored")), want, "a location")
        conf(f'[[registry]]\nprefix = "registry.test/team"\nlocation = "registry.invalid/team"\n[[registry.mirror]]\nlocation = "{address(own)}/far"\n')
        own.forget()
        equal(told(box.check("docker://registry.test/team/mirrored", *creds())), want, "a mirror, the registry itself being out of reach")
        need(all(r.get("Authorization") is None for r in own.seen()), "--creds is not for a mirror elsewhere")
        conf(f'[[registry]]\nprefix = "registry.test/team"\nlocation = "{address(own)}/far"\n[[registry.mirror]]\nlocation = "{address(empty)}/far"\n')
        equal(told(box.check("docker://registry.test/team/mirrored")), want, "a mirror that has no such image")
        need(empty.seen("GET /v2/far/mirrored"), "the mirror was asked first")
        empty.forget()
        empty.fault("", instead(403), times=None)
        done = box.check("docker://registry.test/team/mirrored")
        equal(told(done), want, "a mirror that refuses")
        equal(len(empty.seen("GET /v2/far")), 1, "a mirror that failed is not asked again")
    with guarded(plain) as shut:
        conf(f'[[registry]]\nprefix = "registry.test"\nlocation = "registry.invalid"\n[[registry.mirror]]\nlocation = "{address(shut)}/far"\n')
        box.check("docker://registry.test/mirrored", *creds(), status=3, says="registry.invalid")
        need(shut.seen("GET /v2/far") and all(r.get("Authorization") is None for r in shut.seen()), "a mirror elsewhere asks for --creds in vain")
        auth = box.write("auth.json", json.dumps({"auths": {address(shut): {"auth": basic()[6:]}}}))
        equal(told(box.check("docker://registry.test/mirrored", "--authfile", auth)), want, "a mirror's own credential")


@case
def what_a_typo_says(box):
    """One line that names it, in seconds: no such tag, no such name, no server, no network at all."""
    plain = box.shared.registries.plain
    push(plain, layout(box, "typo"), "typo")
    box.check(f"docker://{plain.address}/typo:lates", status=3, says=[f"{plain.address}/typo", "lates", "has no image"])
    box.check(f"docker://{plain.address}/tipo", status=3, says=[f"{plain.address}/tipo", "has no image"])
    box.check("docker://127.0.0.1:1/typo", status=3, says=["127.0.0.1:1", "connect"])
    box.check("docker://registry.invalid/typo", status=3, says="registry.invalid")
    box.check("docker://UPPER", status=2, says="UPPER")
    done = subprocess.run(["unshare", "-n", box.shared.uidfit, "check", "docker://debian"], capture_output=True, text=True, timeout=60,
                          env=box.environment(None))
    need(done.returncode == 3 and "registry-1.docker.io" in done.stderr, "docker.io without a network", f"{done.returncode} {done.stderr}")


@case
def http_proxies(box):
    """A name that a proxy alone knows; the credential of the registry is not the proxy's to see in its own header."""
    plain = box.shared.registries.plain
    push(plain, layout(box, "proxied"), "proxied")
    host, port = plain.address.split(":")
    with Proxy({"registry.test:80": (host, int(port))}) as p:
        box.write(".config/containers/registries.conf", '[[registry]]\nprefix = "registry.test"\nlocation = "registry.test:80"\ninsecure = true\n')
        box.check("docker://registry.test/proxied", env={"http_proxy": p.url("")})
        need(any("registry.test:80" in x for x in p.asked), "the proxy was asked", p.asked)
    with Socks({"registry.test:80": (host, int(port))}) as p:
        for variable in ("http_proxy", "ALL_PROXY"):
            box.check("docker://registry.test/proxied", env={variable: f"socks5h://127.0.0.1:{p.port}"})
        box.fix("docker://registry.test/proxied", "docker://registry.test/proxied:socks", env={"ALL_PROXY": f"socks5h://127.0.0.1:{p.port}"})
        need("SOCKS registry.test:80 without credentials" in p.asked, "the SOCKS proxy was asked, by name", p.asked)


@case
def ipv6_loopback(box):
    """[::1]:PORT in references, auth files, certs.d and registries.conf; http:// is tried there as on any loopback."""
    source = layout(box, "six")
    want = told(box.check(source))
    with engines.Registry(host="::1") as r:
        box.fix(source, f"docker://{r.address}/team/six:fixed")
        box.check(f"docker://{r.address}/team/six:fixed", status=0)
        box.check(f"docker://{r.address}/team/none", status=3, says=[f"{r.address}/team/none", "has no image"])
        box.check(f"docker://{r.address}/team/six:fixed", "--tls-verify=true", status=3, says=["TLS", r.address])
        box.check(f"docker://[0:0:0:0:0:0:0:1]:{r.port}/team/six:fixed", status=0)
        conf = f'[[registry]]\nprefix = "six.test/a"\nlocation = "{r.address}/team"\ninsecure = true\n' \
               f'[[registry]]\nlocation = "other.test"\n[[registry.mirror]]\nlocation = "{r.address}"\ninsecure = true\n'
        env = {"CONTAINERS_REGISTRIES_CONF": box.write("six.conf", conf)}
        box.check("docker://six.test/a/six:fixed", status=0, env=env)
        box.check("docker://other.test/team/six:fixed", status=0, env=env)
    (cert, key), (ca, _) = (box.shared.registries.certificates[x] for x in ("good", "ca"))
    auth = {"htpasswd": {"realm": "test", "path": box.write("htpasswd", f"{USER}:{bcrypt(SECRET)}\n")}}
    with engines.Registry(host="::1", tls={"certificate": cert, "key": key}, auth=auth) as r:
        name = f"docker://{r.address}/six"
        box.check(name, *creds(), status=3, says=["TLS", r.address])
        with open(ca, encoding="ascii") as f:
            box.write(f".config/containers/certs.d/{r.address}/ca.crt", f.read())
        box.check(name, status=3, says=[f"{r.address}/six", "no credential is known"])
        secret = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        skopeo("copy", "-q", "--preserve-digests", source, f"oci:{box.path('layouts', 'same')}:latest")
        for key in (r.address, f"{r.address}/six", f"https://{r.address}/v1/"):
            file = box.write("six.json", json.dumps({"auths": {key: {"auth": secret}}}))
            box.fix(source, f"{name}:{len(key)}", "--authfile", file)
            box.check(f"{name}:{len(key)}", "--authfile", file, status=0)
        wrong = box.write("wrong.json", json.dumps({"auths": {"[::1]": {"auth": secret}}}))
        box.check(name, "--authfile", wrong, status=3, says="no credential")
    need(want[0]["findings"], "the image does not fit as it was")


@case
def engines_take_what_was_written(box):
    """dockerd with userns-remap refuses what was pushed, and pulls and runs what was fixed; podman too."""
    plain = box.shared.registries.plain
    with open(box.shared.probe, "rb") as f:
        probe = f.read()
    for name, options in (("run/gzip", ()), ("run/schema2", ("--format", "v2s2"))):
        push(plain, layout(box, name.replace("/", "-"), "gzip", probe=probe), name, *options)
        box.fix(f"docker://{plain.address}/{name}", f"docker://{plain.address}/{name}:fixed")
    push(plain, layout(box, "run-zstd", "zstd", probe=probe), "run/zstd")
    box.fix(f"docker://{plain.address}/run/zstd", f"docker://{plain.address}/run/zstd:fixed")
    with engines.Dockerd(remap=True) as d:
        for name in ("run/gzip", "run/schema2"):
            answer = d.pull(f"{plain.address}/{name}:latest")
            need(not answer.accepted and "1000000" in answer.output, "dockerd refuses the image as it was", answer.output)
            answer = d.pull(f"{plain.address}/{name}:fixed")
            need(answer.accepted, f"dockerd pulls {name}:fixed", answer.output)
            answer = d.start(f"{plain.address}/{name}:fixed", "/probe", "ls", "/home/big/own")
            need(answer.accepted and " 0 0 " not in answer.output and "/home/big/own" in answer.output, "it runs", answer.output)
    with engines.Podman() as p:
        for name in ("run/gzip", "run/zstd"):
            done = p.podman("pull", "-q", "--tls-verify=false", f"{plain.address}/{name}:fixed", check=False)
            need(done.returncode == 0, f"podman pulls {name}:fixed", done.stdout)
