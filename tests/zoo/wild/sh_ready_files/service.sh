until [ -e "$2.ready" ]; do
	sleep 1
done
touch "$1.ready"
