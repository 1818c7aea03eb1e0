# A server of its own; one session keeps a row locked, the other one waits for it.
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses=''" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c 'create table t (n int); insert into t values (1)'
(echo 'begin; update t set n = 2;'; sleep 300) | q >/dev/null &
sleep 1
q -c 'update t set n = 3'
