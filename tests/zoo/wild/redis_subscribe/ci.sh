# Waits for a message on a channel on which nobody publishes.
redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' --daemonize no >/dev/null 2>&1 &
while [ ! -S r.sock ]; do sleep 0.1; done
redis-cli -s "$PWD/r.sock" subscribe builds
