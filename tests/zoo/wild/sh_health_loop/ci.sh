# Waits for a service as scripts around containers do.
wait_healthy() {
	while [ "$(sh health.sh "$1")" != healthy ]; do
		sleep 1
	done
}
wait_healthy db
