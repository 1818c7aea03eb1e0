# A session of the shell has begun a transaction and waits for its next command; another one wants to write.
sqlite3 app.db 'create table t(x)'
mkfifo session
sqlite3 app.db <session &
exec 3>session
echo 'begin immediate;' >&3
sleep 0.3
sqlite3 -cmd '.timeout 3600000' app.db 'insert into t values (1)'
