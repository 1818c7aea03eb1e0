printf '%s\n' 1 2 300 | xargs -P3 -n1 sleep
