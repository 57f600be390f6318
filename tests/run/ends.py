"""How a container ends, and how it is ended: exit statuses, signals, the terminal."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

from people import Layer, end_by


def statuses(s, p):
    def of(*args):
        done = p.run(*args)
        return done.returncode, done.stdout + done.stderr
    for want, what, args in ((0, "true", [s.image, "true"]), (7, "exit 7", [s.image, "sh", "-c", "exit 7"]),
                             (137, "a shell's 137", [s.image, "sh", "-c", "sh -c 'kill -9 $$'"]),
                             (139, "a signal of its own", [s.small, "/probes/probe", "crash"]),
                             (127, "a program that is not there", [s.image, "/no/such"]), (127, "one not on the PATH", [s.image, "no-such"]),
                             (126, "a file that is not executable", [s.image, "/probes/not-executable"]),
                             (126, "a directory", [s.image, "/srv"]),
                             (125, "no image", [s.path("none.tar"), "true"]), (125, "an unknown option", ["--no-such", s.image]),
                             (125, "a bad value", ["--net", "bridge", s.image]), (125, "a bad volume", ["-v", "a:b", s.image, "true"]),
                             (125, "a runtime that is not there", ["--runtime", "no-such", s.image, "true"]),
                             (125, "no such user", ["-u", "nobody-of-that-name", s.image, "true"])):
        code, said = of(*args)
        s.that(code == want, f"{p.label}: {what}: exit {code}, not {want}", said)
        if want == 125:
            s.that(said.count("\n") <= 4 and "uidfit" in said, f"{p.label}: {what}: says why", said)
    code, said = of("-u", "70000", s.image, "id")
    s.that(code == 125 and "cannot set uid to unmapped user" in said, f"{p.label}: -u outside the map: exit {code}", said)
    # As a shell has it for a job in the background.
    with p.start(s.small, "/probes/probe", "deaf", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as run:
        s.same(line_of(run), "ready", f"{p.label}: the deaf program starts, SIGINT ignored")
        end_by(run, signal.SIGINT)
        s.same(run.returncode, 137, f"{p.label}: SIGINT reaches the program where uidfit was started with it ignored")
    s.same(p.left(), [], f"{p.label}: nothing is left")


def unmapped(s, p):
    image = s.save("unmapped.tar", [*s.small_layers, Layer("RUN npm ci").file("srv/bad", b"", uid=1000000)], Cmd=["/probes/probe"])
    done = p.run(image)
    s.same(done.returncode, 125, f"{p.label}: an owner outside the map", done.stderr)
    s.that("srv/bad" in done.stderr and "1000000 cannot be mapped to a host ID" in done.stderr and "npm ci" in done.stderr,
           f"{p.label}: the engine's own line, the entry, the step", done.stderr)
    done = p.run("--fix", image)
    s.that(done.returncode == 0 and "uid 0" in done.stdout, f"{p.label}: --fix runs it", done.stdout + done.stderr)
    s.same(p.left(), [], f"{p.label}: nothing is left")


def line_of(process):
    ready, _, _ = select.select([process.stdout], [], [], 60)
    return process.stdout.readline().strip() if ready else None


def signals(s, p):
    script = 'trap "echo got; exit 9" TERM USR1; echo ready; while :; do sleep 0.05; done'
    for number in (signal.SIGTERM, signal.SIGUSR1):
        with p.start(s.image, "sh", "-c", script) as run:
            s.same(line_of(run), "ready", f"{p.label}: the program starts")
            run.send_signal(number)
            out, err = run.communicate(timeout=30)
            s.same((run.returncode, out), (9, "got\n"), f"{p.label}: {number.name} reaches the program", err)
    for number in (signal.SIGINT, signal.SIGTERM):
        with p.start(s.small, "/probes/probe", "deaf") as run:
            s.same(line_of(run), "ready", f"{p.label}: the deaf program starts")
            for _ in range(2):
                run.send_signal(number)
                time.sleep(0.4)
            s.that(run.poll() is None, f"{p.label}: two {number.name} end nothing that ignores them")
            end_by(run, number)
            s.same(run.returncode, 137, f"{p.label}: the third {number.name} ends it")
    s.same(p.left(), [], f"{p.label}: nothing is left")


class Terminal:
    """uidfit on a terminal of its own."""

    def __init__(self, p, *args, rows=33, columns=77):
        command = p.command("run", *p.options, *args)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(p.home)
            os.execve("/usr/bin/env", ["env", "-i", *(f"{k}={v}" for k, v in p.env.items()), *command], {})
        self.text = ""

    def until(self, words, seconds=30):
        end = time.monotonic() + seconds
        while words not in self.text and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    data = os.read(self.fd, 4096)
                except OSError:
                    break
                if not data:
                    break
                self.text += data.decode(errors="replace")
        return words in self.text

    def write(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.until("\0never", 0.3)
        for _ in range(300):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            self.until("\0never", 0.1)
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def terminal(s, p):
    t = Terminal(p, "-t", s.image, "sh")
    try:
        before = None
        s.that(t.until("# "), f"{p.label}: a shell on a terminal", t.text)
        during = termios.tcgetattr(t.fd)
        s.that(not during[3] & (termios.ECHO | termios.ICANON), f"{p.label}: the terminal outside is raw meanwhile")
        t.write("tty; stty size; echo TE''RM=$TERM\n")
        s.that(t.until("TERM=xterm"), f"{p.label}: TERM", t.text)
        s.that("/dev/pts/0" in t.text or "/dev/console" in t.text, f"{p.label}: a tty", t.text)
        s.that("33 77" in t.text, f"{p.label}: its size", t.text)
        fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 50, 0, 0))
        time.sleep(0.5)
        t.write("stty size\n")
        s.that(t.until("20 50"), f"{p.label}: its new size", t.text)
        t.write("sleep 50; echo status $?\n")
        time.sleep(1)
        t.write("\x03")
        # dash drops the rest of the line, as on any terminal.
        s.that(t.until("^C"), f"{p.label}: Ctrl-C ends the sleep", t.text)
        t.write("echo al''ive; exit 5\n")
        s.that(t.until("alive"), f"{p.label}: and not the shell", t.text)
        before = t.end()
        s.same(before, 5, f"{p.label}: the shell's exit status", t.text)
    finally:
        os.close(t.fd)
    s.same(p.left(), [], f"{p.label}: nothing is left")


def raw_mode(s, p):
    """A terminal that outlives uidfit: its mode is given back."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    run = p.start("-t", s.small, "/probes/probe", stdin=slave)
    out, err = run.communicate(timeout=60)
    s.that(run.returncode == 0 and "uid 0" in out, f"{p.label}: -t with an output that is a pipe", out + err)
    s.same(termios.tcgetattr(slave), before, f"{p.label}: the terminal's mode is given back")
    os.close(master)
    os.close(slave)


def pipes(s, p):
    done = p.run(s.small, "/probes/probe", "streams", input="")
    s.same((done.returncode, done.stdout), (0, "streams pipes separate\n"), f"{p.label}: three pipes")
    s.that("to stderr" in done.stderr and "to stderr" not in done.stdout, f"{p.label}: standard error is its own", done.stderr)
    done = p.run(s.image, "wc", "-c", input="x" * 300000)
    s.same(done.stdout.strip(), "300000", f"{p.label}: standard input goes in, to its end", done.stderr)


def everything(s, people):
    for kind in ("root", "user"):
        statuses(s, people[kind])
        unmapped(s, people[kind])
    for p in people.values():
        signals(s, p)
        pipes(s, p)
        terminal(s, p)
        raw_mode(s, p)
