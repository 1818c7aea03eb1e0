# Asks for each file, on standard input.
find . -name '*.log' -exec sh -c 'printf "Delete %s? " "$1"; read -r a; [ "$a" = y ] && rm "$1"' - {} \;
