/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as spec-runner.yaml: values within their rows, or one usage error. */
#include "runner/config/config.h"
#include "runner/config/options.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_steps(const struct config *c)
{
	if (c->has_gate != (c->step_count > 0))
		abort();
	for (size_t i = 0; i < c->step_count; i++) {
		const struct gate_step *s = &c->steps[i];

		if (!s->name || !*s->name || (int)s->kind < 0 || s->kind >= GATE_KIND_COUNT || !s->line ||
			!s->column ||
		    (s->kind == GATE_COMMAND) != (s->argv.n > 0) || s->timeout_ms < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct options o;
	struct config c;
	struct err e = { 0 };
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config_init(&c);
	options_init(&o);
	if (config_read(&c, &o, path, true, &e) == 0)
		check_steps(&c);
	else if (e.kind != ERR_USAGE || !e.msg[0])
		abort();
	if (o.liveness_stall_ms < 1 || o.profile_level < 0 || o.profile_level > 3 || !o.artifacts_dir ||
		!*o.artifacts_dir)
		abort();
	config_release(&c);
	options_release(&o);
	close(fd);
	return 0;
}
