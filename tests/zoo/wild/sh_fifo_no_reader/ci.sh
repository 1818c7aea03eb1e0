# The log goes into a FIFO whose reader was never started.
mkfifo log
notify() {
	echo "$1" >log
}
notify started
