#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# result.sh - outputs of the action out of what the run left: exit-code, finding, report, and what to upload. Never fails.
set -u
began=$RUNNER_TEMP/spec-runner-began
trace=.artifacts/run-trace.json
code='' finding='' report='' files=()
fresh() { [ -f "$1" ] && [ ! "$began" -nt "$1" ]; }

if [ -f "$began" ] && fresh "$trace"; then
	code=$(head -c 4096 "$trace" | grep -o '"exit_code":[0-9]*' | head -n 1 | cut -d: -f2)
	fresh .artifacts/findings.json &&
		finding=$(grep -o '"pattern_id":"[A-Za-z0-9_.-]*"' .artifacts/findings.json | head -n 1 | cut -d'"' -f4)
	[ -z "$SPEC_RUNNER_PROGRAM" ] || "$SPEC_RUNNER_PROGRAM" report --format html -o .artifacts/report.html "$trace" &&
		report=$PWD/.artifacts/report.html
	for file in run-trace.json run-trace-summary.md findings.json report.md report.html; do
		fresh ".artifacts/$file" && files+=("$PWD/.artifacts/$file")
	done
elif [ "$OUTCOME" = success ]; then
	code=0
fi
[ -z "$INPUT_JUNIT" ] || ! fresh "$INPUT_JUNIT" || files+=("$(realpath "$INPUT_JUNIT")")
{
	echo "exit-code=$code"
	echo "finding=$finding"
	echo "report=$report"
	# two uses of the action in one job, and the jobs of a matrix, must not collide
	echo "artifact-name=${INPUT_ARTIFACT_NAME:-spec-runner-$GITHUB_JOB-$GITHUB_RUN_ATTEMPT-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')}"
	echo 'files<<end-of-files'
	[ ${#files[@]} -eq 0 ] || printf '%s\n' "${files[@]}"
	echo end-of-files
} >>"$GITHUB_OUTPUT"
exit 0
