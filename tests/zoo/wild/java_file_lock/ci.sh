python3 -c 'import fcntl, time; f = open("state.lock", "w"); fcntl.lockf(f, fcntl.LOCK_EX); open("taken", "w"); time.sleep(600)' &
while [ ! -e taken ]; do sleep 0.1; done
java -cp . Lock
