/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML reader: what is read, where it stands, and one clear line for each damage. */
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "base/yaml.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct yaml_doc *parse(const char *text, struct err *e)
{
	struct yaml_doc *doc = NULL;

	memset(e, 0, sizeof(*e));
	return yaml_parse(&doc, "f.yaml", text, strlen(text), 1, NULL, e) < 0 ? NULL : doc;
}

static void refused(const char *text, const char *message)
{
	struct err e;
	struct yaml_doc *doc = parse(text, &e);

	is_str(doc ? "(accepted)" : e.msg, message, "a damaged text is refused");
	is_int(e.kind, doc ? -1 : ERR_USAGE, "  as a usage error");
	yaml_doc_free(doc);
}

static void test_tree(void)
{
	struct err e = { 0 };
	auto_yaml *doc = parse("version: 1\n"
			       "argv: [true, 1, 'two words', \"\\t\"]\n"
			       "deep:\n"
			       "  list:\n"
			       "    - name: a\n"
			       "      text: |\n"
			       "        line\n"
			       "empty:\n",
			       &e);
	const struct yaml_node *root, *argv, *name;
	struct strv words = STRV_INIT;
	char label[YAML_LABEL_SIZE];

	ok(doc != NULL, "a document is read: %s", e.msg);
	if (!doc)
		return;
	root = yaml_root(doc);
	is_int(root->kind, YAML_MAP, "its root is a map");
	is_int(root->count, 4, "of four entries");
	argv = yaml_get(root, "argv");
	is_int(argv->line, 2, "line of a value");
	is_int(argv->column, 7, "column of a value");
	is_int(argv->key->column, 1, "column of its key");
	is_int(yaml_as_strings(argv, &words, &e), 0, "plain scalars are strings where strings are wanted");
	is_int(words.n, 4, "four words");
	is_str(words.v[0], "true", "true is the text 'true'");
	is_str(words.v[1], "1", "1 is the text '1'");
	is_str(words.v[3], "\t", "an escape is undone");
	ok(!argv->first->quoted && argv->first->next->next->quoted, "plain and quoted are told apart");
	is_str(yaml_label(argv->first->next, label), "item 2 of 'argv'", "an item's label");
	name = yaml_get(yaml_get(yaml_get(root, "deep"), "list")->first, "name");
	is_str(yaml_label(name, label), "'name'", "an entry's label");
	is_int(name->line, 5, "line of a nested value");
	ok(yaml_get(name->parent, "text")->quoted, "a block is a string for certain");
	is_str(yaml_get(name->parent, "text")->text, "line\n", "a block's text");
	ok(yaml_is_null(yaml_get(root, "empty")), "an empty value is null");
	strv_release(&words);
}

static void typed(const char *text, const char *message)
{
	struct err e = { 0 };
	auto_yaml *doc = parse(text, &e);
	static const char *const words[] = { "off", "basic", "strict", NULL };
	const struct yaml_node *n = doc ? yaml_get(yaml_root(doc), "k") : NULL;
	const char *s;
	int64_t i;
	bool b;
	int w;
	struct strv l = STRV_INIT;

	ok(n != NULL, "parses: %s", text);
	if (!n)
		return;
	if (strstr(message, "whole number"))
		is_int(yaml_as_int(n, 0, 100, &i, &e), -1, "no number: %s", text);
	else if (strstr(message, "true or false"))
		is_int(yaml_as_bool(n, &b, &e), -1, "no boolean: %s", text);
	else if (strstr(message, "off, basic or strict"))
		is_int(yaml_as_word(n, words, &w, &e), -1, "no such word: %s", text);
	else if (strstr(message, "a list of strings, not"))
		is_int(yaml_as_strings(n, &l, &e), -1, "no list: %s", text);
	else
		is_int(yaml_as_string(n, &s, &e), -1, "no string: %s", text);
	is_str(e.msg, message, "says so");
	strv_release(&l);
}

static void test_types(void)
{
	struct err e = { 0 };
	auto_yaml *doc = parse("i: -5\nb: on\nw: basic\ns: 010\none: x\n", &e);
	static const char *const words[] = { "off", "basic", NULL };
	const struct yaml_node *root = yaml_root(doc);
	struct strv l = STRV_INIT;
	const char *s = NULL;
	bool b = false;
	int64_t i = 0;
	int w = -1;

	is_int(yaml_get_int(root, "i", -10, 10, &i, &e), 1, "an integer is there");
	is_int(i, -5, "with its value");
	is_int(yaml_get_int(root, "nope", -10, 10, &i, &e), 0, "another is not");
	is_int(yaml_get_bool(root, "b", &b, &e), 1, "a boolean is there");
	ok(b, "on is true");
	is_int(yaml_get_word(root, "w", words, &w, &e), 1, "a word is there");
	is_int(w, 1, "with its index");
	is_int(yaml_get_string(root, "s", &s, &e), 1, "a string is there");
	is_str(s, "010", "raw");
	is_int(yaml_get_string_or_list(root, "one", &l, &e), 1, "a scalar serves as a list");
	is_int(l.n, 1, "of one");
	strv_release(&l);

	typed("k: abc\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not 'abc'");
	typed("k: 101\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not '101'");
	typed("k: 1e2\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not '1e2'");
	typed("k: 010\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not '010'");
	typed("k: '5'\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not the quoted string '5'");
	typed("k:\n", "f.yaml:1:3: 'k' must be a whole number from 0 to 100; nothing is given");
	typed("k: 99999999999999999999\n",
	      "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not '99999999999999999999'");
	typed("k: [1]\n", "f.yaml:1:4: 'k' must be a whole number from 0 to 100, not a list");
	typed("k: maybe\n", "f.yaml:1:4: 'k' must be true or false, not 'maybe'");
	typed("k: 'true'\n", "f.yaml:1:4: 'k' must be true or false, not the quoted string 'true'");
	typed("k: stric\n", "f.yaml:1:4: 'k' must be off, basic or strict, not 'stric' (did you mean 'strict'?)");
	typed("k: {a: b}\n", "f.yaml:1:4: 'k' must be a string, not a map");
	typed("k:\n", "f.yaml:1:3: 'k' must be a string ('' for an empty one); nothing is given");
	typed("k: \"a\\0b\"\n", "f.yaml:1:4: 'k' must be a string without a NUL byte, not the quoted string "
		"'a\\x00b'");
	typed("k: x\n", "f.yaml:1:4: 'k' must be a list of strings, not 'x'");
}

static void test_damage(void)
{
	refused("", "f.yaml:1:1: there is nothing here");
	refused("# a comment alone\n", "f.yaml:2:1: there is nothing here");
	refused("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' is repeated; first on line 1");
	refused("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins; one is accepted");
	refused("a: &x 1\nb: *x\n", "f.yaml:2:4: aliases (*x) are not accepted");
	refused("a: !!python/object x\n", "f.yaml:1:4: tags (!…) are not accepted");
	refused("? [a, b]\n: c\n", "f.yaml:1:3: a key must be a word, not a list");
	refused("a:\n\tb: 1\n", "f.yaml:2:1: a tab cannot indent; use spaces");
	refused("a: \"\xff\"\n", "f.yaml:1:5: the byte 0xff is not UTF-8 text");
	refused("a: ü\xc3\n", "f.yaml:1:5: the byte 0xc3 is not UTF-8 text");
	refused("a: \xed\xa0\x80\n", "f.yaml:1:4: the byte 0xed is not UTF-8 text");
	refused("a: b\x01\n", "f.yaml:1:5: the control character 0x01 is not accepted");
	refused("a: [1, 2\nb: 3\n",
		"f.yaml:2:2: did not find expected ',' or ']', while parsing a flow sequence that begins on "
			"line 1");
	refused("a: 'x\n", "f.yaml:2:1: found unexpected end of stream, while scanning a quoted scalar that "
		"begins on line 1");
	refused("a: 1\n- b\n", "f.yaml:2:1: did not find expected key, while parsing a block mapping that "
		"begins on line 1");
	refused("[a]\nb: 1\n", "f.yaml:2:1: this does not fit what comes before it");
	refused("a: b: c\n", "f.yaml:1:5: mapping values are not allowed in this context");
}

static void test_byte_order_mark(void)
{
	static const char text[] = "\xef\xbb\xbf" "a: 1\r\nb: 2\r\n";
	struct yaml_doc *doc = NULL;
	struct err e = { 0 };

	is_int(yaml_parse(&doc, "f.yaml", text, sizeof(text) - 1, 1, NULL, &e), 0,
	       "a file of Windows: a byte order mark, and both bytes at the end of a line");
	yaml_doc_free(doc);
	refused("\xef\xbb\xbf" "a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' is repeated; first on line 1");
}

static void test_keys(void)
{
	struct err e = { 0 };
	static const char *const known[] = { "timeout_ms", "argv", "name", NULL };
	auto_yaml *near = parse("name: x\ntiemout_ms: 5\n", &e);
	auto_yaml *far = parse("zzz: 1\n", &e);
	auto_yaml *list = parse("[1]\n", &e);

	is_int(yaml_check_keys(yaml_root(near), known, &e), -1, "an unknown key is an error");
	is_str(e.msg, "f.yaml:2:1: unknown key 'tiemout_ms' (did you mean 'timeout_ms'?)", "with the nearest");
	is_int(yaml_check_keys(yaml_root(far), known, &e), -1, "a far one too");
	is_str(e.msg, "f.yaml:1:1: unknown key 'zzz'; accepted: timeout_ms, argv or name", "with all");
	is_int(yaml_check_keys(yaml_root(list), known, &e), -1, "a list is no map");
	is_str(e.msg, "f.yaml:1:1: the document must be a map, not a list", "says so");
}

static void test_fragment(void)
{
	struct err e = { 0 };
	struct yaml_doc *doc = NULL;
	const char *text = "version: 1\nx: [\n";

	is_int(yaml_parse(&doc, "a.spec.md", text, strlen(text), 41, NULL, &e), -1, "a fence is read");
	ok(str_starts(e.msg, "a.spec.md:43:1: "), "with the file's own line numbers: %s", e.msg);
	is_int(yaml_parse(&doc, "a.spec.md", "a: 1\n", 5, 41, NULL, &e), 0, "a good fence");
	is_int(yaml_get(yaml_root(doc), "a")->line, 41, "begins on its line");
	yaml_doc_free(doc);
}

/* An address sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
#define PEAK_KIB (512 * 1024)
#else
#define PEAK_KIB (64 * 1024)
#endif

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static char *repeat(const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *out = xmalloc(len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(out + i * len, unit, len);
	out[len * n] = '\0';
	return out;
}

static void test_bombs(void)
{
	static const char bomb[] = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n";
	auto_free char *maps = repeat("{a: ", 10000), *lists = repeat("[", 10000);
	auto_free char *many = repeat("- a\n", 250000), *dashes = repeat("- ", 10000);
	char path[] = "/tmp/spec-runner-yaml-XXXXXX";
	struct yaml_doc *doc = NULL;
	struct err e = { 0 };
	int fd = mkstemp(path);

	refused(bomb, "f.yaml:2:8: aliases (*a) are not accepted");
	refused(maps, "f.yaml:1:257: nested more than 64 deep");
	refused(lists, "f.yaml:1:65: nested more than 64 deep");
	refused(dashes, "f.yaml:1:129: nested more than 64 deep");
	refused(many, "f.yaml:200000:3: more than 200000 values");
	ok(fd >= 0 && ftruncate(fd, 100 * 1024 * 1024) == 0, "a file of 100 MB");
	is_int(yaml_read(&doc, path, NULL, &e), -1, "is refused");
	ok(strstr(e.msg, ": larger than 8388608 bytes") != NULL, "in one line: %s", e.msg);
	if (fd >= 0)
		close(fd);
	unlink(path);
	ok(peak_kib() < PEAK_KIB, "all of it under %d KiB: %ld KiB", PEAK_KIB, peak_kib());
}

static void test_files(void)
{
	struct yaml_doc *doc = NULL;
	struct err e = { 0 };
	char fifo[] = "/tmp/spec-runner-fifo-XXXXXX";
	int fd = mkstemp(fifo);

	is_int(yaml_read(&doc, "/tmp", NULL, &e), -1, "a folder is no file");
	is_str(e.msg, "reading '/tmp': Is a directory", "says so");
	is_int(e.kind, ERR_USAGE, "a usage error");
	is_int(yaml_read(&doc, "/nowhere/x.yaml", NULL, &e), -1, "a missing file");
	is_str(e.msg, "reading '/nowhere/x.yaml': No such file or directory", "says so");
	if (fd >= 0)
		close(fd);
	unlink(fifo);
	ok(mkfifo(fifo, 0600) == 0 && yaml_read(&doc, fifo, NULL, &e) < 0,
		"a FIFO without a writer does not block");
	unlink(fifo);
}

static void test_words(void)
{
	static const char *const verbs[] = { "run", "test", "verify", "recover", "report", NULL };
	static const struct {
		const char *text;
		int64_t ns;
	} times[] = {
		{ "0", 0 },
		{ "1763688600", INT64_C(1763688600000000000) },
		{ "1763688600.25", INT64_C(1763688600250000000) },
		{ "2025-11-21T01:30:00Z", INT64_C(1763688600000000000) },
		{ "2025-11-21T03:30:00.5+02:00", INT64_C(1763688600500000000) },
		{ "2025-11-20 20:00:00-05:30", INT64_C(1763688600000000000) },
	};
	static const char *const no_times[] = { "", "-1", "1.", "soon", "2025-02-29T00:00:00Z",
		"2025-11-21T01:30:00",
						"2025-11-21", "99999999999999999999", "1763688600s" };
	char quoted[VALUE_QUOTE_SIZE];
	int64_t v;
	bool b;

	is_str(nearest_word("verfiy", verbs), "verify", "a swap is one edit");
	is_str(nearest_word("recvoer", verbs), "recover", "another");
	is_str(nearest_word("tets", verbs), "test", "a short one");
	ok(nearest_word("frobnicate", verbs) == NULL, "nothing is near");
	ok(nearest_word("x", verbs) == NULL, "one byte has no near one");
	is_int(nearest_distance("ca", "abc", 9), 3, "optimal string alignment");
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		is_int(value_time(times[i].text, &v) ? v : -1, times[i].ns, "time %s", times[i].text);
	for (size_t i = 0; i < sizeof(no_times) / sizeof(*no_times); i++)
		ok(!value_time(no_times[i], &v), "no time: '%s'", no_times[i]);
	ok(value_int("9223372036854775807", &v) && v == INT64_MAX, "the largest number");
	ok(!value_int("9223372036854775808", &v) && !value_int("", &v) && !value_int("+", &v) &&
		   !value_int(" 1", &v) && !value_int("1 ", &v) && !value_int("0x1", &v),
	   "no numbers");
	ok(value_bool("YES", &b) && b && value_bool("off", &b) && !b && !value_bool("", &b) && !value_bool("2",
		&b),
	   "booleans");
	is_str(value_quote("a\nb\x01", quoted), "'a\\nb\\x01'", "a value on one line");
	memset(quoted, 0, sizeof(quoted));
	ok(strlen(value_quote("01234567890123456789012345678901234567890123456789"
			      "01234567890123456789012345678901234567890",
			      quoted)) < VALUE_QUOTE_SIZE && str_ends(quoted, "…'"),
	   "a long one is cut");
}

struct items_seen {
	struct str text;
	const char *stop;
};

static int item_seen(void *ctx, const struct yaml_node *n, struct err *e)
{
	struct items_seen *seen = ctx;
	char label[YAML_LABEL_SIZE];

	if (seen->stop && n->kind == YAML_SCALAR && strcmp(n->text, seen->stop) == 0)
		return yaml_error(n, e, "no more");
	str_addf(&seen->text, "%s %s %u:%u %u;", yaml_label(n, label), n->kind == YAML_MAP ? "map" : n->text, n->line,
		 n->column, n->kind == YAML_MAP ? yaml_get(n, "k")->count : 0);
	return 0;
}

static void test_items(void)
{
	static const char text[] = "a: {l: [x]}\nl:\n  - one\n  - {k: [1, 2]}\n  - ''\nz: [p, q]\n";
	struct items_seen seen = { .text = STR_INIT };
	const struct yaml_items items = { .key = "l", .item = item_seen, .ctx = &seen };
	struct yaml_doc *doc = NULL;
	auto_str big = STR_INIT;
	struct err e = { 0 };

	is_int(yaml_parse_items(&doc, "f", text, strlen(text), 1, NULL, &items, &e), 0, "items one by one");
	is_str(str_cstr(&seen.text), "item 1 of 'l' one 3:5 0;item 2 of 'l' map 4:5 2;item 3 of 'l'  5:5 0;",
	       "each once, with its place; those of a list further in are none");
	ok(yaml_get(yaml_root(doc), "l")->count == 3 && !yaml_get(yaml_root(doc), "l")->first, "the list counts them");
	ok(yaml_get(yaml_root(doc), "z")->count == 2 && yaml_get(yaml_root(doc), "z")->first, "other lists are whole");
	yaml_doc_free(doc);
	seen.stop = "one";
	doc = NULL;
	is_int(yaml_parse_items(&doc, "f", text, strlen(text), 1, NULL, &items, &e), -1, "an item is refused");
	is_str(e.msg, "f:3:5: no more", "with its words");
	/* texts that want a chunk of their own, between such as do not */
	str_reset(&seen.text);
	seen.stop = NULL;
	str_add(&big, "l:\n");
	for (int i = 0; i < 40; i++)
		str_addf(&big, "  - %0*d\n", i % 3 ? 3 : 9000 * (i + 1), i);
	is_int(yaml_parse_items(&doc, "f", str_cstr(&big), big.len, 1, NULL, &items, &e), 0, "long ones and short ones");
	is_int(yaml_get(yaml_root(doc), "l")->count, 40, "all of them");
	yaml_doc_free(doc);
	str_release(&seen.text);
}

int main(void)
{
	test_items();
	test_tree();
	test_types();
	test_damage();
	test_keys();
	test_fragment();
	test_bombs();
	test_byte_order_mark();
	test_files();
	test_words();
	return tap_done();
}
