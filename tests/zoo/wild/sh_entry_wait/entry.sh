# An entrypoint: starts the server, passes the signal on, and waits for it.
python3 -m http.server 0 --bind 127.0.0.1 >server.log 2>&1 &
server=$!
trap 'kill $server' TERM INT
wait $server
