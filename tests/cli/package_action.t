#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_action: the steps of the GitHub action, executed here: pass, fail, hang; outputs, step summary, what is uploaded;
# spaces and quotes in inputs; a wrong sum; a machine where nothing can be had.
top=$PWD
runner=${SPEC_RUNNER:-$PWD/spec-runner}
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip_all 'no python3-yaml'
[ -z "$TEST_SANITIZED" ] || skip_all 'too slow with sanitizers'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export RUNNER_TEMP=$dir/temp GITHUB_ACTIONS=true GITHUB_JOB=unit GITHUB_RUN_ATTEMPT=1 GITHUB_STEP_SUMMARY=$dir/summary.md
mkdir -p "$dir/temp" "$dir/work/a b"

# A release: the programs of this build in one tarball.
release=$dir/spec-runner-9.9.9-linux-$(uname -m)
mkdir -p "$release/bin" "$release/libexec/spec-runner"
cp "$runner" "$release/bin/"
cp "$(dirname "$runner")"/.artifacts/libexec/spec-runner-{report,verify,inspect} "$release/libexec/spec-runner/"
tar -c -z -C "$dir" -f "$release.tar.gz" "$(basename "$release")"
sum=$(sha256sum <"$release.tar.gz" | cut -d' ' -f1)

act() { # INPUT=VALUE...
	rm -rf "$dir/temp" "$dir/summary.md" "$dir/work/a b/.artifacts"
	mkdir -p "$dir/temp"
	"$top/tests/lib/composite.py" "${action:-$top/contrib/github-action/action.yml}" "$dir/work" "working-directory=a b" \
		version=9.9.9 "url=file://$release.tar.gz" "sha256=$sum" "$@" >"$dir/out" 2>&1 || echo "composite.py failed" >>"$dir/out"
	tail -n 1 "$dir/out" >"$dir/result"
}
says() { # WORDS TEXT...: the result has every text
	local words=$1 text rc=0

	shift
	for text in "$@"; do
		grep -qF -- "$text" "$dir/result" || rc=1
	done
	[ $rc -eq 0 ]
	check "$words" || sed 's/^/# /' "$dir/out"
}

# shellcheck disable=SC2016 # for the command's shell
act run='echo "it'\''s  $HOME" | tee "x y.txt"; test "a  b" = '\''a  b'\'''
says 'pass: exit-code 0, no finding' '"exit-code": "0"' '"finding": ""' '"outcome": "success"'
[ "$(cat "$dir/work/a b/x y.txt")" = "it's  $HOME" ]
check 'quotes and spaces reach the command as they are'
! grep -q upload-artifact "$dir/out"
check 'pass: nothing is uploaded'

act run='exit 7'
says 'fail: the command'\''s exit code' '"exit-code": "7"' '"outcome": "failure"' 'report.html"'
grep -q 'uses:.*run-trace.json.*report.html.*upload-artifact' "$dir/out"
check 'fail: trace and report are uploaded' || cat "$dir/out"

act run='echo started; exec sleep 3000' timeout=3s junit='j u.xml' options="--kill-grace '1s' --artifacts-dir '.artifacts'"
says 'hang: 124 and what was found' '"exit-code": "124"' '"finding": "hang.sleep"' '"outcome": "failure"'
grep -q 'hang.sleep' "$dir/summary.md"
check 'hang: the step summary says it'
grep -q 'uses:.*j u.xml' "$dir/out"
check 'hang: JUnit XML is uploaded, too' || cat "$dir/out"

act run='true' options="--signal 'TERM"
says 'a quote that is not closed is said, and is a failure' '"outcome": "failure"'
grep -q 'a quote is not closed' "$dir/out"
check 'with its words'

act run='echo supervised' profile-level=detailed upload=always artifact-name="my name"
grep -q 'uses:.*"my name".*upload-artifact' "$dir/out"
check 'upload: always, with a name' || cat "$dir/out"

# An action whose sources cannot be built, and a tarball that is another one.
mkdir -p "$dir/broken/contrib/github-action"
cp "$top"/contrib/github-action/* "$dir/broken/contrib/github-action/"
action=$dir/broken/contrib/github-action/action.yml
act run='echo alone; exit 3' sha256=0000
says 'a wrong sum and no build: the command runs all the same' '"outcome": "failure"'
said='has another SHA-256'
command -v curl >/dev/null || said='cannot download' # a machine without curl, as no runner of GitHub is
grep -q "$said" "$dir/out" && grep -q 'runs unsupervised' "$dir/out" && grep -q '^alone' "$dir/out"
check 'and both are said' || cat "$dir/out"
act run='true' sha256=0000
says 'and its success is a success' '"exit-code": "0"' '"outcome": "success"'
finish
