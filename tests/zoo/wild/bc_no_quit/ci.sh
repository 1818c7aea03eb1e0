# After its file bc reads on from standard input.
echo '2 + 2' >sum.bc
bc -q sum.bc
