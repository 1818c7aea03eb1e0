# A server in the background that nobody ends.
sleep 300 &
echo testing
wait
