#!/usr/bin/env python3
"""page.py PROGRAM FILE.scd OUT: FILE as scdoc reads it, with what the program's own tables know put in.

A page of a verb is what `uidfit help --scdoc VERB` prints, with FILE's text in the place of @TEXT@. In other pages the line
@VERBS@ becomes the list of verbs.
"""
import os
import re
import subprocess
import sys


def ask(program, *words):
    return subprocess.run([program, "help", "--scdoc", *words], check=True, capture_output=True, text=True).stdout


def main(program, path, out):
    with open(path, encoding="utf-8") as f:
        text = f.read().strip("\n")
    verb = re.fullmatch(r"uidfit-([a-z]+)[.]1[.]scd", os.path.basename(path))
    if verb:
        page = ask(program, verb[1]).replace("@TEXT@", text, 1)
    else:
        page = text.replace("@VERBS@\n", ask(program), 1) + "\n"
    with open(out, "w", encoding="utf-8") as f:
        f.write(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
