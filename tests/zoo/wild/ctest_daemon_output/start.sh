setsid sleep 500 &
echo started
