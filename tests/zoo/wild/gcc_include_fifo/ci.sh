# The header is written by a generator that was not started.
mkfifo version.h
echo '#include "version.h"
int main(void) { return 0; }' >a.c
cc -c a.c
