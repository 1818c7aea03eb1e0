# Two services, each of which waits for the other to be ready.
sh service.sh db web &
sh service.sh web db &
wait
