# psql asks for a password on the terminal.
psql -W -h 127.0.0.1 -p 1 -U ci -c 'select 1' postgres
