"""An HTTP server on loopback that breaks its answers as told, for tests of clients. Standard library only.

    with Server(files({"/a": b"..."})) as s:             # or Server(upstream("127.0.0.1", 5000))
        s.fault("GET /a", cut(100), times=2)             # the next two answers end after 100 bytes of body
        ...  s.url("/a"), s.log

A handler takes a Request and gives a Response. `files` serves bytes with ranges and ETags; `upstream` hands on to another
server, a real registry say, so that its answers can be broken on the way. A fault takes (conn, request, response): it sends
what it wants by conn.send and may raise Close; the first rule that fits is used up first. TLS, unix sockets and a port
that the kernel picks are the constructor's. Proxy is a forward and CONNECT proxy that resolves names by a table, Socks a
SOCKS 5 one. Silent is a host that answers nothing.
"""
import http.client
import os
import random
import re
import socket
import ssl
import struct
import threading
import time
import zlib

HEAD_MAX = 64 << 10
PIECE = 64 << 10


class Close(Exception):
    """The connection ends here."""


class Request:
    def __init__(self, method, path, headers, body, connection):
        self.method, self.path, self.headers, self.body, self.connection = method, path, headers, body, connection

    def get(self, name, default=None):
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)

    def __repr__(self):
        return f"{self.method} {self.path} {self.headers}"


class Response:
    """body: bytes, or an iterable of bytes with size (None: sent chunked)."""

    def __init__(self, status=200, body=b"", headers=(), size=None, reason=None):
        self.status, self.body, self.headers = status, body, list(headers)
        self.size = len(body) if isinstance(body, bytes) else size
        self.reason = reason or http.client.responses.get(status, "Unknown")

    def set(self, name, value):
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()] + [(name, value)]
        return self

    def head(self, length=True):
        headers = list(self.headers)
        names = {k.lower() for k, _ in headers}
        if length and not names & {"content-length", "transfer-encoding"} and self.status >= 200 and self.status not in (204, 304):
            headers.append(("Content-Length", self.size) if self.size is not None else ("Transfer-Encoding", "chunked"))
        lines = [f"HTTP/1.1 {self.status} {self.reason}"] + [f"{k}: {v}" for k, v in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def pieces(self):
        """The body as it goes out behind head()."""
        if isinstance(self.body, bytes):
            for at in range(0, len(self.body), PIECE):
                yield self.body[at:at + PIECE]
        elif self.size is not None:
            yield from self.body
        else:
            for piece in self.body:
                yield b"%x\r\n%s\r\n" % (len(piece), piece)
            yield b"0\r\n\r\n"

    def bytes(self):
        return b"".join([self.body] if isinstance(self.body, bytes) else self.body)


class Connection:
    def __init__(self, sock, number):
        self.sock, self.number, self.sent = sock, number, 0

    def send(self, data):
        self.sock.sendall(data)
        self.sent += len(data)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Close


class Server:
    def __init__(self, handler, tls=None, unix=None, host="127.0.0.1"):
        """tls: (certificate, key). unix: a path to listen at instead of host."""
        self.handler, self.tls, self.host, self.unix = handler, None, host, unix
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self.log, self.rules, self.lock, self.stopped = [], [], threading.Lock(), threading.Event()
        self.connections, self.served, self.open = 0, 0, set()
        self.pause = 0  # seconds between two pieces of a request's body
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        return False

    def close(self):
        self.stopped.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def url(self, path="/", host=None):
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{getattr(self, 'port', 80)}{path}"

    def fault(self, match, what, times=1):
        """match: a regular expression for the start of "METHOD /path". times: None for ever."""
        with self.lock:
            self.rules.append([re.compile(match), what, times])

    def forget(self):
        with self.lock:
            self.rules.clear()
            self.log.clear()
            self.served = 0

    def seen(self, match=""):
        with self.lock:
            return [r for r in self.log if re.match(match, f"{r.method} {r.path}")]

    def pick(self, request):
        with self.lock:
            self.log.append(request)
            for rule in self.rules:
                if rule[2] != 0 and rule[0].match(f"{request.method} {request.path}"):
                    if rule[2] is not None:
                        rule[2] -= 1
                    return rule[1]
        return None

    def accept(self):
        while not self.stopped.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(sock)
                number = self.connections
            threading.Thread(target=self.connection, args=(sock, number), daemon=True).start()

    def connection(self, plain, number):
        sock = plain
        try:
            plain.settimeout(300)
            if self.tls:
                sock = self.tls.wrap_socket(plain, server_side=True)
            conn, reader = Connection(sock, number), sock.makefile("rb")
            while not self.stopped.is_set() and self.exchange(conn, reader):
                pass
        except (Close, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(plain)
            try:
                sock.close()
            except OSError:
                pass

    def exchange(self, conn, reader):
        if reader.peek(1)[:1] == b"\x16":  # TLS, where none is spoken: Go's servers say so in plain
            conn.send(Response(400, b"Client sent an HTTP request to an HTTPS server.\n").head())
            raise Close
        line = reader.readline(HEAD_MAX).decode("latin-1").split()
        if len(line) != 3:
            return False
        headers = []
        while True:
            text = reader.readline(HEAD_MAX).decode("latin-1").rstrip("\r\n")
            if not text:
                break
            name, _, value = text.partition(":")
            headers.append((name, value.strip()))
        request = Request(line[0], line[1], headers, b"", conn.number)
        what = self.pick(request)
        if getattr(what, "before_body", False):
            what(conn, request, None)
        if request.get("Expect", "").lower() == "100-continue":
            conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = read_body(reader, request, self.pause)
        start = conn.sent
        response = self.handler(request)
        if what and not getattr(what, "before_body", False):
            what(conn, request, response)
        else:
            plain(conn, request, response)
        with self.lock:
            self.served += conn.sent - start
        return True


def read_body(reader, request, pause=0):
    if request.get("Transfer-Encoding", "").lower() == "chunked":
        parts = []
        while True:
            n = int(reader.readline(100).split(b";")[0], 16)
            parts.append(reader.read(n))
            reader.readline(100)
            if n == 0:
                return b"".join(parts)
    n = int(request.get("Content-Length", 0))
    parts = []
    for at in range(0, n, PIECE):
        parts.append(reader.read(min(PIECE, n - at)))
        time.sleep(pause)
    body = b"".join(parts)
    if len(body) != n:
        raise Close
    return body


def plain(conn, request, response):
    """The answer as it should be."""
    conn.send(response.head())
    if request.method != "HEAD":
        for piece in response.pieces():
            conn.send(piece)


# --- handlers ---------------------------------------------------------------------------------------------------------

def files(table, ranges=True, etag=True):
    """table: path -> bytes, or a function that takes the request and gives bytes or a Response."""
    def handle(request):
        body = table.get(request.path.split("?")[0])
        if callable(body):
            body = body(request)
        if isinstance(body, Response):
            return body
        if body is None:
            return Response(404, b"not here\n")
        tag = f'"{len(body)}-{zlib.crc32(body):x}"'
        headers = [("ETag", tag)] if etag else []
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.get("Range", ""))
        if not ranges or not asked or request.get("If-Range", tag) != tag:
            return Response(200, body, headers)
        first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
        if first > last:
            return Response(416, b"", [("Content-Range", f"bytes */{len(body)}")])
        return Response(206, body[first:last + 1], headers + [("Content-Range", f"bytes {first}-{last}/{len(body)}")])
    return handle


HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "expect", "proxy-connection", "host"}


def upstream(host, port, timeout=60):
    """Hands each request on; the answer comes back as the upstream gave it. Host stays the client's, so that a registry
    makes its Locations for this server."""
    def handle(request):
        peer = http.client.HTTPConnection(host, port, timeout=timeout)
        peer.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        peer.putheader("Host", request.get("Host", f"{host}:{port}"))
        for name, value in request.headers:
            if name.lower() not in HOP_BY_HOP:
                peer.putheader(name, value)
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            peer.putheader("Content-Length", str(len(request.body)))
        peer.endheaders(request.body or None)
        answer = peer.getresponse()
        headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP]
        if request.method == "HEAD":
            size = answer.getheader("Content-Length")
            return Response(answer.status, [], headers, size=int(size) if size else 0)

        def body():
            try:
                while piece := answer.read(PIECE):
                    yield piece
            finally:
                peer.close()
        return Response(answer.status, body(), headers, size=answer.length)
    return handle


# --- faults -----------------------------------------------------------------------------------------------------------

def cut(after, reset=False):
    """Ends the connection after so many bytes of the body; below 0: so many of the head are missing. A float is a share."""
    def fault(conn, request, response):
        head, body = response.head(), b"" if request.method == "HEAD" else b"".join(response.pieces())
        n = int(len(body) * after) if isinstance(after, float) else after
        conn.send(head[:n] if n < 0 else head + body[:n])
        if reset:
            conn.reset()
        raise Close
    return fault


def cut_anywhere(seed):
    """Each use ends after another share of the whole answer, head and body."""
    rng = random.Random(seed)

    def fault(conn, request, response):
        whole = response.head() + (b"" if request.method == "HEAD" else b"".join(response.pieces()))
        conn.send(whole[:rng.randrange(len(whole))])
        if rng.random() < 0.5:
            conn.reset()
        raise Close
    return fault


def wrong_bytes(at=0.5):
    """One byte of the body is another; everything else is right."""
    def fault(conn, request, response):
        body = bytearray(response.bytes())
        if body:
            body[int((len(body) - 1) * at)] ^= 0x20
        plain(conn, request, Response(response.status, bytes(body), response.headers))
    return fault


def instead(status, body=b"", headers=()):
    """Another answer."""
    def fault(conn, request, response):
        plain(conn, request, Response(status, body, headers))
    return fault


def wrong_length(by):
    """Content-Length says by more (or less) than comes; then the connection ends."""
    def fault(conn, request, response):
        body = response.bytes()
        conn.send(Response(response.status, b"", response.headers).set("Content-Length", len(body) + by).head() + body)
        raise Close
    return fault


def chunked(after=None, trailers=()):
    """The body in chunks; after so many bytes the connection ends in the middle of one."""
    def fault(conn, request, response):
        body = response.bytes()
        conn.send(Response(response.status, b"", response.headers).set("Transfer-Encoding", "chunked").head())
        for at in range(0, len(body), 1000):
            piece = body[at:at + 1000]
            if after is not None and at + len(piece) > after:
                conn.send(b"%x\r\n%s" % (len(piece), piece[:after - at]))
                raise Close
            conn.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        conn.send(b"0\r\n" + b"".join(b"%s\r\n" % t for t in trailers) + b"\r\n")
    return fault


def no_answer(conn, request, response):
    """Closes without a word."""
    raise Close


def reset(conn, request, response):
    conn.reset()


def silence(seconds=60):
    """Says nothing, keeps the connection."""
    def fault(conn, request, response):
        conn.sock.settimeout(seconds)
        try:
            conn.sock.recv(1)
        except OSError:
            pass
        raise Close
    return fault


def drip(head=False, every=0.05, most=600):
    """One byte at a time: of the body, or of the head too."""
    def fault(conn, request, response):
        whole = response.head() + b"".join(response.pieces())
        start = 0 if head else len(response.head())
        conn.send(whole[:start])
        for i in range(start, min(len(whole), start + most)):
            conn.send(whole[i:i + 1])
            time.sleep(every)
        raise Close
    return fault


def stall(after, seconds=60):
    """So many bytes of the body, then nothing more."""
    def fault(conn, request, response):
        conn.send(response.head() + response.bytes()[:after])
        silence(seconds)(conn, request, response)
    return fault


def endless_headers(conn, request, response):
    conn.send(b"HTTP/1.1 200 OK\r\n")
    for i in range(1 << 20):
        conn.send(b"X-%d: %s\r\n" % (i, b"a" * 200))


def endless_trailers(conn, request, response):
    conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
    for i in range(1 << 20):
        conn.send(b"X-%d: %s\r\n" % (i, b"a" * 200))


def endless_interim(conn, request, response):
    for _ in range(1 << 20):
        conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")


def long_header(n):
    """One header line of n bytes."""
    def fault(conn, request, response):
        conn.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for at in range(0, n, PIECE):
            conn.send(b"a" * min(PIECE, n - at))
        conn.send(b"\r\nContent-Length: 0\r\n\r\n")
    return fault


def endless_body(conn, request, response):
    conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conn.send(b"%x\r\n%s\r\n" % (PIECE, b"a" * PIECE))


def raw(data):
    """These bytes and the end."""
    def fault(conn, request, response):
        conn.send(data)
        raise Close
    return fault


def refuse_body(status):
    """Answers before the body was sent, to those who ask first (Expect)."""
    def fault(conn, request, response):
        conn.send(Response(status, b"").set("Connection", "close").head())
        raise Close
    fault.before_body = True
    return fault


# --- a proxy ----------------------------------------------------------------------------------------------------------

class Proxy(Server):
    """Names are looked up in hosts: {"registry.test:80": ("127.0.0.1", port)}; what is not there is 502."""

    def __init__(self, hosts):
        self.hosts, self.asked = hosts, []
        super().__init__(self.forward)

    def forward(self, request):
        m = re.fullmatch(r"http://([^/:]+)(?::(\d+))?(/.*)", request.path)
        name = f"{m[1]}:{m[2] or 80}" if m else request.path
        self.asked.append(f"{request.method} {name}")
        if name not in self.hosts or not m:
            return Response(502, b"")
        request.path = m[3]
        return upstream(*self.hosts[name])(request)

    def exchange(self, conn, reader):
        first = reader.peek(8)[:8]
        if first != b"CONNECT ":
            return super().exchange(conn, reader)
        name = reader.readline(HEAD_MAX).split()[1].decode()
        headers = b""
        while (line := reader.readline(HEAD_MAX)).strip():
            headers += line
        self.asked.append(f"CONNECT {name} {'with' if b'authorization' in headers.lower() else 'without'} credentials")
        if name not in self.hosts:
            conn.send(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            raise Close
        self.join(conn, reader, name, b"HTTP/1.1 200 OK\r\n\r\n")

    def join(self, conn, reader, name, greeting):
        with socket.create_connection(self.hosts[name]) as peer:
            conn.send(greeting)
            other = threading.Thread(target=pump, args=(peer, conn.sock), daemon=True)
            other.start()
            pump(reader, peer)
            other.join(10)
        raise Close


class Socks(Proxy):
    """SOCKS 5 (RFC 1928) for names, with user and password (RFC 1929) where the client has some."""

    def exchange(self, conn, reader):
        version, count = reader.read(2)
        methods, who = reader.read(count), "without credentials"
        if version != 5:
            raise Close
        if 2 in methods:
            conn.send(b"\5\2")
            reader.read(1)
            who = "as " + ":".join(reader.read(reader.read(1)[0]).decode() for _ in range(2))
            conn.send(b"\1\0")
        else:
            conn.send(b"\5\0")
        kind = reader.read(4)[3]
        host = reader.read(reader.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(reader.read(4))
        name = f"{host}:{int.from_bytes(reader.read(2), 'big')}"
        self.asked.append(f"SOCKS {name} {who}")
        if name not in self.hosts:
            conn.send(b"\5\4\0\1" + bytes(6))  # host unreachable
            raise Close
        self.join(conn, reader, name, b"\5\0\0\1" + bytes(6))


class Silent:
    """A host that is there and says nothing. full: its queue is full, so that not even a connection is made."""

    def __init__(self, full=False):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0 if full else 64)
        self.port, self.fillers = self.listener.getsockname()[1], []
        for _ in range(4 if full else 0):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for sock in (self.listener, *self.fillers):
            sock.close()
        return False


def pump(source, sink):
    read = source.read1 if hasattr(source, "read1") else source.recv
    try:
        while data := read(PIECE):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


# --- certificates -----------------------------------------------------------------------------------------------------

def certificates(folder, run):
    """A CA and certificates of it, by the openssl command: {"ca", "good", "other", "expired", "client"} -> (cert, key).
    run takes a list and raises where it fails."""
    out = {}

    def path(name):
        return os.path.join(folder, name)

    def key(name):
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(name + ".key")])

    key("ca")
    run(["openssl", "req", "-x509", "-new", "-key", path("ca.key"), "-subj", "/CN=uidfit test CA", "-days", "3650", "-out", path("ca.pem"),
         "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"])
    out["ca"] = (path("ca.pem"), path("ca.key"))
    for name, names, dates in (("good", "DNS:localhost,DNS:secure.test,IP:127.0.0.1,IP:::1", ("20200101000000Z", "21000101000000Z")),
                               ("other", "DNS:other.test", ("20200101000000Z", "21000101000000Z")),
                               ("expired", "DNS:localhost,IP:127.0.0.1", ("20200101000000Z", "20210101000000Z")),
                               ("client", "DNS:client.test", ("20200101000000Z", "21000101000000Z"))):
        key(name)
        with open(path("ca.conf"), "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={folder}\ndatabase={path('index')}\nrand_serial=yes\ndefault_md=sha256\n"
                    f"policy=p\nx509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n[e]\nsubjectAltName={names}\n")
        open(path("index"), "a", encoding="ascii").close()
        run(["openssl", "req", "-new", "-key", path(name + ".key"), "-subj", "/CN=" + name, "-out", path(name + ".csr")])
        run(["openssl", "ca", "-batch", "-notext", "-config", path("ca.conf"), "-cert", path("ca.pem"), "-keyfile", path("ca.key"),
             "-in", path(name + ".csr"), "-out", path(name + ".pem"), "-startdate", dates[0], "-enddate", dates[1]])
        out[name] = (path(name + ".pem"), path(name + ".key"))
    return out
