@test "adds" {
	[ $((1 + 1)) -eq 2 ]
}

@test "starts the helper" {
	sleep 500 &
	true
}
