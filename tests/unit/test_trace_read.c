/* SPDX-License-Identifier: Apache-2.0 */
/* The typed reader of a sealed trace: words become enums, unknown ones -1, whatever stands in
 * the file in whichever order. */
#include "trace/read.h"

#include "base/str.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <unistd.h>

struct seen {
	int spans, events, heads;
	struct trace_read_span span[8];
	struct trace_read_event event[8];
	char heads_in_order[200];
	int stop_after; /* spans; 0: never */
};

static int on_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct seen *seen = arg;

	seen->span[seen->spans++ & 7] = *s;
	if (seen->stop_after && seen->spans >= seen->stop_after)
		return err_set(e, ERR_FAILURE, "enough");
	return 0;
}

static int on_event(void *arg, const struct trace_read_event *ev, struct err *e)
{
	struct seen *seen = arg;

	(void)e;
	seen->event[seen->events++ & 7] = *ev;
	return 0;
}

static int on_head(void *arg, const char *key, const struct json_value *v, struct err *e)
{
	struct seen *seen = arg;

	(void)v;
	(void)e;
	seen->heads++;
	strncat(seen->heads_in_order, key, sizeof(seen->heads_in_order) - strlen(seen->heads_in_order) - 2);
	strcat(seen->heads_in_order, " ");
	return 0;
}

static const struct trace_read_ops ops = { .span = on_span, .event = on_event, .head = on_head };

static int read_text(const char *text, const struct trace_read_ops *with, struct seen *seen, struct err *e)
{
	char path[] = "/tmp/trace-read-XXXXXX";
	int fd = mkstemp(path), rc;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	lseek(fd, 0, SEEK_SET);
	rc = trace_read_fd(fd, "t", with, seen, e);
	close(fd);
	unlink(path);
	return rc;
}

static void test_typed(void)
{
	static const char text[] =
		"{\"version\":1,\"events\":[{\"ts_ns\":7,\"kind\":\"checkpoint\",\"span_id\":\"00000000000000a1\","
		"\"attrs\":{\"event\":\"test.plan\",\"plan\":3}},"
		"{\"ts_ns\":8,\"kind\":\"watchdog\",\"span_id\":\"00000000000000a1\",\"attrs\":{\"reason_token\":"
		"\"timeout.hard_cap.emergency\"}},"
		"{\"ts_ns\":9,\"kind\":\"subprocess_state\",\"attrs\":{\"state\":\"signaled\",\"pid\":5}},"
		"{\"ts_ns\":10,\"kind\":\"checkpoint\",\"attrs\":{\"event\":\"somebody.elses\"}}],"
		"\"spans\":[{\"span_id\":\"00000000000000a1\",\"parent_span_id\":null,\"name\":\"run.total\",\"kind\":\"run\","
		"\"start_ns\":0,\"end_ns\":90,\"status\":\"error\",\"error\":{\"category\":\"exit_code\",\"message\":\"m\"}},"
		"{\"span_id\":\"00000000000000A2\",\"parent_span_id\":\"00000000000000a1\",\"name\":\"no.such\","
		"\"status\":\"strange\",\"start_ns\":1.5,\"error\":{\"category\":\"odd\",\"reason_token\":\"x\"}},"
		"17],\"run_id\":\"run-1\",\"summary\":{}}";
	struct err e = { 0 };
	struct seen seen = { 0 };

	is_int(read_text(text, &ops, &seen, &e), 0, "events before spans are read");
	is_int(seen.spans, 2, "two spans; what is not an object is passed over");
	is_int(seen.span[0].name, SPAN_RUN_TOTAL, "a name of the table");
	ok(seen.span[0].id == 0xa1 && seen.span[0].parent == 0, "the root's ids");
	is_int(seen.span[0].category, CATEGORY_EXIT, "a category of the table");
	is_int(seen.span[0].token, TOKEN_NONE, "no token");
	ok(seen.span[1].name == -1 && seen.span[1].status == -1 && seen.span[1].category == -1 && seen.span[1].token == -1,
	   "words that no table knows are -1");
	ok(seen.span[1].id == 0 && seen.span[1].parent == 0xa1, "an id in capitals is not an id");
	is_int(seen.span[1].start_ns, -1, "a time with a fraction is missing");
	is_int(seen.event[0].checkpoint, CP_TEST_PLAN, "a checkpoint of the table");
	is_int(seen.event[1].token, TOKEN_HARD_CAP, "a watchdog's token");
	is_int(seen.event[2].state, PROC_SIGNALED, "a process state");
	ok(seen.event[3].checkpoint == -1 && seen.event[3].checkpoint_name, "another's checkpoint keeps its name");
	is_str(seen.heads_in_order, "version run_id summary ", "the head in the file's order");
}

static void test_ends(void)
{
	struct trace_read_ops only_spans = { .span = on_span };
	struct err e = { 0 };
	struct seen seen = { .stop_after = 1 };

	is_int(read_text("{\"spans\":[{},{},{}]}", &ops, &seen, &e), -1, "a callback's failure ends the reading");
	is_int(seen.spans, 1, "at once");
	is_str(e.msg, "enough", "with its own message");
	seen = (struct seen){ 0 };
	is_int(read_text("{\"events\":[{}],\"spans\":[{}],\"x\":1}", &only_spans, &seen, &e), 0, "callbacks may be missing");
	is_int(seen.spans, 1, "the others are called");
	is_int(read_text("{\"spans\":{}}", &ops, &seen, &e), -1, "spans must be an array");
	is_int(read_text("[]", &ops, &seen, &e), -1, "a trace must be an object");
	is_int(read_text("{\"spans\":[{}", &ops, &seen, &e), -1, "a torn file is an error");
	is_int(read_text("{} x", &ops, &seen, &e), -1, "nothing may follow");
	is_int(trace_read("/nonexistent/t", &ops, &seen, &e), -1, "a missing file is an error");
}

static void test_tables(void)
{
	for (int i = 0; i < CP_COUNT; i++) {
		if (contract_find(checkpoint_text[i], checkpoint_text, CP_COUNT) != i)
			printf("# %s is there twice\n", checkpoint_text[i]);
	}
	is_int(contract_find("machine.oom", checkpoint_text, CP_COUNT), CP_MACHINE_OOM, "a row is found by its name");
	is_int(contract_find(NULL, checkpoint_text, CP_COUNT), -1, "no text is no row");
}

int main(void)
{
	test_typed();
	test_ends();
	test_tables();
	return tap_done();
}
