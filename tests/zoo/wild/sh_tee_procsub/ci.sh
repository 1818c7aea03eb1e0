# Everything goes through tee, and the script waits for tee while it holds the pipe that tee reads.
exec > >(tee log) 2>&1
log=$!
echo building
wait $log
