# A server of its own, and a slow query.
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd "$PWD/pg" || exit 1
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -w -o "-k '$PWD' -c listen_addresses=''" start >/dev/null 2>&1 </dev/null
q() { runuser -u postgres -- "$PG/psql" -q -h "$PWD" postgres "$@"; }
q -c "select pg_sleep(3)" >/dev/null
runuser -u postgres -- "$PG/pg_ctl" -s -D "$PWD/data" -m fast stop
