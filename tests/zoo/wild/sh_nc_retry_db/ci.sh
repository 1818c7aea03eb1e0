# wait-for-it: tries for ever to reach a port on which nobody listens.
until (: </dev/tcp/127.0.0.1/9) 2>/dev/null; do
	echo 'waiting for the database'
	sleep 0.5
done
