# A reader opens a FIFO long before its writer comes.
mkfifo queue
(sleep 3; echo build >queue) &
read -r job <queue
echo "$job"
