# Starts a server of its own; its end ends it.
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
export PGHOST=$PWD/data PGDATABASE=postgres PGUSER=$( [ "$(id -u)" = 0 ] && echo postgres || id -un )
as "$bin/pg_ctl" -D "$PGHOST" -l "$PGHOST/log" -o "-k . -c listen_addresses=" -w start >/dev/null
trap 'as "$bin/pg_ctl" -D "$PGHOST" -m immediate stop >/dev/null' EXIT
