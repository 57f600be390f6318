"""The three scripts beside --help, and real shells asked what they offer."""
import os
import re


def verbs(suite):
    """{verb: {option: argument or None}} as --help tells it."""
    out = suite.run(suite.uidfit, "help").stdout
    found = {}
    for name in re.findall(r"^  ([a-z]+) ", out, re.M):
        if name in ("help", "version", "docker", "uidfit"):
            continue
        text = suite.run(suite.uidfit, name, "--help").stdout
        found[name] = {m[2]: m[3] for m in re.finditer(r"^  (-.,|   ) --([a-z-]+)(?: (\S+))?", text, re.M)}
    return found


ASK_BASH = r"""
. "$1"; shift
COMP_LINE="$*"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_POINT=${#COMP_LINE}
handler=$(complete -p uidfit | sed 's/.* -F \([^ ]*\) .*/\1/')
"$handler" uidfit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"""

# zsh's own completion, in a terminal of its own: what compadd is given is written down.
ASK_ZSH = r"""
autoload -Uz compinit; compinit -u -D
. "$1"; uidfit_line=$2
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=READY; autoload -Uz compinit; compinit -u -D; . $1; zstyle ':completion:*' list-prompt ''; LISTMAX=9999; bindkey '^I' complete-word; list() { compadd() { builtin compadd -O got \"\$@\"; print -l -- \$got >>$3; builtin compadd \"\$@\" }; _main_complete }; zle -C list list-choices list; bindkey '^X' list; cd $4"
sleep 0.7
zpty -w -n shell "$uidfit_line"$'\x18'
sleep 1.2
zpty -d shell
"""


def run(suite):
    told = verbs(suite)
    suite.check("verbs", {"check", "fix", "platforms"} <= set(told), f"--help names {sorted(told)}")
    targets = re.findall(r"^([a-z][a-z0-9-]+)", suite.run(suite.uidfit, "platforms", "--quiet").stdout, re.M)
    for shell in "bash", "zsh", "fish":
        path = os.path.join(suite.tmp, shell)
        script = suite.ends(f"completion {shell}", 0, suite.uidfit, "completion", shell)
        with open(path, "w", encoding="utf-8") as f:
            f.write(script or "")
        suite.ends(f"{shell} -n", 0, shell, "-n", path)
    suite.ends("completion of no shell", 2, suite.uidfit, "completion", "tcsh")

    def bash(*words):
        return suite.run("bash", "--norc", "-c", ASK_BASH, "bash", os.path.join(suite.tmp, "bash"), *words,
                         cwd=place).stdout.split()

    def fish(line):
        out = suite.run("fish", "--no-config", "-c", f"source {suite.tmp}/fish; complete -C {line!r}", cwd=place,
                        env=dict(os.environ, HOME=suite.tmp)).stdout
        return [row.split("\t")[0] for row in out.splitlines()]

    def same(name, got, want):
        suite.check(name, sorted(set(got)) == sorted(set(want)), f"{sorted(got)}, not {sorted(want)}")

    place = os.path.join(suite.tmp, "place")
    os.makedirs(os.path.join(place, "sub"))
    for name in "app.tar", "other.tar":
        with open(os.path.join(place, name), "w", encoding="utf-8"):
            pass
    same("bash: verbs", bash("uidfit", ""), [*told, "help", "version", "--help", "--version"])
    same("fish: verbs", fish("uidfit "), [*told, "help", "version"])
    with open(os.path.join(suite.tmp, "zsh"), encoding="utf-8") as f:
        zsh_functions = dict(re.findall(r"^_uidfit_verb_([a-z]+)\(\) \{\n(.*?)^\}", f.read(), re.M | re.S))
    for verb, options in told.items():
        want = ["--" + name for name in options]
        same(f"bash: {verb}", [o for o in bash("uidfit", verb, "--")], want)
        same(f"fish: {verb}", [o.rstrip("=") for o in fish(f"uidfit {verb} --")], want)
        same(f"zsh: {verb}", re.findall(r"(?:'|,)(--[a-z-]+)(?==?[\[}])", zsh_functions.get(verb, "")), want)
        for name, arg in options.items():
            if arg and re.fullmatch(r"[a-z0-9-]+(\|[a-z0-9-]+)+", arg):
                same(f"bash: {verb} --{name}", bash("uidfit", verb, "--" + name, ""), arg.split("|"))
                same(f"bash: {verb} --{name}=", bash("uidfit", verb, "--" + name, "=", ""), arg.split("|"))
                same(f"fish: {verb} --{name}", fish(f"uidfit {verb} --{name} "), arg.split("|"))
    same("bash: --for", bash("uidfit", "check", "--for", ""), targets)
    same("bash: -f", bash("uidfit", "check", "-f", "kube"), [t for t in targets if t.startswith("kube")])
    same("bash: --for a,", bash("uidfit", "check", "--for", "docker,pod"),
         ["docker," + t for t in targets if t.startswith("pod")])
    same("fish: --for", fish("uidfit check --for docker,pod"),
         ["docker," + t for t in targets if t.startswith("pod")])
    same("bash: files", bash("uidfit", "check", "a"), ["app.tar"])
    same("bash: behind a transport", bash("uidfit", "check", "tar", ":", "a"), ["app.tar"])
    same("bash: after an option's value", bash("uidfit", "check", "--for", "docker", "a"), ["app.tar"])
    same("bash: a directory", bash("uidfit", "check", "--cert-dir", ""), ["sub"])
    same("bash: no operand", bash("uidfit", "platforms", ""), [])
    same("bash: run's own options", bash("uidfit", "run", "--map", "host", "app.tar", "--"), [])
    same("fish: files", fish("uidfit check a"), ["app.tar"])
    written = os.path.join(suite.tmp, "zsh-got")
    for line, want in [("uidfit check --for pod", "podman"), ("uidfit check --fail-f", "--fail-fast"),
                       ("uidfit check --format ", "json"), ("uidfit check ap", "app.tar"), ("uidfit plat", "platforms")]:
        if os.path.exists(written):
            os.unlink(written)
        suite.run("zsh", "-f", "-c", ASK_ZSH, "zsh", os.path.join(suite.tmp, "zsh"), line, written, place,
                  env=dict(os.environ, HOME=suite.tmp, ZDOTDIR=suite.tmp, TERM="xterm"))
        try:
            with open(written, encoding="utf-8") as f:
                got = f.read()
        except OSError:
            got = ""
        suite.check(f"zsh: {line}", want in got, f"offers {got[:300]!r}")
