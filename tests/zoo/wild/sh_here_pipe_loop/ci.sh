# The loop's reader has gone on to wait for its own writer.
mkfifo log
(while :; do echo line; done) > log &
exec 4< log
wait
