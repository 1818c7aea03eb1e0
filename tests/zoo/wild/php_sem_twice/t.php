<?php
// The semaphore of the cron job is taken by a run that is still there.
$key = ftok(__FILE__, 'a');
if (pcntl_fork() === 0) {
	$mine = sem_get($key, 1, 0600, 1);
	sem_acquire($mine);
	sleep(600);
	exit(0);
}
sleep(1);
$sem = sem_get($key, 1, 0600, 1);
sem_acquire($sem);
echo "mine\n";
