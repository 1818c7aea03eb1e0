redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' >/dev/null 2>&1 &
while [ ! -S r.sock ]; do sleep 0.1; done
redis-cli -s "$PWD/r.sock" blpop jobs 0
