@test "adds" {
	[ $((1 + 1)) -eq 2 ]
}

@test "starts the agent" {
	exec 3>&-
	run bash -c 'sleep 300 & echo started'
	[ "$output" = started ]
}
