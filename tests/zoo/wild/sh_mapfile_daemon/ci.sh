# Takes the lines that a starter prints; what it starts stays, with its output.
start() { (sleep 500 & ); echo ready; }
mapfile -t lines < <(start)
echo "${lines[0]}"
