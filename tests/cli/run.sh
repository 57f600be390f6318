#!/usr/bin/env bash
# tests/cli/run.sh UIDFIT [CASE...]   runs each case: a folder with cmd, and what must come: stdout, stderr, exit.
# UPDATE=1 writes what came instead. A case's cmd is a shell script that runs among the images of images.py and calls
# uidfit. A missing stdout or stderr means: none; a missing exit: 0.
set -u
uidfit=$(realpath "$1"); shift
[ -x "$uidfit" ] || { echo "$uidfit is no program"; echo "0 passed, 1 failed"; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
python3 "$here/images.py" "$tmp/images" || { echo "0 passed, 1 failed"; exit 1; }
export UIDFIT_PROGRAM=$uidfit LC_ALL=C.UTF-8
unset NO_COLOR CLICOLOR_FORCE DOCKER_DEFAULT_PLATFORM
export DOCKER_DEFAULT_PLATFORM=linux/amd64 TERM=dumb
# What is known from an earlier run, and how long this one takes, is not for these cases to see.
export UIDFIT_NO_CACHE=1 UIDFIT_PROGRESS=none

# keep NAME GOT: what came becomes what must come; none is no file.
keep() { if [ -s "$2" ]; then cp "$2" "$1"; else rm -f "$1"; fi; }

passed=0 failed=0
[ $# -gt 0 ] || set -- $(cd "$here" && printf '%s\n' */cmd | sed 's,/cmd,,')
for name; do
	case=$here/$name
	(cd "$tmp/images" && bash -c 'uidfit() { "$UIDFIT_PROGRAM" "$@"; }; . "$0"' "$case/cmd") \
		>"$tmp/stdout" 2>"$tmp/stderr" </dev/null
	echo $? >"$tmp/exit"
	if [ -n "${UPDATE-}" ]; then
		keep "$case/stdout" "$tmp/stdout"; keep "$case/stderr" "$tmp/stderr"
		[ "$(cat "$tmp/exit")" = 0 ] && : >"$tmp/exit"
		keep "$case/exit" "$tmp/exit"
	fi
	ok=1
	for f in stdout stderr; do
		want=$case/$f; [ -f "$want" ] || want=/dev/null
		diff -u --label "$name/$f" --label got "$want" "$tmp/$f" || ok=0
	done
	want=0; [ -f "$case/exit" ] && want=$(cat "$case/exit")
	got=$(cat "$tmp/exit"); [ -n "$got" ] || got=0
	[ "$got" = "$want" ] || { echo "$name: exit $got, not $want"; ok=0; }
	if [ $ok = 1 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $name"; fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
