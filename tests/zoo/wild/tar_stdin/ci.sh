# The archive's name is missing: tar reads its standard input.
mkdir out
tar -x -C out -f - $ARCHIVE
