# Two tokens in a FIFO limit how many jobs run. A job that is killed does not give its token back.
mkfifo tokens
exec 9<>tokens
echo >&9
echo >&9
for n in 1 2 3 4; do
	read -r -u 9
	(
		[ "$n" -gt 2 ] || kill -KILL $BASHPID
		echo "job $n"
		echo >&9
	) &
done
wait
