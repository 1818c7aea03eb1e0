# An index is built beside the work, and waits for an old transaction that is still open.
. ./server.sh
psql -qc 'create table t(x int)'
mkfifo session
psql -q <session >session.log 2>&1 &
exec 3>session
echo 'begin; insert into t values (1);' >&3
until [ "$(psql -Atc "select count(*) from pg_stat_activity where state = 'idle in transaction'")" = 1 ]; do sleep 0.1; done
psql -qc 'create index concurrently i on t(x)'
