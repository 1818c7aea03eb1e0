# The name of the script is empty.
python3 $SCRIPT
