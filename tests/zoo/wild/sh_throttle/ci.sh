# At most two jobs at once; each waits for a token that the third would give.
mkfifo token
for i in 1 2 3; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	sh job.sh $i &
done
wait
