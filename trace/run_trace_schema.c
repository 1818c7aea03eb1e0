/* SPDX-License-Identifier: Apache-2.0 */
/* The public format of a trace, inside the program that holds traces against it. */
#include "base/embed.h"

EMBED(run_trace_schema, "schemas/run_trace_v1.yaml");
