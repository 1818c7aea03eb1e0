<?php
// Another request has the session open and works on.
session_save_path(__DIR__ . '/s');
session_id('abc');

function open_session(): void
{
    session_start();
}

open_session();
echo "ok\n";
