# Two jobs, one lock: the first one does not end.
flock job.lock sleep 300 &
sleep 0.3
flock job.lock echo done
