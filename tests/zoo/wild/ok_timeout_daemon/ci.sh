# A daemon with its output elsewhere keeps nobody waiting.
state=$(sleep 4 >/dev/null 2>&1 & sleep 3; echo up)
echo "$state"
wait
