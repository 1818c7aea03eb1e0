# The variable is empty, so grep reads standard input.
grep -c passed $REPORT
