"""What the cases of the registry suite share: where they are listed, the program under test, servers and images."""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import random
import subprocess
import threading
import time

import engines
from faulty import Response, Server, upstream
from mkimage import Layer, Step, save_oci, save_oci_index

CASES = []
SECRET = "hunter2-tell-nobody"  # stands in no output
USER = "dora"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
SECONDS = 240  # one run of the program, at most, on a machine with much else to do
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"
BIG = b"big:x:1000000:1000000::/home/big:/bin/sh\n"


def case(f):
    CASES.append(f)
    return f


class Failure(Exception):
    """A case that did not hold."""


def need(good, what, detail=""):
    if not good:
        raise Failure(what + (f": {detail}" if detail != "" else ""))


def difference(is_, want, path=""):
    """Where two documents part."""
    if isinstance(is_, dict) and isinstance(want, dict) and is_.keys() == want.keys():
        return next(difference(is_[k], want[k], f"{path}.{k}") for k in is_ if is_[k] != want[k])
    if isinstance(is_, list) and isinstance(want, list) and len(is_) == len(want):
        return next(difference(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(is_, want)) if a != b)
    return f"{path} {is_!r}, not {want!r}"


def equal(is_, want, what):
    if is_ != want:
        raise Failure(f"{what}: {difference(is_, want)}")


class Done:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err.decode("utf-8", "backslashreplace"), seconds

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The line of the error; notes stand before it."""
        return next((x for x in self.err.splitlines() if x.startswith("uidfit: ")), "")


class Box:
    """A directory for one case, and the program under test with a home of its own."""

    def __init__(self, shared, top):
        self.shared, self.top, self.runs, self.lock = shared, top, 0, threading.Lock()

    def path(self, *names):
        path = os.path.join(self.top, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text):
        path = self.path(name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as f:
            f.write(text)
        return path

    def environment(self, more):
        with self.lock:
            self.runs += 1
            number = self.runs
        env = {k: v for k, v in os.environ.items() if k.lower() not in PROXIES and not k.startswith(("SSL_CERT", "XDG", "REGISTRY", "DOCKER", "UIDFIT_NO_CACHE"))}
        # No cache between runs: what is counted is what is asked.
        env.update(HOME=self.top, XDG_RUNTIME_DIR=self.top, XDG_CONFIG_HOME=self.top + "/.config", XDG_CACHE_HOME=f"{self.top}/.cache/{number}")
        env.update(more or {})
        return env

    def run(self, *args, status=0, says=None, env=None, hurry=False, seconds=SECONDS, input=None):
        """status: the wanted exit code, or several. says: what the error is to hold."""
        program = self.shared.hurry if hurry else self.shared.uidfit
        args, start = [str(a) for a in args], time.monotonic()
        try:
            p = subprocess.run([program, *args], input=input, capture_output=True, timeout=seconds, env=self.environment(env),
                               **({"stdin": subprocess.DEVNULL} if input is None else {}))
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{' '.join(args)}: no end within {seconds} s: {(e.stderr or b'')[-1500:]}") from e
        done = Done(p.returncode, p.stdout, p.stderr, time.monotonic() - start)
        wanted = status if isinstance(status, tuple) else (status,)
        need(done.code in wanted, " ".join(args), f"exit {done.code}, not {status}: {done.err[-2500:]}{done.out.decode(errors='replace')[-800:]}")
        need(SECRET not in done.err and SECRET.encode() not in done.out, "a secret is shown", done.err)
        if says is not None:
            for word in [says] if isinstance(says, str) else says:
                need(word in done.error, f"{' '.join(args)}: its error", f"no {word!r} in {done.err!r}")
        if done.code == 3 and "fix" not in args[:1]:
            need(done.err.count("uidfit: ") == 1, f"{' '.join(args)}: one line", done.err)
        return done

    def check(self, reference, *options, status=1, **kw):
        return self.run("check", "--format", "json", *options, reference, status=status, **kw)

    def fix(self, source, dest, *options, **kw):
        return self.run("fix", *options, source, dest, **kw)


def told(done):
    """What a check says of its images, but for what they are called."""
    results = done.json["results"]
    for r in results:
        for key in ("image", "name", "digest", "notes"):
            r.pop(key, None)
    return results


# --- images ----------------------------------------------------------------------------------------------------------------

def layers(compress, probe=b"", size=200_000, seed=1):
    """Three layers, of which the second one does not fit, and has a file of that size."""
    noise = random.Random(seed)
    return [Layer("ADD base", compress=compress).root().dir("etc").file("etc/passwd", PASSWD).file("probe", probe, mode=0o755)
            .file("base", noise.randbytes(200_000)),
            Step("ENV A=1"),
            Layer("RUN adduser big", compress=compress).dir("etc").file("etc/passwd", PASSWD + BIG).dir("home").dir("home/big", uid=1000000, gid=1000000)
            .file("home/big/own", noise.randbytes(size), uid=1000000, gid=1000000, how="pax"),
            Layer("COPY app", compress=compress).dir("app").file("app/a", noise.randbytes(200_000), uid=1000, gid=1000)]


def layout(box, name="app", compress="gzip", **kw):
    """"oci:DIR:latest" of an image of its own."""
    path = box.path("layouts", name)
    save_oci(path, layers(compress, **kw))
    return f"oci:{path}:latest"


def two_platforms(box, name="two"):
    path = box.path("layouts", name)
    save_oci_index(path, [{"layers": layers("gzip", seed=3), "platform": {"os": "linux", "architecture": "amd64"}},
                          {"layers": layers("gzip", seed=4), "arch": "arm64", "platform": {"os": "linux", "architecture": "arm64"}}])
    # One name for both, as registries have it: an index below index.json.
    with open(path + "/index.json", "rb") as f:
        inner = f.read()
    digest = hashlib.sha256(inner).hexdigest()
    with open(f"{path}/blobs/sha256/{digest}", "wb") as f:
        f.write(inner)
    with open(path + "/index.json", "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [{"mediaType": INDEX, "digest": "sha256:" + digest, "size": len(inner),
                                                      "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}, f)
    return f"oci:{path}:latest"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# --- servers ---------------------------------------------------------------------------------------------------------------

class Registries:
    """The real ones, started when first asked for, ended together."""

    def __init__(self, top, certificates):
        self.top, self.certificates = top, certificates
        self.stack, self.started, self.lock = contextlib.ExitStack(), {}, threading.Lock()

    def get(self, name, make):
        with self.lock:
            if name not in self.started:
                self.started[name] = self.stack.enter_context(make())
            return self.started[name]

    @property
    def plain(self):
        return self.get("plain", engines.Registry)

    @property
    def other(self):
        return self.get("other", engines.Registry)

    @property
    def tls(self):
        cert, key = self.certificates["good"]
        return self.get("tls", lambda: engines.Registry(tls={"certificate": cert, "key": key}))

    @property
    def htpasswd(self):
        path = os.path.join(self.top, "htpasswd")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"{USER}:{bcrypt(SECRET)}\n")
        return self.get("htpasswd", lambda: engines.Registry(auth={"htpasswd": {"realm": "test", "path": path}}))

    @property
    def tokens(self):
        return self.get("tokens", lambda: TokenServer(self.certificates["good"]))

    @property
    def token(self):
        t = self.tokens
        return self.get("token", lambda: engines.Registry(auth={"token": {
            "realm": t.url("/token"), "service": "test", "issuer": "test", "rootcertbundle": self.certificates["good"][0]}}))

    def close(self):
        self.stack.close()


def bcrypt(secret):
    """The hash that htpasswd -B makes, by libcrypt."""
    import ctypes
    import ctypes.util
    lib = ctypes.CDLL(ctypes.util.find_library("crypt"))
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(secret.encode(), b"$2b$05$abcdefghijklmnopqrstuu").decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer(Server):
    """Tokens as distribution's spec/auth/token and spec/auth/jwt have them. Who asks as nobody may pull of public/; USER may all."""

    def __init__(self, pair):
        self.cert, self.key = pair
        with open(self.cert, encoding="ascii") as f:
            self.der = "".join(x.strip() for x in f if "-----" not in x)
        super().__init__(self.answer)

    def answer(self, request):
        path, _, query = request.path.partition("?")
        if path != "/token":
            return Response(404)
        fields = [x.partition("=") for x in (query or request.body.decode()).split("&")]
        given = request.get("Authorization")
        if given and given != basic():
            return Response(401, b'{"details":"incorrect username or password"}')
        access = []
        for name, _, value in fields:
            if name != "scope":
                continue
            for scope in decode(value).split(" "):
                kind, repository, actions = scope.split(":")
                actions = [a for a in actions.split(",") if given or (repository.startswith("public/") and a == "pull")]
                access.append({"type": kind, "name": repository, "actions": actions})
        return Response(200, json.dumps({"token": self.token(access)}).encode())

    def token(self, access):
        now = int(time.time())
        head = b64url(json.dumps({"typ": "JWT", "alg": "ES256", "x5c": [self.der]}).encode())
        body = b64url(json.dumps({"iss": "test", "sub": USER, "aud": "test", "exp": now + 300, "nbf": now - 10, "iat": now,
                                  "jti": str(random.random()), "access": access}).encode())
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=f"{head}.{body}".encode(), capture_output=True, check=True)
        return f"{head}.{body}.{b64url(raw_signature(done.stdout))}"


def raw_signature(der):
    """ECDSA's two numbers (DER) as JWT has them: 32 bytes each."""
    out, at = b"", 2
    for _ in range(2):
        n = der[at + 1]
        out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + n
    return out


def decode(text):
    import urllib.parse
    return urllib.parse.unquote_plus(text)


def basic(user=USER, secret=SECRET):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def front(registry, **kw):
    """A server that hands on to a real registry, whose answers can be broken, and that counts."""
    host, port = registry.address.split(":")
    return Server(upstream(host, int(port)), **kw)


def address(server):
    return f"127.0.0.1:{server.port}"


def guarded(registry):
    """The same that wants USER's credential first, and takes it from what it hands on."""
    host, port = registry.address.split(":")
    behind = upstream(host, int(port))

    def handle(request):
        if request.get("Authorization") != basic():
            return Response(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who is there"}]}', [("WWW-Authenticate", 'Basic realm="test"')])
        request.headers = [(k, v) for k, v in request.headers if k.lower() != "authorization"]
        return behind(request)
    return Server(handle)


def skopeo(*args, **kw):
    return engines.must([engines.need("skopeo")[0], "--insecure-policy", *args], **kw)


def push(registry, source, name, *options):
    """Into a real registry; the tag's manifest digest."""
    skopeo("copy", "-q", "--dest-tls-verify=false", *options, source, f"docker://{registry.address}/{name}")
    return f"{registry.address}/{name}"


def get(registry, path, accept=f"{INDEX}, {MANIFEST}", method="GET"):
    """(status, headers, body) of a plain registry."""
    host, port = registry.address.split(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as c:
        c.request(method, path, headers={"Accept": accept})
        r = c.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()


def manifest(registry, repository, reference="latest"):
    status, _, body = get(registry, f"/v2/{repository}/manifests/{reference}")
    need(status == 200, f"manifest of {repository}:{reference}", status)
    return json.loads(body)


def sent(server, repository):
    """{digest: bytes} of what was uploaded to a front, and its requests' methods and paths."""
    out, part = {}, {}
    for r in server.seen():
        if f"/v2/{repository}/blobs/uploads/" not in r.path:
            continue
        where = r.path.partition("?")[0]
        part[where] = part.get(where, 0) + len(r.body)
        if r.method == "PUT":
            out[decode(r.path.rpartition("digest=")[2].split("&")[0])] = part[where]
    return out
