@test "adds" {
	[ $((1 + 1)) -eq 2 ]
}

@test "takes a job" {
	mkfifo "$BATS_TEST_TMPDIR/queue"
	read -r job <"$BATS_TEST_TMPDIR/queue"
	[ "$job" = build ]
}
