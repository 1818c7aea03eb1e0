<?php
// The page asks the same server, which has one process.
if ($_SERVER['REQUEST_URI'] === '/inner') {
    echo 'ok';
    return;
}
echo file_get_contents('http://' . $_SERVER['HTTP_HOST'] . '/inner');
