# Waits for a server that listens elsewhere.
until pg_isready -q -h "$PWD/sockets"; do
	echo waiting >>wait.log
	sleep 1
done
