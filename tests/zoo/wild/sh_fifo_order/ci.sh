mkfifo answers
cat answers
