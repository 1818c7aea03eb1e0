#!/bin/sh
# Stands for a remote shell whose login script waits for an answer.
mkfifo answer
read -r line <answer
echo "$line"
