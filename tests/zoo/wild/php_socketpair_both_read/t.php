<?php
// Parent and child each wait for the other's greeting.
function greet($s, string $name): string
{
    $theirs = fgets($s);
    fwrite($s, "hello from $name\n");
    return $theirs;
}

[$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
stream_set_timeout($a, 86400);
stream_set_timeout($b, 86400);
if (pcntl_fork() == 0) {
    fclose($a);
    greet($b, 'child');
    exit(0);
}
fclose($b);
echo greet($a, 'parent');
