setup_file() {
	sleep 300 3>&- &
}

@test "foo" {
	true
}
