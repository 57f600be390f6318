#!/usr/bin/env python3
"""Findings for other programs: SARIF against its published schema, JUnit, GitLab, workflow commands, Markdown; baselines.

    tests/formats/run.py --uidfit PROGRAM
"""
import argparse
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from browser import Browser  # noqa: E402
from mkimage import Layer, Step, save_docker_archive  # noqa: E402

# Ships SARIF's schema as OASIS published it.
SCHEMA_PACKAGE, SCHEMA_MEMBER = "@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json"
HOSTILE = "app/<script>alert('1')</script>|x%0A::warning::\x01\x1b[31m\xff\"&`@all`]](\n::error::.js"


class Suite:
    def __init__(self, uidfit, where):
        self.uidfit, self.where = uidfit, where
        self.passed = self.failed = self.skipped = 0

    def that(self, ok, what, more=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print(f"FAIL {what}\n{more}".rstrip(), flush=True)
        return ok

    def skip(self, what, why):
        self.skipped += 1
        print(f"skip {what}: {why}", flush=True)

    def check(self, *args, env=None):
        return subprocess.run([self.uidfit, "check", *args], cwd=self.where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, timeout=120)

    def findings(self, *args):
        done = self.check("--format", "json", *args)
        return [f for r in json.loads(done.stdout)["results"] for f in r.get("findings", [])]


def images(s):
    base = Layer("ADD file:1 in /").dir("etc").file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    app = Layer("RUN npm ci | echo `x` <b>").file("app/a.js", b"1", uid=1516583083, how="pax").file(HOSTILE, b"2", uid=1000000)
    again = Layer("RUN npm ci | echo `x` <b>").file("app/a.js", b"another body", uid=1516583083, how="pax").file(HOSTILE, b"3", uid=1000000)
    more = Layer("COPY more").file("more", b"1", gid=70000)
    save_docker_archive(os.path.join(s.where, "old.tar"), [base, Step("USER 1000000"), app], tags=["app:1"], user="1000000")
    save_docker_archive(os.path.join(s.where, "rebuilt.tar"), [base, Step("USER 1000000"), again], tags=["app:2"], user="1000000")
    save_docker_archive(os.path.join(s.where, "new.tar"), [base, Step("USER 1000000"), again, more], tags=["app:3"], user="1000000")
    save_docker_archive(os.path.join(s.where, "fits.tar"), [base], tags=["fits:1"])


def schema(s):
    cache = os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test")
    path = os.path.join(cache, "sarif-schema.json")
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(["npm", "pack", "--silent", SCHEMA_PACKAGE], cwd=d, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
            with tarfile.open(os.path.join(d, os.listdir(d)[0])) as t:
                text = t.extractfile(SCHEMA_MEMBER).read()
        with open(path + ".new", "wb") as f:
            f.write(text)
        os.rename(path + ".new", path)
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def valid(s, doc, what):
    try:
        import jsonschema
        wanted = jsonschema.Draft7Validator(schema(s))
    except (ImportError, OSError, subprocess.SubprocessError) as e:
        s.skip(what, f"{type(e).__name__}: {e}")
        return None
    found = list(wanted.iter_errors(doc))
    s.that(not found, what, "\n".join(f"{list(e.path)}: {e.message[:300]}" for e in found[:5]))
    return wanted


def sarif(s):
    done = s.check("--format", "sarif", "old.tar", "nothing.tar", "fits.tar")
    s.that(done.returncode == 3, "sarif: an image that is not there: exit 3", done.stderr.decode())
    try:
        doc = json.loads(done.stdout)
    except ValueError as e:
        return s.that(False, "sarif: JSON", f"{e}\n{done.stdout[:1000]!r}")
    wanted = valid(s, doc, "sarif: valid")
    if wanted:
        broken = json.loads(done.stdout)
        broken["runs"][0]["results"][0]["level"] = "fatal"
        s.that(list(wanted.iter_errors(broken)), "sarif: the schema refuses what is wrong")
    run = doc["runs"][0]
    rules = {r["id"] for r in run["tool"]["driver"]["rules"]}
    results = run["results"]
    s.that(len(results) == len(s.findings("old.tar")) == 3, "sarif: as many results as findings", str(results)[:600])
    s.that({r["ruleId"] for r in results} <= rules, "sarif: every result's rule is described")
    s.that(len({r["partialFingerprints"]["uidfit/v1"] for r in results}) == 3, "sarif: a fingerprint a finding")
    told = run["invocations"][0]
    s.that(told["executionSuccessful"] is False and any("nothing.tar" in n["message"]["text"] for n in told["toolExecutionNotifications"]),
           "sarif: what could not be looked at is told", str(told))
    clean = json.loads(s.check("--format", "sarif", "fits.tar").stdout)["runs"][0]
    s.that(clean["results"] == [] and clean["invocations"][0]["executionSuccessful"], "sarif: nothing of an image that fits")


def junit(s):
    done = s.check("--format", "junit", "old.tar", "nothing.tar", "fits.tar")
    try:
        root = ElementTree.fromstring(done.stdout)
    except ElementTree.ParseError as e:
        return s.that(False, "junit: XML", f"{e}\n{done.stdout!r}")
    suites = {e.get("name"): e for e in root}
    s.that(list(suites) == ["old.tar", "nothing.tar", "fits.tar"], "junit: a suite an image", str(list(suites)))
    for name, (tests, failures, errors) in {"old.tar": (3, 3, 0), "nothing.tar": (1, 0, 1), "fits.tar": (1, 0, 0)}.items():
        e = suites[name]
        counted = (len(e.findall("testcase")), len(e.findall("testcase/failure")), len(e.findall("testcase/error")))
        said = tuple(int(e.get(k)) for k in ("tests", "failures", "errors"))
        s.that(counted == said == (tests, failures, errors), f"junit: {name}: cases, failures, errors", f"{counted} {said}")


def github(s):
    summary = os.path.join(s.where, "summary.md")
    with open(summary, "w", encoding="utf-8") as f:
        f.write("before\n")
    done = s.check("--format", "github", "old.tar", env={"GITHUB_STEP_SUMMARY": summary})
    lines = done.stdout.decode().splitlines()
    commands = [line for line in lines if line.startswith("::")]
    s.that(len(commands) == 3 and all(re.match(r"::error title=[a-z-]+::", c) for c in commands),
           "github: a command a finding, and none that an image wrote", "\n".join(lines))
    s.that(not any("::error::" in line and not line.startswith("::error title") for line in lines), "github: no name begins a line")
    s.that(any("%250A" in c for c in commands), "github: a name's %0A stays text", "\n".join(commands))
    text = open(summary, encoding="utf-8").read()
    s.that(text.startswith("before\n") and "### uidfit check: old.tar: does not fit" in text, "github: the step's summary is appended to", text)
    s.that("<script" not in text and "@all" not in text, "github: no tag and no mention in the summary", text)


def gitlab(s):
    done = s.check("--format", "gitlab", "old.tar", "nothing.tar")
    issues = json.loads(done.stdout)
    s.that(len(issues) == 4, "gitlab: an issue a finding, and one that could not be looked at", str(issues)[:500])
    for i in issues:
        s.that(i["severity"] in ("info", "minor", "major", "critical", "blocker") and re.fullmatch("[0-9a-f]{64}", i["fingerprint"])
               and isinstance(i["location"]["lines"]["begin"], int) and i["location"]["path"] and i["description"] and i["check_name"],
               "gitlab: what the format asks for", str(i))


def markdown(s):
    text = s.check("--format", "markdown", "old.tar", "fits.tar").stdout.decode()
    rows = [line for line in text.splitlines() if line.startswith("| error")]
    s.that(len(rows) == 3 and all(re.sub(r"\\.|&#\d+;", "", r).count("|") == 4 for r in rows), "markdown: a row a finding, three cells each", text)
    s.that("<script" not in text and "fits.tar: fits" in text, "markdown: no tags", text)


def press(b, key, code, text):
    for kind in ("keyDown", "keyUp"):
        b.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, **({"text": text} if text and kind == "keyDown" else {})})


def by_keyboard(s, b):
    b.value("(e => { e.value = ''; e.dispatchEvent(new Event('input')); e.focus(); })(document.getElementById('find0'))")
    for _ in range(4):
        press(b, "Tab", 9, "")
    s.that(b.value("document.activeElement.textContent") == "Owner" and b.value("getComputedStyle(document.activeElement).outlineStyle") == "solid",
           "html: Tab reaches the columns, and it is seen", b.value("document.activeElement.outerHTML")[:200])
    before = b.value("document.activeElement.parentElement.getAttribute('aria-sort')")
    press(b, "Enter", 13, "\r")
    after = b.value("document.activeElement.parentElement.getAttribute('aria-sort')")
    s.that({before, after} == {"ascending", "descending"}, "html: Enter sorts", f"{before} {after}")


def refused(s, b):
    """What a name would do if it were not text: the page's policy lets neither out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        b.value(f"new Promise(f => {{ const i = new Image(); i.onerror = i.onload = f; i.src = '{url}'; document.body.append(i); }}).then(() => 1)")
        b.value(f"fetch('{url}').then(() => 1, () => 1)")
        b.value("(x => { x.textContent = \"document.title = 'taken'\"; document.body.append(x); })(document.createElement('script'))")
        listener.settimeout(1)
        try:
            listener.accept()
            came = True
        except TimeoutError:
            came = False
    s.that(not came and b.value("document.title") == "uidfit check", "html: the policy lets no request out and no other script in")


def html(s):
    done = s.check("--format", "html", "--for", "docker,circleci,kubernetes", "old.tar", "nothing.tar", "fits.tar")
    text = done.stdout.decode()
    s.that("<script>alert" not in text and text.count("<script>") == 1, "html: the page's own script alone")
    s.that(not re.search(r"(src|href)=", text), "html: nothing to fetch")
    program = shutil.which("chromium")
    if not program:
        return s.skip("html in a browser", "chromium is not installed")
    path = os.path.join(s.where, "page.html")
    with open(path, "wb") as f:
        f.write(done.stdout)
    b = Browser(program)
    try:
        b.open("file://" + path)
        rows = "Array.from(document.querySelectorAll('table.findings')[0].tBodies[0].rows)"
        s.that(b.value(rows + ".length") == 3, "html: a row a finding")
        s.that(b.value("document.querySelectorAll('section').length") == 3 and "could not be looked at" in b.value("document.body.innerText"),
               "html: a section an image, the one that is not there too")
        s.that("<script>alert('1')" in b.value("document.body.innerText"), "html: a hostile name is text")
        order = rows + ".map(r => r.cells[3].textContent).join(' ')"
        button = "document.querySelectorAll('table.findings')[0].querySelectorAll('th button')[3].click()"
        b.value(button)
        up = b.value(order).split()
        b.value(button)
        down = b.value(order).split()
        s.that(up == ["1000000:0", "1516583083:0"] and down == up[::-1], "html: sorted by owner, both ways", f"{up} {down}")
        s.that(b.value("document.querySelectorAll('table.findings')[0].querySelectorAll('th')[3].getAttribute('aria-sort')") == "descending",
               "html: the order is told to readers of the screen")
        b.value("(e => { e.value = 'a.js'; e.dispatchEvent(new Event('input')); })(document.getElementById('find0'))")
        s.that(b.value(rows + ".filter(r => !r.hidden).length") == 1 and b.value("document.getElementById('shown0').textContent") == "1 of 3",
               "html: searched")
        s.that(b.value("document.querySelectorAll('section')[0].querySelectorAll('svg').length") == 2, "html: layers and owners as pictures")
        b.call("Emulation.setDeviceMetricsOverride", {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True})
        s.that(b.value("document.documentElement.scrollWidth <= 380"), "html: nothing is wider than a phone", str(b.value("document.documentElement.scrollWidth")))
        b.call("Emulation.clearDeviceMetricsOverride")
        colours = []
        for scheme in ("light", "dark"):
            b.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            colours.append(b.value("getComputedStyle(document.body).backgroundColor"))
        s.that(len(set(colours)) == 2, "html: light and dark", str(colours))
        asked = [e["params"]["request"]["url"] for e in b.events if e.get("method") == "Network.requestWillBeSent"]
        s.that(all(u.startswith("file://" + path) for u in asked), "html: no request leaves", str(asked))
        wrong = [e for e in b.events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
        s.that(not wrong, "html: no error in the console", str(wrong)[:500])
        b.call("Emulation.setEmulatedMedia", {"features": []})
        by_keyboard(s, b)
        b.call("Emulation.setEmulatedMedia", {"media": "print"})
        s.that(b.value("getComputedStyle(document.querySelector('.find')).display") == "none", "html: no search in print")
        b.call("Emulation.setEmulatedMedia", {"media": ""})
        refused(s, b)
        shot = base64.b64decode(b.call("Page.captureScreenshot", {"captureBeyondViewport": True})["data"])
        where = os.path.join(os.environ.get("UIDFIT_TEST_CACHE", "/var/tmp/uidfit-test"), "check.png")
        with open(where, "wb") as f:
            f.write(shot)
        s.that(shot.startswith(b"\x89PNG") and len(shot) > 5000, "html: a screenshot", where)
    finally:
        b.close()


def baseline(s):
    done = s.check("--write-baseline", "accepted.json", "old.tar")
    s.that(done.returncode == 1, "baseline: writing changes no verdict", done.stderr.decode())
    doc = json.load(open(os.path.join(s.where, "accepted.json"), encoding="utf-8"))
    s.that(doc["schema"] == "uidfit/baseline/1" and doc["findings"] == sorted(set(doc["findings"])) and len(doc["findings"]) == 3, "baseline: the file", str(doc))
    for name, status in {"old.tar": 0, "rebuilt.tar": 0, "new.tar": 1, "fits.tar": 0}.items():
        for extra in ([], ["--format", "json"], ["--format", "sarif"], ["--format", "junit"]):
            done = s.check("--baseline", "accepted.json", *extra, name)
            s.that(done.returncode == status, f"baseline: {name} {' '.join(extra)}: exit {status}", done.stdout.decode()[-600:] + done.stderr.decode())
    text = s.check("--baseline", "accepted.json", "new.tar").stdout.decode()
    s.that("baseline: 3 of 4 findings are accepted\n" in text, "baseline: counted", text[-400:])
    new = json.loads(s.check("--baseline", "accepted.json", "--format", "sarif", "new.tar").stdout)["runs"][0]["results"]
    s.that([r["properties"]["path"] for r in new] == ["/more"], "baseline: new ones alone are told", str(new)[:500])
    before = open(os.path.join(s.where, "accepted.json"), "rb").read()
    done = s.check("--write-baseline", "accepted.json", "old.tar", "nothing.tar")
    s.that(done.returncode == 3 and open(os.path.join(s.where, "accepted.json"), "rb").read() == before, "baseline: stays where an image could not be looked at")
    for text, status in (("{}", 3), ("[", 3), ('{"schema":"uidfit/baseline/1","findings":["xyz"]}', 3), ('{"schema":"uidfit/baseline/1","findings":[]}', 1)):
        with open(os.path.join(s.where, "odd.json"), "w", encoding="utf-8") as f:
            f.write(text)
        done = s.check("--baseline", "odd.json", "old.tar")
        s.that(done.returncode == status and done.stderr.count(b"\n") == (status == 3), f"baseline: {text}: exit {status}", done.stderr.decode())
    s.that(s.check("--baseline", "none.json", "old.tar").returncode == 3, "baseline: one that is not there")


def explain(s):
    log = "build.log"
    with open(os.path.join(s.where, log), "w", encoding="utf-8") as f:
        f.write("pulling\n::error::\nfailed to register layer: Container ID 1516583083 cannot be mapped to a host ID\n")
    for form in ("sarif", "junit", "github", "gitlab", "markdown", "html"):
        done = subprocess.run([s.uidfit, "explain", "--format", form, log], cwd=s.where, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        s.that(done.returncode == 0 and b"image-owner" in done.stdout and b"1516583083" in done.stdout, f"explain: {form}", done.stdout.decode()[:600] + done.stderr.decode())
        if form == "sarif":
            result, = json.loads(done.stdout)["runs"][0]["results"]
            place = result["locations"][0]["physicalLocation"]
            s.that((place["artifactLocation"]["uri"], place["region"]["startLine"]) == (log, 3), "explain: the log's line", str(place))
            valid(s, json.loads(done.stdout), "explain: sarif: valid")
        elif form == "github":
            s.that(re.fullmatch(r"::error file=build\.log,line=3,endLine=3,title=image-owner::[^\n]*\nbuild\.log: recognised\n", done.stdout.decode()), "explain: one command", done.stdout.decode())
        elif form == "junit":
            s.that(len(ElementTree.fromstring(done.stdout).findall("testsuite/testcase/failure")) == 1, "explain: one failure")
    done = subprocess.run([s.uidfit, "explain", "--format", "gitlab", "nothing known"], cwd=s.where, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    s.that(done.returncode == 3 and json.loads(done.stdout) == [], "explain: nothing recognised: exit 3", done.stdout.decode() + done.stderr.decode())


def usage(s):
    for verb in ("fix", "owners", "unpack"):
        done = subprocess.run([s.uidfit, verb, "--format", "sarif", "old.tar", "x"], cwd=s.where, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        s.that(done.returncode == 2 and b"--format is text or json here" in done.stderr, f"usage: {verb} has no such format", done.stderr.decode())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    args = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="uidfit-formats-") as where:
        s = Suite(os.path.abspath(args.uidfit), where)
        images(s)
        for part in (sarif, junit, github, gitlab, markdown, html, baseline, explain, usage):
            part(s)
    print(f"{s.passed} passed, {s.failed} failed" + (f", {s.skipped} skipped" if s.skipped else ""))
    return 1 if s.failed else 0


if __name__ == "__main__":
    sys.exit(main())
