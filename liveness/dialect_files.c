/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_files.c - the dialects that are part of the program. Their order decides where several that
 * are not yet spoken know the same line. */
#include "liveness/dialect_int.h"

#include "base/embed.h"

EMBED(dialect_node, "liveness/dialects/node.yaml");
EMBED(dialect_node_spec, "liveness/dialects/node-spec.yaml");
EMBED(dialect_pytest, "liveness/dialects/pytest.yaml");
EMBED(dialect_unittest, "liveness/dialects/unittest.yaml");
EMBED(dialect_regrtest, "liveness/dialects/regrtest.yaml");
EMBED(dialect_go, "liveness/dialects/go.yaml");
EMBED(dialect_go_json, "liveness/dialects/go-json.yaml");
EMBED(dialect_cargo, "liveness/dialects/cargo.yaml");
EMBED(dialect_ctest, "liveness/dialects/ctest.yaml");
EMBED(dialect_gtest, "liveness/dialects/gtest.yaml");
EMBED(dialect_catch2, "liveness/dialects/catch2.yaml");
EMBED(dialect_jest, "liveness/dialects/jest.yaml");
EMBED(dialect_vitest, "liveness/dialects/vitest.yaml");
EMBED(dialect_mocha, "liveness/dialects/mocha.yaml");
EMBED(dialect_minitest, "liveness/dialects/minitest.yaml");
EMBED(dialect_rspec, "liveness/dialects/rspec.yaml");
EMBED(dialect_phpunit, "liveness/dialects/phpunit.yaml");
EMBED(dialect_meson, "liveness/dialects/meson.yaml");
EMBED(dialect_exunit, "liveness/dialects/exunit.yaml");
EMBED(dialect_junit5, "liveness/dialects/junit5.yaml");
EMBED(dialect_surefire, "liveness/dialects/surefire.yaml");
EMBED(dialect_nextest, "liveness/dialects/nextest.yaml");
EMBED(dialect_automake, "liveness/dialects/automake.yaml");
EMBED(dialect_playwright, "liveness/dialects/playwright.yaml");
EMBED(dialect_bun, "liveness/dialects/bun.yaml");
EMBED(dialect_deno, "liveness/dialects/deno.yaml");
EMBED(dialect_ava, "liveness/dialects/ava.yaml");
EMBED(dialect_gradle, "liveness/dialects/gradle.yaml");
EMBED(dialect_dotnet, "liveness/dialects/dotnet.yaml");
EMBED(dialect_bazel, "liveness/dialects/bazel.yaml");
EMBED(dialect_teamcity, "liveness/dialects/teamcity.yaml");
EMBED(dialect_prove, "liveness/dialects/prove.yaml");
EMBED(dialect_tap, "liveness/dialects/tap.yaml");

const struct dialect_file dialect_files[] = {
	{ "dialects/node.yaml", dialect_node, dialect_node_end },
	{ "dialects/node-spec.yaml", dialect_node_spec, dialect_node_spec_end },
	{ "dialects/pytest.yaml", dialect_pytest, dialect_pytest_end },
	{ "dialects/unittest.yaml", dialect_unittest, dialect_unittest_end },
	{ "dialects/regrtest.yaml", dialect_regrtest, dialect_regrtest_end },
	{ "dialects/go.yaml", dialect_go, dialect_go_end },
	{ "dialects/go-json.yaml", dialect_go_json, dialect_go_json_end },
	{ "dialects/cargo.yaml", dialect_cargo, dialect_cargo_end },
	{ "dialects/ctest.yaml", dialect_ctest, dialect_ctest_end },
	{ "dialects/gtest.yaml", dialect_gtest, dialect_gtest_end },
	{ "dialects/catch2.yaml", dialect_catch2, dialect_catch2_end },
	{ "dialects/jest.yaml", dialect_jest, dialect_jest_end },
	{ "dialects/vitest.yaml", dialect_vitest, dialect_vitest_end },
	{ "dialects/mocha.yaml", dialect_mocha, dialect_mocha_end },
	{ "dialects/minitest.yaml", dialect_minitest, dialect_minitest_end },
	{ "dialects/rspec.yaml", dialect_rspec, dialect_rspec_end },
	{ "dialects/phpunit.yaml", dialect_phpunit, dialect_phpunit_end },
	{ "dialects/meson.yaml", dialect_meson, dialect_meson_end },
	{ "dialects/exunit.yaml", dialect_exunit, dialect_exunit_end },
	{ "dialects/junit5.yaml", dialect_junit5, dialect_junit5_end },
	{ "dialects/surefire.yaml", dialect_surefire, dialect_surefire_end },
	{ "dialects/nextest.yaml", dialect_nextest, dialect_nextest_end },
	{ "dialects/automake.yaml", dialect_automake, dialect_automake_end },
	{ "dialects/playwright.yaml", dialect_playwright, dialect_playwright_end },
	{ "dialects/bun.yaml", dialect_bun, dialect_bun_end },
	{ "dialects/deno.yaml", dialect_deno, dialect_deno_end },
	{ "dialects/ava.yaml", dialect_ava, dialect_ava_end },
	{ "dialects/gradle.yaml", dialect_gradle, dialect_gradle_end },
	{ "dialects/dotnet.yaml", dialect_dotnet, dialect_dotnet_end },
	{ "dialects/bazel.yaml", dialect_bazel, dialect_bazel_end },
	{ "dialects/teamcity.yaml", dialect_teamcity, dialect_teamcity_end },
	{ "dialects/prove.yaml", dialect_prove, dialect_prove_end },
	{ "dialects/tap.yaml", dialect_tap, dialect_tap_end },
};
const unsigned dialect_files_n = sizeof(dialect_files) / sizeof(dialect_files[0]);
