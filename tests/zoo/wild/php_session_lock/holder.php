<?php
session_save_path(__DIR__ . '/s');
session_id('abc');
session_start();
touch(__DIR__ . '/taken');
sleep(600);
