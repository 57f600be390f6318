"""What the cases of the fix suite share: where they are listed, the program under test, and how they compare."""
import hashlib
import os
import subprocess

CASES = []


def case(f):
    CASES.append(f)
    return f


class Box:
    """A directory for one case, and the program under test."""

    def __init__(self, program, probe, top, long, release=None):
        """release: the program without sanitizers, for what is done by the thousand."""
        self.program, self.probe, self.top, self.long, self.release = program, probe, top, long, release or program

    @property
    def bulk(self):
        """The same with the release program."""
        return Box(self.release, self.probe, self.top, self.long)

    def below(self, name):
        """The same in a folder (not made yet) below this one."""
        return Box(self.program, self.probe, self.path(name), self.long, self.release)

    def path(self, name):
        return os.path.join(self.top, name)

    def run(self, *args, status=0, **kw):
        done = subprocess.run([self.program, *map(str, args)], stdin=kw.pop("stdin", subprocess.DEVNULL),
                              capture_output=True, timeout=300, **kw)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}, not {status}\n"
                                 + done.stderr.decode(errors="replace")[-1500:] + done.stdout.decode(errors="replace")[-1500:])
        return done

    def fix(self, source, dest, *options, **kw):
        return self.run("fix", *options, source, dest, **kw)

    def fits(self, reference, *options):
        self.run("check", *options, reference)


def equal(is_, want, what):
    if is_ != want:
        raise AssertionError(f"{what}: {is_!r}, not {want!r}")


def seen(text, want):
    for line in want:
        if line not in text.splitlines():
            raise AssertionError(f"no line {line!r} in:\n{text}")


def sha(path):
    if os.path.isdir(path):
        h = hashlib.sha256()
        for folder, dirs, files in os.walk(path):
            dirs.sort()
            for name in sorted(files):
                with open(os.path.join(folder, name), "rb") as f:
                    h.update(os.path.relpath(os.path.join(folder, name), path).encode() + b"\0" + f.read())
        return h.hexdigest()
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# What no owner mends.
NOT_OWNERS = {"acl-invalid", "capability-invalid", "oversized-sparse-log"}
