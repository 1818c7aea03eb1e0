sleep 3 &
sleep 2 &
wait
