#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# readers.sh - what we write, read by those it is for: JUnit XML by xmllint with Jenkins' schema, TAP 13 by prove, TAP 14 by
# npm's tap-parser (fetched into a folder of its own), damaged artifacts by our schemas. ./spec-runner must be built.
# Exit 0 where each of them took it.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
command -v xmllint >/dev/null || { echo 'xmllint is wanted (libxml2-utils)' >&2; exit 1; }
(cd "$dir" && npm init -y && npm install tap-parser) >"$dir/npm.log" 2>&1 || { cat "$dir/npm.log" >&2; exit 1; }
TAP_PARSER=$dir/node_modules/.bin/tap-parser prove --exec tests/run tests/cli/case_runs.t tests/cli/junit.t tests/cli/schemas.t || exit 1

printf 'version: 1\ncases:\n  - {id: A, title: "one # two", harness: {type: cli.run, argv: ["true"]}}\n  - {id: B, harness: {type: cli.run, argv: [echo, "# TODO"]}}\n' \
	>"$dir/a.spec.yaml"
for format in tap tap14; do
	./spec-runner test --format $format "$dir/a.spec.yaml" >"$dir/$format.txt" || exit 1
done
prove -e cat "$dir/tap.txt" || exit 1
"$dir/node_modules/.bin/tap-parser" <"$dir/tap14.txt" >"$dir/read.txt" || { cat "$dir/read.txt"; exit 1; }
echo 'tap-parser took TAP 14'
