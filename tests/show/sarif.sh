#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the official SARIF 2.1.0 schema, as Microsoft's npm package of matchers carries it, into .artifacts/sarif, and
# validates our reports against it (tests/cli/sarif.t; needs npm and python3-jsonschema).
set -eu
cd "$(dirname "$0")/../.."
out=.artifacts/sarif
mkdir -p "$out"
if [ ! -s "$out/sarif-2.1.0.json" ]; then
	(cd "$out" && npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null && tar xzf microsoft-jest-sarif-*.tgz)
	cp "$out/package/lib/schemas/sarif-2.1.0-rtm.5.json" "$out/sarif-2.1.0.json"
	rm -rf "$out/package" "$out"/*.tgz
fi
python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(s["title"], "-", len(s["definitions"]), "definitions")' "$out/sarif-2.1.0.json"
exec make --no-print-directory check-here T=tests/cli/sarif.t
