# sort answers when its input has ended, and the end never comes.
coproc sort
print -p beta
print -p alpha
read -p -r first
print "first: $first"
