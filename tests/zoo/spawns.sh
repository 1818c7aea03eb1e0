#!/bin/sh
# spawns.sh new|same COUNT - silent, but a process every 200 ms: each with a command line of its own
# (a build at work) or always with the same one (a loop that waits).
i=0
while [ "$i" -lt "$2" ]; do
	i=$((i + 1))
	if [ "$1" = new ]; then sleep "0.2$i"; else sleep 0.2; fi
done
