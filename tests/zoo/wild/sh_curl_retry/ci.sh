until curl -sf http://127.0.0.1:9/health; do
	sleep 0.4
done
