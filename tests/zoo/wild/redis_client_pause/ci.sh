# The clients of the server are paused for a failover that does not come.
redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' >/dev/null 2>&1 &
while [ ! -S r.sock ]; do sleep 0.1; done
redis-cli -s "$PWD/r.sock" client pause 600000
redis-cli -s "$PWD/r.sock" set key 1
