#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh - everything that can be said about the sources without running them. Each check
# prints what it found; exit 1 where one found anything.
set -u
cd "$(dirname "$0")/.." || exit 1
out=.artifacts/lint
mkdir -p "$out"
failed=()

check() { # NAME COMMAND...
	local name=$1 start=$SECONDS

	shift
	if "$@" >"$out/$name.log" 2>&1; then
		echo "ok      $name ($((SECONDS - start)) s)"
	else
		echo "FAILED  $name"
		sed 's/^/        /' "$out/$name.log" | head -n 60
		failed+=("$name")
	fi
}

# Tracked files and new ones that nobody ignores.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }
in_tree=1
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || in_tree=0
if [ $in_tree = 0 ]; then
	# A source archive has no index.
	files() { for pattern in "$@"; do find . -path ./.artifacts -prune -o -type f -name "${pattern##*/}" -print; done | sed 's|^\./||' | sort -u; }
fi
mapfile -t c_files < <(files '*.c' '*.h' '*.def')
mapfile -t headers < <(files '*.h')
mapfile -t scripts < <(files '*.sh' '*.t' '*.pl' '*.pm' '*.py' .ci/run tests/run)
mapfile -t shell < <(for f in "${scripts[@]}"; do head -n 1 "$f" | grep -qE '^#!.*\b(ba|da)?sh$' && echo "$f"; done)
mapfile -t perl < <(for f in "${scripts[@]}"; do case $f in *.pm) echo "$f" ;; *) head -n 1 "$f" | grep -q perl && echo "$f" ;; esac; done)

cflags=(-std=gnu17 -I. -D_GNU_SOURCE -DSPEC_RUNNER_VERSION='"0"' -DPCRE2_CODE_UNIT_WIDTH=8)

headers_alone() {
	local status=0 header

	for header in "${headers[@]}"; do
		echo "#include \"$header\"" | gcc "${cflags[@]}" -Wall -Wextra -Werror -fsyntax-only -x c - || status=1
	done
	return $status
}

both_compilers() { # COMPILER OPT
	make -s -j"$(nproc)" WERROR=1 CC="$1" OPT="$2" BUILD="$out/$1$2" PROG="$out/$1$2/spec-runner" \
		LIBEXEC="$out/$1$2/.artifacts/libexec" tests-built
}

perl_compiles() {
	local status=0 f

	for f in "${perl[@]}"; do
		perl -Itests/lib -wc "$f" 2>&1 | grep -v ' syntax OK$' && status=1
	done
	return $status
}

executable_bits() {
	local status=0 f

	for f in "${scripts[@]}"; do
		if head -c 2 "$f" | grep -q '#!' && [ ! -x "$f" ]; then
			echo "$f: begins with #! but is not executable"
			status=1
		fi
	done
	return $status
}

# It knows neither cleanup attributes nor that BUG_ON does not return; readdir_r is deprecated.
static_analysis() {
	# shellcheck disable=SC2046 # folders of ours, without spaces
	cppcheck -q -j "$(nproc)" --std=c11 --error-exitcode=1 --inline-suppr --library=posix --library=gnu \
		--enable=warning,portability --suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=memleak --suppress=resourceLeak --suppress=missingReturn --suppress=readdirCalled \
		--suppress=preprocessorErrorDirective \
		-I. -D_GNU_SOURCE -D__linux__ $(ls -d base trace liveness profile evidence findings history audit optimize serve mcp runner programs 2>/dev/null)
}

# Silent changes of sign and width. (What cannot be compiled here, for want of a library, says nothing.)
conversions() {
	printf '%s\n' "${c_files[@]}" | grep -E '^[a-z]+/.*\.c$' | grep -vE '^(tests|contrib)/' |
		xargs -P "$(nproc)" -I {} gcc "${cflags[@]}" -Wconversion -Wsign-conversion -fsyntax-only {} 2>&1 |
		grep -E 'W(sign-)?conversion' && return 1
	return 0
}

# Words of ours, and names in code, that it takes for misspelt ones: contrib/lint/words.txt.
spelling() {
	files '*.c' '*.h' '*.def' '*.md' '*.t' '*.pl' '*.pm' '*.sh' '*.yaml' | grep -vE '^tests/(fixtures|fuzz/corpus|unit|zoo)/' |
		xargs codespell -q 3 -I contrib/lint/words.txt
}

# Faults that a compiler does not tell (.clang-tidy); not those of sources whose libraries are missing here.
tidy() {
	printf '%s\n' "${c_files[@]}" | grep -E '\.c$' | grep -vE '^(tests|contrib)/' |
		xargs -P "$(nproc)" -n 16 bash -c 'clang-tidy --quiet "$@" -- '"$(printf '%q ' "${cflags[@]}")" tidy 2>/dev/null |
		grep -vF '[clang-diagnostic-error]' | grep -E '(warning|error): ' && return 1
	return 0
}

[ -z "${V-}" ] || perl contrib/lint/graph.pl "${c_files[@]}"
includes() {
	perl contrib/lint/graph.pl "${c_files[@]}" >/dev/null
}
check includes includes
check style perl contrib/lint/style.pl "${c_files[@]}" "${scripts[@]}" Makefile
check headers headers_alone
check executable executable_bits
check perl perl_compiles
if command -v shellcheck >/dev/null; then
	check shellcheck shellcheck "${shell[@]}"
fi
check conversions conversions
if command -v clang-tidy >/dev/null; then
	check tidy tidy
fi
if command -v codespell >/dev/null; then
	check spelling spelling
fi
check gcc both_compilers gcc -O2
check clang both_compilers clang -O0
if command -v cppcheck >/dev/null; then
	check cppcheck timeout 60 bash -c "$(declare -f static_analysis); static_analysis"
fi

if [ ${#failed[@]} -gt 0 ]; then
	echo "lint: failed: ${failed[*]}"
	exit 1
fi
echo "lint: clean"
