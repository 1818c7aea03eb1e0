printf '3\n3\n3\n' | xargs -P3 -n1 sleep
