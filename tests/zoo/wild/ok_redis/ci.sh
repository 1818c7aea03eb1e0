redis-server --port 0 --unixsocket "$PWD/r.sock" --save '' >/dev/null 2>&1 &
p=$!
while [ ! -S r.sock ]; do sleep 0.1; done
sleep 3
kill $p
wait $p
