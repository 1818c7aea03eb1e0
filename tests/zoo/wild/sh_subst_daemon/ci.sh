out=$( (setsid sleep 300 &) ; echo up )
echo "$out"
