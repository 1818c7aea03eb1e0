# A report's transaction has read the table; the migration's ALTER TABLE waits for it.
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses=''" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c 'create table t (n int); insert into t values (1)'
(echo 'begin; select * from t;'; sleep 300) | q >/dev/null &
sleep 1
q -c 'alter table t add m int'
