# Fetches through a wrapper on the other side, which waits for a lock.
git init -q --bare r.git
git init -q w && cd w
exec 9>../wrapper.lock
flock 9
git fetch -q --upload-pack "'$PWD/../up.sh'" ../r.git
