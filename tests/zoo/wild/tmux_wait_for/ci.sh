# Waits for a channel that nobody signals; the server is well.
tmux -L "$PWD/sock" -S "$PWD/sock" new-session -d 'sleep 800'
tmux -S "$PWD/sock" wait-for built
