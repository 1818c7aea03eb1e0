# The first step starts a server while it has the lock: the server has inherited the descriptor.
(
	flock 9
	sleep 300 >/dev/null 2>&1 </dev/null &
) 9>build.lock
flock build.lock echo second step
