# Waits three seconds at most until a replica has the data.
redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' >redis.log 2>&1 &
server=$!
trap 'kill $server' EXIT
until redis-cli -s "$PWD/r.sock" ping >/dev/null 2>&1; do sleep 0.1; done
redis-cli -s "$PWD/r.sock" set a 1 >/dev/null
redis-cli -s "$PWD/r.sock" wait 1 3000
