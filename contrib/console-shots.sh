#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# console-shots.sh [--into FILE] - what a terminal of 80 columns and a log show of runs of ours, taken from
# a real terminal (tmux) while they run. With --into the text between `<!-- shot NAME -->` and the next
# fence's end is replaced in FILE (docs/CONSOLE.md), so that the pictures there stay true.
set -euo pipefail
cd "$(dirname "$0")/.."
spec=${SPEC_RUNNER:-$PWD/spec-runner}
for tool in tmux ctest cmake python3; do
	command -v $tool >/dev/null || { echo "console-shots.sh: $tool is missing" >&2; exit 77; }
done
work=$(mktemp -d /tmp/XXXX) # as long as what it is shown as: lines break where they did
socket=$work/tmux
trap 'tmux -S "$socket" kill-server 2>/dev/null || true; rm -rf "$work"' EXIT
PATH=/usr/bin:$PATH
unset SPEC_RUNNER_RUN_ID CI NO_COLOR GITHUB_ACTIONS GITLAB_CI

mkdir -p "$work/shop" "$work/parallel"
cat > "$work/shop/test_shop.py" <<'PY'
import time, unittest
class Checkout(unittest.TestCase):
    def test_adds(self): time.sleep(0.2)
    def test_bad_price(self): self.assertEqual(1, 2)
    @unittest.skip("no card reader here")
    def test_card(self): pass
    def test_settles(self): time.sleep(300)
PY
{
	echo 'cmake_minimum_required(VERSION 3.10)'
	echo 'project(shop NONE)'
	echo 'enable_testing()'
	for t in parser:0.1 lexer:0.2 network:300 disk:4.5 cache:300 report:0.1; do
		echo "add_test(NAME ${t%:*} COMMAND sleep ${t#*:})"
	done
} > "$work/parallel/CMakeLists.txt"
(cd "$work/parallel" && cmake . >/dev/null)

# shot NAME ROWS PATTERN COMMAND: begins it on a terminal of its own, waits for the pattern, prints the screen.
start() {
	local name=$1 dir=$2; shift 2
	tmux -S "$socket" -f /dev/null new-session -d -s "$name" -x 80 -y 24 "cd '$work/$dir' && PS1='\$ ' LANG=C.UTF-8 bash --norc --noprofile"
	tmux -S "$socket" send-keys -t "$name" "clear; PATH=$(dirname "$spec"):/usr/bin:\$PATH" Enter
	sleep 0.5
	tmux -S "$socket" send-keys -t "$name" "clear" Enter
	sleep 0.3
	tmux -S "$socket" send-keys -t "$name" "$*" Enter
}
screen() { # without lines that are empty at the end
	tmux -S "$socket" capture-pane -p -t "$1" | sed -e "s#$work#/tmp/work#g" -e 's/ *$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
await() { # NAME PATTERN
	for _ in $(seq 300); do
		screen "$1" | grep -Eq "$2" && return 0
		sleep 0.1
	done
	echo "console-shots.sh: '$2' never came:" >&2
	screen "$1" >&2
	exit 1
}

start one shop 'spec-runner run --timeout-ms 6000 -- python3 -m unittest -v test_shop'
start many parallel 'spec-runner run --timeout-ms 8000 -- ctest -j 3'
await one '^ +2s +test_shop.Checkout::test_settles'
screen one > "$work/live-one"
await many '^spec-runner: 4s'
screen many > "$work/live-many"
await one '^\$ *$'
screen one > "$work/result"
await many '^\$ *$'
(cd "$work/shop" && LANG=C.UTF-8 "$spec" run --timeout-ms 4000 -- python3 -m unittest -v test_shop > "$work/log" 2>&1) || true
sed -e "s#$work#/tmp/work#g" "$work/log" > "$work/dumb-log"

if [ "${1-}" != --into ]; then
	for shot in live-one live-many result dumb-log; do
		echo "--- $shot"
		cat "$work/$shot"
	done
	exit 0
fi
for shot in live-one live-many result dumb-log; do
	awk -v mark="<!-- shot $shot -->" -v file="$work/$shot" '
		$0 == mark { print; state = 1; next }
		state == 1 && /^```/ { print; while ((getline line < file) > 0) print line; state = 2; next }
		state == 2 && /^```/ { state = 0 }
		state != 2 { print }' "$2" > "$work/new"
	cat "$work/new" > "$2"
done
