# A test has left its transaction open; the next migration waits for its lock on the table.
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses=''" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c 'create table t (n int)'
(echo 'begin; select * from t;'; sleep 300) | q >/dev/null &
sleep 1
q -c 'alter table t add column m int'
