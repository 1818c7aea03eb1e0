python3 -m http.server --bind 127.0.0.1 0 >/dev/null 2>&1 &
s=$!
sleep 5
kill $s
wait $s
echo ok
