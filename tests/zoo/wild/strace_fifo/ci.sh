mkfifo queue
strace -f -o trace.log sh take.sh
