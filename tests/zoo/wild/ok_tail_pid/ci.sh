# Shows a log until its writer ends.
: >app.log
(for i in 1 2 3; do sleep 1; done; echo end >>app.log) &
tail -f --pid=$! app.log
