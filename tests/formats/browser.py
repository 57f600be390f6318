"""Chromium by its DevTools protocol over a pipe (--remote-debugging-pipe): no port, no library."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="uidfit-chromium-")
        to_read, self.to = os.pipe()
        self.back, from_write = os.pipe()

        def descriptors():
            # 3 and 4, whatever the numbers here are.
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--user-data-dir=" + self.home, "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=descriptors, pass_fds=(3, 4),
            env={**os.environ, "HOME": self.home})
        os.close(to_read)
        os.close(from_write)
        self.number, self.events, self.rest = 0, [], b""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]

    def message(self, deadline):
        while b"\0" not in self.rest:
            if not select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("chromium does not answer")
            more = os.read(self.back, 1 << 20)
            if not more:
                raise OSError("chromium has ended")
            self.rest += more
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def call(self, method, params=None, timeout=60):
        self.number += 1
        out = {"id": self.number, "method": method, "params": params or {}}
        if getattr(self, "session", None):
            out["sessionId"] = self.session
        os.write(self.to, json.dumps(out).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            m = self.message(deadline)
            if m.get("id") == self.number:
                if "error" in m:
                    raise RuntimeError(f"{method}: {m['error']}")
                return m.get("result", {})
            self.events.append(m)

    def value(self, expression):
        done = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails'].get('text')}")
        return done["result"].get("value")

    def open(self, url):
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")
        self.events.clear()
        self.call("Page.navigate", {"url": url})
        for _ in range(200):
            if self.value("document.readyState") == "complete" and self.value("location.href") != "about:blank":
                return
            time.sleep(0.05)
        raise TimeoutError("the page does not load")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.home, ignore_errors=True)
