<?php
function waitFor(string $path): void
{
    while (!file_exists($path)) {
        usleep(200000);
    }
}

waitFor('ready');
