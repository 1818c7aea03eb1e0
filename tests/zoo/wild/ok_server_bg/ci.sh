python3 -m http.server 0 --bind 127.0.0.1 >server.log 2>&1 &
s=$!
sleep 3
kill $s
