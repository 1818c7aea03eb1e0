#!/bin/sh
mkfifo queue
read -r job <queue
test "$job" = build
