PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses='' -c max_prepared_transactions=4 -c deadlock_timeout=1h" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c 'create table t (n int, v int); insert into t values (1, 0), (2, 0)'

# Two sessions lock two rows in opposite order; the server looks for deadlocks once an hour.
q -c 'begin' -c 'update t set v = 1 where n = 1' -c 'select pg_sleep(2)' -c 'update t set v = 1 where n = 2' &
sleep 1
q -c 'begin' -c 'update t set v = 2 where n = 2' -c 'update t set v = 2 where n = 1'
wait
