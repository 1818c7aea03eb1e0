/* SPDX-License-Identifier: Apache-2.0 */
/* The test and the loop around a line of its file, and lines behind a source map. */
#include "profile/lang/loop_source.h"
#include "profile/lang/source_map.h"
#include "profile/lang/test_source.h"

#include "tests/tap.h"

#include "base/mem.h"

#include <stdlib.h>

static void js(const char *text, int line, const char *wanted, const char *what)
{
	char *name = test_source_javascript(text, line);

	is_str(name ? name : "(none)", wanted, "javascript: %s", what);
	free(name);
}

static void rb(const char *text, int line, const char *wanted, const char *what)
{
	char *name = test_source_ruby(text, line);

	is_str(name ? name : "(none)", wanted, "ruby: %s", what);
	free(name);
}

static void javascript(void)
{
	static const char cart[] = "describe('cart', () => {\n  it('first', () => {});\n  it(\"to'tal\", async () => {\n"
				   "    await x;\n  });\n  it('last', function () {\n    y();\n  });\n});\n";

	js(cart, 4, "cart > to'tal", "a test in a group");
	js(cart, 2, "cart > first", "a test in one line");
	js(cart, 7, "cart > last", "function () {}");
	js(cart, 1, "(none)", "a line of the group alone");
	js(cart, 99, "(none)", "beyond its end");
	js("it('a', () => { // it('b', () => {\n  x('it(\\'c\\', () => {');\n /* it('d', () => { */\n y;\n});\n", 4, "a",
	   "comments and texts hide nothing");
	js("it(`adds ${f({a: `}`})} up`, () => {\n  y;\n});\nit('b', () => {\n  z;\n});\n", 2, "adds ",
	   "a template up to what is computed");
	js("it(`adds ${f({a: `}`})} up`, () => {\n  y;\n});\nit('b', () => {\n  z;\n});\n", 5, "b", "and what follows it");
	js("it.only.each([[1, ')'], [2, 3]])('adds %i', async (a) => {\n  y;\n});\n", 2, "adds %i", "a table");
	js("it.each`a | b\n${1} | ${2}\n`('sums $a', () => {\n  y;\n});\n", 4, "sums $a", "a table in a template");
	js("test('a', () => {\n  const r = /[/(']/.test('x'); y;\n  z;\n});\n", 3, "a", "a regular expression");
	js("test('a', async (t) => {\n  await t.test('b', async () => {\n    y;\n  });\n});\n", 3, "a > b", "a subtest");
	js("if (re.test('x')) {\n  y;\n}\n", 2, "(none)", "a method of that name without a function");
	js("it('a', () => { x; }); it('b', () => { y; });\n", 1, "(none)", "two in one line");
	js("describe.skip('g', function () {\n  specify('s', function () {\n    y;\n  });\n});\n", 3, "g > s", "other words");
	js("const it = 1;\nfunction f() {\n  y;\n}\n", 3, "(none)", "no call");
	js("it('a', () => {\n  y(", 2, "(none)", "a file that ends in the middle");
	js("it(name, () => {\n  y;\n});\n", 2, "(none)", "a name that is computed");
}

static void ruby(void)
{
	static const char cart[] = "RSpec.describe Cart, :fast do\n  describe '#total' do\n    it('first') { x }\n"
				   "    it \"sum's up\" do\n\n      sleep 3\n    end\n    it 'last' do\n      y\n    end\n  end\nend\n";

	rb(cart, 6, "Cart #total sum's up", "a test in two groups");
	rb(cart, 3, "Cart #total first", "a block in one line");
	rb(cart, 2, "(none)", "a group alone");
	rb(cart, 12, "(none)", "its end");
	rb("it 'a' do\n  x\n# c\n  y\nend\nit 'b' do\n  z\nend\n", 7, "b", "one after the other");
	rb("it 'a' do\nx\nend\n", 2, "(none)", "without its indentation nothing is said");
	rb("item 'a' do\n  x\nend\n", 2, "(none)", "another word");
}

static void source_map(void)
{
	/* {"version":3,"sources":["a.ts"],"mappings":"AAAA;;AAEA,IAAI"} */
	static const char url[] = "data:application/json;charset=utf-8;base64,"
		"eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImEudHMiXSwibWFwcGluZ3MiOiJBQUFBOztBQUVBLElBQUkifQ==";
	struct source_place p;

	ok(source_map_place(url, strlen(url), 3, 10, &p) && p.line == 3, "a line of a map");
	is_str(p.file ? p.file : "", "a.ts", "and its file");
	free(p.file);
	ok(source_map_place(url, strlen(url), 2, 0, &p) && p.line == 0 && !p.file, "a line that nobody wrote");
	ok(source_map_place(url, strlen(url), 1, 0, &p) && p.line == 1, "the first line");
	free(p.file);
	ok(!source_map_place("data:application/json;base64,e30=", 33, 1, 0, &p), "a map without mappings");
	ok(!source_map_place("data:text/plain,x", 17, 1, 0, &p), "another URL");
	ok(!source_map_place("cart.js.map", 11, 1, 0, &p), "a file");
}

static void loop(const char *text, int line, const char *wanted, const char *what)
{
	char *found = loop_source(text, line);

	is_str(found ? found : "(none)", wanted, "loop: %s", what);
	free(found);
}

static void loops(void)
{
	static const char retry[] = "def wait():\n    while True:\n        try:\n            return connect(port)\n\n"
				    "        except OSError:\n            # again\n            time.sleep(1)\n    return None\n";

	loop(retry, 8, "while True: try: return connect(port) except OSError: time.sleep(1)", "a retry, with what it tries");
	loop("while True:\n  try:\n    a()\n    b()\n    c()\n  except E:\n    nap()\n", 7,
	     "while True: try: a() b() … except E: nap()", "what it catches is told, too");
	loop(retry, 9, "(none)", "after it");
	loop(retry, 1, "(none)", "the function's own line");
	loop(retry, 7, "(none)", "a comment");
	loop(retry, 10, "(none)", "behind the end");
	loop(retry, 99, "(none)", "far behind it");
	loop(retry, 0, "(none)", "no line");
	loop("while a:\n  def f():\n    sleep(1)\n", 3, "(none)", "a loop around a function");
	loop("\tfor (;;) {\n\t\ta();\n\t\tb();\n\t\tc();\n\t\td();\n\t\tsleep(1);\n\t}\n", 6,
	     "for (;;) { a(); b(); c(); … sleep(1)", "a long one of another language");
	loop("  while (x !== y) await nap(40);\n", 1, "while (x !== y) await nap(40)", "in one line");
	loop("  for await (const x of y) n += x;\n", 1, "(none)", "no attempt is made again");
	loop("while x:\n\tif y:\n\t\tz()\n\tnap()\n", 4, "while x: if y: z() nap()", "tabs");
	loop("formatter()\n  sleep(1)\n", 2, "(none)", "another word");
	loop("", 1, "(none)", "an empty file");
}

int main(void)
{
	javascript();
	ruby();
	loops();
	source_map();
	return tap_done();
}
