# A query that takes for ever.
. ./server.sh
psql -qc 'select pg_sleep(5000)'
