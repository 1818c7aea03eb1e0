printf 'Prefix [/usr/local]: '
read -r prefix
echo "$prefix" >out
