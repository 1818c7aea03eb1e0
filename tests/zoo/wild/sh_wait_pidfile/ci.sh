# The daemon has died at its start, and its file never comes.
sh -c 'exit 3' &
while [ ! -s app.pid ]; do
	sleep 0.3
done
kill "$(cat app.pid)"
