# A mock that waits for a request, in front.
port=$((20000 + $$ % 20000))
busybox nc -l -p $port
