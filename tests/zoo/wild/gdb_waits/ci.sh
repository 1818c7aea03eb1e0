# A debugger that was meant to run in batch mode.
gdb -q -nx -ex "print 1" /bin/true
echo done
