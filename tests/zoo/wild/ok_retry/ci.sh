n=0
until [ $n -ge 10 ]; do sleep 0.3; n=$((n + 1)); done
