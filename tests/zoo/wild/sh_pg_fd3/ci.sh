# Descriptor 3 is a report that is filtered; the server logs to a file, and keeps 3.
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
{
	as "$bin/pg_ctl" -D "$PWD/data" -l "$PWD/data/log" -o "-k . -c listen_addresses=" start >/dev/null
	echo started >&3
} 3>&1 | sed 's/^/ci: /'
