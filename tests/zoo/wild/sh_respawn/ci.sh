# A manager starts a service again whenever it ends; the service always fails, and the script waits for it to be ready.
manage() {
	while :; do
		sh service.sh >>service.log 2>&1
		sleep 1
	done
}
manage &
manager=$!
trap 'kill $manager' EXIT
until [ -e ready ]; do
	sleep 0.5
done
