# timeout ends the shell, but not what the shell has started; that still has the pipe.
probe() { timeout --foreground 1 sh -c 'sleep 500; echo up'; }
state=$(probe)
echo "state: $state"
