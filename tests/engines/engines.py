"""Starts real engines for tests and asks them one question: do you take this image?

    with Dockerd(remap=True) as d:
        answer = d.load("image.tar")        # Answer(accepted, line, output)

Everything lives in a temporary directory of its own; a daemon is ended by the pid that we started, and what it left
mounted is unmounted. A failure to start raises Unavailable with the end of the daemon's own log.
Standard library only; runs as root.
"""
import collections
import contextlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

# For whoever imports this: mkimage and debian stand there.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

Answer = collections.namedtuple("Answer", "accepted line output")


class Unavailable(Exception):
    """The engine cannot run on this machine: a test says so, and why."""


def end_by_exception():
    """For a program's main(): a signal that ends it unwinds the stack, so that no daemon stays behind."""
    def end(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def run(command, timeout=120, **kw):
    """subprocess.run with both outputs in one text, a limit in seconds, and no input."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.STDOUT)
    try:
        return subprocess.run(command, timeout=timeout, text=True, errors="replace", **kw)
    except subprocess.TimeoutExpired as e:
        out = e.output or b""
        out = out if isinstance(out, str) else out.decode(errors="replace")
        return subprocess.CompletedProcess(command, 124, out + f"\nno answer within {timeout} s", "")
    except OSError as e:
        return subprocess.CompletedProcess(command, 127, f"{command[0]}: {e.strerror}", "")


def must(command, **kw):
    done = run(command, **kw)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def need(*programs):
    """The programs' paths; sbin counts even where the user's PATH leaves it out."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    found = []
    for name in programs:
        where = shutil.which(name, path=path)
        if not where:
            raise Unavailable(f"{name} is not installed")
        found.append(where)
    return found


def need_root():
    if os.geteuid() != 0:
        raise Unavailable("real engines are started by root only")


def mounts_below(directory):
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            where = line.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
            if where.startswith(directory.rstrip("/") + "/"):
                found.append(where)
    return sorted(found, key=len, reverse=True)


def remove_tree(directory):
    """Unmounts what stands below, then removes it all."""
    for _ in range(3):
        left = mounts_below(directory)
        if not left:
            break
        for where in left:
            run(["umount", "-l", where])
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.exists(directory):
        run(["rm", "-rf", "--one-file-system", directory])


def wait_for(condition, seconds, what, process=None, log=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.05)
    tail = ""
    if log and os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as f:
            tail = f.read()[-2000:]
    raise Unavailable(f"{what} did not come up within {seconds} s\n{tail}".rstrip())


def stop(process, seconds=20):
    """Ends a process that we started, politely and then not."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def last_line(text):
    lines = [x.strip() for x in text.strip().splitlines() if x.strip()]
    return lines[-1] if lines else ""


def error_line(text):
    """The line that tells the error: others may stand before and behind it, in any order."""
    for line in text.splitlines():
        if line.startswith(("docker: ", "Error: ", "Error response")):
            return line.strip()
    return last_line(text)


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Dockerd(contextlib.AbstractContextManager):
    """A dockerd of one's own, overlay2, without network. remap: with userns-remap "default" (user dockremap)."""

    def __init__(self, remap=True, driver="overlay2", parent=None, more=None):
        self.remap, self.driver, self.parent, self.more = remap, driver, parent, more or {}
        self.dir = self.process = None
        self.loaded = 0

    def __enter__(self):
        need_root()
        dockerd, _, _ = need("dockerd", "containerd", "runc")
        self.dir = tempfile.mkdtemp(prefix="uidfit-dockerd-", dir=self.parent)
        # The remapped root passes through.
        os.chmod(self.dir, 0o711)
        self.socket, self.log = self.dir + "/sock", self.dir + "/log"
        config = {"storage-driver": self.driver, "bridge": "none", "iptables": False,
                  "data-root": self.dir + "/root", "exec-root": self.dir + "/exec",
                  "pidfile": self.dir + "/pid", "hosts": ["unix://" + self.socket]}
        if self.remap:
            config["userns-remap"] = "default"
        config.update(self.more, hosts=config["hosts"] + self.more.get("hosts", []))
        with open(self.dir + "/daemon.json", "w", encoding="utf-8") as f:
            json.dump(config, f)
        env = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([dockerd, "--config-file", self.dir + "/daemon.json"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            start_new_session=True)
        try:
            wait_for(self.ready, 60, "dockerd", self.process, self.log)
            self.client = self.find_client()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc):
        stop(self.process)
        # Killed hard, dockerd leaves its containerd behind.
        try:
            with open(self.dir + "/exec/containerd/containerd.pid", encoding="ascii") as f:
                pid = int(f.read())
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                ours = self.dir.encode() in f.read()
            if ours:
                os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            pass
        remove_tree(self.dir)
        return False

    def ready(self):
        try:
            return self.request("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None, timeout=120):
        """(status, bytes) of one call of the daemon's own API."""
        with contextlib.closing(UnixHTTP(self.socket, timeout)) as connection:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def find_client(self):
        """The first docker on the PATH, Debian's own before others, that talks to this daemon."""
        names = ["/usr/bin/docker"] + [os.path.join(p, "docker") for p in os.environ.get("PATH", "").split(":")]
        for name in names:
            if os.access(name, os.X_OK) and run([name, "-H", "unix://" + self.socket, "version"]).returncode == 0:
                return name
        raise Unavailable("no docker client that talks to dockerd")

    def docker(self, *args, check=True, timeout=600, **kw):
        """The client, BuildKit off: (text) or, with check=False, the finished process."""
        env = dict(os.environ, DOCKER_HOST="unix://" + self.socket, DOCKER_BUILDKIT="0",
                   DOCKER_CONFIG=self.dir + "/client")
        command = [self.client, *args]
        return must(command, env=env, timeout=timeout, **kw) if check else \
            run(command, env=env, timeout=timeout, **kw)

    @property
    def version(self):
        return json.loads(self.request("GET", "/version")[1])["Version"]

    @property
    def base(self):
        """The host's id of the container's root: (first uid, count) from /etc/subuid."""
        return subid_range("dockremap") if self.remap else None

    def load(self, path, forget=True):
        """`docker load`: the daemon's answer as the client prints it. forget: remove an accepted image again."""
        with open(path, "rb") as f:
            status, text = self.request("POST", "/images/load?quiet=1", body=f, headers={
                "Content-Type": "application/x-tar", "Content-Length": str(os.path.getsize(path))})
        answer = self.answer(status, text)
        self.loaded += 1
        # Layers that images of one seed share would go unasked the next time; and disk is finite.
        if answer.accepted and forget:
            self.forget(answer.line)
        return answer

    @staticmethod
    def answer(status, text):
        line, accepted = "", status == 200
        text = text.decode(errors="replace")
        for row in text.splitlines():
            try:
                row = json.loads(row)
            except ValueError:
                continue
            if "errorDetail" in row or "error" in row or "message" in row:
                accepted = False
                line = row.get("errorDetail", {}).get("message") or row.get("error") or row["message"]
            elif accepted and "stream" in row:
                line = row["stream"].strip()
        return Answer(accepted, line, text)

    def forget(self, line):
        name = line.rpartition("Loaded image: ")[2] if "Loaded image: " in line else line.rpartition(" ")[2]
        self.request("DELETE", "/images/" + urllib.parse.quote(name, safe="") + "?force=1")

    def pull(self, reference):
        done = self.docker("pull", reference, check=False)
        return Answer(done.returncode == 0, last_line(done.stdout), done.stdout)

    def start(self, image, *args, options=()):
        """`docker run`: accepted where the command ended with 0."""
        done = self.docker("run", "--rm", "--network", "none", *options, image, *args, check=False)
        return Answer(done.returncode == 0, error_line(done.stdout), done.stdout)


def subid_range(owner, path="/etc/subuid"):
    """(start, count) of the owner's first line."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            fields = line.strip().split(":")
            if len(fields) == 3 and fields[0] == owner:
                return int(fields[1]), int(fields[2])
    raise Unavailable(f"{path} has no line for {owner}")


class Registry(contextlib.AbstractContextManager):
    """docker-registry on a loopback port: self.address is HOST:PORT, HOST in brackets where it is IPv6's.

    auth and tls are sections of its configuration (auth: {...}, http: tls: {...})."""

    def __init__(self, auth=None, tls=None, host="127.0.0.1"):
        self.auth, self.tls, self.host = auth, tls, host

    def __enter__(self):
        program, = need("docker-registry")
        self.dir = tempfile.mkdtemp(prefix="uidfit-registry-")
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as s:
            try:
                s.bind((self.host, 0))
            except OSError as e:
                raise Unavailable(f"{self.host}: {e.strerror}") from None
            self.port = s.getsockname()[1]
            self.address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        with open(self.dir + "/config.yml", "w", encoding="ascii") as f:
            # YAML reads JSON.
            json.dump({"version": "0.1", "log": {"level": "error"}, "storage": {"filesystem": {"rootdirectory": self.dir + "/data"}},
                       "http": dict({"addr": self.address, "secret": "a test's"}, **({"tls": self.tls} if self.tls else {})),
                       **({"auth": self.auth} if self.auth else {})}, f)
        self.log = self.dir + "/log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program, "serve", self.dir + "/config.yml"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(self.ready, 30, "docker-registry", self.process, self.log)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def ready(self):
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False

    def __exit__(self, *exc):
        stop(self.process)
        remove_tree(self.dir)
        return False

    def push(self, source, name):
        """source as skopeo names it; returns the reference to pull."""
        skopeo, = need("skopeo")
        must([skopeo, "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", source,
              f"docker://{self.address}/{name}"])
        return f"{self.address}/{name}"


class Umoci(contextlib.AbstractContextManager):
    """umoci unpack under a map; asks with an OCI layout (a directory)."""

    def __init__(self, base=100000, count=65536):
        self.map = f"0:{base}:{count}"

    def __enter__(self):
        need_root()
        self.program, = need("umoci")
        self.dir = tempfile.mkdtemp(prefix="uidfit-umoci-")
        return self

    def __exit__(self, *exc):
        remove_tree(self.dir)
        return False

    @property
    def version(self):
        return last_line(run([self.program, "--version"]).stdout).split(" ")[-1]

    def load(self, layout, tag="latest", keep=None):
        """keep: leave the root file system in that directory."""
        out = keep or self.dir + "/bundle"
        done = run([self.program, "unpack", "--image", f"{layout}:{tag}", "--uid-map", self.map,
                    "--gid-map", self.map, out])
        if not keep:
            shutil.rmtree(out, ignore_errors=True)
        return Answer(done.returncode == 0, last_line(done.stdout), done.stdout)


class Podman(contextlib.AbstractContextManager):
    """podman with a store of its own. rootless: as the ordinary user that this makes (and removes), with 65536 subordinate ids."""

    def __init__(self, rootless=True, driver=None, single=False):
        """driver: "overlay" or "vfs", or None for the first that works here. single: without subordinate ids."""
        self.rootless, self.driver, self.single = rootless, driver, single
        # Two runs at once must not share one.
        self.user = f"uidfit-{os.getpid()}"
        self.made_user = False

    def __enter__(self):
        need_root()
        self.program, = need("podman")
        if self.rootless:
            need("newuidmap", "newgidmap", "setpriv")
        self.dir = tempfile.mkdtemp(prefix="uidfit-podman-")
        try:
            os.chmod(self.dir, 0o755)
            self.prefix = []
            self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.dir,
                        "XDG_RUNTIME_DIR": self.dir + "/run", "TMPDIR": self.dir + "/tmp", "LANG": "C.UTF-8"}
            os.mkdir(self.dir + "/run", 0o700)
            os.mkdir(self.dir + "/tmp", 0o700)
            if self.rootless:
                self.become_user()
            self.write_policy()
            self.choose_driver()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def become_user(self):
        for name in ("/etc/subuid", "/etc/subgid"):
            with open(name, "a", encoding="utf-8"):
                pass
        must(["/usr/sbin/useradd", "--no-create-home", "--home-dir", self.dir, "--shell", "/bin/sh", self.user])
        self.made_user, self.uid = True, pwd.getpwnam(self.user).pw_uid
        for path, option in (("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")):
            if self.single:
                # useradd may have given some.
                with contextlib.suppress(Unavailable):
                    start, count = subid_range(self.user, path)
                    must(["/usr/sbin/usermod", option.replace("add", "del"), f"{start}-{start + count - 1}", self.user])
                continue
            try:
                subid_range(self.user, path)
            except Unavailable:
                start = first_free_subid()
                must(["/usr/sbin/usermod", option, f"{start}-{start + 65535}", self.user])
        entry = pwd.getpwnam(self.user)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        for name in (self.dir, self.dir + "/run", self.dir + "/tmp"):
            os.chown(name, self.uid, self.gid)
        self.env["USER"] = self.env["LOGNAME"] = self.user
        self.prefix = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]

    def write_policy(self):
        """A user without a policy file cannot load anything; the machine's own is not asked."""
        folder = self.dir + "/.config/containers"
        os.makedirs(folder)
        with open(folder + "/policy.json", "w", encoding="ascii") as f:
            f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.own(self.dir + "/.config")

    def own(self, path):
        if self.rootless:
            must(["chown", "-R", f"{self.uid}:{self.gid}", path])

    def choose_driver(self):
        tried = []
        for driver in ([self.driver] if self.driver else ["overlay", "vfs"]):
            self.driver = driver
            done = self.podman("info", check=False)
            if done.returncode == 0:
                return
            tried.append(f"{driver}: {last_line(done.stdout)}")
            self.clear()
        raise Unavailable("podman has no storage driver that works here: " + "; ".join(tried))

    def podman(self, *args, check=True, timeout=120):
        command = [*self.prefix, self.program, "--root", self.dir + "/store", "--runroot", self.dir + "/runroot",
                   "--storage-driver", self.driver, "--cgroup-manager", "cgroupfs", "--log-level", "error", *args]
        # Not a session of root's: the working directory must be one that the user may enter.
        kw = {"env": self.env, "cwd": self.dir, "timeout": timeout}
        return must(command, **kw) if check else run(command, **kw)

    def clear(self):
        """Ends the pause process and removes the store; what the namespace owns only the namespace (or root) can remove."""
        for name in ("store", "runroot"):
            remove_tree(os.path.join(self.dir, name))
            shutil.rmtree(os.path.join(self.dir, name), ignore_errors=True)

    def __exit__(self, *exc):
        # Rootless podman keeps a process that holds its namespace; the user is ours alone, and so is what runs as it.
        if self.made_user:
            for pid in processes_of(self.uid):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        remove_tree(self.dir)
        if self.made_user:
            for _ in range(50):
                if run(["/usr/sbin/userdel", self.user]).returncode != 8:
                    break
                time.sleep(0.1)
        return False

    @property
    def version(self):
        return self.podman("version", "--format", "{{.Client.Version}}").strip()

    @property
    def map(self):
        """The namespace's lines of uid_map: [(inside, host, count)]."""
        if not self.rootless:
            return [(0, 0, 4294967295)]
        text = self.podman("unshare", "cat", "/proc/self/uid_map")
        return [tuple(map(int, line.split())) for line in text.splitlines() if len(line.split()) == 3]

    def load(self, path, forget=True):
        # The caller's directory need not be one that the user may enter.
        copy = self.dir + "/tmp/image.tar"
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o644)
        # `podman load` tries every format and prints a line for each; `pull` prints the one that matters.
        done = self.podman("pull", "-q", "docker-archive:" + copy, check=False)
        answer = Answer(done.returncode == 0, last_line(done.stdout), done.stdout)
        if answer.accepted and forget:
            self.forget(answer.line)
        return answer

    def forget(self, line):
        self.podman("rmi", "--force", line.rpartition(" ")[2], check=False)

    def start(self, image, *args, options=()):
        done = self.podman("run", "--rm", "--network", "none", "--cgroups=disabled", *options, image, *args, check=False)
        return Answer(done.returncode == 0, error_line(done.stdout), done.stdout)


def processes_of(uid):
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat("/proc/" + name).st_uid == uid:
                found.append(int(name))
    return found


def first_free_subid(lowest=100000):
    """Behind every range that anybody has."""
    start = lowest
    for path in ("/etc/subuid", "/etc/subgid"):
        with open(path, encoding="utf-8") as f:
            for line in f:
                fields = line.strip().split(":")
                if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
                    start = max(start, int(fields[1]) + int(fields[2]))
    return start
