/* case_junit.c - JUnit XML in Jenkins' dialect, which nextest, GitLab, Buildkite and others read. */
#include "base/clock.h"
#include "base/utf8.h"
#include "runner/spec/case_out.h"

#include <inttypes.h>
#include <string.h>

/* Text or attribute: escaped; bytes that XML 1.0 forbids, and such as are no UTF-8, become U+FFFD. */
static void xml(struct str *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (p && *p) {
		size_t n = 1;

		if (*p == '&')
			str_add(out, "&amp;");
		else if (*p == '<')
			str_add(out, "&lt;");
		else if (*p == '>')
			str_add(out, "&gt;");
		else if (*p == '"')
			str_add(out, "&quot;");
		else if (*p == '\n' || *p == '\t')
			str_addf(out, *p == '\n' ? "&#10;" : "&#9;");
		else if (*p < 0x20 || *p == 0x7f)
			str_add(out, "\xEF\xBF\xBD");
		else if (*p < 0x80)
			str_addc(out, (char)*p);
		else {
			n = utf8_sequence((const char *)p, strlen((const char *)p));
			/* U+FFFE and U+FFFF are UTF-8, but no XML */
			if (!n || (n == 3 && p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE)) {
				str_add(out, "\xEF\xBF\xBD");
				n = n ? n : 1;
			} else {
				str_addn(out, p, n);
			}
		}
		p += n;
	}
}

/* In an element's body line breaks stay as they are. */
static void xml_body(struct str *out, const char *text)
{
	for (const char *p = text; p && *p;) {
		size_t n = strcspn(p, "\n");
		char line[512];

		while (n) {
			size_t part = n < sizeof(line) - 1 ? n : sizeof(line) - 1;

			/* no cut within a character */
			while (part > 1 && part < n && ((unsigned char)p[part] & 0xC0) == 0x80)
				part--;
			memcpy(line, p, part);
			line[part] = '\0';
			xml(out, line);
			p += part;
			n -= part;
		}
		if (*p == '\n') {
			str_addc(out, '\n');
			p++;
		}
	}
}

static void problem(struct str *out, const char *element, const struct case_outcome *o)
{
	str_addf(out, "<%s message=\"", element);
	xml(out, o->message ? o->message : case_result_text[o->result]);
	str_addf(out, "\" type=\"%s\">", case_result_text[o->result]);
	xml_body(out, o->message ? o->message : case_result_text[o->result]); /* GitLab reads the body */
	str_addf(out, "</%s>", element);
}

static void testcase(struct str *out, const struct spec_case *c, const struct case_outcome *o)
{
	str_add(out, "    <testcase classname=\"");
	xml(out, c->suite);
	str_add(out, "\" name=\"");
	xml(out, c->id);
	if (*c->title) {
		str_addc(out, ' ');
		xml(out, c->title);
	}
	str_addf(out, "\" time=\"%.3f\">", (double)o->duration_ns / NS_PER_S);
	switch (o->result) {
	case CASE_PASS:
		break;
	case CASE_FLAKY:
		problem(out, "flakyFailure", o);
		break;
	case CASE_NOT_STARTED:
		str_add(out, "<skipped message=\"never started\"/>");
		break;
	case CASE_ENDED: case CASE_CANCELLED: case CASE_RUNNING:
		problem(out, "error", o);
		break;
	default:
		problem(out, "failure", o);
		for (unsigned i = 1; i < o->attempts; i++)
			problem(out, "rerunFailure", o);
	}
	if (o->out) {
		str_add(out, "<system-out>");
		xml_body(out, o->out);
		str_add(out, "</system-out>");
	}
	if (o->err) {
		str_add(out, "<system-err>");
		xml_body(out, o->err);
		str_add(out, "</system-err>");
	}
	str_add(out, "</testcase>\n");
}

struct suite_sum {
	uint32_t tests, failures, errors, skipped;
	int64_t ns;
	const char *file; /* that all of its cases stand in, or NULL */
};

/* One suite: the cases of its name, in their order. */
static void sum_suite(const struct case_work *w, uint32_t total, const char *suite, struct suite_sum *sum)
{
	struct case_outcome o;

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < total; i++) {
		if (suite && strcmp(case_work_case(w, i)->suite, suite) != 0)
			continue;
		case_work_outcome(w, i, &o);
		if (!sum->tests)
			sum->file = case_work_case(w, i)->file;
		else if (sum->file && strcmp(sum->file, case_work_case(w, i)->file) != 0)
			sum->file = NULL;
		sum->tests++;
		sum->failures += o.result == CASE_FAIL;
		sum->errors += o.result == CASE_ENDED || o.result == CASE_CANCELLED || o.result == CASE_RUNNING;
		sum->skipped += o.result == CASE_NOT_STARTED;
		sum->ns += o.duration_ns;
	}
}

static void attributes(struct str *out, const struct suite_sum *s)
{
	str_addf(out, " tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\" errors=\"%" PRIu32 "\"", s->tests, s->failures,
		 s->errors);
}

/* Suites in the order of their first case. Those that were written are known by their name's address:
 * all cases of a file share it. */
static bool suite_is_new(const struct case_work *w, uint32_t at)
{
	for (uint32_t i = at; i-- > 0;) {
		if (case_work_case(w, i)->suite == case_work_case(w, at)->suite)
			return false;
		if (strcmp(case_work_case(w, i)->suite, case_work_case(w, at)->suite) == 0)
			return false;
	}
	return true;
}

void case_junit_write(struct str *out, const struct case_work *w, int64_t duration_ns)
{
	struct case_totals t;
	struct suite_sum sum;

	case_work_totals(w, &t);
	sum_suite(w, t.cases, NULL, &sum);
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"spec-runner\"");
	attributes(out, &sum);
	str_addf(out, " time=\"%.3f\">\n", (double)duration_ns / NS_PER_S);
	for (uint32_t i = 0; i < t.cases; i++) {
		const char *suite = case_work_case(w, i)->suite;

		if (!suite_is_new(w, i))
			continue;
		sum_suite(w, t.cases, suite, &sum);
		str_add(out, "  <testsuite name=\"");
		xml(out, suite);
		str_addc(out, '"');
		if (sum.file) { /* Jenkins' schema knows it here, not on a test case */
			str_add(out, " file=\"");
			xml(out, sum.file);
			str_addc(out, '"');
		}
		attributes(out, &sum);
		str_addf(out, " skipped=\"%" PRIu32 "\" time=\"%.3f\">\n", sum.skipped, (double)sum.ns / NS_PER_S);
		for (uint32_t k = i; k < t.cases; k++) {
			struct case_outcome o;

			if (strcmp(case_work_case(w, k)->suite, suite) != 0)
				continue;
			case_work_outcome(w, k, &o);
			testcase(out, case_work_case(w, k), &o);
		}
		str_add(out, "  </testsuite>\n");
	}
	str_add(out, "</testsuites>\n");
}
