"""What packaging/ makes, from a clean clone: the .deb installed, run and removed; the static program on an empty root; the
image checked and run."""
import json
import os
import re
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def clone(suite):
    path = os.path.join(suite.tmp, "clone")
    if not os.path.isdir(path):
        suite.ends("a clean clone", 0, "git", "clone", "-q", TOP, path)
    return path


def sample(suite, place):
    path = os.path.join(place, "x.tar")
    suite.ends("the sample", 0, "python3", os.path.join(TOP, "scripts/sample.py"), path)
    return path


def version():
    with open(os.path.join(TOP, "meson.build"), encoding="utf-8") as f:
        return re.search(r"version: '([0-9.]+)'", f.read())[1]


def deb(suite):
    for spelling in "version", "--version", "-V":
        out = suite.ends(f"uidfit {spelling}", 0, suite.uidfit, spelling) or ""
        suite.check(f"uidfit {spelling} says meson's", out == f"uidfit {version()}\n", out)
    if os.geteuid() != 0:
        return suite.skip("deb", "only root installs packages")
    if suite.run("dpkg-query", "-W", "uidfit").returncode == 0:
        return suite.skip("deb", "a package uidfit is installed here already, which this test would remove")
    out = suite.ends("packaging/deb", 0, os.path.join(clone(suite), "packaging/deb"), os.path.join(suite.tmp, "deb"))
    if not out:
        return None
    package = out.strip()
    try:
        suite.ends("dpkg -i", 0, "dpkg", "-i", package)
        listed = (suite.ends("dpkg -L", 0, "dpkg", "-L", "uidfit") or "").splitlines()
        for path in ["/usr/bin/uidfit", "/usr/share/man/man1/uidfit.1.gz", "/usr/share/man/man1/uidfit-check.1.gz",
                     "/usr/share/man/man5/uidfit-report.5.gz", "/usr/share/bash-completion/completions/uidfit",
                     "/usr/share/zsh/vendor-completions/_uidfit", "/usr/share/fish/vendor_completions.d/uidfit.fish"]:
            suite.check(f"the package holds {path}", path in listed, listed)
        got = suite.ends("the installed version", 0, "/usr/bin/uidfit", "version")
        suite.check("it is meson's", got == f"uidfit {version()}\n", got)
        suite.ends("the installed program checks", 1, "/usr/bin/uidfit", "check", sample(suite, suite.tmp))
        for page in [p for p in listed if "/man/man" in p and p.endswith(".gz")]:
            lint = suite.run("sh", "-c", f"zcat {page} | mandoc -T lint -W error")
            suite.check(f"{page}: mandoc", lint.returncode == 0, lint.stdout)
    finally:
        suite.run("dpkg", "--purge", "uidfit")
    suite.check("removed", not os.path.exists("/usr/bin/uidfit"), "/usr/bin/uidfit is still there")
    return None


def static_program(suite):
    """Built once for both parts; None where that failed."""
    path = os.path.join(suite.tmp, "uidfit-static")
    if not os.path.exists(path):
        suite.ends("packaging/static", 0, os.path.join(clone(suite), "packaging/static"), path)
    return path if os.path.exists(path) else None


def static(suite):
    program = static_program(suite)
    if not program:
        return
    root = os.path.join(suite.tmp, "root")
    os.mkdir(root)
    shutil.copy(program, os.path.join(root, "uidfit"))
    sample(suite, root)
    inside = ("chroot", root) if os.geteuid() == 0 else ("unshare", "-r", "chroot", root)
    got = suite.ends("version on an empty root", 0, *inside, "/uidfit", "version")
    suite.check("it says what it does without", got == f"uidfit {version()} (without registries)\n", got)
    got = suite.ends("check on an empty root", 1, *inside, "/uidfit", "check", "--format", "json", "/x.tar")
    same = suite.run(suite.uidfit, "check", "--format", "json", "x.tar", cwd=root).stdout
    suite.check("the same findings", got and json.loads(got)["results"][0]["findings"] ==
                json.loads(same)["results"][0]["findings"], "they differ")
    suite.ends("owners on an empty root", 0, *inside, "/uidfit", "owners", "/x.tar")
    suite.ends("fix on an empty root", 0, *inside, "/uidfit", "fix", "/x.tar", "oci:/fixed:1")
    suite.ends("and what it wrote", 0, *inside, "/uidfit", "check", "oci:/fixed:1")
    refused = suite.run(*inside, "/uidfit", "check", "docker://localhost/app:1")
    suite.check("a registry is refused", refused.returncode == 3 and "without registries" in refused.stderr, refused.stderr)


def image(suite):
    program = static_program(suite)
    if not program:
        return
    layout = os.path.join(suite.tmp, "image.oci")
    suite.ends("packaging/image", 0, os.path.join(TOP, "packaging/image"), layout, program)
    reference = f"oci:{layout}:latest"
    suite.ends("it fits", 0, suite.uidfit, "check", "--verify", "--for", "docker,circleci,kubernetes,podman", reference)
    again = os.path.join(suite.tmp, "again.oci")
    suite.run(os.path.join(TOP, "packaging/image"), again, program)
    suite.check("the same bytes twice", subprocess.run(["diff", "-r", layout, again], check=False).returncode == 0, "they differ")
    suite.ends("umoci unpacks it", 0, "umoci", "unpack", "--rootless", "--image", f"{layout}:latest", os.path.join(suite.tmp, "bundle"))
    if os.geteuid() != 0:
        return suite.skip("uidfit run of the image", "only tried as root")
    got = suite.ends("uidfit run", 0, suite.uidfit, "run", reference, "version")
    suite.check("its version", got == f"uidfit {version()} (without registries)\n", got)
    return None
