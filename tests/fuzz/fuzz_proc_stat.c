/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_proc_stat.c - stat, status, schedstat, io, syscall, pressure, children and cmdline of /proc. */
#include "profile/proc/process.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct pid_list pids = PID_LIST_INIT;
	struct strv argv = STRV_INIT;
	struct proc_pressure pressure;
	struct proc_syscall sc;
	struct proc_status status;
	struct proc_sched sched;
	struct proc_stat stat;
	struct proc_io io;
	size_t bytes = 0;

	if (proc_stat_parse(text, size, &stat) == 0)
		BUG_ON(strnlen(stat.comm, sizeof(stat.comm)) == sizeof(stat.comm));
	else
		BUG_ON(stat.pid || stat.state);
	proc_status_parse(text, size, &status);
	proc_sched_parse(text, size, &sched);
	proc_io_parse(text, size, &io);
	proc_syscall_parse(text, size, &sc);
	if (proc_pressure_parse(text, size, &pressure) == 0)
		BUG_ON(pressure.some_total_ns < 0);
	BUG_ON(proc_limit_parse(text, size, "Max open files") < -1);
	proc_children_parse(text, size, &pids);
	for (size_t i = 0; i < pids.n; i++)
		BUG_ON(pids.v[i] <= 0);
	proc_argv_split(text, size, &argv);
	for (size_t i = 0; i < argv.n; i++)
		bytes += strlen(argv.v[i]) + 1;
	BUG_ON(bytes != size + (size && text[size - 1]));
	pid_list_release(&pids);
	strv_release(&argv);
	return 0;
}
