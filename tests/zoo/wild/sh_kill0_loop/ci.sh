# Waits for the end of a helper that does not end.
sleep 600 &
helper=$!
while kill -0 $helper 2>/dev/null; do
	sleep 0.3
done
