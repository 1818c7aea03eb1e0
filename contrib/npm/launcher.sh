#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# spec-runner of the npm package: becomes the program of the package for this processor (no node in between: signals,
# the terminal and the exit code are the program's own). npm, pnpm and yarn put that package beside this one or inside.
self=$(readlink -f "$0") || self=$0
here=${self%/*}
case $(uname -s)-$(uname -m) in
Linux-x86_64 | Linux-amd64) package=spec-runner-linux-x64 ;;
Linux-aarch64 | Linux-arm64) package=spec-runner-linux-arm64 ;;
*)
	echo "spec-runner: no program for $(uname -s) on $(uname -m): Linux on x86-64 or arm64 is needed" >&2
	exit 125
	;;
esac
folder=$here/..
while :; do
	for program in "$folder/node_modules/$package/bin/spec-runner" "$folder/$package/bin/spec-runner"; do
		[ ! -x "$program" ] || exec "$program" "$@"
	done
	case $(cd "$folder" && pwd) in / | '') break ;; esac
	folder=$folder/..
done
echo "spec-runner: package $package is not installed; optional packages were left out (npm install --include=optional)" >&2
exit 125
