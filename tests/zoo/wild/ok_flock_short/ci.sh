flock l sleep 3 &
sleep 0.2
flock l true
wait
