<?php
// Waits for output of a command that gives none, without a limit.
function run(string $command): string
{
    $p = proc_open($command, [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
    $out = '';
    while ($pipes) {
        $read = $pipes;
        $none = null;
        if (stream_select($read, $none, $none, null) === false) {
            break;
        }
        foreach ($read as $key => $pipe) {
            $part = fread($pipe, 8192);
            if ($part === '') {
                unset($pipes[array_search($pipe, $pipes)]);
            }
            $out .= $part;
        }
    }
    return $out;
}

echo run('sleep 100000');
