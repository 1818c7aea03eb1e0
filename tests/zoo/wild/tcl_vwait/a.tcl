# Waits for a variable that no event sets.
proc wait_ready {} {
	vwait ::ready
}
wait_ready
