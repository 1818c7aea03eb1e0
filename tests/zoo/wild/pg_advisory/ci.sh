# The migration's advisory lock is held by a session that sleeps.
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
runuser -u postgres -- "$PG/pg_ctl" -D "$PWD/pg/data" -o "-h '' -k $PWD/pg" -l "$PWD/pg/log" -w start >/dev/null
Q() { runuser -u postgres -- psql -h "$PWD/pg" -qAt -d postgres "$@"; }
(echo 'SELECT pg_advisory_lock(7);'; sleep 600) | Q >/dev/null &
sleep 1
Q -c 'SELECT pg_advisory_lock(7)'
