# The helper that knows the password waits for the lock of its store, which a refresh has.
git init -q .
flock store.lock sleep 300 &
sleep 0.5
git config credential.helper "!f() { flock '$PWD/store.lock' echo password=x; }; f"
printf 'protocol=https\nhost=example.com\n\n' | git credential fill
