# grep has found its line and is gone; sed notices at its next write, which never comes.
(sleep 0.3; echo server is ready) >>log &
touch log
tail -f log | sed -u 's/^/log: /' | grep -m1 ready
echo go on
