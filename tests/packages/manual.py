"""Manual pages: made where scdoc is, each option of --help in its verb's page, no error for mandoc."""
import os
import re
import sys


def run(suite):
    import completion
    pages = os.path.join(suite.tmp, "man")
    os.makedirs(pages)
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "man")
    made = {}
    for name in sorted(os.listdir(source)):
        if not name.endswith(".scd"):
            continue
        scd, page = os.path.join(pages, name), os.path.join(pages, name[:-4])
        suite.ends(f"{name}: page.py", 0, sys.executable, os.path.join(source, "page.py"), suite.uidfit,
                   os.path.join(source, name), scd)
        suite.ends(f"{name}: scdoc", 0, "sh", "-c", f"scdoc <{scd} >{page}")
        # scdoc's own preamble and its tables give style remarks; an error or a warning of mandoc is ours.
        lint = suite.run("mandoc", "-T", "lint", "-W", "error", page)
        suite.check(f"{name}: mandoc", lint.returncode == 0 and not lint.stdout, lint.stdout[:800])
        text = re.sub(r".\x08", "", suite.run("mandoc", "-T", "utf8", "-O", "width=300", page).stdout)
        suite.check(f"{name}: no template left", "@" not in re.sub(r"@FILE|docker@|NAME@|@-", "", text) or
                    not re.search(r"@[A-Z]+@", text), "a @WORD@ is left")
        made[name[:-4]] = text
    with open(os.path.join(source, "meson.build"), encoding="utf-8") as f:
        installed = f.read()
    for page in made:
        suite.check(f"{page}: installed", f"'{page}'" in installed, "docs/man/meson.build does not name it")
    for verb, options in completion.verbs(suite).items():
        text = made.get(f"uidfit-{verb}.1", "")
        suite.check(f"uidfit-{verb}(1)", text, f"docs/man/uidfit-{verb}.1.scd is missing")
        suite.check(f"uidfit(1) names {verb}", f"uidfit-{verb}(1)" in made["uidfit.1"], "it does not")
        for name, arg in options.items():
            suite.check(f"uidfit-{verb}(1): --{name}",
                        re.search(rf"--{name}" + (" " + re.escape(arg) if arg else "") + r"\s*$", text, re.M), "not in the page")
    with open(os.path.join(source, "..", "..", "src", "base", "error.c"), encoding="utf-8") as f:
        for code in re.findall(r'\[ERR_\w+\] = \{ "([a-z-]+)"', f.read()):
            suite.check(f"uidfit-report(5): {code}", re.search(rf"^\s+{code}$", made["uidfit-report.5"], re.M), "not in the page")
