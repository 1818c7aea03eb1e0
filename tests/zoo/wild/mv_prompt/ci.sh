# mv asks before it replaces a file that may not be written.
echo a >a; echo b >b
mv -i a b
