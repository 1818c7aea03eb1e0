# An alias of a careful administrator.
echo 1 >a; echo 2 >b
cp -i a b
