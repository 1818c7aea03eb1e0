sqlite3 a.db 'create table t (n)'
{ echo 'begin immediate; insert into t values (1);'; sleep 3; echo 'commit;'; } | sqlite3 a.db &
sleep 0.5
sqlite3 -cmd '.timeout 60000' a.db 'insert into t values (2)'
wait
