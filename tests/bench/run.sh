#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--into FILE] - every benchmark, one Markdown table; into the FILE between its two markers
# where asked. Exit 1 where one was beyond its bound.
set -u
TMPDIR=$(mktemp -d /dev/shm/spec-runner-bench.XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
status=0
table=$TMPDIR/table.md
{
	echo "| what | ours | compared with | figure | bound | |"
	echo "|---|---|---|---|---|---|"
} | tee "$table"
for bench in "$TEST_BUILD"/tests/bench/bench_* tests/bench/*.pl; do
	if [ ! -f "$bench" ] || [ ! -x "$bench" ]; then continue; fi
	# A program that prints plain "what: figures" lines becomes rows as well.
	"$bench" | sed -E '/^\|/! s/^([^:]+): (.*)$/| \1 | \2 | | | | |/' | tee -a "$table"
	[ "${PIPESTATUS[0]}" -eq 0 ] || status=1
done
if [ "${1-}" = --into ]; then
	{
		sed '/<!-- table -->/q' "$2"
		echo "Measured on $(date -u +%Y-%m-%d): $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(nproc) processors, Linux $(uname -r)."
		echo
		cat "$table"
		sed -n '/<!-- end of table -->/,$p' "$2"
	} >"$TMPDIR/new.md" && cat "$TMPDIR/new.md" >"$2"
fi
exit $status
