echo 1 >a; gzip -k a
gzip -k a </dev/tty
