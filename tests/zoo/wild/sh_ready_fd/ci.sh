# The daemon says on descriptor 7 when it is ready. It waits for its database first, which is started afterwards.
mkfifo ready
python3 daemon.py 7>ready &
read -r word <ready
touch db.up
echo "it is $word"
wait
