# A server with an idle session beside, and a query that takes three seconds.
. ./server.sh
mkfifo session
psql -q <session >/dev/null 2>&1 &
exec 3>session
echo 'begin;' >&3
psql -qAtc 'select pg_sleep(3)'
exec 3>&-
wait %1
