(sleep 3; echo built) | tee log | cat
