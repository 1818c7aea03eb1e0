<?php
// The same file opened twice and locked twice: the process waits for itself.
function save() {
	$f = fopen('cart', 'c');
	flock($f, LOCK_EX);
	$g = fopen('cart', 'c');
	flock($g, LOCK_EX);
}
save();
