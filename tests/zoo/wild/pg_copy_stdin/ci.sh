PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses='' -c max_prepared_transactions=4 -c deadlock_timeout=1h" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c 'create table t (n int, v int); insert into t values (1, 0), (2, 0)'

q -c 'copy t from stdin'
