#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - becomes spec-runner with the inputs as options; without a program, becomes the command.
set -u
: >"$RUNNER_TEMP/spec-runner-began"
command=(bash -eo pipefail -c "$INPUT_RUN")
[ -n "$SPEC_RUNNER_PROGRAM" ] || exec "${command[@]}"
options=()
add() { [ -z "$2" ] || options+=("$1" "$2"); }
add --timeout "$INPUT_TIMEOUT"
add --test-timeout "$INPUT_TEST_TIMEOUT"
add --stall "$INPUT_STALL"
add --liveness-level "$INPUT_LIVENESS_LEVEL"
add --profile-level "$INPUT_PROFILE_LEVEL"
add --junit "$INPUT_JUNIT"
if [ -n "$INPUT_OPTIONS" ]; then
	# words as a shell splits them, but nothing is expanded or run
	if words=$(xargs -n 1 printf '%s\n' <<<"$INPUT_OPTIONS"); then
		mapfile -t -O "${#options[@]}" options <<<"$words"
	else
		echo '::error title=spec-runner::input options: a quote is not closed'
		exit 2
	fi
fi
exec "$SPEC_RUNNER_PROGRAM" run "${options[@]}" -- "${command[@]}"
