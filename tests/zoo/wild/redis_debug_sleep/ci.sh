# The server sleeps by a command of somebody else.
redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' --enable-debug-command yes >redis.log 2>&1 &
server=$!
trap 'kill -9 $server' EXIT
until redis-cli -s "$PWD/r.sock" ping >/dev/null 2>&1; do sleep 0.1; done
redis-cli -s "$PWD/r.sock" debug sleep 5000 &
sleep 0.3
redis-cli -s "$PWD/r.sock" get a
