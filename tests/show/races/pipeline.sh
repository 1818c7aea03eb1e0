#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A stage of a pipeline that waits for a mark of the next one, which removes it when it begins: if it begins first, the mark
# stays away for ever.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
{
	: >"$dir/go"
	while [ -e "$dir/go" ]; do
		sleep 0.01
	done
	seq 1 100
} | {
	sleep 0.03
	rm -f "$dir/go"
	sort -n | tail -n 1
}
