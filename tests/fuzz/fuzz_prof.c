/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of other tools and the sampler's own log: any bytes are a profile or an error, and what was read can be written. */
#include "findings/report/prof.h"
#include "profile/sample/raw.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(const struct profile *p)
{
	for (const struct prof_format *f = prof_formats; f->name; f++) {
		struct prof_view v = { .p = p, .weight = PROF_CPU, .name = "fuzz" };
		auto_str out = STR_INIT;

		f->write(&v, &out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile p;
	struct raw raw;
	struct err e = { 0 };

	if (prof_read(&p, (const char *)data, size, "input", &e) == 0) {
		write_all(&p);
		profile_release(&p);
	}
	(void)raw_parse(&raw, (const char *)data, size, &e);
	raw_release(&raw);
	return 0;
}
