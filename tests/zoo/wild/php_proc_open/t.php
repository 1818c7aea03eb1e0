<?php
// Reads the child's output to its end before its errors, which fill their pipe.
$child = proc_open(['sh', '-c', 'head -c 200000 /dev/zero >&2; echo done'], [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[1]);
echo strlen(stream_get_contents($pipes[2]));
proc_close($child);
