# One job has a file's lock and waits for a row; another has the row and waits for the file.
. ./server.sh
psql -qc 'create table t(x int)' -c 'insert into t values (1)'
mkfifo session
psql -q <session >session.log 2>&1 &
exec 3>session
echo 'begin; update t set x = 2;' >&3
until [ "$(psql -Atc "select count(*) from pg_stat_activity where state = 'idle in transaction'")" = 1 ]; do sleep 0.1; done
flock build.lock psql -qc 'update t set x = 3' 3>&- &
sleep 0.5
flock build.lock echo 'commit;' >&3
