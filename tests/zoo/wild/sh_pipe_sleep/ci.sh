# The producer of a pipeline does not end.
sleep 300 | tee out.log
