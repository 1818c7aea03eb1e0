# The answers come by a FIFO, and the one who should write them has ended.
mkfifo answers
true >/dev/null &
while read -r line <answers; do
	echo "$line"
done
