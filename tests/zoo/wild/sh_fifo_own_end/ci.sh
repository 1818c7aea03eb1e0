# Reads from a FIFO whose only writer is the script itself.
mkfifo work
exec 3<>work
read -r job <&3
echo "$job"
