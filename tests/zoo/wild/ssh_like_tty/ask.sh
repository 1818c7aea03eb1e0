# Asks on the terminal, with standard input from elsewhere.
printf 'Password: ' > /dev/tty
read -r x < /dev/tty
