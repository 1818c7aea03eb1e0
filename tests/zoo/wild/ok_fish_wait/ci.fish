sleep 4 &
wait
echo done
