"""A real registry behind a server that breaks its answers: each run ends in success, or in one clear line within its bound.

A credential reaches the registry that was named, and nobody else.
"""
import contextlib
import http.client
import random

import faulty
from box import SECRET, USER, address, basic, case, decode, equal, front, get, guarded, layout, manifest, need, push, sent, told
from faulty import Close, Response, Server, Silent, cut, cut_anywhere, drip, instead, stall, wrong_bytes, wrong_length
from uploads import Uploads

CREDS = ("--creds", f"{USER}:{SECRET}")


def sometimes(fault, share, seed):
    """The fault for that share of the answers, at random."""
    rng = random.Random(seed)

    def what(conn, request, response):
        (fault if rng.random() < share else faulty.plain)(conn, request, response)
    return what


@contextlib.contextmanager
def broken(box, name, make=front, **kw):
    """A front of the plain registry that holds an image NAME: the server, and the image's reference there."""
    plain = box.shared.registries.plain
    push(plain, layout(box, name, **kw), name)
    with make(plain) as s:
        yield s, f"docker://{address(s)}/{name}"


def layer(box, name, i):
    return manifest(box.shared.registries.plain, name)["layers"][i]["digest"]


@case
def answers_cut_at_random(box):
    with broken(box, "cut") as (s, name):
        want = told(box.check(name))
        for seed in range(8):
            s.forget()
            s.fault("", sometimes(cut_anywhere(seed), 0.3, seed), times=None)
            equal(told(box.check(name, "--verify", hurry=True)), want, f"seed {seed}")


@case
def a_host_that_is_silent(box):
    """It is given up after one more try, whether http:// may be tried there or not. 3 s is the least for each try, in a hurry too."""
    for full in (False, True):
        with Silent(full) as s:
            for options in ((), ("--tls-verify=true",)):
                done = box.check(f"docker://127.0.0.1:{s.port}/x", *options, status=3, says=f"127.0.0.1:{s.port}", hurry=True)
                need(" within " in done.error and done.seconds < 20, "given up in time", f"{done.seconds} {done.err}")


@case
def uploads_cut_at_random(box):
    with broken(box, "torn") as (s, name):
        for seed in range(5):
            s.forget()
            s.fault("", sometimes(cut_anywhere(seed), 0.2, seed), times=None)
            box.fix(name, f"{name}:{seed}", hurry=True)
            s.forget()
            box.check(f"{name}:{seed}", "--verify", status=0)


@case
def each_kind_of_answer_cut(box):
    """One of each, cut in head and body: POST, PUT of blob and manifest, HEAD, GET."""
    with broken(box, "kinds") as (s, name):
        for i, (what, after) in enumerate((w, a) for w in ("POST", "PUT /v2/kinds/blobs", "PUT /v2/kinds/manifests", "HEAD", "GET")
                                          for a in (-2, 1)):
            s.forget()
            s.fault(what, cut(after))
            box.fix(name, f"{name}:{i}", hurry=True)
            s.forget()
            box.check(f"{name}:{i}", status=0)


@case
def wrong_bytes_are_an_error(box):
    with broken(box, "bytes") as (s, name):
        plain = box.shared.registries.plain
        config = manifest(plain, "bytes")["config"]["digest"]
        s.fault("GET /v2/bytes/manifests", wrong_bytes(), times=None)
        box.check(name, status=3, says=["latest", "digest"])
        for digest in (config, layer(box, "bytes", 1)):
            s.forget()
            s.fault(f"GET /v2/bytes/blobs/{digest}", wrong_bytes(), times=None)
            box.check(name, "--verify", status=3, says="layer 1" if digest != config else config)
            box.fix(name, f"{name}:fixed", status=3)
        equal(get(plain, "/v2/bytes/manifests/fixed")[0], 404, "nothing appeared")
        s.forget()
        s.fault(f"GET /v2/bytes/blobs/{layer(box, 'bytes', 0)}", wrong_bytes(), times=None)
        box.fix(name, f"docker://{box.shared.registries.other.address}/bytes", status=3, says="layer 0")


@case
def wrong_lengths_are_an_error(box):
    with broken(box, "lengths") as (s, name):
        for by in (100, -100):
            s.forget()
            s.fault(f"GET /v2/lengths/blobs/{layer(box, 'lengths', 1)}", wrong_length(by), times=None)
            box.check(name, status=3, says=["layer 1", "the manifest says"], hurry=True)
        s.forget()
        s.fault("GET /v2/lengths/manifests", wrong_length(50), times=None)
        box.check(name, status=3, hurry=True)


@case
def statuses(box):
    with broken(box, "status") as (s, name):
        digest, want = layer(box, "status", 1), told(box.check(name))
        blob = f"GET /v2/status/blobs/{digest}"
        for fault in (instead(503), instead(500), instead(429, headers=[("Retry-After", "1")]), instead(408)):
            s.forget()
            s.fault("GET /v2/status/manifests", fault, times=2)
            s.fault(blob, fault, times=2)
            equal(told(box.check(name, hurry=True)), want, "asked again")
            equal(len(s.seen("GET /v2/status/manifests")), 3, "three times in all")
        s.forget()
        s.fault("GET /v2/status/manifests", instead(429, headers=[("Retry-After", "1")]))
        done = box.check(name)
        need(done.seconds >= 1, "Retry-After is obeyed", done.seconds)
        error = b'{"errors":[{"code":"DENIED","message":"not for\\nyou\\u001b[31m"}]}'
        for status, body, says in ((503, b"", ["manifest", "503"]), (429, b"", "429"), (403, error, ["403", "DENIED: not for\\n", "no credential is known"]),
                                   (418, b"tea", "418"), (400, b'{"errors":[]}', "400"), (400, b'{"errors":7}', "400"),
                                   (500, b"[" * 100000, "500"), (401, b"", ["401", "no credential is known"])):
            s.forget()
            s.fault("GET /v2/status/manifests", instead(status, body), times=None)
            done = box.check(name, status=3, says=[address(s) + "/status", *([says] if isinstance(says, str) else says)], hurry=True)
            need("\x1b" not in done.err, "a server's text is escaped", done.err)
        s.forget()
        s.fault(blob, instead(404), times=None)
        box.check(name, status=3, says=["layer 1", digest])
        s.forget()
        s.fault(blob, instead(206, b"abc", [("Content-Range", "bytes 0-2/3")]), times=None)
        box.check(name, status=3, says="a part")


@case
def refused_credentials_end(box):
    """401 for ever, with each scheme: bounded, and said whose credential it was."""
    with broken(box, "loop") as (s, name), Server(lambda r: Response(200, b'{"token":"abc"}')) as t:
        for challenge in ('Basic realm="x"', f'Bearer realm="{t.url("/token")}",service="x",scope="repository:loop:pull"'):
            s.forget()
            t.forget()
            s.fault("", instead(401, headers=[("WWW-Authenticate", challenge)]), times=None)
            box.check(name, *CREDS, status=3, says=["401", "--creds", "not accepted"])
            need(len(s.seen("GET /v2/loop")) == 2 and len(t.seen()) <= 1, "asked twice at most", s.seen())
        s.forget()
        s.fault("", instead(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), times=None)
        box.check(name, *CREDS, status=3, says=["403", "DENIED: no"])


@case
def endless_and_slow(box):
    with broken(box, "slow") as (s, name):
        heads = (faulty.endless_headers, faulty.endless_interim, faulty.long_header(1 << 20), faulty.endless_body, drip(head=True), faulty.silence(),
                 faulty.raw(b"\x00\x01\x02"), faulty.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"))
        for what in (*heads, drip(), stall(100)):
            s.forget()
            s.fault("GET /v2/slow/(manifests|blobs)", what, times=None)
            box.check(name, status=3, hurry=True, seconds=60)
            if what not in heads:
                continue  # an answer to what is written has its say in the head
            s.forget()
            s.fault("(POST|PUT|PATCH)", what, times=None)
            box.fix(name, name + ":fixed", status=3, hurry=True, seconds=60)
        equal(get(box.shared.registries.plain, "/v2/slow/manifests/fixed")[0], 404, "nothing appeared")


# --- who sees the credential -------------------------------------------------------------------------------------------------

def seen_by(*servers):
    return [(k, v) for s in servers for r in s.seen() for k, v in r.headers if k.lower() in ("authorization", "cookie") or SECRET in v]


def to(server, status=307):
    """A redirect of the same path."""
    def fault(conn, request, response):
        faulty.plain(conn, request, Response(status, b"", [("Location", server.url(request.path))]))
    return fault


@case
def redirects_carry_no_credential(box):
    with broken(box, "away", guarded) as (s, name), front(box.shared.registries.plain) as second, Server(lambda r: Response(200, b'{"token":"a"}')) as third:
        want = told(box.check(name, *CREDS))
        for status in (301, 302, 303, 307, 308):
            s.forget()
            s.fault("GET /v2/away/blobs", to(second, status), times=None)
            equal(told(box.check(name, *CREDS)), want, f"blobs, {status}")
        need(second.seen("GET /v2/away/blobs"), "the second host was asked")
        # It asks for a credential itself, and names who shall have it.
        for challenge in ('Basic realm="x"', f'Bearer realm="{third.url("/token")}",service="x"'):
            second.fault("", instead(401, headers=[("WWW-Authenticate", challenge)]), times=None)
            box.check(name, *CREDS, status=3, says=[address(second), "which it leads to", "401"])
            second.forget()
        second.fault("", instead(403), times=None)
        box.check(name, *CREDS, status=3, says=[address(second), "403"])
        second.forget()
        s.forget()
        s.fault("GET /v2/away/blobs", to(second), times=None)
        second.fault("", to(s), times=None)
        box.check(name, *CREDS, status=3, hurry=True)
        s.forget()
        s.fault("GET /v2/away/manifests", to(second), times=None)
        second.forget()
        box.check(name, *CREDS)
        s.forget()
        for where in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "gopher://127.0.0.1:1/_x"):
            s.forget()
            s.fault("GET /v2/away/blobs", instead(307, headers=[("Location", where)]), times=None)
            box.check(name, *CREDS, status=3, says="redirect")
        equal(seen_by(second, third), [], "what the others saw of the credential")
        equal(len(third.seen()), 0, "a realm that another host names is not asked")


@case
def uploads_elsewhere_carry_no_credential(box):
    with broken(box, "elsewhere", guarded) as (s, name), front(box.shared.registries.plain) as second:
        def moved(conn, request, response):
            location = next(v for k, v in response.headers if k == "Location")
            response.set("Location", second.url(location[location.index("/v2"):]))
            faulty.plain(conn, request, response)
        s.fault("POST", moved, times=None)
        box.fix(name, name + ":fixed", *CREDS)
        need(len(second.seen("PUT /v2/elsewhere/blobs")) == 2, "the second host was written to", second.seen())
        equal(seen_by(second), [], "what it saw of the credential")
        box.check(name + ":fixed", *CREDS, status=0)
        s.forget()
        s.fault("POST", to(second), times=None)
        box.fix(name, name + ":again", *CREDS)
        equal(seen_by(second), [], "what it saw after a redirect")

        def relative(conn, request, response):
            location = next((v for k, v in response.headers if k == "Location"), "")
            if "/v2" in location:
                response.set("Location", location[location.index("/v2"):])
            faulty.plain(conn, request, response)
        s.forget()
        s.fault("(POST|PATCH)", relative, times=None)
        box.fix(name, name + ":relative", *CREDS)
        for i, where in enumerate(("file:///tmp/x", "http://", "//", "")):
            s.forget()
            s.fault("POST", instead(202, headers=[("Location", where)]), times=None)
            box.fix(name, f"{name}:{i}", *CREDS, status=3, hurry=True)
        s.forget()
        s.fault("POST", instead(202), times=None)
        box.fix(name, name + ":none", *CREDS, status=3, says="Location")


@case
def token_realms(box):
    """The credential goes to a realm over TLS or on loopback; a realm that breaks is one line."""
    def asks(realm):
        return instead(401, headers=[("WWW-Authenticate", f'Bearer realm="{realm}",service="x",scope="repository:realm:pull"')])

    with broken(box, "realm") as (s, name), Server(lambda r: Response(200, b'{"token":"abc"}')) as t:
        def run(realm, says, *options, **kw):
            s.forget()
            s.fault("", asks(realm), times=None)
            return box.check(name, *options, status=3, says=says, hurry=True, **kw)
        run("http://registry.invalid:5001/token", ["registry.invalid:5001", "has no TLS", "--creds", "not sent"], *CREDS)
        run("http://registry.invalid:5001/token", "registry.invalid:5001")
        run("https://registry.invalid/token", "registry.invalid", *CREDS)
        run("file:///etc/passwd", "realm", *CREDS)
        run("", "", *CREDS)
        t.fault("", to(t), times=None)
        run(t.url("/token"), "redirects", *CREDS)
        with Server(lambda r: Response(200, b'{"token":"abc"}')) as second:
            t.forget()
            t.fault("", to(second), times=None)
            run(t.url("/token"), "401", *CREDS)
            need(second.seen(), "the second was asked")
            equal(seen_by(second), [], "a realm's redirect carries no credential")
        for body, says in ((b"", "token server"), (b"{}", "without a token"), (b'{"token":""}', "without a token"), (b'{"token":7}', "token"),
                           (b'{"token":"a\\r\\nX: y"}', "no header can hold"), (b'{"token":"a","token":"b"}', "token"), (b"[" * 9999, "token"),
                           (b'{"token":"%s"}' % (b"a" * 70000), "more than"), (b'{"access_token":"abc"}', "401")):
            t.forget()
            t.fault("", instead(200, body), times=None)
            run(t.url("/token"), says, *CREDS)
        for what in (faulty.endless_headers, faulty.endless_body, faulty.no_answer, instead(503), drip(), instead(404)):
            t.forget()
            t.fault("", what, times=None)
            run(t.url("/token"), f"{address(s)}/realm", *CREDS)
        for status, body, says in ((401, b'{"details":"incorrect"}', "incorrect"), (403, b"", "--creds")):
            t.forget()
            t.fault("", instead(status, body), times=None)
            run(t.url("/token"), ["token server", str(status), says], *CREDS)
        for header in ("Bearer", 'Bearer realm="', "Bearer realm=,", "Negotiate abc==", "a" * 9000, ", ,=", 'Basic realm="x", Bearer'):
            s.forget()
            s.fault("", instead(401, headers=[("WWW-Authenticate", header)]), times=None)
            box.check(name, *CREDS, status=3)


@case
def identity_tokens(box):
    """What `docker login` stores of an OAuth server: POSTed to the realm, all scopes in one."""
    import json
    tokens = box.shared.registries.tokens
    registry = box.shared.registries.token
    push(registry, layout(box, "identity"), "private/identity", "--dest-creds", f"{USER}:{SECRET}")

    def grant(request):
        fields = dict(x.partition("=")[::2] for x in request.body.decode().split("&"))
        if request.method != "POST" or fields.get("refresh_token") != SECRET or fields.get("grant_type") != "refresh_token":
            return Response(401)
        request.headers.append(("Authorization", basic()))
        answer = tokens.answer(faulty.Request("POST", "/token", request.headers, request.body, 0))
        return Response(200, json.dumps({"access_token": json.loads(answer.body)["token"]}).encode())

    with front(registry) as s, Server(grant) as t:
        def realm(conn, request, response):
            response.headers = [(k, v.replace(tokens.url("/token"), t.url("/token"))) for k, v in response.headers]
            faulty.plain(conn, request, response)
        s.fault("", realm, times=None)
        auth = box.write("auth.json", json.dumps({"auths": {address(s): {"auth": "", "identitytoken": SECRET}}}))
        name = f"docker://{address(s)}/private/identity"
        t.fault("POST", instead(503))
        box.check(name, "--authfile", auth, hurry=True)
        box.fix(name, f"docker://{address(s)}/private/mounted:1", "--authfile", auth)
        asked = [decode(r.body.decode()) for r in t.seen()]
        need(any("scope=repository:private/mounted:pull,push repository:private/identity:pull&" in x for x in asked), "scopes in one", len(asked))
        box.check(f"docker://{address(s)}/private/mounted:1", "--authfile", auth, status=0)


# --- broken uploads ----------------------------------------------------------------------------------------------------------

def half_way(registry, times, whole=False):
    """A front that hands on half of a PATCH's bytes, so many times, and breaks the connection on both sides. whole: to the
    registry the half is all of it, which it keeps."""
    host, port = registry.address.split(":")
    left = [times]

    def make(_):
        s = front(registry)
        behind = s.handler

        def handle(request):
            if request.method != "PATCH" or not left[0]:
                return behind(request)
            left[0] -= 1
            half = request.body[:len(request.body) // 2]
            if whole:
                # The range is left out: this registry's parser would take the body for all of it.
                more = [(k, v) for k, v in request.headers if k.lower() != "content-range"]
                behind(faulty.Request("PATCH", request.path, more, half, 0)).bytes()
                raise Close
            with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as c:
                c.putrequest("PATCH", request.path, skip_host=True)
                for name, value in request.headers:
                    if name.lower() != "expect":
                        c.putheader(name, value)
                c.endheaders()
                c.send(half)
            raise Close
        s.handler = handle
        return s
    return make


@case
def an_upload_goes_on_where_it_broke(box):
    plain = box.shared.registries.plain
    source = layout(box, "resume", None, size=17 << 20)
    for times, whole in ((1, False), (2, False), (1, True)):
        with half_way(plain, times, whole)(plain) as s:
            tag = f"half{times}{whole}"
            box.fix(source, f"docker://{address(s)}/resume:{tag}", hurry=True)
            need(len(s.seen("GET /v2/resume/blobs/uploads")) >= times, "the registry was asked how much it has", s.seen())
        box.check(f"docker://{plain.address}/resume:{tag}", "--verify", status=0)
    for i, fault in enumerate((instead(503), cut(-2), instead(429), instead(416))):
        with front(plain) as s:
            s.fault("PATCH", fault, times=2)
            box.fix(source, f"docker://{address(s)}/resume:{i}", hurry=True)
        box.check(f"docker://{plain.address}/resume:{i}", "--verify", status=0)
    with front(plain) as s:
        s.fault("PATCH", instead(404), times=None)
        box.fix(source, f"docker://{address(s)}/resume:none", status=3, says=["upload", "404"], hurry=True)
        need(len(s.seen("PATCH")) == 1, "404 is not tried again", s.seen())
        s.forget()
        s.fault("PATCH", cut(-2), times=None)
        box.fix(source, f"docker://{address(s)}/resume:none", status=3, says=address(s), hurry=True)
        s.forget()
        s.fault("GET /v2/resume/blobs/uploads", instead(204, headers=[("Range", "0-99999999999")]), times=None)
        s.fault("PATCH", cut(-2), times=None)
        box.fix(source, f"docker://{address(s)}/resume:none", status=3, hurry=True)
    equal(get(plain, "/v2/resume/manifests/none")[0], 404, "nothing appeared")


@case
def an_upload_goes_on_at_its_offset(box):
    source = layout(box, "offset", None, size=40 << 20)
    with Uploads() as s:
        s.half = 3
        box.fix(source, f"docker://{address(s)}/x", hurry=True)
        equal(s.strict, 0, "no offset was wrong")
        sizes = [len(r.body) for r in s.seen("PATCH")]
        need(sum(sizes) < 70 << 20 and sizes[1] == sizes[0] - sizes[0] // 3, "what the server has is not sent again", sizes)
        box.check(f"docker://{address(s)}/x", "--verify", status=0)


@case
def an_upload_that_is_given_up_goes_again(box):
    """docker-registry forgets all of an upload of which a PATCH's answer was lost: layers that change and layers that are copied."""
    plain, other = box.shared.registries.plain, box.shared.registries.other
    push(plain, layout(box, "again", None, size=40 << 20), "again/app", "--preserve-digests")
    name = f"docker://{plain.address}/again/app"
    for at, kind in ((1, "changed"), (2, "changed"), (0, "changed"), (1, "copied")):
        with front(other) as s:
            seen = [0]

            def lose(conn, request, response, at=at, seen=seen):
                seen[0] += 1
                cut(-2)(conn, request, response) if seen[0] == at + 1 else faulty.plain(conn, request, response)
            s.fault("PATCH", lose, times=None)
            box.fix(name + (":fit" if kind == "copied" else ""), f"docker://{address(s)}/again/{kind}{at}", hurry=True)
            need(seen[0] > at, "it was lost", seen)
        if not at:
            box.fix(name, name + ":fit")
        box.check(f"docker://{other.address}/again/{kind}{at}", "--verify", status=0)


@case
def what_a_server_says_of_an_upload(box):
    with broken(box, "said") as (s, name):
        s.fault("PUT /v2/said/blobs", instead(201, headers=[("Docker-Content-Digest", "sha256:" + "0" * 64)]), times=None)
        box.fix(name, name + ":1", status=3, says="sha256:000")
        s.forget()
        s.fault("PUT /v2/said/manifests", instead(201, headers=[("Docker-Content-Digest", "sha256:" + "0" * 64)]), times=None)
        box.fix(name, name + ":2", status=3, says="sha256:000")
        s.forget()
        s.fault("PUT /v2/said/manifests", instead(413, b'{"errors":[{"code":"TOOBIG","message":"no"}]}'), times=None)
        box.fix(name, name + ":3", status=3, says=["manifest", "413", "TOOBIG: no"])
        s.forget()
        s.fault("POST", instead(405), times=None)
        box.fix(name, name + ":4", status=3, says=["405"])


@case
def a_mount_that_is_refused(box):
    """Then the bytes go."""
    with broken(box, "nomount") as (s, name):
        behind = s.handler
        for status in (202, 403, 404, 405):
            def no_mount(request, status=status):
                if "mount=" in request.path and status != 202:
                    return Response(status)
                # It would rather have the bytes, and has begun.
                path = request.path.partition("?")[0] if "mount=" in request.path else request.path
                return behind(faulty.Request(request.method, path, request.headers, request.body, 0))
            s.forget()
            s.handler = no_mount
            dest = f"docker://{address(s)}/nomount{status}:1"
            box.fix(name, dest)
            equal(len(sent(s, f"nomount{status}")), 4, f"all was sent, {status}")
            equal((len(s.seen("DELETE")), len(s.seen("POST"))), (0, 4 if status == 202 else 7), f"no upload was begun for nothing, {status}")
            box.check(dest, status=0)
