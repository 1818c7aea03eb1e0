#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
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
skip() { # what, why
	n=$((n + 1))
	echo "ok $n - $1: the gate is green # SKIP $2"
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
"$runner" init 2>err.txt; [ $? -eq 2 ] && grep -q 'was not changed' err.txt
check 'an existing file was not changed'

project unittest
mkdir tests
printf 'import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n' >tests/test_a.py
if have python3; then green unittest 'unittest, discover'; else skip unittest 'python3 is not here'; fi

project prove
mkdir t
printf 'print "1..1\\nok 1\\n";\n' >t/a.t
green prove 'prove, -r'

if have cmake && have cc; then
	project cmake
	printf 'cmake_minimum_required(VERSION 3.20)\nproject(x C)\nenable_testing()\nadd_executable(a a.c)\nadd_test(NAME a COMMAND a)\n' >CMakeLists.txt
	echo 'int main(void) { return 0; }' >a.c
	green cmake 'ctest'
else
	skip cmake 'cmake or cc is not here'
fi
if have npm; then
	project npm
	printf '{"name": "x", "version": "1.0.0", "scripts": {"test": "node -e 0"}}\n' >package.json
	green npm 'npm, test'
else
	skip npm 'npm is not here'
fi
if have bats; then
	project bats
	mkdir test
	printf '@test "a" {\n  true\n}\n' >test/a.bats
	green bats 'bats, --tap'
else
	skip bats 'bats is not here'
fi
if have meson && have ninja; then
	project meson
	printf "project('x', 'c')\ntest('a', executable('a', 'a.c'))\n" >meson.build
	echo 'int main(void) { return 0; }' >a.c
	green meson 'meson, test'
else
	skip meson 'meson or ninja is not here'
fi
if have cargo; then
	project cargo
	mkdir src
	printf '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
	printf '#[test]\nfn a() {}\n' >src/lib.rs
	green cargo 'cargo, test'
else
	skip cargo 'cargo is not here'
fi

if have pytest; then
	project pytest
	mkdir tests
	printf '[pytest]\n' >pytest.ini
	printf 'def test_a():\n    assert 1 + 1 == 2\n' >tests/test_a.py
	green pytest pytest
else
	skip pytest 'pytest is not here'
fi
if have pytest; then
	# only its tests tell, and the package stands below src/
	project pytest-src
	mkdir -p src/x tests
	echo 'one = 1' >src/x/__init__.py
	printf 'import pytest\nimport x\ndef test_a():\n    assert x.one == 1\n' >tests/test_a.py
	green pytest-src 'PYTHONPATH: src'
	project pytest-flat
	mkdir -p x tests
	echo 'one = 1' >x/__init__.py
	printf '[testenv]\ndeps = pytest\n' >tox.ini
	printf 'import x\ndef test_a():\n    assert x.one == 1\n' >tests/test_a.py
	green pytest-flat 'PYTHONPATH: [.]'
else
	skip pytest-src 'pytest is not here'
	skip pytest-flat 'pytest is not here'
fi

project gnumake
printf 'include Makefile\n' >GNUmakefile
printf 'all:\ncheck:\n\techo fine\n' >Makefile
green gnumake 'make, check'

project configure
printf '#!/bin/sh\nsed s/@word@/fine/ Makefile.in >Makefile\n' >configure
chmod +x configure
printf 'all:\n\techo built >a\ntest:\n\ttest -f a && echo @word@\n' >Makefile.in
green configure 'make, test'
grep -q '^fine' gate.txt
check 'configure: its test ran behind the build'

if have go; then
	project go
	printf 'module example.org/x\n\ngo 1.19\n' >go.mod
	printf 'package x\n\nimport "testing"\n\nfunc TestA(t *testing.T) {}\n' >a_test.go
	GOFLAGS=-mod=mod GOCACHE=$dir/gocache GOPATH=$dir/gopath green go 'go, test'
else
	skip go 'go is not here'
fi
# Maven without a network: its plugins and JUnit as Debian packages have them.
debian=/usr/share/maven-repo
plugin() { # NAME: the newest version that the folder has
	find "$debian/org/apache/maven/plugins/maven-$1-plugin" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V | tail -n 1
}
if have mvn && [ -n "$(plugin surefire)" ] && [ -n "$(plugin compiler)" ] && [ -n "$(plugin resources)" ] && [ -d $debian/junit/junit/4.x ]; then
	project maven
	mkdir -p .mvn src/main/java src/test/java
	printf -- '--offline\n-Dmaven.repo.local=%s\n' "$dir/m2" >.mvn/maven.config
	cp -rL $debian "$dir/m2" 2>/dev/null
	{
		echo '<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>'
		echo '<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>'
		echo '<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>'
		echo '<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies>'
		echo '<build><plugins>'
		for name in surefire compiler resources; do
			echo "<plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-$name-plugin</artifactId><version>$(plugin $name)</version></plugin>"
		done
		echo '</plugins></build></project>'
	} >pom.xml
	echo 'public class ATest { @org.junit.Test public void a() { } }' >src/test/java/ATest.java
	green maven 'mvn, --batch-mode, test'
	grep -q 'Tests run: 1' gate.txt
	check 'maven: its one test ran'
else
	skip maven 'mvn, or its plugins from Debian, are not here'
fi

project none
"$runner" init >/dev/null 2>&1
"$runner" ci-gate-summary 2>err.txt; [ $? -eq 2 ]
check 'where nothing is found the gate is a comment'
echo "1..$n"
exit "${failed:-0}"
