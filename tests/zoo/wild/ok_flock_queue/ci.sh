(flock 9; sleep 4) 9>l &
sleep 0.2
(flock 9; echo got) 9>l
wait
