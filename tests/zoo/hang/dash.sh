# dash.sh - hangs of a /bin/sh at lines that the text alone does not tell.
NAP=sleep
job() {
	sleep "$1" # AT dash_function
}
lines() {
	sleep 0.01
	for i in 1 2 3; do
		sleep 0.01
	done
	sleep 60 # AT dash_lines
}
case $1 in
dash_function)
	job 0.01
	job 60
	;;
dash_lines) lines ;;
dash_variable)
	"$NAP" 0.01
	"$NAP" 60 # AT dash_variable
	;;
dash_wait)
	sleep 60 &
	echo started
	wait # AT dash_wait
	;;
dash_read)
	read -r first </dev/null
	read -r second # AT dash_read
	;;
dash_open)
	fifo=$(mktemp -u "${TMPDIR:-/tmp}/spec-runner-zoo-XXXXXX")
	mkfifo "$fifo"
	sleep 60 &
	exec 3<"$fifo" # AT dash_open
	;;
dash_continued)
	sleep 0.01
	NAME=value \
		sleep 60 # AT dash_continued
	;;
esac
