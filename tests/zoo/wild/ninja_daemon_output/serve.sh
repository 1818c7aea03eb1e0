sleep 500 &
