echo starting
setsid sleep 500 &
