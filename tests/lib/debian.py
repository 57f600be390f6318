"""A Debian root file system as a tar, made once by debootstrap from the mirror that this machine's apt uses."""
import os
import shutil
import subprocess
import tempfile


def mirror():
    """The first archive that apt is configured with; no host name is written down here."""
    out = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
                         capture_output=True, text=True, check=True).stdout
    for line in out.split("\n"):
        fields = line.split()
        if len(fields) == 3 and fields[1:] == ["bookworm", "main"]:
            return fields[0]
    raise RuntimeError("apt names no archive of Debian bookworm")


def base_tar(cache, packages=()):
    """The path of a tar of debootstrap's minbase (and packages), made where the cache does not hold it."""
    path = os.path.join(cache, "-".join(["debian-bookworm-minbase", *packages]) + ".tar")
    if os.path.exists(path):
        return path
    os.makedirs(cache, exist_ok=True)
    top = tempfile.mkdtemp(prefix="debootstrap-", dir=cache)
    try:
        root = os.path.join(top, "root")
        done = subprocess.run(["debootstrap", "--variant=minbase", *(["--include=" + ",".join(packages)] if packages else []), "bookworm", root, mirror()],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
        if done.returncode:
            raise RuntimeError("debootstrap: " + done.stdout[-2000:] + done.stderr[-2000:])
        subprocess.run(["rm", "-rf", os.path.join(root, "var/cache/apt/archives")], check=True)
        part = path + f".{os.getpid()}"
        subprocess.run(["tar", "-C", root, "--numeric-owner", "--one-file-system", "-cf", part, "."], check=True)
        os.rename(part, path)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return path
