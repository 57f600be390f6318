"""Large programs: a JDK, and the guides' npm image, whose owners fit no map."""
import os
import shutil

from people import debian_layer

JDK = ("openjdk-17-jre-headless",)
SERVER = """
const app = require("/usr/src/app/node_modules/express")(), http = require("http");
app.get("/", (q, a) => a.send("answer of uid " + process.getuid()));
const s = app.listen(80, "127.0.0.1", () => http.get("http://127.0.0.1/", a => {
  let t = ""; a.on("data", d => t += d); a.on("end", () => { console.log(a.statusCode, t); s.close(); process.exit(3); }); }));
"""


def java(s, people):
    image = s.save("jdk.tar", [debian_layer(JDK)], Entrypoint=["java"], Cmd=["-version"])
    for kind in ("root", "user"):
        p = people[kind]
        done = p.run(image, quick=True)
        said = done.stdout + done.stderr
        s.that(done.returncode == 0 and "version \"17" in said and "OpenJDK" in said, f"{kind}: java -version", said)
        s.same(p.left(), [], f"{kind}: nothing is left")


def npm(s, people):
    """express serves and answers on the loopback of its own network."""
    from guides import built
    shutil.copy(built(), s.path("guides.tar"))
    os.chmod(s.path("guides.tar"), 0o644)
    image = f"docker-archive:{s.path('guides.tar')}:uidfit/npm:latest"
    for kind in ("root", "user"):
        p = people[kind]
        done = p.run(image, "true", quick=True)
        s.that(done.returncode == 125 and "1516583083" in done.stderr, f"{kind}: npm's owners stop it as they stop an engine", done.stderr)
        done = p.run("--fix", "--net", "none", image, "node", "-e", SERVER, quick=True)
        s.same((done.returncode, done.stdout), (3, "200 answer of uid 0\n"), f"{kind}: the npm image serves and answers", done.stderr)
        s.same(p.left(), [], f"{kind}: nothing is left")


def everything(s, people):
    java(s, people)
    npm(s, people)
