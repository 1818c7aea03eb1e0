#!/bin/bash
# init: small projects of several kinds, each with a gate that is green at once.
runner=${SPEC_RUNNER:-$PWD/spec-runner}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
check() { # result of the last command, words
	local rc=$?
	n=$((n + 1))
	if [ $rc -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
}
project() { # name: a fresh root, entered
	mkdir -p "$dir/$1/.git" && cd "$dir/$1" || exit 1
}
green() { # name, words that the gate must hold
	"$runner" init >init.txt 2>&1 && grep -q "$2" spec-runner.yaml
	check "$1: init writes $2"
	"$runner" ci-gate-summary >gate.txt 2>&1
	check "$1: the gate is green" || cat gate.txt
}
have() { command -v "$1" >/dev/null 2>&1; }

project make
printf 'all:\ncheck: all\n\techo fine\n' >Makefile
green make 'make, check'
"$runner" init 2>err.txt; [ $? -eq 2 ] && grep -q 'is left as it is' err.txt
check 'an existing file is left as it is'

project unittest
mkdir tests
printf 'import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n' >tests/test_a.py
have python3 && green unittest 'unittest, discover'

project prove
mkdir t
printf 'print "1..1\\nok 1\\n";\n' >t/a.t
green prove 'prove, -r'

if have cmake && have cc; then
	project cmake
	printf 'cmake_minimum_required(VERSION 3.20)\nproject(x C)\nenable_testing()\nadd_executable(a a.c)\nadd_test(NAME a COMMAND a)\n' >CMakeLists.txt
	echo 'int main(void) { return 0; }' >a.c
	green cmake 'ctest'
fi
if have npm; then
	project npm
	printf '{"name": "x", "version": "1.0.0", "scripts": {"test": "node -e 0"}}\n' >package.json
	green npm 'npm, test'
fi
if have bats; then
	project bats
	mkdir test
	printf '@test "a" {\n  true\n}\n' >test/a.bats
	green bats 'bats, --tap'
fi
if have meson && have ninja; then
	project meson
	printf "project('x', 'c')\ntest('a', executable('a', 'a.c'))\n" >meson.build
	echo 'int main(void) { return 0; }' >a.c
	green meson 'meson, test'
fi
if have cargo; then
	project cargo
	mkdir src
	printf '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
	printf '#[test]\nfn a() {}\n' >src/lib.rs
	green cargo 'cargo, test'
fi

project none
"$runner" init >/dev/null 2>&1
"$runner" ci-gate-summary 2>err.txt; [ $? -eq 2 ]
check 'where nothing is found the gate is a comment'
echo "1..$n"
exit "${failed:-0}"
