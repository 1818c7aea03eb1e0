echo x > l
tail -f l & t=$!
sleep 3
kill $t
