flock lock sleep 500 &
sleep 0.3
flock lock echo mine
