#!/usr/bin/env python3
"""src/http against a server that breaks its answers: each request ends in its bytes or in one clear line, in bounded time.

    tests/http/run.py [--only WORD]

The client is tests/http/driver.c, built here with sanitizers, and once more without for the figures of memory.
"""
import argparse
import base64
import concurrent.futures
import email.utils
import gzip
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import faulty  # noqa: E402
from faulty import Proxy, Response, Server, Silent, Socks, cut, cut_anywhere, files, instead  # noqa: E402

SECONDS = 30  # one run of the driver, at most; nearly all take far less
SECRET = "Bearer tell-nobody"
BASIC = "Basic " + base64.b64encode(b"user:hunter2").decode()
HURRY = ["--hurry", "60"]  # a server that stands still has 1 s
LITTLE = ["--hurry", "10"]  # 6 s, so that the bound for connecting is the first
BIG = random.Random(7).randbytes(3 << 20)
SMALL = b"hello, world\n" * 20
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CASES = []


def case(f):
    CASES.append(f)
    return f


class Done:
    """What the driver said."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err.decode("utf-8", "backslashreplace"), seconds

    def word(self, name):
        m = re.search(rf"^{name} (.*)$", self.err, re.M)
        return m[1] if m else None

    @property
    def error(self):
        return self.word("error") or ""

    @property
    def status(self):
        return int(self.word("status") or 0)


class Suite:
    def __init__(self, work):
        self.work, self.passed, self.failed, self.lock = work, 0, 0, threading.Lock()
        self.asan = self.build("driver-asan", ["-g", "-O1", "-Werror", "-fsanitize=address,undefined"])
        self.plain = self.build("driver", ["-O2"])
        self.certs = faulty.certificates(work, self.must)

    def must(self, argv):
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if done.returncode:
            sys.exit(f"{' '.join(argv)}\n{done.stdout.decode(errors='replace')}")

    def build(self, name, flags):
        out = os.path.join(self.work, name)
        sources = [os.path.join(TOP, "src", folder, f) for folder in ("base", "http")
                   for f in sorted(os.listdir(os.path.join(TOP, "src", folder))) if f.endswith(".c") and f != "none.c"]
        sources += [os.path.join(TOP, "src/stream", f) for f in ("stream.c", "block.c")]
        self.must(["gcc", "-std=gnu11", "-D_GNU_SOURCE", '-DUIDFIT_VERSION="0"', "-Wall", "-Wextra", "-Wno-missing-field-initializers",
                   "-I", os.path.join(TOP, "src"), *flags, "-o", out, os.path.join(HERE, "driver.c"), *sources, "-lcurl", "-lpthread"])
        return out

    def file(self, name, data):
        """Written once: the same name has the same bytes in every case."""
        path = os.path.join(self.work, name)
        with self.lock:
            if not os.path.exists(path):
                with open(path, "wb") as f:
                    f.write(data)
        return path

    def run(self, *args, env=None, program=None, seconds=SECONDS):
        clean = {k: v for k, v in os.environ.items() if k.lower() not in PROXIES and not k.startswith("SSL_CERT")}
        clean.update(ASAN_OPTIONS="exitcode=99", UBSAN_OPTIONS="halt_on_error=1:exitcode=99", **(env or {}))
        start = time.monotonic()
        try:
            done = subprocess.run([program or self.asan, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=seconds, env=clean)
        except subprocess.TimeoutExpired as e:
            return Done(-1, e.stdout or b"", (e.stderr or b"") + b"\nerror TIMEOUT\n", seconds)
        out = Done(done.returncode, done.stdout, done.stderr, time.monotonic() - start)
        if done.returncode not in (0, 3) or "hunter2" in out.err or "tell-nobody" in out.err:
            self.check(False, f"driver {' '.join(map(str, args))}", out.err[-3000:])
        return out

    def check(self, good, what, detail=""):
        with self.lock:
            self.passed += bool(good)
            self.failed += not good
        if not good:
            print("FAIL", what + (f": {detail}" if detail != "" else ""), flush=True)
        return good

    def gives(self, what, body, *args, status=200, **kw):
        done = self.run(*args, **kw)
        self.check(done.code == 0 and done.status == status and done.out == body, what,
                   f"exit {done.code}, {len(done.out)} of {len(body)} bytes: {done.err}")
        return done

    def fails(self, what, says, *args, code="net", prefix=b"", **kw):
        """One line with that word; what came before it is the start of the body."""
        done = self.run(*args, **kw)
        self.check(done.code == 3 and done.error.startswith(code + " ") and re.search(says, done.error) and done.err.count("\nerror ") <= 1
                   and prefix.startswith(done.out[:len(prefix)]), what, f"wanted {code} /{says}/, exit {done.code}, {len(done.out)} bytes: {done.err}")
        return done


# --- broken connections ---------------------------------------------------------------------------------------------------

@case
def plain_requests(t):
    with Server(files({"/small": SMALL, "/big": BIG, "/empty": b""})) as s:
        t.gives("small", SMALL, s.url("/small"))
        t.gives("big", BIG, s.url("/big"))
        t.gives("empty", b"", s.url("/empty"))
        t.gives("whole, in memory", SMALL, "--all", 1000, s.url("/small"))
        t.fails("more than fits in memory", "more than 10 bytes", "--all", 10, s.url("/small"), code="limit")
        t.fails("body_max", "more than 1000 bytes", "--body-max", 1000, s.url("/big"), code="limit")
        t.gives("404", b"not here\n", s.url("/none"), status=404)
        done = t.gives("HEAD", b"", "--method", "HEAD", s.url("/big"))
        t.check(done.word("length") == str(len(BIG)), "HEAD: length", done.err)
        s.forget()
        t.run(*[s.url("/small")] * 5, s.url("/none"), s.url("/big"))
        t.check(len({r.connection for r in s.seen()}) == 1 and len(s.seen()) == 7, "one connection serves seven requests", s.seen())
        s.forget()
        t.run("--head-only", s.url("/none"), s.url("/none"), s.url("/small"))
        t.check(len({r.connection for r in s.seen()}) == 1, "a short body that nobody reads costs no connection", s.seen())
        asked = s.seen()[0]
        t.check(asked.get("Accept-Encoding") == "identity" and asked.get("User-Agent") == "uidfit/0", "headers", asked)


@case
def ranges(t):
    with Server(files({"/big": BIG})) as s, Server(files({"/big": BIG}, ranges=False)) as none:
        t.gives("a part", BIG[1000:1500], "--from", 1000, "--len", 500, s.url("/big"), status=206)
        done = t.gives("to the end", BIG[-7:], "--from", len(BIG) - 7, s.url("/big"), status=206)
        t.check(done.word("length") == "7" and done.word("total") == str(len(BIG)), "a part's length and the total", done.err)
        t.gives("longer than the file", BIG[-7:], "--from", len(BIG) - 7, "--len", 900, s.url("/big"), status=206)
        t.gives("a start, from a server without ranges", BIG[:900], "--from", 0, "--len", 900, none.url("/big"))
        t.fails("a part, from a server without ranges", "does not give parts", "--from", 5, "--len", 9, none.url("/big"))
        t.run("--from", len(BIG), s.url("/big"))
        t.gives("past the end", b"", "--from", len(BIG), s.url("/big"), status=416)
        for value in ("bytes 0-499/3145728", "bytes 1000-1400/3145728", "bytes 1000-1499/1200", "bytes x", "bytes 1000-1499", "lines 1000-1499/*",
                      "bytes 1000-18446744073709551615/*", "bytes 1000-99999999999999999999/*"):
            s.fault("GET", instead(206, BIG[1000:1500], [("Content-Range", value)]))
            t.fails(f"Content-Range {value}", "206 without|gave bytes", "--from", 1000, "--len", 500, s.url("/big"))
        s.fault("GET", instead(206, BIG[1000:1400], [("Content-Range", "bytes 1000-1499/3145728"), ("ETag", f'"{len(BIG)}-x"')]))
        t.fails("a part shorter than its Content-Range", "changed", "--from", 1000, "--len", 500, s.url("/big"), *HURRY)
        s.fault("GET", instead(206, BIG[1000:1600], [("Content-Range", "bytes 1000-1499/3145728")]))
        t.fails("a part longer than its Content-Range", "more than the 500 bytes", "--from", 1000, "--len", 500, s.url("/big"), code="limit")
        s.fault("GET", instead(206, BIG[:10], [("Content-Range", "bytes 0-9/3145728")]))
        t.fails("a part that nobody asked for", "gave a part where all", s.url("/big"))
        t.fails("a range past any number", "past any file", "--from", 2**64 - 1, "--len", 5, s.url("/big"), code="bad-input")


@case
def cut_and_resumed(t):
    """Every answer of a kind cut at random: the bytes come whole."""
    for name, options in (("ranges", {}), ("no ranges", {"ranges": False}), ("no ETag", {"etag": False}),
                          ("neither", {"ranges": False, "etag": False})):
        with Server(files({"/big": BIG, "/small": SMALL}, **options)) as s:
            for seed in range(12):
                s.forget()
                s.fault("GET", cut_anywhere(seed), times=4)
                t.gives(f"{name}: cut four times, {seed}", BIG, s.url("/big"), *HURRY)
            for n in (0, 1, 100, len(SMALL) - 1):
                s.forget()
                s.fault("GET", cut(n, reset=n == 100))
                done = t.gives(f"{name}: small, cut after {n}", SMALL, s.url("/small"), *HURRY)
                t.check(len(s.seen()) == 2 and "asked again" in done.err, f"{name}: small, cut after {n}: two requests", s.seen())
            s.forget()
            s.fault("GET", cut(-3))
            t.gives(f"{name}: cut in the head", SMALL, s.url("/small"), *HURRY)
            s.forget()
            s.fault("GET", cut(1 << 20), times=None)
            if not options.get("ranges", True):
                t.fails(f"{name}: cut at the same byte for ever", "after 1048576 of 3145728 bytes", s.url("/big"), *HURRY, prefix=BIG)
                t.check(len(s.seen()) <= 7, f"{name}: a bounded number of requests", len(s.seen()))
            else:
                t.gives(f"{name}: a MiB at a time", BIG, s.url("/big"), *HURRY)
    with Server(files({"/big": BIG})) as s:
        s.fault("GET", cut(1), times=None)
        done = t.fails("a byte at a time", "after 6 of 3145728", s.url("/big"), *HURRY, prefix=BIG)
        t.check(len(s.seen()) == 6, "a byte at a time: five retries", len(s.seen()))
        s.forget()
        s.fault("GET", cut(100))
        t.fails("no retries", r"ended too early \(after 100 of 3145728", "--retries", 0, s.url("/big"), prefix=BIG)
        s.forget()
        s.fault("GET", cut(100))
        t.gives("a part, cut", BIG[1000:1500], "--from", 1000, "--len", 500, s.url("/big"), *HURRY, status=206)
        t.check([r.get("Range") for r in s.seen()] == ["bytes=1000-1499", "bytes=1100-1499"], "a part, cut: what was asked", s.seen())
        t.check(s.seen()[1].get("If-Range"), "a strong ETag is sent back", s.seen()[1])
    with Server(files({"/big": BIG}, ranges=False)) as s:
        s.fault("GET", cut(200))
        t.gives("a start, cut, without ranges", BIG[:500], "--from", 0, "--len", 500, s.url("/big"), *HURRY)


@case
def changed_meanwhile(t):
    other = bytes(reversed(BIG))
    versions = {"same size": other, "longer": BIG + b"x", "shorter": BIG[:-1], "very short": BIG[:50]}
    for name, second in versions.items():
        for ranges_done in (True, False):
            state = {"n": 0}

            def body(request, state=state, second=second):
                state["n"] += 1
                return BIG if state["n"] == 1 else second
            with Server(files({"/f": body}, ranges=ranges_done)) as s:
                s.fault("GET", cut(100))
                t.fails(f"changed, {name}, ranges {ranges_done}", "changed while it was read", s.url("/f"), *HURRY, prefix=BIG)
    with Server(lambda r: Response(200, iter([BIG[:1000], BIG[1000:]]))) as s:
        s.fault("GET", faulty.chunked(after=1500))
        t.fails("nothing to know the file by", "nor anything to know it by", s.url("/f"), *HURRY, prefix=BIG)
    with Server(files({"/f": BIG})) as s:
        s.fault("GET", cut(100))
        s.fault("GET", instead(206, BIG[50:], [("Content-Range", f"bytes 50-{len(BIG) - 1}/{len(BIG)}")]))
        t.fails("resumed elsewhere", "gave another part", s.url("/f"), *HURRY, prefix=BIG)
    for status, says in ((403, "answered 403"), (404, "answered 404"), (401, "answered 401"), (416, "changed")):
        with Server(files({"/f": BIG})) as s:
            s.fault("GET", cut(100))
            s.fault("GET", instead(status))
            t.fails(f"resumed, {status}", says, s.url("/f"), *HURRY, prefix=BIG)
    with Server(files({"/f": BIG})) as s:
        s.fault("GET", cut(100))
        s.fault("GET", instead(401))
        t.gives("a token renewed in the middle", BIG, "--auth", SECRET, "--renew", BASIC, s.url("/f"), *HURRY)
        t.check([r.get("Authorization") for r in s.seen()] == [SECRET, SECRET, BASIC], "the renewed token is sent", s.seen())


@case
def lengths(t):
    with Server(files({"/f": SMALL})) as s:
        s.fault("GET", faulty.wrong_length(100), times=None)
        t.fails("Content-Length too large", "after 260 of 360 bytes|changed", s.url("/f"), *HURRY, prefix=SMALL)
        s.forget()
        s.fault("GET", faulty.wrong_length(-100))
        done = t.gives("Content-Length too small: what follows is not of the answer", SMALL[:-100], s.url("/f"))
        t.check(done.word("length") == str(len(SMALL) - 100), "the length that a caller compares", done.err)
        s.forget()
        s.fault("GET", faulty.wrong_length(-100))
        t.gives("and its connection is not used again", SMALL[:-100] + SMALL, s.url("/f"), s.url("/f"))
        s.forget()
        s.fault("GET", faulty.chunked())
        done = t.gives("chunked", SMALL, s.url("/f"))
        t.check(done.word("length") is None, "chunked: no length", done.err)
        s.fault("GET", faulty.chunked(trailers=[b"X-Sum: 1"]))
        t.gives("trailers", SMALL, s.url("/f"))
        s.fault("GET", faulty.chunked(after=123))
        t.gives("chunked, cut", SMALL, s.url("/f"), *HURRY)
        for text in (b"-5", b"5, 6", b"0x10", b"99999999999999999999999"):
            s.forget()
            s.fault("GET", faulty.raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + text + b"\r\n\r\nhello"), times=None)
            t.check(t.run(s.url("/f"), *HURRY).code in (0, 3), f"Content-Length {text.decode()}")
        s.forget()
        s.fault("GET", faulty.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"), times=None)
        t.fails("chunks without a size", "broke|breaks|ended", s.url("/f"), *HURRY)
    packed = gzip.compress(SMALL, mtime=0)
    with Server(lambda r: Response(200, packed, [("Content-Encoding", "gzip")])) as s:
        done = t.gives("a Content-Encoding that nobody asked for", packed, s.url("/f"))
        t.check("not asked for" in done.err, "and a note", done.err)


# --- retries ------------------------------------------------------------------------------------------------------------

@case
def retries(t):
    soon = email.utils.formatdate(time.time() + 20, usegmt=True)
    with Server(files({"/f": SMALL})) as s:
        for value, seconds in (("20", 20), (soon, 20), ("0", 0), ("-1", 0), ("86400", 30), ("99999999999999999999", 0), ("soon", 0)):
            s.forget()
            s.fault("GET", instead(429, b"slow down", [("Retry-After", value)]))
            done = t.gives(f"Retry-After: {value}", SMALL, "--hurry", 20, s.url("/f"))
            t.check(seconds / 20 * 0.75 < done.seconds < seconds / 20 + 8, f"Retry-After: {value}: waited", done.seconds)
            t.check("answered 429 and was asked again" in done.err, f"Retry-After: {value}: a note", done.err)
        for status in (408, 500, 502, 503, 504, 520):
            s.forget()
            s.fault("GET", instead(status), times=3)
            t.gives(f"{status} three times", SMALL, s.url("/f"), *HURRY)
        for status in (400, 401, 403, 404, 405, 501, 505):
            s.forget()
            s.fault("GET", instead(status, b"no", [("WWW-Authenticate", "Bearer realm=1"), ("WWW-Authenticate", "Basic")]))
            done = t.gives(f"{status} is handed on", b"no", "--show", "www-authenticate", s.url("/f"), *HURRY, status=status)
            t.check(len(s.seen()) == 1 and done.err.count("header www-auth") == 2, f"{status}: one request, both headers", done.err)
        s.forget()
        s.fault("GET", instead(503, b"storm"), times=None)
        t.gives("a storm of 503", b"storm", s.url("/f"), *HURRY, status=503)
        t.check(len(s.seen()) == 6, "a storm: five retries", len(s.seen()))
        s.forget()
        s.fault("GET", instead(429, b"storm", [("Retry-After", "3600")]), times=None)
        done = t.gives("a storm of 429", b"storm", s.url("/f"), *HURRY, status=429)
        t.check(2 < done.seconds < 25, "a storm of 429: bounded", done.seconds)
        s.forget()
        s.fault("GET", instead(503, b"storm"), times=None)
        t.gives("a probe", b"storm", "--once", s.url("/f"), *HURRY, status=503)
        t.check(len(s.seen()) == 1, "a probe: once", len(s.seen()))
        for what in (faulty.no_answer, faulty.reset):
            s.forget()
            s.fault("GET", what, times=2)
            t.gives(f"{what.__name__}, twice", SMALL, s.url("/f"), *HURRY)
            s.forget()
            s.fault("GET", what, times=None)
            t.fails(f"{what.__name__}, for ever", "without an answer|broke", s.url("/f"), *HURRY)
            s.forget()
            s.fault("POST", what)
            t.fails(f"{what.__name__}, POST", "without an answer|broke", "--method", "POST", "--data", t.file("d", SMALL), s.url("/f"), *HURRY)
            t.check(len(s.seen()) == 1, f"{what.__name__}: a POST is sent once", len(s.seen()))
        s.forget()
        s.fault("POST", instead(429), times=2)
        t.gives("429 for a POST was not done", SMALL, "--method", "POST", "--data", t.file("d", SMALL), s.url("/f"), *HURRY)
        s.forget()
        s.fault("PUT", instead(503), times=2)
        t.gives("an idempotent PUT", SMALL, "--method", "PUT", "--idempotent", "--data", t.file("d", SMALL), s.url("/f"), *HURRY)
        t.check([r.body for r in s.seen()] == [SMALL] * 3, "an idempotent PUT: its body each time", s.seen())
        port = s.port
    t.fails("nobody listens", r"localhost:%d: cannot connect: Connection refused" % port, f"http://localhost:{port}/", *HURRY)
    t.fails("no such name", "no-such-host.invalid:443: no address for this name", "https://no-such-host.invalid/", *HURRY)


# --- endless, slow, huge ------------------------------------------------------------------------------------------------------

@case
def endless(t):
    with Server(files({"/f": SMALL})) as s:
        for what in (faulty.endless_headers, faulty.endless_interim, faulty.long_header(10 << 20), faulty.long_header(90 << 10)):
            s.forget()
            s.fault("GET", what, times=None)
            done = t.fails(f"endless: {what.__name__}", r"127.0.0.1:\d+: a head of more than 65536 bytes", s.url("/f"), code="limit")
            t.check(len(s.seen()) == 1, "endless: not asked again", len(s.seen()))
        s.forget()
        s.fault("GET", faulty.endless_trailers)
        t.fails("endless trailers", "a head of more than 65536 bytes", s.url("/f"), code="limit", prefix=b"a")
        s.forget()
        s.fault("GET", faulty.long_header(50 << 10))
        t.gives("a header of 50 KB", b"", s.url("/f"))
        s.fault("GET", faulty.endless_body)
        t.fails("an endless body", "more than 5000000 bytes", "--body-max", 5000000, s.url("/f"), code="limit")
        s.fault("GET", faulty.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + b"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\n\r\n"
                                  b"HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok"))
        done = t.gives("interim answers, a folded header", b"ok", "--show", "x-a", "--show", "location", s.url("/f"))
        t.check("header x-a: 1 2\n" in done.err and "header location" not in done.err, "interim headers are forgotten", done.err)
        for name, data in (("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"), ("an empty line", b"\r\n\r\n"), ("a nul in a header", b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"),
                           ("a strange status", b"HTTP/1.1 99999999999 OK\r\n\r\n"), ("HTTP/0.9", b"<html>\n"), ("HTTP/7", b"HTTP/7.3 200 OK\r\n\r\n"),
                           ("101", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n"), ("terminal codes", b"\x1b]0;owned\x07\x1b[2J\r\n")):
            s.forget()
            s.fault("GET", faulty.raw(data), times=None)
            done = t.fails(name, r"127.0.0.1:\d+: ", s.url("/f"), *HURRY)
            t.check("\x1b" not in done.err, f"{name}: printable", repr(done.err))


@case
def slow(t):
    with Server(files({"/f": SMALL, "/big": BIG})) as s:
        s.fault("GET", faulty.silence(), times=None)
        done = t.fails("accepts and never answers", "no answer within", "--retries", 1, "--hurry", 100, s.url("/f"))
        t.check(done.seconds < 20, "accepts and never answers: bounded", done.seconds)
        s.forget()
        s.fault("GET", faulty.silence(1.5))
        s.fault("GET", faulty.silence(0.1))
        t.gives("never answers once", SMALL, "--hurry", 100, s.url("/f"))
        s.forget()
        s.fault("GET", faulty.drip(), times=None)
        t.fails("a slow drip", "less than 1024 bytes a second", "--retries", 1, "--hurry", 100, s.url("/f"), prefix=SMALL)
        s.forget()
        s.fault("GET", faulty.drip(head=True), times=None)
        t.fails("a slow drip of headers", "less than 1024 bytes a second|no answer within", "--retries", 1, "--hurry", 100, s.url("/f"))
        s.forget()
        s.fault("GET", faulty.stall(1 << 20))
        t.gives("stands still once", BIG, "--hurry", 100, s.url("/big"))
        s.forget()
        s.fault("GET", faulty.silence(1))
        t.fails("no patience", "no answer within 100 ms", "--patience", 10, "--hurry", 100, "--once", s.url("/f"))
        s.forget()

        def late(conn, request, response):
            time.sleep(1.5)
            faulty.plain(conn, request, response)
        s.fault("GET", late)
        t.gives("patience", SMALL, "--patience", 400, "--hurry", 100, "--once", s.url("/f"))
        s.fault("POST", late)
        t.gives("a POST is waited for longer", SMALL, "--method", "POST", "--data", t.file("d", SMALL), "--hurry", 100, s.url("/f"))
        # 12 blocks, 100 ms after each: longer than the 60 ms in which a server may stand still.
        t.gives("a slow reader is not a slow server", BIG, "--slow", 100, "--hurry", 1000, s.url("/big"))


@case
def threads(t):
    """One client, eight threads: connections are kept, never shared by two at a time."""
    with Server(files({"/small": SMALL, "/big": BIG}), tls=t.certs["good"]) as s:
        for seed in range(3):
            s.fault("GET", cut_anywhere(seed))
        done = t.run("--threads", 8, "--measure", "--ca", t.certs["ca"][0], *[s.url("/small"), s.url("/big")] * 3, *HURRY)
        t.check(done.code == 0 and done.err.count(f"bytes {len(BIG)}\n") == 24 and done.err.count(f"bytes {len(SMALL)}\n") == 24, "eight threads", done.err[-500:])
        t.check(s.connections <= 20, "eight threads: connections are used again", s.connections)


@case
def memory(t):
    piece = bytes(1 << 20)
    with Server(lambda r: Response(200, (piece for _ in range(1024)), size=1 << 30)) as s:
        done = t.run("--measure", s.url("/"), program=t.plain)
        rss = int(done.word("rss").split()[0])
        t.check(done.code == 0 and done.word("bytes") == str(1 << 30), "a body of 1 GiB", done.err)
        t.check(rss < 16 << 10, "a body of 1 GiB: memory", f"{rss} KiB")
        done = t.run("--measure", "--slow", 5, "--body-max", 100 << 20, s.url("/"), program=t.plain)
        t.check(int(done.word("rss").split()[0]) < 16 << 10, "a slow reader: memory", done.err)
    with Server(lambda r: Response(200, (piece for _ in range(256)), size=256 << 20), tls=t.certs["good"]) as s:
        done = t.run("--measure", "--ca", t.certs["ca"][0], s.url("/"), program=t.plain)
        t.check(done.code == 0 and int(done.word("rss").split()[0]) < 24 << 10, "256 MiB over TLS: memory, its tables among it", done.err)


# --- redirects ----------------------------------------------------------------------------------------------------------------

def to(url, status=307):
    return lambda request: Response(status, b"moved", [("Location", url)])


@case
def redirects(t):
    table = {"/f": SMALL, "/loop": to("/loop"), "/up/rel": to("../f?x=1"), "/frag": to("/f#part"), "/lost": Response(302, b"nowhere"),
             "/creds": to("http://user:hunter2@127.0.0.1:%d/f"), "/space": to("/a b"), "/a%20b": SMALL, "/empty": to("")}
    with Server(files(table)) as s, Server(files({"/f": SMALL})) as other:
        table["/creds"] = to(f"http://user:hunter2@127.0.0.1:{s.port}/f")
        for name in ("/up/rel", "/frag", "/creds", "/space"):
            t.gives(f"redirect {name}", SMALL, "--auth", SECRET, s.url(name))
        t.check(all(r.get("Authorization") == SECRET for r in s.seen()), "the same origin sees the credential", s.seen())
        for status in (301, 302, 303, 307, 308):
            table["/there"] = to(other.url("/f"), status)
            for host in ("127.0.0.1", "localhost"):
                other.forget()
                s.forget()
                table["/there"] = to(other.url("/f", host), status)
                t.gives(f"{status} to {host}, another port", SMALL, "--auth", SECRET, "--header", "Accept: text/x", "--header", "Cookie: tell-nobody", s.url("/there"))
                got = other.seen()[0]
                t.check(not got.get("Authorization") and not got.get("Cookie") and "tell-nobody" not in repr(got), f"{status} to {host}: no credential", got)
                t.check(got.get("Accept") == "text/x", f"{status} to {host}: other headers", got)
                t.check(s.seen()[0].get("Authorization") == SECRET, f"{status} to {host}: the first saw it", s.seen())
        s.forget()
        table["/name"] = to(s.url("/f", "localhost"))
        t.gives("127.0.0.1 to localhost, the same port", SMALL, "--auth", SECRET, s.url("/name"))
        t.check(not s.seen()[1].get("Authorization"), "127.0.0.1 to localhost: no credential", s.seen())
        s.forget()
        table["/away"] = to(other.url("/back"))
        other.handler = files({"/back": to(s.url("/f")), "/f": SMALL})
        t.gives("away and back", SMALL, "--auth", SECRET, s.url("/away"))
        t.check(not s.seen()[-1].get("Authorization"), "away and back: no credential any more", s.seen())
        other.forget()
        other.handler = files({"/back": to("/further"), "/further": to("/f"), "/f": SMALL})
        t.gives("away, and further there", SMALL, "--auth", SECRET, s.url("/away"))
        t.check(len(other.seen()) == 3 and not any(r.get("Authorization") for r in other.seen()), "away, and further there: no credential", other.seen())
        s.forget()
        t.fails("in circles", "more than 10 redirects", s.url("/loop"), code="limit")
        t.check(len(s.seen()) == 11, "in circles: eleven requests", len(s.seen()))
        t.gives("302 without a Location", b"nowhere", s.url("/lost"), status=302)
        t.gives("handed on", b"moved", "--no-redirect", "--show", "Location", s.url("/loop"), status=307)
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x", "javascript:1", "http://", "//", "http://[", "http:\x7f//x"):
            table["/bad"] = to(url)
            t.fails(f"to {url!r}", "redirect to|no http|cannot connect|more than", s.url("/bad"), *HURRY, code="(denied|limit|net)".replace("(", "").split("|")[0])
        with Server(files({"/down": to(s.url("/f"))}), tls=t.certs["good"]) as secure:
            t.fails("https to http", "from https to http", "--ca", t.certs["ca"][0], secure.url("/down"), code="denied")
            table["/upgrade"] = to(secure.url("/f"))
            secure.handler = files({"/f": SMALL})
            secure.forget()
            t.gives("http to https", SMALL, "--auth", SECRET, "--ca", t.certs["ca"][0], s.url("/upgrade"))
            t.check(not secure.seen()[0].get("Authorization"), "http to https: another origin", secure.seen())
        # A broken body asks the first URL again: where that leads may have run out.
        s.forget()
        other.forget()
        other.handler = files({"/f": BIG})
        table["/there"] = to(other.url("/f"))
        other.fault("GET", cut(1000))
        t.gives("cut behind a redirect", BIG, "--auth", SECRET, s.url("/there"), *HURRY)
        t.check(len(s.seen()) == 2 and len(other.seen()) == 2 and not any(r.get("Authorization") for r in other.seen()), "cut behind a redirect: asked from its start", s.seen())


@case
def redirected_bodies(t):
    data = t.file("data", BIG)
    with Server(files({"/in": SMALL})) as s:
        for status, method, second, body in ((301, "POST", "GET", b""), (302, "POST", "GET", b""), (303, "PUT", "GET", b""), (307, "POST", "POST", BIG),
                                             (308, "PUT", "PUT", BIG), (302, "PUT", "PUT", BIG), (303, "HEAD", "HEAD", b"")):
            s.forget()
            s.fault(".* /out", instead(status, b"", [("Location", "/in")]))
            give = ["--data", data] if method != "HEAD" else []
            t.gives(f"{status} of {method}", b"" if method == "HEAD" else SMALL, "--method", method, *give, s.url("/out"))
            last = s.seen()[-1]
            t.check((last.method, last.body) == (second, body), f"{status} of {method}: {second}", last.method)
        s.forget()
        s.fault("PUT /out", instead(307, b"", [("Location", "/in")]))
        t.fails("a pulled body, redirected too late", "in the middle of what is sent", "--method", "PUT", "--pull", t.file("few", SMALL), "--body-size", len(SMALL), s.url("/out"))
        s.forget()
        refuse = faulty.refuse_body(307)

        def early(conn, request, response):
            conn.send(Response(307, b"", [("Location", "/in"), ("Connection", "close")]).head())
            raise faulty.Close
        early.before_body = refuse.before_body
        s.fault("PUT /out", early)
        t.gives("a pulled body, redirected before its first byte", SMALL, "--method", "PUT", "--pull", data, "--body-size", len(BIG), s.url("/out"))
        t.check(s.seen()[-1].body == BIG, "a pulled body, redirected: sent once, whole", len(s.seen()[-1].body))


# --- bodies that are sent ------------------------------------------------------------------------------------------------------

@case
def sending(t):
    with Server(lambda r: Response(201, b"%s %d" % (r.method.encode(), len(r.body)), [("Location", "/v2/x?_state=1")])) as s:
        data = t.file("data", BIG)
        for method in ("POST", "PUT", "PATCH"):
            for name, args in (("memory", ["--data", data]), ("pulled", ["--pull", data, "--body-size", len(BIG)]), ("pulled, size unknown", ["--pull", data])):
                s.forget()
                t.gives(f"{method}, {name}", b"%s %d" % (method.encode(), len(BIG)), "--method", method, *args, "--header", "Content-Type: application/x", s.url("/up"), status=201)
                r = s.seen()[0]
                t.check(r.body == BIG and r.get("Content-Type") == "application/x", f"{method}, {name}: what came", len(r.body))
                t.check((r.get("Transfer-Encoding") == "chunked") == (name == "pulled, size unknown"), f"{method}, {name}: framing", r)
        s.forget()
        t.gives("POST without a body", b"POST 0", "--method", "POST", s.url("/up"), status=201)
        t.check(s.seen()[0].get("Content-Length") == "0", "POST without a body: its length", s.seen())
        t.gives("DELETE", b"DELETE 0", "--method", "DELETE", s.url("/up"), status=201)
        t.gives("an empty pulled body", b"PUT 0", "--method", "PUT", "--pull", t.file("none", b""), s.url("/up"), status=201)
        t.fails("a body shorter than announced", "ended after 260 of 500 bytes", "--method", "PUT", "--pull", t.file("few", SMALL), "--body-size", 500, s.url("/up"), code="truncated", *[])
        s.forget()
        t.gives("a body is cut at what was announced", b"PUT 100", "--method", "PUT", "--pull", t.file("few", SMALL), "--body-size", 100, s.url("/up"), status=201)
        s.fault("PUT", faulty.refuse_body(401))
        done = t.gives("refused before the body", b"", "--method", "PUT", "--pull", data, s.url("/up"), status=401)
        s.forget()
        s.fault("PUT", faulty.refuse_body(417))
        t.gives("417: sent without asking first", b"PUT %d" % len(BIG), "--method", "PUT", "--pull", data, "--body-size", len(BIG), s.url("/up"), status=201)
        s.forget()
        s.fault("PUT", faulty.no_answer)
        t.fails("a pulled body is sent once", "without an answer|broke", "--method", "PUT", "--idempotent", "--pull", data, s.url("/up"), *HURRY)
        t.check(len(s.seen()) == 1, "a pulled body is sent once: one request", len(s.seen()))
        for header in ("X-A: b\r\nEvil: 1", "X-A: b\n c", "X\rA: b"):
            t.fails(f"header {header!r}", "control character", "--header", header, s.url("/up"), code="bad-input")
        s.forget()
        t.gives("an empty header", b"GET 0", "--header", "X-Empty: ", s.url("/up"), status=201)
        t.check(s.seen()[0].get("X-Empty") == "", "an empty header is sent", s.seen())


# --- how a host is reached ------------------------------------------------------------------------------------------------------

@case
def tls(t):
    ca = t.certs["ca"][0]
    with Server(files({"/f": BIG}), tls=t.certs["good"]) as s:
        t.gives("own CA", BIG, "--ca", ca, s.url("/f"))
        t.gives("own CA, by name", BIG, "--ca", ca, s.url("/f", "localhost"))
        t.gives("two CAs", BIG, "--ca", t.certs["other"][0], "--ca", ca, s.url("/f"))
        t.gives("SSL_CERT_FILE", BIG, s.url("/f"), env={"SSL_CERT_FILE": ca})
        t.gives("SSL_CERT_FILE beside a CA", BIG, "--ca", t.certs["other"][0], s.url("/f"), env={"SSL_CERT_FILE": ca})
        s.forget()
        t.fails("unknown CA", r"127.0.0.1:\d+: TLS: SSL certificate problem: unable to get local issuer", s.url("/f"))
        t.check(not s.seen(), "unknown CA: nothing is sent", s.seen())
        t.gives("insecure", BIG, "--insecure", s.url("/f"))
        t.fails("secure after insecure", "TLS", s.url("/f"))
        t.fails("a CA file that is not there", "open '.*no-such-file'", "--ca", os.path.join(t.work, "no-such-file"), s.url("/f"), code="io")
        t.fails("a CA file that is none", "TLS", "--ca", os.path.join(HERE, "driver.c"), s.url("/f"))
        s.fault("GET", cut(1000), times=3)
        t.gives("cut under TLS", BIG, "--ca", ca, s.url("/f"), *HURRY)
        s.forget()
        t.run("--ca", ca, *[s.url("/f")] * 4)
        t.check(len({r.connection for r in s.seen()}) == 1, "TLS: one connection serves four", s.seen())
        t.fails("http spoken to https", r"127.0.0.1:\d+: ", s.url("/f").replace("https", "http"), *HURRY)
    with Server(files({"/f": BIG})) as s:
        done = t.fails("https spoken to http", r"127.0.0.1:\d+: TLS: .*wrong version number", s.url("/f").replace("http", "https"))
        t.check(done.seconds < 15, "https spoken to http: told at once", done.seconds)
    with Server(files({"/f": BIG}), tls=t.certs["other"]) as s:
        t.fails("wrong host name", "TLS: .*(subject name|IP address)", "--ca", ca, s.url("/f", "localhost"))
        t.gives("wrong host name, insecure", BIG, "--insecure", s.url("/f"))
    with Server(files({"/f": BIG}), tls=t.certs["expired"]) as s:
        t.fails("expired", "TLS: .*certificate has expired", "--ca", ca, s.url("/f"))
    with Server(files({"/f": BIG}), tls=t.certs["good"]) as s:
        s.tls.verify_mode = faulty.ssl.CERT_REQUIRED
        s.tls.load_verify_locations(ca)
        client = ["--cert", t.certs["client"][0], "--key", t.certs["client"][1]]
        t.gives("a client's certificate", BIG, "--ca", ca, *client, s.url("/f"))
        t.fails("no client's certificate", "server( that)? wants a client.s certificate", "--ca", ca, s.url("/f"), *HURRY)
        with Server(files({"/to": to(s.url("/f"))}), tls=t.certs["good"]) as first:
            t.fails("a client's certificate stays at its host", "server( that)? wants a client.s certificate", "--ca", ca, *client, first.url("/to"), *HURRY)


@case
def unix_socket(t):
    path = os.path.join(t.work, "engine.sock")
    with Server(files({"/f": BIG, "/to": to("/f"), "/away": to("http://127.0.0.1:1/f"), "/big": lambda r: Response(200, iter([BIG]))}), unix=path) as s:
        t.gives("unix socket", BIG, "--unix", path, "http://docker/f")
        t.gives("unix socket, chunked", BIG, "--unix", path, "http://docker/big", env={"http_proxy": "http://127.0.0.1:1/"})
        t.gives("unix socket, redirect", BIG, "--unix", path, "http://docker/to")
        t.fails("unix socket, redirect away", "to another host", "--unix", path, "http://docker/away", code="denied")
        s.fault("GET", cut(100))
        t.fails("unix socket, cut: not asked again", "after 100 of", "--unix", path, "http://docker/f", prefix=BIG)
        t.check(s.seen()[0].get("Host") == "docker", "unix socket: the URL's host", s.seen()[0])
    t.fails("no socket", "engine.none: cannot connect: No such file", "--unix", os.path.join(t.work, "engine.none"), "http://docker/f", *HURRY)


@case
def proxies(t):
    with Server(files({"/f": SMALL})) as web, Server(files({"/f": BIG}), tls=t.certs["good"]) as secure:
        hosts = {"web.test:80": ("127.0.0.1", web.port), "web.test:8080": ("127.0.0.1", web.port), "secure.test:443": ("127.0.0.1", secure.port)}
        with Proxy(hosts) as p:
            address = f"http://user:hunter2@127.0.0.1:{p.port}/"
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                t.gives(f"{name}", SMALL, "http://web.test/f", env={name: address})
            t.gives("another port", SMALL, "http://web.test:8080/f", env={"http_proxy": address})
            for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
                p.asked.clear()
                t.gives(f"{name}", BIG, "--auth", SECRET, "--ca", t.certs["ca"][0], "https://secure.test/f", env={name: address})
                t.check(p.asked == ["CONNECT secure.test:443 with credentials"], f"{name}: CONNECT", p.asked)
            p.asked.clear()
            t.fails("HTTP_PROXY in a CGI program", "no address", "http://web.test/f", *HURRY, env={"HTTP_PROXY": address, "REQUEST_METHOD": "GET"})
            for value in ("web.test", ".test", "*", "x,web.test", "web.test:80"):
                done = t.run("http://web.test/f", *HURRY, env={"http_proxy": address, "NO_PROXY": value})
                t.check(value == "web.test:80" or (done.code == 3 and not p.asked), f"NO_PROXY {value}", (done.err, p.asked))
                p.asked.clear()
            t.gives("loopback goes to no proxy", SMALL, web.url("/f"), env={"http_proxy": address})
            t.gives("localhost neither", SMALL, web.url("/f", "localhost"), env={"http_proxy": address})
            t.check(not p.asked, "loopback goes to no proxy: nothing asked", p.asked)
            t.gives("the proxy does not know the host", b"", "http://none.test/f", *HURRY, env={"http_proxy": address}, status=502)
            t.fails("nor for https", "none.test:443: the proxy answered 502", "https://none.test/f", *HURRY, env={"https_proxy": address})
            # Elsewhere is not to lead here, whoever carries it.
            web.handler = files({"/f": SMALL, "/in": to(f"http://127.0.0.1:{web.port}/f")})
            t.fails("a redirect from elsewhere to this host", "address of this host", "http://web.test/in", env={"http_proxy": address}, code="denied")
        t.fails("the proxy is off", r"web.test:80: cannot connect \(the environment names a proxy\): Connection refused", "http://web.test/f", *HURRY, env={"http_proxy": address})
        for bad in ("http://user:hunter2@", "bogus://user:hunter2@127.0.0.1:1", "http://user:hunter2@no-such-proxy.invalid:1"):
            t.fails(f"proxy {bad}", "proxy", "http://web.test/f", *HURRY, env={"http_proxy": bad})


@case
def socks(t):
    with Server(files({"/f": SMALL})) as web, Server(files({"/f": BIG}), tls=t.certs["good"]) as secure:
        with Socks({"web.test:80": ("127.0.0.1", web.port), "secure.test:443": ("127.0.0.1", secure.port)}) as p:
            address, named = f"socks5h://127.0.0.1:{p.port}", f"socks5h://user:hunter2@127.0.0.1:{p.port}/"
            for variable in ("http_proxy", "all_proxy", "ALL_PROXY"):
                t.gives(f"SOCKS: {variable}", SMALL, "http://web.test/f", env={variable: address})
            t.check(p.asked == ["SOCKS web.test:80 without credentials"] * 3, "SOCKS: the proxy looks the name up", p.asked)
            for variable in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
                p.asked.clear()
                t.gives(f"SOCKS: {variable}", BIG, "--auth", SECRET, "--ca", t.certs["ca"][0], "https://secure.test/f", env={variable: named})
                t.check(p.asked == ["SOCKS secure.test:443 as user:hunter2"], f"SOCKS: {variable}: as whom", p.asked)
            p.asked.clear()
            t.gives("SOCKS: loopback goes to no proxy", SMALL, web.url("/f"), env={"ALL_PROXY": address})
            t.fails("SOCKS: NO_PROXY", "web.test:80: no address", "http://web.test/f", *HURRY, env={"ALL_PROXY": address, "NO_PROXY": "web.test"})
            t.check(not p.asked, "SOCKS: nothing asked", p.asked)
            t.fails("SOCKS: a host that it does not reach", "none.test:443: the proxy does not connect", "https://none.test/f", *HURRY,
                    env={"ALL_PROXY": named})
            t.gives("SOCKS: public only, through a proxy of this host", SMALL, "--public-only", "http://web.test/f", env={"ALL_PROXY": address})
            web.handler = files({"/in": to(f"http://127.0.0.1:{web.port}/f")})
            t.fails("SOCKS: a redirect to this host", "address of this host", "http://web.test/in", env={"ALL_PROXY": address}, code="denied")
        t.fails("SOCKS: the proxy is off", r"web.test:80: cannot connect \(the environment names a proxy\): Connection refused", "http://web.test/f",
                *HURRY, env={"ALL_PROXY": address})
    with Silent() as dead:
        t.fails("SOCKS: the proxy is silent", r"web.test:80: cannot connect within 3 s \(the environment names a proxy\)", "http://web.test/f",
                *LITTLE, env={"ALL_PROXY": f"socks5h://127.0.0.1:{dead.port}"})


@case
def silent_hosts(t):
    """Connecting has a bound of its own (3 s at least), and is tried twice."""
    for what, full, scheme in (("no TLS greeting", False, "https"), ("no connection", True, "http")):
        with Silent(full) as s:
            done = t.fails(f"silent, {what}, {scheme}", rf"127.0.0.1:{s.port}: cannot connect within 3 s$", f"{scheme}://127.0.0.1:{s.port}/f", *LITTLE)
            t.check(done.err.count("asked again") == 1 and 5.5 < done.seconds < 20, f"silent, {what}, {scheme}: tried twice", (done.seconds, done.err))


@case
def addresses(t):
    with Server(files({"/f": SMALL})) as s:
        for host in ("127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "[fe80::1]", "a.localhost", "LOCALHOST."):
            t.fails(f"public only: {host}", "address of this host", "--public-only", f"http://{host}:{s.port}/f", *HURRY, code="denied")
        with open("/proc/sys/kernel/hostname", encoding="ascii") as f:
            name = f.read().strip()
        done = t.run("--public-only", f"http://{name}:{s.port}/f", *HURRY)
        t.check(done.code == 3 and not s.seen(), "public only: this host's own name", done.err)
        for url in ("ftp://127.0.0.1/", "file:///etc/passwd", "http//x", "", "http://a b/", "http://a\nb/"):
            t.fails(f"URL {url!r}", "URL", url or "x:", code="bad-input")
        t.gives("userinfo in a URL is dropped", SMALL, f"http://user:hunter2@127.0.0.1:{s.port}/f")
        t.check(not s.seen()[-1].get("Authorization"), "userinfo is not sent", s.seen())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    threading.stack_size(512 << 10)
    with tempfile.TemporaryDirectory() as work:
        t = Suite(work)

        def one(f):
            start = time.monotonic()
            f(t)
            print(f"{f.__name__:24} {time.monotonic() - start:5.1f} s", flush=True)
        # Most of the time is waiting.
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(one, [f for f in CASES if options.only in f.__name__]))
    print(f"{t.passed} passed, {t.failed} failed")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
