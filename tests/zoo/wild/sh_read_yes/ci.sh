# An installer asks.
printf 'Overwrite config? [y/N] '
read -r answer
echo "$answer"
