# hang.sh - hangs in shells.
case $1 in
sh_child) sleep 60; : ;;
sh_pipe) sleep 60 | cat; : ;;
sh_wait) sleep 60 & wait; : ;;
sh_read) read -r x; : ;;
esac
