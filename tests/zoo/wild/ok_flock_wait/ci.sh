( flock 9; sleep 3 ) 9>l &
sleep 0.3
flock l true
wait
