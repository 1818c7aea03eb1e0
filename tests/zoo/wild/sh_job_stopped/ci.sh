# The job was paused for a backup, and nobody let it go on.
sleep 5 &
sleep 0.3
kill -STOP $!
wait $!
