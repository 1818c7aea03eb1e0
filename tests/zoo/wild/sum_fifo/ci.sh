# Sums of all files of a folder, one of which is a FIFO.
mkdir tree && echo a >tree/a && mkfifo tree/b
sha256sum tree/*
