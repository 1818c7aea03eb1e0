#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dist.sh VERSION [GRAMMARS] - the tarball of what is committed, with the C sources of the audit's parser and grammars below
# contrib/grammars/, so that it builds without a network. The same bytes for the same commit and grammars.
set -euo pipefail
version=$1 grammars=${2-}
name=spec-runner-$version
tar=.artifacts/$name.tar

git archive --prefix="$name/" -o "$tar" HEAD
if [ -z "$grammars" ]; then
	echo "dist.sh: no grammars here (contrib/install-deps.sh audit): 'spec-runner audit' needs npm where this is built" >&2
else
	(cd "$grammars" && find node_modules/tree-sitter node_modules/tree-sitter-* -type f \
		\( -path '*/lib/include/*.h' -o -path '*/lib/src/*.[ch]' -o -path '*/src/*.[ch]' -o -path '*/common/*.h' -o -name 'LICENSE*' \) \
		! -path 'node_modules/tree-sitter/src/*' ! -path 'node_modules/*/node_modules/*' -print0) |
		LC_ALL=C sort -z |
		tar --append -f "$tar" -C "$grammars" --null --files-from=- --transform="s,^,$name/contrib/grammars/," \
			--mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner --mode=u=rw,go=r
fi
gzip -nf "$tar"
echo "$tar.gz"
