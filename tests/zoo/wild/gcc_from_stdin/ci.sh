# Does the compiler know this flag? The program that it is to try is not given.
probe() { cc "$1" -x c -c -o /dev/null -; }
probe -fstack-protector && echo yes
