make 2>&1 | cat
