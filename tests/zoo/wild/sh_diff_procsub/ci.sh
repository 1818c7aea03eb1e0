# Compares two outputs, one of which never ends.
slow() { echo a; sleep 500; }
diff <(echo a) <(slow)
