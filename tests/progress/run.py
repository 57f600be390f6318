#!/usr/bin/env python3
"""What is told of long work on standard error, as a terminal and as a log see it, and what an interrupt leaves behind.

Work is long here because its input comes slowly. A small emulator reads what the terminal is sent.
usage: run.py --uidfit PROGRAM [CASE...]
"""
import argparse
import fcntl
import glob
import io
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from faulty import plain  # noqa: E402
from mkimage import Layer, save_docker_archive, save_oci  # noqa: E402
from uploads import Uploads  # noqa: E402

SECONDS = 90
CASES = []
PLAIN = re.compile(r"\d\d:\d\d:\d\d \S+: (Checking [0-9.]+ [kMG]?B( / [0-9.]+ [kMG]?B)?|Check complete|Known from the cache|Already exists|"
                   r"Writing [0-9.]+ [kMG]?B( / [0-9.]+ [kMG]?B)?|Write complete|Failed)$")


def case(f):
    CASES.append(f)
    return f


class Screen:
    """What a terminal of that size shows: line ends, carriage returns, cursor up, erase to the end."""

    def __init__(self, width, height):
        self.width, self.height, self.lines, self.row, self.column = width, height, [""], 0, 0
        self.widest = self.most = 0

    def feed(self, data):
        for m in re.finditer(r"\x1b\[(\d*)([A-Z])|(\r)|(\n)|([^\x1b\r\n]+)", data):
            number, letter, cr, lf, text = m.groups()
            if letter == "A":
                assert int(number) <= self.row, "the cursor leaves the screen"
                self.row -= int(number)
            elif letter == "J":
                assert self.column == 0
                del self.lines[self.row + 1:]
                self.lines[self.row] = ""
            elif letter:
                raise AssertionError(f"unknown sequence {m.group(0)!r}")
            elif cr:
                self.column = 0
            elif lf:
                self.row, self.column = self.row + 1, 0
                if self.row == len(self.lines):
                    self.lines.append("")
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + text + line[self.column + len(text):]
                self.column += len(text)
                self.widest = max(self.widest, self.column)
            self.most = max(self.most, len(self.lines))

    def text(self):
        return "\n".join(self.lines).strip()


class Box:
    def __init__(self, top, uidfit):
        self.top, self.uidfit = top, uidfit

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("UIDFIT_")}
        return env | {"TERM": "xterm", "UIDFIT_NO_CACHE": "1", "LC_ALL": "C.UTF-8",
                      "DOCKER_DEFAULT_PLATFORM": "linux/amd64"} | more

    def path(self, name):
        return os.path.join(self.top, name)

    def archive(self, layers=1, size=4 << 20):
        """A docker-archive whose layers do not compress."""
        path = self.path("app.tar")
        save_docker_archive(path, [Layer(f"RUN {i}").file(f"f{i}", os.urandom(size), uid=2000000)
                                   for i in range(layers)])
        return path

    def slowly(self, path, seconds, target):
        """Writes the file to a pipe in about so many seconds."""
        pieces, size = 40, os.path.getsize(path)
        with open(path, "rb") as f:
            for _ in range(pieces):
                try:
                    target.write(f.read(size // pieces + 1))
                    target.flush()
                except (BrokenPipeError, ValueError):
                    return
                time.sleep(seconds / pieces)

    def plain(self, args, path, seconds, env=None):
        """Exit status, standard output and standard error of a run that reads path slowly."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            p = subprocess.Popen([self.uidfit, *args], stdin=subprocess.PIPE, stdout=out, stderr=err,
                                 env=env or self.environment())
            self.slowly(path, seconds, p.stdin)
            p.stdin.close()
            status = p.wait(timeout=SECONDS)
            out.seek(0), err.seek(0)
            return status, out.read().decode(), err.read().decode()

    def terminal(self, args, path, seconds, width=80, height=24, during=None, env=None):
        """Exit status, standard output, and what the terminal on standard error was sent."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        attributes = termios.tcgetattr(slave)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        sent, screen = io.StringIO(), Screen(width, height)
        with tempfile.TemporaryFile() as out:
            p = subprocess.Popen([self.uidfit, *args], stdin=subprocess.PIPE, stdout=out, stderr=slave,
                                 env=env or self.environment())
            os.close(slave)
            pieces, size, end = 40, os.path.getsize(path), time.monotonic() + SECONDS
            with open(path, "rb") as f:
                for i in range(10 ** 6):
                    if time.monotonic() > end:
                        p.kill()
                        raise AssertionError("does not end")
                    if i < pieces:
                        try:
                            p.stdin.write(f.read(size // pieces + 1))
                            p.stdin.flush()
                        except BrokenPipeError:
                            pass
                    elif i == pieces:
                        try:
                            p.stdin.close()
                        except BrokenPipeError:
                            pass
                    if during and during(i, p, master):
                        during = None
                    if select.select([master], [], [], seconds / pieces)[0]:
                        try:
                            data = os.read(master, 1 << 16).decode()
                        except OSError:
                            break
                        sent.write(data)
                        screen.feed(data)
            os.close(master)
            status = p.wait(timeout=SECONDS)
            out.seek(0)
            return status, out.read().decode(), sent.getvalue(), screen


@case
def bars(b):
    began = time.monotonic()
    status, out, sent, screen = b.terminal(["check", "-"], b.archive(2), 4)
    seconds = time.monotonic() - began
    assert status == 1 and "does not fit" in out, (status, out)
    assert re.search(r"Checking +\[=*>? *\] +[0-9.]+ MB / 4.2 MB", sent), sent[-2000:]
    assert "/s" in sent and "Check complete" in sent
    assert screen.text() == "", screen.text()
    assert screen.widest < 80
    assert sent.count("\x1b[J") <= 10 * seconds + 2, "redrawn too often"


@case
def small_screen(b):
    """No more lines than the screen has, none as wide."""
    status, _, sent, screen = b.terminal(["check", "-"], b.archive(20, 1 << 18), 3, width=40, height=6)
    assert status == 1 and screen.text() == "" and screen.most <= 6 and screen.widest < 40, (screen.most, screen.widest)
    assert re.search(r"\d+ of \d+ done", sent)
    status, _, sent, screen = b.terminal(["check", "-"], b.archive(2), 2, width=1, height=1)
    assert status == 1


@case
def resized(b):
    def narrow(i, p, master):
        if i == 20:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 30, 0, 0))
        return i == 20
    _, _, sent, _ = b.terminal(["check", "-"], b.archive(1), 4, width=100, during=narrow)
    widths = [len(line) for line in re.split(r"\n|\x1b\[\d*[AJ]|\r", sent) if "Checking" in line]
    assert max(widths) > 60 and widths[-1] < 30, widths


@case
def short_work_is_silent(b):
    path = b.archive(1, 1000)
    status, _, sent, _ = b.terminal(["check", "-"], path, 0)
    assert status == 1 and sent == "", sent
    assert b.plain(["check", "-"], path, 0)[2] == ""


@case
def errors_stand_alone(b):
    path = b.archive(1)
    with open(path, "r+b") as f:
        f.truncate(3 << 20)
    status, _, _, screen = b.terminal(["check", "-"], path, 2)
    assert status == 3 and screen.text().startswith("uidfit: "), screen.text()


@case
def lines(b):
    status, out, err = b.plain(["check", "--progress", "plain", "-"], b.archive(2), 3)
    told = err.splitlines()
    assert status == 1 and out and told, (status, err)
    assert all(PLAIN.match(line) for line in told), err
    assert len([line for line in told if "Check complete" in line]) >= 2, err
    assert len(told) < 12, err
    # Nobody asked, but it takes long.
    err = b.plain(["check", "-"], b.archive(2), 6)[2]
    assert err and all(PLAIN.match(line) for line in err.splitlines()), err
    # A terminal that is asked for lines.
    _, _, sent, _ = b.terminal(["check", "--progress", "plain", "-"], b.archive(1), 2)
    assert all(PLAIN.match(line) for line in sent.splitlines()) and "\x1b" not in sent, sent
    _, _, sent, _ = b.terminal(["check", "-"], b.archive(1), 4, env=b.environment(TERM="dumb"))
    assert sent and "\x1b" not in sent, sent


@case
def silenced(b):
    path = b.archive(1)
    for args, env in ((["--progress", "none"], {}), (["--quiet"], {}), ([], {"UIDFIT_PROGRESS": "none"})):
        assert b.plain(["check", *args, "-"], path, 3, env=b.environment(**env))[2] == "", args
        assert b.terminal(["check", *args, "-"], path, 1.5, env=b.environment(**env))[2] == "", args


@case
def fixing(b):
    status, _, err = b.plain(["fix", "--progress", "plain", "-", f"oci:{b.path('out')}"], b.archive(2), 3)
    assert status == 0 and "Writing" in err and "Write complete" in err and "Check complete" in err, (status, err)


@case
def uploading(b):
    """What is told is what went out, not what was read to be sent: a chunk of 16 MiB is read at once."""
    layout = b.path("image")
    save_oci(layout, [Layer("RUN 0").file("f", os.urandom(24 << 20))])
    with Uploads() as s:
        s.pause = 0.01
        name = f"docker://127.0.0.1:{s.port}/x"
        args = [b.uidfit, "fix", "--progress", "plain", "--tls-verify=false", f"oci:{layout}", name]
        done = subprocess.run(args, capture_output=True, text=True, env=b.environment(), timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        told = re.findall(r"Writing ([0-9.]+) MB / 25 MB", done.stderr)
        assert told and float(told[0]) < 16 and told == sorted(told, key=float) and len(set(told)) > 1, done.stderr
        assert done.stderr.count("Write complete") == 1, done.stderr
        # The lines come after two seconds of work: each answer takes a while.
        s.fault("HEAD", lambda conn, request, response: (time.sleep(2.5), plain(conn, request, response)))
        done = subprocess.run([*args[:-1], name + ":2"], capture_output=True, text=True, env=b.environment(), timeout=SECONDS)
        assert done.returncode == 0 and "Already exists" in done.stderr and "Writ" not in done.stderr, done.stderr
        # An end is heeded in the midst of a chunk: the upload is taken back.
        s.blobs.clear()
        s.pause = 0.05
        p = subprocess.Popen([*args[:-1], name + ":3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=b.environment())
        for _ in range(SECONDS * 10):
            if s.seen("PATCH") or s.seen("PUT /v2/x/manifests/3") or p.poll() is not None:
                break
            time.sleep(0.1)
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=SECONDS)
        assert p.returncode == -signal.SIGINT and s.seen("DELETE") and not s.seen("PUT /v2/x/manifests/3"), (p.returncode, s.log)


@case
def interrupted(b):
    """Ends by the signal; the terminal is as it was, and nothing is left in the place of the output."""
    path = b.archive(3, 8 << 20)
    for number, verb in ((signal.SIGINT, ["check", "-"]), (signal.SIGTERM, ["fix", "-", f"oci:{b.path('out')}"]),
                         (signal.SIGHUP, ["fix", "-", f"docker-archive:{b.path('out.tar')}"])):
        def send(i, p, master):
            if i == 25:
                p.send_signal(number)
            return i == 25
        status, out, _, screen = b.terminal(verb, path, 2.5, during=send)
        assert status == -number, (verb, status)
        assert screen.text() == "" and screen.column == 0, screen.text()
        assert out == "", out
        assert not glob.glob(b.path("out*")), glob.glob(b.path("out*"))


@case
def interrupted_while_writing(b):
    layout = b.path("image")
    save_oci(layout, [Layer(f"RUN {i}", compress="gzip").file("f", os.urandom(20 << 20), uid=2000000) for i in range(3)])
    seen = 0
    for _ in range(6):
        p = subprocess.Popen([b.uidfit, "fix", "--threads", "1", f"oci:{layout}", f"oci:{b.path('out')}"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=b.environment())
        end = time.monotonic() + SECONDS
        while p.poll() is None and time.monotonic() < end:
            # Something of a blob is written.
            if any(os.path.getsize(f) > 1 << 20 for f in glob.glob(b.path("out.partial-*/**"), recursive=True) if os.path.isfile(f)):
                break
            time.sleep(0.005)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=SECONDS)
        assert p.returncode in (-signal.SIGINT, 0), (p.returncode, err)
        if p.returncode:
            seen += 1
            assert not glob.glob(b.path("out*")), glob.glob(b.path("out*"))
        shutil.rmtree(b.path("out"), ignore_errors=True)
    assert seen, "every run had ended before"


@case
def ignored_signal_stays_ignored(b):
    path = b.archive(1)
    p = subprocess.Popen([b.uidfit, "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=b.environment(), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    data = open(path, "rb").read()
    p.stdin.write(data[:1 << 20])
    p.stdin.flush()
    time.sleep(0.3)
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(data[1 << 20:], timeout=SECONDS)
    assert p.returncode == 1 and b"does not fit" in out


def main():
    # Whoever starts this in the background has signals ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    p = argparse.ArgumentParser()
    p.add_argument("--uidfit", required=True)
    p.add_argument("cases", nargs="*")
    args = p.parse_args()
    passed = failed = 0
    for f in CASES:
        if args.cases and f.__name__ not in args.cases:
            continue
        top = tempfile.mkdtemp(prefix="uidfit-progress-")
        try:
            f(Box(top, os.path.abspath(args.uidfit)))
            passed += 1
        except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError) as e:
            failed += 1
            line = e.__traceback__
            while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                line = line.tb_next
            print(f"FAIL {f.__name__}, line {line.tb_lineno}: {type(e).__name__} {str(e)[:1500]}")
        finally:
            shutil.rmtree(top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
