# timeout puts its command into the background of the terminal; stty stops there.
timeout 200 stty -echo </dev/tty
