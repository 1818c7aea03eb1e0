<?php
// Starts two workers and waits for them; one of them waits for a client that does not come.
function work(int $i): void
{
    if ($i == 0) {
        usleep(100000);
        return;
    }
    $s = stream_socket_server('tcp://127.0.0.1:0');

    // the client comes first, it was thought
    $c = stream_socket_accept($s, 86400);
    fclose($c);
}

for ($i = 0; $i < 2; $i++) {
    if (pcntl_fork() == 0) {
        work($i);
        exit(0);
    }
}
while (pcntl_wait($status) > 0);
