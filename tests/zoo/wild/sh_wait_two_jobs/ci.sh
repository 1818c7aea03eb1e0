# Two jobs: one ends, the other one reads a FIFO whose writer the shell itself opened and keeps.
mkfifo q
exec 5<>q
true &
cat q >out &
wait
