# Shows a log until its writer ends; but the writer waits for a release that nobody gives.
: >app.log
mkfifo release
bash app.sh &
tail -f --pid=$! app.log
