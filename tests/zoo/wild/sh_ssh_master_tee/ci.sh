# The connection that is shared goes into the background and keeps the output open.
{
	echo "starting the connection"
	python3 mux.py
	echo "done, exiting"
} 2>&1 | tee stall.log
