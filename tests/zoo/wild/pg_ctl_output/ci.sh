# Keeps what pg_ctl prints; the server, which outlives it, has the same standard output.
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
started=$(as "$bin/pg_ctl" -D "$PWD/data" -o "-k . -c listen_addresses=" start)
echo "$started"
