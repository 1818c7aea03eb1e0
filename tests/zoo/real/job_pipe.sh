# $(…) waits for the end of the pipe, and a daemon that was started inside still holds it.
x=$( (setsid sleep 1000 &) ; echo started)
echo "$x"
