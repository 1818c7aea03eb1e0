# wait without arguments waits for the server, too.
sleep 300 &
true &
wait
