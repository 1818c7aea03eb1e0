for i in 1 2 3 4 5 6; do sleep 0.6; done
