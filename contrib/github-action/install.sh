#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install.sh - spec-runner into $RUNNER_TEMP/spec-runner-tool: a released tarball whose sum is right, or a build. The output
# `program` is its path; empty where neither worked: then the command runs unsupervised. Never fails.
set -u
tool=$RUNNER_TEMP/spec-runner-tool

warn() { echo "::warning title=spec-runner::$*"; }
done_with() {
	[ -z "$1" ] || "$1" -V || { warn 'the program does not start on this machine'; set -- ''; }
	echo "program=$1" >>"$GITHUB_OUTPUT"
	exit 0
}

released() {
	local name url

	name=spec-runner-$INPUT_VERSION-linux-$(uname -m)
	url=${INPUT_URL:-${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_ACTION_REPOSITORY-}/releases/download/v$INPUT_VERSION/$name.tar.gz}
	[ -n "$INPUT_SHA256" ] || { warn 'input version needs input sha256; building instead'; return 1; }
	mkdir -p "$tool"
	curl -fsSL --retry 3 --max-time 120 -o "$tool/download" -- "$url" || { warn "cannot download $url; building instead"; return 1; }
	echo "$INPUT_SHA256  $tool/download" | sha256sum -c --status || { warn "$url has another SHA-256 than input sha256 says; building instead"; return 1; }
	tar -x -z --strip-components=1 -C "$tool" -f "$tool/download" && rm "$tool/download"
}

built() {
	local top=$GITHUB_ACTION_PATH/../..

	"$top/contrib/install-deps.sh" build && make -C "$top" programs docs &&
		make -C "$top" install DESTDIR="$tool" PREFIX=/
}

[ ! -x "$tool/bin/spec-runner" ] || [ -n "$INPUT_VERSION" ] || done_with "$tool/bin/spec-runner"
rm -rf "$tool"
if [ -n "$INPUT_VERSION" ] && released; then
	done_with "$tool/bin/spec-runner"
fi
rm -rf "$tool"
if built; then
	done_with "$tool/bin/spec-runner"
fi
warn 'spec-runner could not be built here: the command runs unsupervised'
done_with ''
