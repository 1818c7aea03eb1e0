# Waits for a port that nobody opens.
wait_port() {
	until (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null; do
		sleep 0.2
	done
}
wait_port
