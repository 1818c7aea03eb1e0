#!/bin/bash
# A suite cut into the jobs of a Slurm array; every job remembers its part in a folder of its own, and the last one merges them.
#
#   sbatch --array=1-8 contrib/examples/history-slurm.sh tests.txt
#   spec-runner history merge .artifacts/history-part-*
#
# With SPEC_RUNNER_HISTORY_DSN (PostgreSQL) set there is nothing to merge, and all jobs share one plan by the array's id.
#SBATCH --job-name=suite
set -eu
list=${1:?a file with the name of a test in each line}
part=${SLURM_ARRAY_TASK_ID:?not a job of an array}

if [ -z "${SPEC_RUNNER_HISTORY_DSN:-}" ]; then
	export SPEC_RUNNER_HISTORY=".artifacts/history-part-$part"
	# Without a store that all share, the plan is the same in each job as long as the list and the folder are.
	SPEC_RUNNER_HISTORY=.artifacts/history spec-runner shard auto "$list" >".artifacts/part-$part.txt"
else
	spec-runner shard auto --plan-key "slurm-${SLURM_ARRAY_JOB_ID:-0}" "$list" >".artifacts/part-$part.txt"
fi
spec-runner run --workload "${SLURM_JOB_NAME:-suite}" -- xargs -a ".artifacts/part-$part.txt" "${RUN_TESTS:-./run-tests}"
