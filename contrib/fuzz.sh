#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh run|keep DIR SECONDS NAME... - runs the fuzz targets that `make fuzz` has built,
# or keeps what they found.
# run: each target SECONDS long, from tests/fuzz/corpus/NAME; new inputs go to
#      DIR/corpus/NAME, crashes to DIR/crash-NAME-*. Fails where one crashed.
# keep: the new inputs, minimised, into tests/fuzz/corpus/NAME.
set -u
verb=$1 dir=$2 seconds=$3
shift 3
status=0
for name in "$@"; do
	program=$dir/fuzz_$name
	found=$dir/corpus/$name saved=tests/fuzz/corpus/$name
	mkdir -p "$found" "$saved"
	case $verb in
	run)
		log=$dir/$name.log
		TIMEFORMAT='%U %S'
		cpu=$({ time "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix="$dir/crash-$name-" "$found" "$saved" >"$log" 2>&1; } 2>&1
			exit "${PIPESTATUS[0]}")
		code=$?
		echo "$name: $(awk '/number_of_executed_units/ {print $2}' "$log") inputs," \
			"$(awk '{printf "%.1f", $1 + $2}' <<<"$cpu") s of CPU, exit $code ($log)"
		if [ $code -ne 0 ]; then
			tail -40 "$log"
			status=1
		fi
		;;
	keep)
		"$program" -merge=1 "$saved" "$found" 2>&1 | tail -1
		;;
	esac
done
exit $status
