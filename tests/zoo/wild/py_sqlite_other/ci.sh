# One program begins a transaction and does not end it; the other one waits in its busy handler.
sqlite3 a.db 'create table t (n)'
{ echo 'begin immediate; insert into t values (1);'; exec sleep 300; } | sqlite3 a.db &
sleep 0.7
python3 t.py
