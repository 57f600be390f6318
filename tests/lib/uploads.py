"""A small registry on loopback that takes uploads, for tests of who sends them."""
import hashlib
import urllib.parse

from faulty import Close, Response, Server

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Uploads(Server):
    """As the specification has it, and docker-registry does not: an upload that broke is kept, and goes on from its offset."""

    def __init__(self):
        self.parts, self.blobs, self.manifests, self.half, self.strict = {}, {}, {}, 0, 0
        super().__init__(self.answer)

    def upload(self, status, name):
        return Response(status, b"", [("Location", f"/v2/x/blobs/uploads/{name}"), ("Range", f"0-{max(len(self.parts[name]), 1) - 1}")])

    def answer(self, request):
        path, _, query = request.path.partition("?")
        name = path.rpartition("/")[2]
        if "/uploads/" in path and request.method != "POST":
            if request.method == "PATCH":
                first = int(request.get("Content-Range").partition("-")[0])
                if first != len(self.parts[name]):
                    self.strict += 1
                    return Response(416)
                if self.half:
                    self.half -= 1
                    self.parts[name] += request.body[:len(request.body) // 3]
                    raise Close
            self.parts[name] += request.body
            if request.method != "PUT":
                return self.upload(204 if request.method == "GET" else 202, name)
            digest = urllib.parse.unquote_plus(query.partition("digest=")[2])
            if digest != "sha256:" + hashlib.sha256(self.parts[name]).hexdigest():
                return Response(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}')
            self.blobs[digest] = self.parts[name]
            return Response(201)
        if request.method == "POST":
            self.parts[str(len(self.parts))] = b""
            return self.upload(202, str(len(self.parts) - 1))
        if request.method == "PUT":
            self.manifests[name] = request.body
            return Response(201)
        body = (self.manifests if "/manifests/" in path else self.blobs).get(name)
        return Response(404) if body is None else Response(200, body, [("Content-Type", MANIFEST)])
