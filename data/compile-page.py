#!/usr/bin/env python3
"""The HTML report's style and script as C, with the policy that allows them and nothing else: compile-page.py CSS JS OUT."""
import base64
import hashlib
import sys


def quoted(text):
    return "\n".join('\t"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in text.rstrip("\n").split("\n"))


def allowed(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def main():
    css, js = (open(p, encoding="utf-8").read().rstrip("\n") + "\n" for p in sys.argv[1:3])
    policy = f"default-src 'none'; style-src {allowed(css)}; script-src {allowed(js)}; base-uri 'none'; form-action 'none'"
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        out.write('/* Made by data/compile-page.py; do not edit. */\n#include "report/finding-internal.h"\n\n')
        for name, text in (("css", css), ("js", js)):
            out.write(f"const char page_{name}[] =\n{quoted(text)};\n")
        out.write(f'const char page_policy[] = "{policy}";\n')


if __name__ == "__main__":
    main()
