# Logs through a process, and gives the output back before it waits.
exec 4>&1 > >(tee ci.log)
tee=$!
echo building
sleep 3
exec >&4
wait $tee
